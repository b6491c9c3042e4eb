#!/usr/bin/env python3
"""Durable accepted messages a second with one loop and with two, on two cores.

The load generator needs a core of its own: on a machine with two, it takes its share of what the second loop
could use. So the CPU a message is printed too: as long as it stays the same, two loops give what free cores allow.
"""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import bench  # noqa: E402


def main():
    options = bench.arguments(__doc__, rounds=3, seconds=4.0, connections=128, body="full")
    figures = {"machine": bench.machine(), "cases": []}
    rows = []
    cores = range(max(2, os.cpu_count() - 1))
    for loops in (1, 2):
        with bench.pair(loops=loops) as (sender, receiver):
            body = bench.template(sender, options.body)
            bench.start(receiver, cores)
            runs = [bench.post(sender, receiver, body, options.connections, options.seconds)
                    for _ in range(options.rounds)]
        run = bench.median_run(runs)
        used = run["server"]["cpu_s"] / run["seconds"]
        figures["cases"].append({"loops": loops, "runs": runs})
        first = rows[0][1] if rows else run["per_second"]
        rows.append([f"{loops} loops", run["per_second"], run["per_second"] / first, run["server"]["cpu_us_each"],
                     used, run["own_use"], run["ms"]["p99"]])
    bench.table(f"loops, {os.cpu_count()} cores",
                ["", "a second", "of one", "CPU us", "cores used", "by loadgen", "p99 ms"], rows)
    bench.write("loops", figures)


if __name__ == "__main__":
    main()
