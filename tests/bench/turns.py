#!/usr/bin/env python3
"""Two or more builds of refgate in turns: CPU of a durable accepted message at 64 connections, so that what other
work costs on the machine falls on all of them. The first build is the one the others are compared with.

  ./dev bench turns --builds BEFORE/build/refgate,build/refgate
"""
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import bench  # noqa: E402
import practice  # noqa: E402


def measure(build, name, seconds):
    """One run of BUILD with an empty store."""
    practice.PROGRAM = pathlib.Path(build).resolve()
    with bench.pair() as (sender, receiver):
        body = bench.template(sender, name)
        bench.forget(receiver)
        bench.start(receiver)
        return bench.post(sender, receiver, body, 64, seconds)


def main():
    options = bench.arguments(__doc__, builds="", rounds=5, seconds=3.0, bodies="minimal,full")
    builds = [build for build in options.builds.split(",") if build]
    if len(builds) < 2:
        print("bench turns: name two builds or more: --builds BEFORE/build/refgate,build/refgate")
        return
    figures = {"machine": bench.machine(), "runs": {}}
    for name in options.bodies.split(","):
        runs = {build: [] for build in builds}
        for number in range(options.rounds):
            for build in builds if number % 2 == 0 else builds[::-1]:
                runs[build].append(measure(build, name, options.seconds))
        costs = {build: [run["server"]["cpu_us_each"] for run in runs[build]] for build in builds}
        rows = [[build, statistics.median(costs[build]), min(costs[build]),
                 statistics.median(its / first for its, first in zip(costs[build], costs[builds[0]]))]
                for build in builds]
        bench.table(f"{name} referral, CPU us a message", ["", "median", "least", "of the first, median"], rows)
        figures["runs"][name] = runs
    bench.write("turns", figures)


if __name__ == "__main__":
    main()
