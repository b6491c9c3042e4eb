#!/usr/bin/env python3
"""Where the CPU time of one inbound message goes, stage by stage, without sockets (tests/bench/inbound_bench.c)."""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

import bench  # noqa: E402


def main():
    options = bench.arguments(__doc__, count=8192, bodies="minimal,full")
    figures = {"machine": bench.machine(), "stages_us": {}}
    for name in options.bodies.split(","):
        with bench.pair() as (sender, receiver):
            words = [bench.ROOT / "build" / "inbound_bench", receiver.folder, sender.name,
                     bench.template(sender, name), str(options.count)]
            said = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True,
                                  preexec_fn=bench.pin(bench.SERVER_CORE)).stdout
        head = next(line for line in said.splitlines() if "bytes a message" in line)
        print(f"\n{name} referral: {head}")
        stages = {stage: float(us) for stage, us in re.findall(r"^([a-z_, ]+?)  +([\d.]+) us$", said, re.M)}
        figures["stages_us"][name] = stages
        bench.table("CPU us a message", ["", "us"], [*stages.items(), ["all", sum(stages.values())]])
    bench.write("stages", figures)


if __name__ == "__main__":
    main()
