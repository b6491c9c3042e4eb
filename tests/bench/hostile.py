#!/usr/bin/env python3
"""What one message costs that is meant to cost much: CPU of each stage, by shape (tests/bench/hostile_bench.c),
with the ceilings of the settings and without."""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import bench  # noqa: E402

_ROW = re.compile(r"^(.{28}) +(\d+) ((?: *[\d.]+){6}) +\d+ MB  (.*)$", re.M)


def main():
    options = bench.arguments(__doc__, bytes=8 << 20)
    figures = {"machine": bench.machine(), "ms": {}}
    for name, settings in (("with the ceilings", ""), ("without", "json_values_max: 10000000\n")):
        said = subprocess.run([bench.ROOT / "build" / "hostile_bench", str(options.bytes), "", settings],
                              stdout=subprocess.PIPE, text=True, check=True,
                              preexec_fn=bench.pin(bench.SERVER_CORE)).stdout
        shapes = {}
        for shape, _, times, _ in _ROW.findall(said):
            shapes.setdefault(shape.strip(), []).append(float(times.split()[-1]))
        figures["ms"][name] = shapes
        rows = [[shape, *runs, runs[-1] / max(runs[-2], 0.1)] for shape, runs in shapes.items()]
        bench.table(f"CPU ms a message, {name}", ["", "a quarter", "half", f"{options.bytes} bytes", "times"], rows)
    bench.write("hostile", figures)


if __name__ == "__main__":
    main()
