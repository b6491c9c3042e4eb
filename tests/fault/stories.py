"""Whole stories: the demo among kills, and a load without any fault that must leave no trace in memory."""
import os
import shutil
import signal
import subprocess
import time

import load
from practice import PATIENCE, PROGRAM, Gateway, json_lines
from room import Result
from traffic import receiving


def demo_under_kills(room):
    """the demo, its practices killed at random moments"""
    result = Result()
    states = None
    for i in room.rounds():
        root = room.folder / f"demo{i}"
        demo = subprocess.Popen([PROGRAM, "demo", root, "--once", "--json"], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)
        end = time.monotonic() + 120 * PATIENCE
        while demo.poll() is None:
            assert time.monotonic() < end, "the demo hangs"
            found = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(demo.pid)], capture_output=True, text=True)
            running = [int(line.split()[0]) for line in found.stdout.splitlines() if "serve" in line]
            if running and result.tried < 1000000:
                try:
                    os.kill(room.dice.choice(running), signal.SIGKILL)
                    result.tried += 1
                except ProcessLookupError:
                    pass
            time.sleep(room.dice.uniform(0, 0.4))
        text = demo.stdout.read()
        assert demo.returncode == 0, text
        rows = {line["referral"]: (line["state"], line["agree"]) for line in json_lines(text) if "referral" in line}
        states = states or rows
        result.lost += sum(rows.get(key) != row or not row[1] for key, row in states.items())
        for name in ("willow", "lakeside", "riverbend", "harbor"):
            result.doubled += load.doubled(Gateway(root / name, 0))
            result.accepted += Gateway(root / name, 0).query("SELECT count(*) FROM message WHERE direction='in'")[0][0]
        shutil.rmtree(root)
    return result


def steady_load(room):
    """no fault at all: memory, descriptors and log stay as they are"""
    lakeside, willow = room.make("lakeside", "willow")
    with receiving(room, willow, lakeside) as (result, sender):
        sender.wait_accepted(300, seconds=60)
        memory, files = willow.resident_kb(), len(os.listdir(f"/proc/{willow.service.pid}/fd"))
        for _ in room.rounds():
            sender.wait_accepted(100, seconds=60)
            willow.run("referrals", "list", "--list", "to answer")
            result.tried += 1
        grown = willow.resident_kb() - memory
        assert grown < 16 * 1024, f"{grown} KB more than at the start"
        assert len(os.listdir(f"/proc/{willow.service.pid}/fd")) <= files + 8
    return result
