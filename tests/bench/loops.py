#!/usr/bin/env python3
"""Durable accepted messages a second with one loop and with two, as cores are added.

Two loops, their writer and the load generator want four cores. Where there are fewer, the gateway's are slow ones, so
that the generator has what is left of them: what counts is how the rate grows with the cores.
"""
import contextlib
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import bench  # noqa: E402
import slow  # noqa: E402

CASES = [(1, 1), (1, 2), (2, 2), (1, 3), (2, 3)]  # loops, cores


def measure(loops, cores, share, options):
    with contextlib.ExitStack() as leaving:
        sender, receiver = leaving.enter_context(bench.pair(loops=loops))
        body = bench.template(sender, options.body)
        bench.start(receiver, range(cores if share == 1 else os.cpu_count()))
        if share < 1:
            leaving.enter_context(contextlib.closing(slow.Cores(receiver.service.pid, cores, share)))
        leaving.callback(receiver.stop)
        return bench.post(sender, receiver, body, options.connections, options.seconds)


def main():
    options = bench.arguments(__doc__, rounds=3, seconds=4.0, connections=128, body="full")
    share = 1 if os.cpu_count() > max(cores for _, cores in CASES) else 0.4
    if share < 1 and slow.why_not():
        raise SystemExit(f"not run: {os.cpu_count()} cores are too few, and they cannot be made slow: {slow.why_not()}")
    runs = {case: [] for case in CASES}
    for _ in range(options.rounds):
        for case in CASES:
            runs[case].append(measure(*case, share, options))
    rows = []
    for (loops, cores), all_runs in runs.items():
        run = bench.median_run(all_runs)
        first = rows[0][2] if rows else run["per_second"]
        used = run["server"]["cpu_s"] / run["seconds"] / share
        rows.append([loops, cores, run["per_second"], run["per_second"] / first, run["server"]["cpu_us_each"], used,
                     run["ms"]["p99"]])
    bench.table(f"loops, {options.body} messages, cores of {share} each",
                ["loops", "cores", "a second", "of one", "CPU us", "cores used", "p99 ms"], rows)
    bench.write("loops", {"machine": bench.machine(), "share": share, "body": options.body,
                          "cases": [{"loops": loops, "cores": cores, "runs": all_runs}
                                    for (loops, cores), all_runs in runs.items()]})


if __name__ == "__main__":
    main()
