"""A backup taken under load, and the way back: every message that was acknowledged before it is there."""
import os
import pathlib

import load
import records
import shim as shims
from conftest import not_run
from practice import Gateway, refgate


def restored(practice, backup, name):
    """A second gateway of this practice on another folder: restored, with the old keys."""
    folder = practice.folder.parent / name
    refgate("restore", backup, "-d", folder)
    for key in ("ca.crt", "gateway.crt", "gateway.key"):
        (folder / "keys" / key).write_bytes((practice.folder / "keys" / key).read_bytes())
        (folder / "keys" / key).chmod(0o600)
    return Gateway(folder, practice.port)


def test_a_backup_under_load_holds_what_was_acknowledged(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.start()
    sender = load.Load(willow, lakeside).start()
    taken = []
    for i in range(3):
        sender.wait_accepted(60)
        before = set(sender.accepted)
        backup = willow.folder.parent / f"willow{i}.tar"
        willow.run("backup", backup)
        taken.append((backup, before))
    sender.stop()
    willow.kill()
    for i, (backup, before) in enumerate(taken):
        facts = Gateway(willow.folder.parent, 0).json("restore", "--verify", backup)[0]
        assert facts["received"] >= len(before) and facts["org"] == "willow"
        again = restored(willow, backup, f"restored{i}")
        there = {number for number, in again.query("SELECT number FROM referral")}
        assert before <= there, f"{len(before - there)} of {len(before)} are missing"
        assert not load.doubled(again)
        again.run("check")


def test_a_restored_gateway_goes_on(make_town):
    """What waited in the backup goes out after the restore; what came meanwhile and comes again is taken."""
    lakeside, willow = make_town("lakeside", "willow", start=False)
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    first, later = records.referral(), records.referral()
    lakeside.send(first)
    backup = lakeside.folder.parent / "lakeside.tar"
    lakeside.run("backup", backup)
    assert backup.stat().st_mode & 0o777 == 0o600
    lakeside.send(later)
    lakeside.kill()
    os.truncate(lakeside.folder / "store.db", 5000)
    done = lakeside.run("serve", expect=None)
    assert done.returncode != 0
    assert "malformed" in done.stderr and "refgate restore --replace" in done.stderr, done.stderr
    refused = lakeside.run("restore", backup, expect=4)
    assert "--replace" in refused.stderr
    said = lakeside.run("restore", backup, "--replace").stdout
    assert "What stood there is in" in said and "settings.yaml was there already" in said
    willow.start()
    lakeside.start()
    lakeside.wait_status(first["record_id"], "received")
    assert lakeside.referral(later["record_id"]) is None
    lakeside.send(later)
    lakeside.wait_status(later["record_id"], "received")
    assert lakeside.query("SELECT 1 FROM audit WHERE what='restored'")
    lakeside.run("check")


def test_no_restore_under_a_running_service(make_town):
    lakeside, = make_town("lakeside")
    backup = lakeside.folder.parent / "lakeside.tar"
    lakeside.run("backup", backup)
    refused = lakeside.run("restore", backup, "--replace", expect=7)
    assert "another refgate process" in refused.stderr
    lakeside.send(records.referral())


def test_a_backup_is_whole_or_not_there(make_town):
    lakeside, = make_town("lakeside", start=False)
    beside = lakeside.folder.parent / "nowhere" / "b.tar"
    assert "cannot be written" in lakeside.run("backup", beside, expect=2).stderr
    backup = lakeside.folder.parent / "lakeside.tar"
    lakeside.run("backup", backup)
    assert "found a file" in lakeside.run("backup", backup, expect=4).stderr
    cut = backup.with_name("cut.tar")
    cut.write_bytes(backup.read_bytes()[:-3000])
    refused = lakeside.run("restore", "--verify", cut, expect=2)
    assert "cut off" in refused.stderr
    left = [path.name for path in pathlib.Path(backup.parent).iterdir() if path.name.endswith(".tmp")]
    assert left == []


def test_what_a_killed_backup_left_is_removed_by_the_next(make_town):
    """It holds all patient data, and would fill the disk."""
    if shims.why_not():
        not_run(shims.why_not())
    lakeside, = make_town("lakeside", start=False)
    lakeside.send(records.referral())
    folder = lakeside.folder.parent / "backups"
    folder.mkdir()
    lakeside.run("backup", folder / "whole.tar")
    for words in (("backup", folder / "1.tar"), ("restore", "--verify", folder / "whole.tar")):
        shim = shims.Shim(lakeside.folder.parent, words[0])
        shim.order(shims.WRITES, shims.KILL_BEFORE, after=4)
        lakeside.run(*words, expect=-9, env=shim.environment)
        shim.close()
        assert len(list(folder.iterdir())) > 1
        lakeside.run("restore", "--verify", folder / "whole.tar")
        assert [path.name for path in folder.iterdir()] == ["whole.tar"]


def test_a_restore_that_was_broken_off_is_done_again(make_town):
    """It had put the old store aside and not yet the new one in place: no empty store takes its place."""
    lakeside, = make_town("lakeside", start=False)
    record = records.referral()
    lakeside.send(record)
    backup = lakeside.folder.parent / "lakeside.tar"
    lakeside.run("backup", backup)
    (lakeside.folder / ".restore.tmp").mkdir()
    (lakeside.folder / ".restore.tmp" / "store.db").write_text("half")
    lakeside.run("referrals", "list")  # broken off before it touched anything: nothing is lost
    (lakeside.folder / "store.db").unlink()
    for words in (["serve"], ["referrals", "list"]):
        done = lakeside.run(*words, expect=None)
        assert done.returncode != 0 and "broken off" in done.stderr, done
    assert not (lakeside.folder / "store.db").exists()
    lakeside.run("restore", backup)
    assert not (lakeside.folder / ".restore.tmp").exists()
    assert lakeside.referral(record["record_id"])
