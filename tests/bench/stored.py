#!/usr/bin/env python3
"""Durable accepted messages a second with 0, 100 thousand and 1 million messages already stored.

The store is filled by the load generator itself, over the wire, as a partner would."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import bench  # noqa: E402


def stored(receiver):
    return receiver.query("SELECT coalesce(max(id), 0) FROM message")[0][0]


def main():
    options = bench.arguments(__doc__, rounds=3, seconds=4.0, connections=64, stored="0,100000,1000000")
    figures = {"machine": bench.machine(), "cases": []}
    rows = []
    with bench.pair() as (sender, receiver):
        body = bench.template(sender, "minimal")
        bench.start(receiver)
        for wanted in (int(count) for count in options.stored.split(",")):
            while stored(receiver) < wanted:
                bench.post(sender, receiver, body, 256, 20.0)
            runs = [bench.post(sender, receiver, body, options.connections, options.seconds)
                    for _ in range(options.rounds)]
            run = bench.median_run(runs)
            figures["cases"].append({"stored": wanted, "runs": runs})
            first = rows[0] if rows else [0, run["per_second"], run["server"]["cpu_us_each"]]
            rows.append([f"{wanted} stored", run["per_second"], run["server"]["cpu_us_each"], run["ms"]["p99"],
                         run["per_second"] / first[1], first[2] / run["server"]["cpu_us_each"]])
    bench.table("messages a second as the store grows",
                ["", "a second", "CPU us", "p99 ms", "of empty, rate", "of empty, CPU"], rows)
    bench.write("stored", figures)


if __name__ == "__main__":
    main()
