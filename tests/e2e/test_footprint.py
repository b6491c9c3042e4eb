"""How the service lies on the machine: quick to start, small, silent about patients, and clean in what it leaves.
The margins are wide; ./dev bench has the figures."""
import json
import os
import time

import pytest

import records
import wire
from practice import PATIENCE, PROGRAM, UNDER, wait_for

measured = pytest.mark.skipif(PATIENCE > 1 or bool(UNDER), reason="not run: sanitized builds are slow and large")


@measured
def test_it_starts_at_once_and_is_small(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    began = time.monotonic()
    willow.start()
    assert time.monotonic() - began < 1.0
    assert willow.resident_kb() < 32 * 1024
    bundle, = lakeside.bundles(records.referral("R-T"))
    messages = records.Messages(bundle, "R-T")
    lines = [wire.Wire(willow, lakeside) for _ in range(20)]
    for i in range(400):
        assert lines[i % 20].post(messages.message(i)).code == "ok"
    for line in lines:
        line.close()
    assert willow.resident_kb() < 48 * 1024


@measured
def test_looking_commands_are_quick(make_town):
    lakeside, = make_town("lakeside")
    lakeside.send(*[records.referral() for _ in range(100)])
    began = time.monotonic()
    lakeside.json("referrals", "list")
    assert time.monotonic() - began < 1.0


def test_descriptors_come_back(make_town):
    """A thousand connections, good and broken, leave no descriptor behind."""
    import socket
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.start()
    with wire.Wire(willow, lakeside) as line:
        line.get("/fhir/metadata")

    def count():
        return len(os.listdir(f"/proc/{willow.service.pid}/fd"))

    wait_for(lambda: True, 1, "")
    before = count()
    for _ in range(10):
        raw = [socket.create_connection(("127.0.0.1", willow.port)) for _ in range(50)]
        for line in raw[::2]:
            line.sendall(b"\x16\x03\x01\x02\x00nonsense")
        for line in raw:
            line.close()
        for _ in range(5):
            wire.Wire(willow, lakeside).get("/fhir/metadata")
        willow.run("referrals", "list")
    wait_for(lambda: count() <= before + 1, 10, lambda: f"{before} descriptors again, found {count()}")


def test_the_log_is_json_and_names_nobody(make_town):
    """Everything is done that could tempt a line into the log, at the most talkative level."""
    lakeside, willow, harbor = make_town("lakeside", "willow", "harbor", log_level="debug")
    lakeside.send(records.consent("lakeside", ["willow"]), record := records.referral())
    lakeside.wait_status(record["record_id"], "received")
    willow.send(records.consent("willow", ["lakeside"]))
    willow.move("accept", record["record_id"], "--reason", "Geheimwort", expect=2)
    willow.move("accept", record["record_id"])
    note = records.note(record["record_id"])
    willow.send(note)
    lakeside.wait_record(note["record_id"])
    lakeside.drop("bad.json", json.dumps({**records.referral(), "service": records.REASON}))
    lakeside.drop(f"{records.FAMILY}.json", "{")
    refused = lakeside.folder / "records" / "refused"
    wait_for(lambda: len(list(refused.glob("*.why.txt"))) == 2, 10, "both files are refused")
    bundle, = lakeside.bundles(records.referral())
    for body in (bundle.replace(records.REASON, "Geheimwort " + records.FAMILY), bundle.replace('"status"', '"statsu"'),
                 bundle[:-40], bundle):
        wire.post(willow, lakeside, body)
        wire.post(willow, harbor, body)
    willow.move("decline", record["record_id"], "--reason", "other", "--text", records.REASON, expect=None)
    for practice in (lakeside, willow, harbor):
        assert practice.stop() == 0
        for line in practice.log().splitlines():
            said = json.loads(line)
            assert {"at", "level", "event"} <= set(said)
        for word in records.CANARIES:
            assert word.casefold() not in practice.log().casefold()


@pytest.mark.skipif(bool(UNDER), reason="not run: a tool is around the program already")
def test_valgrind_finds_nothing(make_town):
    """One service through a referral, a refusal and its end, under memcheck."""
    import shutil
    from conftest import not_run
    if shutil.which("valgrind") is None:
        not_run("valgrind is not installed")
    if b"__asan_init" in PROGRAM.read_bytes():
        not_run("a sanitized build cannot run under valgrind")
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.start(under=["valgrind", "-q", "--error-exitcode=99", "--leak-check=full",
                        "--errors-for-leak-kinds=definite"], seconds=60)
    bundle, = lakeside.bundles(records.referral("R-1"))
    with wire.Wire(willow, lakeside, timeout=60) as line:
        assert line.post(bundle).code == "ok"
        assert line.post(bundle).code == "ok"
        assert line.post(bundle.replace(records.REASON, "x")).status == 409
        assert line.post("{").status == 400
        assert line.get("/fhir/metadata").status == 200
    willow.run("referrals", "accept", "R-1", timeout=60)
    willow.run("reload", timeout=60)
    willow.run("referrals", "list", timeout=60)
    service, willow.service = willow.service, None
    service.terminate()
    assert service.wait(60) == 0, willow.log()[-5000:]
