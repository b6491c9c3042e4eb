"""Bytes that changed on the disk while the service was stopped: of each kind of stored thing in turn. Nothing crashes,
nothing leaves that is less than it says, and `check` and the lists say what is wrong."""
import sqlite3
import subprocess

import pytest

import records
from practice import wait_for

IN_JOURNAL = 1 << 32
HEAD = 16  # of a payload in the journal


def flip(gateway, sql, *arguments):
    """One byte in the middle of the payload that SQL names; the service is stopped."""
    (payload,), = gateway.query(sql, *arguments)
    if payload < IN_JOURNAL:
        with sqlite3.connect(gateway.folder / "store.db") as store:
            text, = store.execute("SELECT bytes FROM payload WHERE id=?", (payload,)).fetchone()
            at = len(text) // 2
            store.execute("UPDATE payload SET bytes=? WHERE id=?",
                          (text[:at] + bytes([text[at] ^ 1]) + text[at + 1:], payload))
        return
    with open(gateway.folder / "store.journal" / f"{payload >> 32:08}", "r+b") as file:
        file.seek((payload & 0xFFFFFFFF) + HEAD + 40)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))


def stop_and_flip(gateway, sql, *arguments):
    gateway.stop()
    flip(gateway, sql, *arguments)


OWN = "SELECT payload FROM record WHERE number=?"


def names_it(gateway, *words):
    said = gateway.run("check", expect=7).stderr
    assert all(word in said for word in words), said


def test_an_own_record_that_rotted_ends_nothing(make_town):
    """The partner names our client; our record of that client cannot be read."""
    lakeside, willow = make_town("lakeside", "willow")
    willow.send(records.consent("willow", ["lakeside"]))
    willow.send(records.referral("W-1", by="alvarez", to="lakeside"))
    lakeside.wait_record("W-1")
    stop_and_flip(willow, OWN, "W-1")
    willow.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(records.referral("R-1", client_other_ids=[{"id": "C-1", "issued_by": "willow"}]))
    lakeside.wait_status("R-1", "received")
    assert willow.service.poll() is None
    for words in (("referrals", "list"), ("messages", "list"), ("tray", "list"), ("records", "list")):
        willow.run(*words)
    names_it(willow, "the text of record", "W-1")


def test_attachments_that_rotted_hold_their_record(make_town, tmp_path):
    lakeside, willow = make_town("lakeside", "willow")
    record = records.referral("R-1", attachments=[{"file": "scan.pdf", "title": "Scan",
                                                   "media_type": "application/pdf"}])
    path = lakeside.write(record)
    (path.parent / "scan.pdf").write_bytes(b"%PDF-1.4 " + b"scan " * 100)
    lakeside.run("send", path)
    stop_and_flip(lakeside, "SELECT attachments FROM record WHERE number='R-1'")
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    wait_for(lambda: any("attachments cannot be read" in (row["reason"] or "") for row in lakeside.tray()), 15,
             lakeside.tray)
    assert not lakeside.messages(direction="out")
    names_it(lakeside, "the attachments of record", "R-1")


