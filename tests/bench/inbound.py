#!/usr/bin/env python3
"""Durable accepted messages over kept-alive mutual TLS, beside nginx that only reads the same bytes (F).

Each message is unique and valid; each 200 is given after the commit is on disk (synchronous=FULL). Rounds
alternate between nginx and the gateway, whose store is empty at the start of each round.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import bench  # noqa: E402


def measure(sender, receiver, body, counts, rounds, seconds):
    """{connections: (runs of nginx, runs of the gateway)}"""
    runs = {count: ([], []) for count in counts}
    for _ in range(rounds):
        bench.forget(receiver)
        bench.start(receiver)
        with bench.Nginx(sender, receiver) as nginx:
            for count in counts:
                runs[count][0].append(nginx.post(body, count, seconds))
                runs[count][1].append(bench.post(sender, receiver, body, count, seconds))
    return runs


def main():
    options = bench.arguments(__doc__, rounds=3, seconds=4.0, connections="1,8,64,256", bodies="minimal,full")
    counts = [int(count) for count in options.connections.split(",")]
    figures = {"machine": bench.machine(), "cases": []}
    with bench.pair() as (sender, receiver):
        for name in options.bodies.split(","):
            runs = measure(sender, receiver, bench.template(sender, name), counts, options.rounds, options.seconds)
            rows = []
            for count, (floors, ours) in runs.items():
                floor, our = bench.median_run(floors), bench.median_run(ours)
                by_cpu = floor["server"]["cpu_us_each"] / our["server"]["cpu_us_each"]
                by_rate = our["per_second"] / floor["per_second"]
                rows.append([f"{count} connections", floor["per_second"], floor["server"]["cpu_us_each"],
                             our["per_second"], our["server"]["cpu_us_each"], by_rate, by_cpu,
                             our["ms"]["p50"], our["ms"]["p99"], our["ms"]["p999"]])
                figures["cases"].append({"body": name, "bytes": our["bytes"], "connections": count,
                                         "ratio_cpu": by_cpu, "ratio_rate": by_rate, "nginx": floors,
                                         "refgate": ours})
            bench.table(f"{name} referral, {figures['cases'][-1]['bytes']} bytes a request: nginx reads it (F), "
                        f"refgate accepts it durably",
                        ["", "F/s", "F us", "refgate/s", "us", "of F, rate", "of F, CPU", "p50 ms", "p99", "p99.9"],
                        rows)
    bench.write("inbound", figures)


if __name__ == "__main__":
    main()
