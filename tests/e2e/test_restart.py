"""A service that is killed, stopped, started twice or set up anew: what was accepted stays, nothing happens
twice, and one folder has one master."""
import fcntl
import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import records
import wire
from practice import PROGRAM, refgate, wait_for


def test_a_queue_survives_kill(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    made = [records.referral() for _ in range(8)]
    lakeside.send(*made)
    lakeside.kill()
    lakeside.start()
    waiting = [message["state"] for message in lakeside.messages(direction="out")]
    assert len(waiting) == 8 and set(waiting) <= {"queued", "sending"}
    lakeside.kill()
    willow.start()
    lakeside.start()
    for record in made:
        lakeside.wait_status(record["record_id"], "received", seconds=30)
    assert len(willow.messages(direction="in")) == 8
    assert len(willow.json("referrals", "list")) == 8


def test_killed_while_a_message_is_being_sent(make_town):
    """The partner takes the connection and never answers; then the sender dies. After its start the message goes
    again with the same ids, and the track tells."""
    lakeside, willow = make_town("lakeside", "willow", start=False)
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    with socket.create_server(("127.0.0.1", willow.port)) as silent:
        record = records.referral()
        lakeside.send(record)
        line, _ = silent.accept()
        wait_for(lambda: lakeside.messages(state="sending"), 5, "the message is under way")
        before = lakeside.messages(kind="referral")[0]
        lakeside.kill()
        line.close()
    lakeside.start()
    assert "recovered" in lakeside.log()
    willow.start()
    lakeside.wait_status(record["record_id"], "received")
    after = lakeside.messages(kind="referral")[0]
    assert (after["message_id"], after["bundle_id"]) == (before["message_id"], before["bundle_id"])
    assert willow.messages(direction="in")[0]["message_id"] == before["message_id"]


def test_ids_are_made_once(make_town):
    """`map` prints what `send` sends, and prints it again. Only the evidence of the consent comes in later, at the
    release."""
    lakeside, _ = make_town("lakeside", "willow", start=False)
    record = records.referral()
    printed, = lakeside.bundles(record)
    assert lakeside.bundles(record) == [printed]
    lakeside.send(records.consent("lakeside", ["willow"]), record)
    number = lakeside.messages(direction="out")[0]["number"]
    sent = json.loads(lakeside.run("messages", "show", str(number), "--body").stdout)
    printed = json.loads(printed)
    assert (sent["id"], sent["timestamp"]) == (printed["id"], printed["timestamp"])
    there = {entry["fullUrl"]: entry["resource"] for entry in sent["entry"]}
    for entry in printed["entry"]:
        resource = there.pop(entry["fullUrl"])
        resource.pop("supportingInfo", None)
        assert resource == entry["resource"]
    assert sorted(resource["resourceType"] for resource in there.values()) == ["Consent", "Provenance"]


def test_a_second_service_on_the_folder_is_refused(make_town):
    lakeside, = make_town("lakeside")
    second = lakeside.run("serve", expect=None)
    assert second.returncode == 7 and "another refgate process" in second.stderr
    assert lakeside.service.poll() is None
    lakeside.send(records.referral())


def test_a_service_waits_for_a_command_that_holds_the_folder(make_town):
    lakeside, = make_town("lakeside", start=False)
    with open(lakeside.folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        letting_go = threading.Timer(0.4, fcntl.flock, (lock, fcntl.LOCK_UN))
        letting_go.start()
        lakeside.start()
        letting_go.join()


def test_a_second_service_on_the_port_is_refused(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    lakeside.start()
    willow.settings(listen=f"127.0.0.1:{lakeside.port}")
    done = willow.run("serve", expect=None)
    assert done.returncode not in (0, -11) and str(lakeside.port) in done.stderr


def test_a_stale_socket_does_no_harm(make_town):
    lakeside, = make_town("lakeside")
    lakeside.kill()
    assert (lakeside.folder / "control.sock").exists()
    assert lakeside.run("referrals", "list").returncode == 0
    lakeside.start()
    lakeside.send(records.referral())


def test_term_ends_well_and_soon(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    idle = [wire.Wire(willow, lakeside) for _ in range(5)]
    began = time.monotonic()
    assert willow.stop() == 0
    assert time.monotonic() - began < 6
    assert not (willow.folder / "control.sock").exists()
    assert not (willow.folder / "store.db-wal").exists(), "the log is folded into the store at the end"
    for line in idle:
        line.close()


def test_term_under_load_answers_what_it_took(make_town):
    """Requests in hand when the service is told to stop are answered; what was answered is in the store."""
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.start()
    template = records.referral("R-T")
    messages = records.Messages(lakeside.bundles(template)[0], "R-T")
    accepted, lock = [], threading.Lock()
    started = threading.Event()

    def load(worker):
        try:
            with wire.Wire(willow, lakeside) as line:
                for i in range(worker * 1000, worker * 1000 + 400):
                    answer = line.post(messages.message(i))
                    if answer.status == 200:
                        with lock:
                            accepted.append(messages.referral_number(i))
                        if len(accepted) > 40:
                            started.set()
        except OSError:
            pass
        except Exception as fault:  # http.client raises its own kinds for a closed connection
            assert type(fault).__name__ in ("RemoteDisconnected", "BadStatusLine", "CannotSendRequest",
                                            "IncompleteRead", "SSLEOFError"), fault

    workers = [threading.Thread(target=load, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    assert started.wait(20)
    assert willow.stop() == 0
    for worker in workers:
        worker.join()
    there = {number for number, in willow.query("SELECT number FROM referral")}
    assert len(accepted) == len(set(accepted)) and set(accepted) <= there


def test_kill_and_start_is_fast(make_town):
    lakeside, = make_town("lakeside")
    lakeside.send(*[records.referral() for _ in range(50)])
    lakeside.kill()
    began = time.monotonic()
    lakeside.start()
    assert time.monotonic() - began < 3, "start-up takes well under a second; this margin is for busy machines"


def test_reload_takes_a_new_partner_and_keeps_connections(make_town):
    lakeside, willow, harbor = make_town("lakeside", "willow", "harbor", start=False)
    (willow.folder / "partners" / "harbor.yaml").rename(willow.folder / "harbor.yaml")
    willow.start()
    with wire.Wire(willow, lakeside) as line:
        assert line.get("/fhir/metadata").status == 200
        bundle, = harbor.bundles(records.referral(by="obrien"))
        try:
            assert wire.post(willow, harbor, bundle).status == 403
        except OSError:
            pass  # its CA is not trusted either
        (willow.folder / "harbor.yaml").rename(willow.folder / "partners" / "harbor.yaml")
        willow.reload()
        assert line.get("/fhir/metadata").status == 200
        assert wire.post(willow, harbor, bundle).code == "ok"


def test_a_disabled_partner_is_out_at_once(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.start()
    line = wire.Wire(willow, lakeside)
    assert line.get("/fhir/metadata").status == 200
    willow.partner_settings("lakeside", disabled="true")
    willow.reload()
    try:
        status = line.get("/fhir/metadata").status
    except Exception:
        status = 403  # closed
    assert status == 403
    line.close()


def test_a_faulty_reload_changes_nothing(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.start()
    good = (willow.folder / "settings.yaml").read_text()
    (willow.folder / "settings.yaml").write_text(good + "nonsense: 1\n")
    said = willow.run("reload", expect=7)
    assert "nonsense" in said.stderr
    willow.service.send_signal(signal.SIGHUP)
    wait_for(lambda: "reload-refused" in willow.log(), 10, "the log says that nothing changed")
    with wire.Wire(willow, lakeside) as line:
        assert line.get("/fhir/metadata").status == 200
    (willow.folder / "settings.yaml").write_text(good)
    willow.reload()


def test_a_storm_of_signals(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.start()
    with wire.Wire(willow, lakeside) as line:
        for i in range(200):
            willow.service.send_signal((signal.SIGHUP, signal.SIGPIPE)[i % 2])
            if i % 20 == 0:
                assert line.get("/fhir/metadata").status == 200
    assert willow.stop() == 0


def test_a_damaged_store_is_refused_with_the_way_out(make_town):
    lakeside, = make_town("lakeside", start=False)
    lakeside.send(*[records.referral() for _ in range(30)])
    path = lakeside.folder / "store.db"
    good = path.read_bytes()
    path.write_bytes(good[:8192] + os.urandom(8192) + good[16384:])
    done = lakeside.run("serve", expect=None)
    assert done.returncode == 8, done
    assert "cannot be used" in done.stderr and "restore" in done.stderr
    assert path.read_bytes()[8192:16384] != good[8192:16384], "nothing was changed"
    path.write_bytes(b"this is no store at all" * 400)
    assert lakeside.run("serve", expect=8)
    path.write_bytes(good)
    lakeside.start()
    assert len(lakeside.json("referrals", "list")) == 30


def test_a_store_of_a_newer_version_is_refused(make_town):
    lakeside, = make_town("lakeside", start=False)
    with sqlite3.connect(lakeside.folder / "store.db") as store:
        store.execute("PRAGMA user_version=999")
    done = lakeside.run("serve", expect=8)
    assert "found schema version 999, expected" in done.stderr and "newer" in done.stderr


def test_keys_that_others_can_read_are_refused(make_town):
    lakeside, = make_town("lakeside", start=False)
    os.chmod(lakeside.folder / "keys" / "gateway.key", 0o644)
    done = lakeside.run("serve", expect=7)
    assert "gateway.key" in done.stderr


def test_files_of_the_folder_are_private(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    lakeside.send(records.consent("lakeside", ["willow"]), record := records.referral())
    lakeside.wait_status(record["record_id"], "received")
    wait_for(lambda: willow.inbox(record["record_id"]), 10, "the record is in records/in")
    for practice in (lakeside, willow):
        assert practice.folder.stat().st_mode & 0o77 == 0
        for path in practice.folder.rglob("*"):
            private = path.stat().st_mode & 0o77 == 0
            assert private or path.suffix in (".crt", ".crl") or path.name in (
                "service.log", "directory.csv", "issued.csv") or path.is_symlink(), path


def test_without_a_service_commands_hold_the_lock_one_after_another(make_town):
    lakeside, = make_town("lakeside", start=False)
    made = [lakeside.write(records.referral()) for _ in range(8)]
    running = [subprocess.Popen([PROGRAM, "send", path, "-d", lakeside.folder], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True) for path in made]
    said = [(process.communicate(timeout=60), process.returncode) for process in running]
    done = sum(code == 0 for _, code in said)
    assert all(code in (0, 7) for _, code in said), said
    assert len(lakeside.records()) == done >= 1


def test_no_such_folder(tmp_path):
    done = refgate("serve", "-d", tmp_path / "nowhere", expect=None)
    assert done.returncode not in (0, -11) and "nowhere" in done.stderr