def test_a_record_that_rotted_in_the_tray_waits_and_says_so(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    lakeside.send(records.referral("R-1"))
    stop_and_flip(lakeside, OWN, "R-1")
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    wait_for(lambda: any("cannot be read" in (row["reason"] or "") for row in lakeside.tray()), 15, lakeside.tray)
    assert not lakeside.messages(direction="out")


def test_a_message_that_rotted_in_the_queue_is_made_again(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    willow.stop()
    lakeside.partner_settings("willow", disabled="true")
    lakeside.reload()
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.partner_settings("willow", disabled="false")
    lakeside.stop()
    lakeside.run("send", lakeside.write(records.referral("R-1")))
    flip(lakeside, "SELECT payload FROM message WHERE direction='out' AND kind='referral'")
    willow.start()
    lakeside.start()
    wait_for(lambda: "R-1" in [row["record_id"] for row in willow.records(record="referral")]
             or any("cannot be read" in (row["reason"] or "") for row in lakeside.tray()), 20, lakeside.messages)
    assert lakeside.service.poll() is None


@pytest.mark.parametrize("sql", [
    "UPDATE audit SET hash=zeroblob(32) WHERE seq=1", "UPDATE audit SET what='nothing' WHERE seq=1",
    "UPDATE audit SET detail=NULL, subject=NULL, partner=NULL"])
def test_audit_rows_that_rotted_are_named(make_town, sql):
    lakeside, willow = make_town("lakeside", "willow")
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(records.referral("R-1"))
    lakeside.wait_status("R-1", "received")
    willow.stop()
    with sqlite3.connect(willow.folder / "store.db") as store:
        store.execute(sql)
    willow.start()
    lakeside.send(records.referral("R-2"))
    lakeside.wait_status("R-2", "received")
    names_it(willow, "audit")


def test_a_copy_of_a_message_whose_bytes_rotted_is_answered(make_town):
    """The same bytes again are known by their sum; in other bytes nobody can say."""
    import wire
    lakeside, willow = make_town("lakeside", "willow")
    bundle, = lakeside.bundles(records.referral("R-1"))
    assert wire.Wire(willow, lakeside).post(bundle).code == "ok"
    stop_and_flip(willow, "SELECT payload FROM message WHERE direction='in'")
    willow.start()
    assert wire.Wire(willow, lakeside).post(bundle).code == "ok"
    text = bundle if isinstance(bundle, bytes) else bundle.encode()
    answer = wire.Wire(willow, lakeside).post(b" " + text)
    assert answer.status == 409 and "can no longer be read" in answer.body.decode()
    assert len(willow.query("SELECT 1 FROM message WHERE direction='in'")) == 1
    names_it(willow, "the bytes of message")


def test_a_page_that_rots_under_a_running_service_hinders_only_what_needs_it(make_town):
    """The first page of the table of links between client numbers: only a record that names a number needs it."""
    lakeside, willow = make_town("lakeside", "willow")
    for one, other in ((lakeside, willow), (willow, lakeside)):
        one.send(records.consent(one.name, [other.name]))
    lakeside.send(records.referral("R-1"))
    lakeside.wait_status("R-1", "received")
    willow.settle()
    with sqlite3.connect(willow.folder / "store.db") as store:
        (page,), = store.execute("SELECT rootpage FROM sqlite_master WHERE name='client_link'")
        store.execute("PRAGMA wal_checkpoint(PASSIVE)")
    with open(willow.folder / "store.db", "r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\x5a" * 4096)
    willow.move("accept", "R-1")
    lakeside.wait_status("R-1", "accepted")
    lakeside.send(records.referral("R-2"))
    lakeside.wait_status("R-2", "received")
    note = records.note("R-1")
    willow.run("send", willow.write(note), expect=None)  # its message would name linked numbers
    assert willow.service.poll() is None
    said = willow.run("check", expect=7).stderr
    assert f"Page {page}" in said and "restore a backup" in said, said
    willow.run("referrals", "list")


def lead_to(gateway, table, column, number, other):
    """COLUMN of TABLE leads from record NUMBER to where it leads from record OTHER (None: nowhere); the service is
    stopped."""
    of = {"record": "number=?", "message": "record=(SELECT id FROM record WHERE number=?)"}[table]
    with sqlite3.connect(gateway.folder / "store.db") as store:
        there = other and store.execute(f"SELECT {column} FROM {table} WHERE {of}", (other,)).fetchone()[0]
        assert store.execute(f"UPDATE {table} SET {column}=? WHERE {of}", (there, number)).rowcount == 1


@pytest.fixture
def waiting(make_town):
    """(lakeside, willow, the number of a referral of another client): two of lakeside's wait for willow."""
    lakeside, willow = make_town("lakeside", "willow")
    willow.stop()
    for client in ("C-1", "C-2"):
        lakeside.send(records.consent("lakeside", ["willow"], client=client))
    desk = lakeside.folder.parent / "lakeside-desk"
    for number, client in (("R-1", "C-1"), ("R-2", "C-2")):
        (desk / f"{number}.pdf").write_bytes(b"%PDF-1.4 " + number.encode())
        lakeside.run("send", lakeside.write(records.referral(number, client=client, attachments=[
            {"file": f"{number}.pdf", "title": "Scan", "media_type": "application/pdf"}])))
    lakeside.stop()
    return lakeside, willow


def settled(lakeside):
    """Nothing waits to be sent any more; what waits in the tray and why, by record."""
    lakeside.wait_settled()
    return {row["record_id"]: row["reason"] for row in lakeside.tray()}


def test_a_message_never_leaves_with_the_bytes_of_another(waiting):
    """A bit of the place where its bytes lie led to those of another client: they are whole."""
    lakeside, willow = waiting
    lead_to(lakeside, "message", "payload", "R-1", "R-2")
    willow.start()
    lakeside.start()
    for number, client in (("R-1", "C-1"), ("R-2", "C-2")):
        assert willow.wait_record(number)["client_id"] == client


def test_a_record_never_leaves_with_the_text_of_another(waiting):
    lakeside, willow = waiting
    lead_to(lakeside, "record", "payload", "R-1", "R-2")
    willow.start()
    lakeside.start()
    willow.wait_record("R-2")
    assert "cannot be read" in settled(lakeside)["R-1"]
    assert [record["record_id"] for record in willow.records(record="referral")] == ["R-2"]
    names_it(lakeside, "the text of record", "R-1")


@pytest.mark.parametrize("other", ["R-2", None])
def test_a_record_never_leaves_with_other_attachments(waiting, other):
    lakeside, willow = waiting
    lead_to(lakeside, "message", "payload", "R-1", "R-2")  # so that it is made again
    lead_to(lakeside, "record", "attachments", "R-1", other)
    willow.start()
    lakeside.start()
    willow.wait_record("R-2")
    assert "attachments cannot be read" in settled(lakeside)["R-1"]
    names_it(lakeside, "the attachments of record", "R-1")


@pytest.mark.parametrize("sql, words", [
    ("UPDATE message SET state='queted' WHERE direction='out'", ("the state of message", "queted")),
    ("UPDATE referral SET task_status='acbepted'", ("the status of referral", "acbepted")),
    ("UPDATE record SET client=client+64", ("record in client",)),
    ("UPDATE referral SET role='plaber' WHERE number='R-1'", ("the side of referral", "plaber")),
    ("UPDATE release SET state='waitinf' WHERE id=1", ("the state of tray row 1", "waitinf"))])
def test_rows_that_rotted_are_named(waiting, sql, words):
    lakeside, willow = waiting
    with sqlite3.connect(lakeside.folder / "store.db") as store:
        store.execute("PRAGMA ignore_check_constraints=1")
        store.execute(sql)
    willow.start()
    lakeside.start()
    names_it(lakeside, *words)
    lakeside.send(records.consent("lakeside", ["willow"], client="C-3"))
    lakeside.send(records.referral("R-3", client="C-3"))
    willow.wait_record("R-3")


def test_an_index_that_rotted_is_repaired(waiting):
    """What an index lacks is not found by it: nothing would be sent, though all rows are there."""
    lakeside, willow = waiting
    path = lakeside.folder / "store.db"
    with sqlite3.connect(path) as store:
        store.execute("PRAGMA writable_schema=1")
        index = store.execute("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema WHERE name='message_due'"
                              ).fetchone()
        store.execute("DELETE FROM sqlite_schema WHERE name='message_due'")
    with sqlite3.connect(path) as store:
        store.execute("UPDATE message SET due_ms=due_ms-1000")
    with sqlite3.connect(path) as store:
        store.execute("PRAGMA writable_schema=1")
        store.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", index)
    names_it(lakeside, "index message_due", "refgate repair")
    assert "indexes were made again" in lakeside.run("repair").stdout
    assert "Nothing in the store wants repairing" in lakeside.run("repair").stdout
    assert list(lakeside.folder.glob("store.before-*/store.db"))
    willow.start()
    lakeside.start()
    for number in ("R-1", "R-2"):
        willow.wait_record(number)
    assert "another refgate process" in lakeside.run("repair", expect=7).stderr


def test_a_journal_that_rotted_is_repaired_and_partners_are_asked(make_town):
    """The last message that was answered is lost with the bytes of the journal, and comes again by itself."""
    lakeside, willow = make_town("lakeside", "willow")
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(records.referral("R-1"))
    lakeside.wait_status("R-1", "received")
    willow.stop()
    before = willow.folder.parent / "before"
    before.mkdir()
    for name in ("store.db", "store.journal"):
        subprocess.run(["cp", "-a", willow.folder / name, before], check=True)
    willow.start()
    lakeside.send(records.referral("R-2"))
    lakeside.wait_status("R-2", "received")
    willow.stop()
    # The database as it was before R-2, beside the journal that holds it, and whose bytes have changed.
    (willow.folder / "store.db").write_bytes((before / "store.db").read_bytes())
    segment = willow.folder / "store.journal" / "00000001"
    bytes_of = bytearray(segment.read_bytes())
    bytes_of[bytes_of.rindex(b"Schulterblattklemme")] ^= 1
    segment.write_bytes(bytes_of)
    with pytest.raises(AssertionError):
        willow.start()
    willow.service = None
    assert "refgate repair" in willow.log().splitlines()[-1]
    assert "was given up" in willow.run("repair").stdout
    willow.start()
    willow.wait_record("R-2", 30)
    assert sorted(record["record_id"] for record in willow.records(record="referral")) == ["R-1", "R-2"]
    assert "audit" not in willow.run("check", expect=None).stderr


def test_a_definition_that_rotted_ends_nothing(make_town):
    """A letter in the name of a column: all SQL that names it fails."""
    import wire
    lakeside, willow = make_town("lakeside", "willow")
    lakeside.send(records.consent("lakeside", ["willow"]))
    bundle, = lakeside.bundles(records.referral("R-1"))
    willow.stop()
    with sqlite3.connect(willow.folder / "store.db") as store:
        store.execute("PRAGMA writable_schema=1")
        assert store.execute("UPDATE sqlite_schema SET sql=replace(sql, 'actor TEXT', 'abtor TEXT') "
                             "WHERE name='audit'").rowcount == 1
    willow.start()
    for _ in range(3):
        assert wire.Wire(willow, lakeside).post(bundle).status == 503
    willow.run("referrals", "list")
    names_it(willow, "the definition of a table in it is damaged")
    assert willow.service.poll() is None


def test_a_withdrawal_whose_row_rotted_is_not_passed_over(make_town):
    """The older permission does not come back because the kind of what ended it can no longer be read."""
    lakeside, willow = make_town("lakeside", "willow")
    permission = records.consent("lakeside", ["willow"])
    lakeside.send(permission)
    lakeside.send(records.consent("lakeside", ["willow"], "K-end", status="revoked", revoked_at=records.moment(),
                                  replaces_record_id=permission["record_id"]))
    lakeside.stop()
    with sqlite3.connect(lakeside.folder / "store.db") as store:
        store.execute("UPDATE record SET kind='consdnt' WHERE number='K-end'")
    lakeside.start()
    lakeside.send(records.referral("R-1"))
    assert "cannot be read" in settled(lakeside)["R-1"]
    assert not willow.records(record="referral")
    names_it(lakeside, "the text of record", "consdnt")
