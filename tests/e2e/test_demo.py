"""`refgate demo --once`: the whole story, told in seconds; and the same end when practices are killed while it
runs."""
import os
import pathlib
import random
import signal
import subprocess
import time

import pytest

from practice import PATIENCE, PROGRAM, Gateway, json_lines, wait_for

STATES = {("LFP-88231", "lakeside", "willow"): "completed", ("WSM-R-0119", "willow", "riverbend"): "completed",
          ("WSM-R-0125", "willow", "harbor"): "completed", ("WSM-R-0140", "willow", "harbor"): "rejected",
          ("WSM-R-0141", "willow", "lakeside"): "completed", ("WSM-R-0130", "willow", "riverbend"): "accepted"}
PRACTICES = ("willow", "lakeside", "riverbend", "harbor")
# Names of the clients of the story; a log never holds them.
CLIENTS = ("Núñez", "María José", "1984-03-09", "Müller", "Jörg")


def table(lines):
    return {(line["referral"], line["from"], line["to"]): line for line in lines if "referral" in line}


def check_end(root, lines):
    """Every referral ended as told, on both sides; nothing came twice; no log names a client."""
    rows = table(lines)
    assert {key: row["state"] for key, row in rows.items()} == STATES
    assert all(row["agree"] for row in rows.values())
    for name in PRACTICES:
        practice = Gateway(root / name, 0)
        inbound = practice.query("SELECT partner, kind, count(*) FROM message WHERE direction='in' "
                                 "GROUP BY partner, message_id HAVING count(*) > 1")
        assert inbound == []
        doubled = practice.query("SELECT clinic, kind, number FROM record GROUP BY 1, 2, 3 HAVING count(*) > 1")
        assert doubled == []
        waiting = practice.query("SELECT kind, state, reason FROM message WHERE direction='out' AND state NOT IN "
                                 "('sent', 'withdrawn')")
        assert waiting == []
        log = (root / name / "log.txt").read_text(errors="replace")
        for word in CLIENTS:
            assert word not in log
        assert "Sanitizer" not in log and "runtime error" not in log
        steps = [what for what, in practice.query("SELECT what FROM event WHERE referral=(SELECT id FROM referral "
                                                  "WHERE number='LFP-88231') AND what IN ('accepted','completed')")]
        if name in ("willow", "lakeside"):
            assert steps == ["accepted", "completed"]


def test_the_story_is_told(tmp_path):
    began = time.monotonic()
    done = subprocess.run([PROGRAM, "demo", tmp_path / "demo", "--once", "--json"], capture_output=True, text=True,
                          timeout=60 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - began < 20 * PATIENCE
    lines = json_lines(done.stdout)
    assert len([line for line in lines if "say" in line]) > 20
    check_end(tmp_path / "demo", lines)


def test_it_is_told_in_words_and_leaves_nothing():
    before = set(pathlib.Path("/tmp").glob("refgate-demo-*"))
    done = subprocess.run([PROGRAM, "demo", "--once"], capture_output=True, text=True, timeout=60 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything expected was seen." in done.stdout
    assert "REFERRAL" in done.stdout and "WSM-R-0140" in done.stdout
    assert set(pathlib.Path("/tmp").glob("refgate-demo-*")) == before


def services(demo):
    """Process ids of the practices that run now."""
    found = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(demo.pid)], capture_output=True, text=True)
    return [int(line.split()[0]) for line in found.stdout.splitlines() if "serve" in line]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_practices_are_killed_while_it_runs(tmp_path, seed):
    dice = random.Random(seed)
    out = open(tmp_path / "out.ndjson", "w+")
    demo = subprocess.Popen([PROGRAM, "demo", tmp_path / "demo", "--once", "--json"], stdout=out,
                            stderr=subprocess.STDOUT)
    killed = 0
    end = time.monotonic() + 90 * PATIENCE
    while demo.poll() is None:
        assert time.monotonic() < end, (tmp_path / "out.ndjson").read_text()
        running = services(demo)
        if len(running) >= 3 and killed < 25:
            try:
                os.kill(dice.choice(running), signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
        time.sleep(dice.uniform(0.0, 0.25))  # a random moment, not a wait
    text = (tmp_path / "out.ndjson").read_text()
    assert demo.returncode == 0, text
    lines = json_lines(text)
    assert killed >= 3
    assert sum("started again" in line.get("say", "") for line in lines) >= 1
    check_end(tmp_path / "demo", lines)


def test_it_stays_until_it_is_told_to_end(tmp_path):
    root = tmp_path / "demo"
    demo = subprocess.Popen([PROGRAM, "demo", root], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said = ""
        while "Ctrl-C" not in said:
            line = demo.stdout.readline()
            assert line, said
            said += line
        willow = Gateway(root / "willow", 0)
        assert willow.status("LFP-88231") == "completed"
        victim = services(demo)[0]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: len(services(demo)) == 4 and victim not in services(demo), 10, "it is started again")
        demo.send_signal(signal.SIGINT)
        demo.stdout.read()
        assert demo.wait(15) in (0, 1)
    finally:
        demo.kill()
        demo.wait()
        demo.stdout.close()
    for name in PRACTICES:
        wait_for(lambda: not (root / name / "control.sock").exists(), 10, f"{name} has ended")
