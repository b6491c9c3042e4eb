"""Faults that take long, or a machine of their own: only `./dev soak` runs them."""
import os
import random
import resource
import shutil
import signal
import subprocess
import time

import load
import practice
import records
import wire
from faults import NotRun, Result
from practice import PATIENCE, PROGRAM, Gateway, json_lines, wait_for


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


def hour_long_outage(room):
    """a partner is away while thousands wait, another is served meanwhile"""
    lakeside, willow, harbor = room.make("lakeside", "willow", "harbor")
    lakeside.start()
    harbor.start()
    lakeside.send(records.consent("lakeside", ["willow", "harbor"]))
    result, numbers, others, slowest = Result(), [], [], 0
    for i in room.rounds():
        numbers += load.feed(lakeside, 200, f"H{i}")
        fresh = load.feed(lakeside, 5, f"O{i}", to="harbor")
        began = time.monotonic()
        for number in fresh:
            lakeside.wait_status(number, "received", seconds=20)
        slowest = max(slowest, time.monotonic() - began)
        others += fresh
        result.tried += 1
    assert slowest < 5 * PATIENCE, f"the other partner waited {slowest:.1f} s"
    willow.start()
    began = time.monotonic()
    lakeside.wait_settled(600)
    result.note(time.monotonic() - began)
    result.accepted = len(numbers) + len(others)
    result.lost, result.doubled = load.delivered(lakeside, willow, numbers)
    return result


def little_memory(room):
    """memory runs out: the process ends as if killed"""
    lakeside, willow = room.make("lakeside", "willow")
    result, sender = Result(), load.Load(willow.start(), lakeside, seed=room.dice.random()).start()
    sender.wait_accepted(5)
    for _ in room.rounds():
        with open(f"/proc/{willow.service.pid}/statm") as sizes:
            now = int(sizes.read().split()[0]) * resource.getpagesize()
        resource.prlimit(willow.service.pid, resource.RLIMIT_AS, (now + room.dice.randrange(1 << 20), -1))
        room.moment(1.5)
        if willow.service.poll() is not None:
            willow.service = None
        else:
            willow.kill()
        began = time.monotonic()
        willow.start()
        sender.wait_accepted(3)
        result.note(time.monotonic() - began)
        result.tried += 1
    sender.stop()
    result.accepted = len(sender.accepted)
    result.lost, result.doubled = load.check(willow, sender)
    return result


def jumping_clock(room):
    """the clock jumps back by hours and ahead by weeks"""
    library = next((path for path in ("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
                                      "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1")
                    if os.path.exists(path)), None)
    if library is None:
        raise NotRun("libfaketime is not installed")
    stamp = room.folder / "clock"
    stamp.write_text("+7200s\n")  # so that going back stays behind the making of the certificates
    environment = {**os.environ, "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(stamp), "FAKETIME_NO_CACHE": "1",
                   "DONT_FAKE_MONOTONIC": "1"}
    lakeside, willow = room.make("lakeside", "willow")
    willow.start()
    lakeside.start(env=environment)
    lakeside.send(records.consent("lakeside", ["willow"], valid_from="2020-01-01", valid_until="2099-01-01"))
    result, numbers = Result(), []
    for i in room.rounds():
        willow.stop()
        numbers += load.feed(lakeside, 5, f"J{i}")
        room.moment(0.5)
        stamp.write_text(room.dice.choice(["+7200s", "+3600s", "+20d", "+7170s", "+1d", "+10800s"]) + "\n")
        willow.start()
        began = time.monotonic()
        lakeside.wait_settled(90)
        result.note(time.monotonic() - began)
        result.tried += 1
    result.accepted = len(numbers)
    result.lost, result.doubled = load.delivered(lakeside, willow, numbers)
    return result


def steady_load(room):
    """no fault at all: memory, descriptors and log stay as they are"""
    lakeside, willow = room.make("lakeside", "willow")
    result, sender = Result(), load.Load(willow.start(), lakeside, seed=room.dice.random()).start()
    sender.wait_accepted(300, seconds=60)
    memory, files = willow.resident_kb(), len(os.listdir(f"/proc/{willow.service.pid}/fd"))
    for _ in room.rounds():
        sender.wait_accepted(100, seconds=60)
        willow.run("referrals", "list", "--list", "to answer")
        result.tried += 1
    grown = willow.resident_kb() - memory
    assert grown < 16 * 1024, f"{grown} KB more than at the start"
    assert len(os.listdir(f"/proc/{willow.service.pid}/fd")) <= files + 8
    sender.stop()
    result.accepted = len(sender.accepted)
    result.lost, result.doubled = load.check(willow, sender)
    return result


STORIES = [(demo_under_kills, 1), (hour_long_outage, 1), (little_memory, 1), (jumping_clock, 1), (steady_load, 1)]
