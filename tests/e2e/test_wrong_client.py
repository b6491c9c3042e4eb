"""A record about another client than its referral: it does not leave before a person has looked."""
import json

import records
from practice import wait_for


def begin(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    for one, other in ((lakeside, "willow"), (willow, "lakeside")):
        one.send(records.consent(one.name, [other]))
    referral = records.referral()
    number = referral["record_id"]
    lakeside.send(referral)
    willow.wait_record(number)
    willow.move("accept", number)
    lakeside.wait_status(number, "accepted")
    return lakeside, willow, number


def test_ours_waits_until_it_is_confirmed(make_town):
    lakeside, willow, number = begin(make_town)
    by_command = records.note(number, client_family_name="Smith-Wrongperson")
    said, = willow.send(by_command)
    recipient, = said["recipients"]
    assert recipient["state"] == "waiting"
    assert recipient["reason"].startswith(
        f"client_family_name: found Smith-Wrongperson; referral {number} is of {records.FAMILY}, {records.GIVEN}: wrong client?")

    by_folder = records.note(number, client_birth_date="1990-01-01")
    willow.drop("note.json", json.dumps(by_folder))
    waiting = wait_for(lambda: len(willow.tray()) == 2 and willow.tray(), 15, willow.log)
    look = willow.folder / "records" / "sent" / "note.json.look.txt"
    wait_for(look.exists, 15, willow.log)
    assert f"{by_folder['record_id']}, for lakeside: waits: client_birth_date: found" in look.read_text()
    assert "refgate tray confirm" in look.read_text()
    first, second = waiting
    assert first["record_id"] == by_command["record_id"] and second["record_id"] == by_folder["record_id"]
    assert f"wrong client? If so: refgate tray drop {first['number']} --by" in first["reason"]
    assert first["reason"].endswith(f"refgate tray confirm {first['number']} --by HANDLE")
    assert f"born {records.BORN}" in second["reason"]
    assert all(one["reason"] in willow.run("tray", "list").stdout for one in waiting), "what to do is not cut away"
    assert willow.status(number) == "accepted", "the Task waits with the note"
    said, = willow.json("consent", "explain", by_command["record_id"])
    assert not said["allowed"] and said["reason"] == first["reason"], "the consents allow it, and still it waits"
    assert f"refgate tray drop {first['number']} --by" in said["what_to_do"]

    done = willow.run("tray", "confirm", first["number"], "--by", "nobody-here", expect=None)
    assert done.returncode != 0 and "nobody-here" in done.stderr
    assert len(willow.tray()) == 2
    assert "on its way" in willow.run("tray", "confirm", first["number"], "--by", "alvarez").stdout
    lakeside.wait_record(by_command["record_id"])
    lakeside.wait_status(number, "in-progress")
    assert not lakeside.records(record_id=by_folder["record_id"])
    assert [row["record_id"] for row in willow.tray()] == [by_folder["record_id"]]
    assert f"progress-note {by_command['record_id']} confirmed: it is about the right client" in willow.track(number)
    assert "Wrongperson" not in willow.log() + lakeside.log()
    assert not willow.query("SELECT 1 FROM audit WHERE detail LIKE '%Wrongperson%'")


def test_confirming_does_not_make_the_consent_this_clients(make_town):
    """The birth date contradicts the referral and the consent: a person confirms the former, and the tray says what
    releases it."""
    lakeside, willow, number = begin(make_town)
    consent, = [one["record_id"] for one in willow.json("consent", "list")]
    note = records.note(number, client_birth_date="1990-01-01")
    willow.send(note)
    waiting, = willow.tray()
    assert "refgate tray confirm" in waiting["reason"] and f"the consent {consent} has this client_id" in waiting["reason"]
    said = willow.run("tray", "confirm", waiting["number"], "--by", "alvarez").stdout
    assert "waits: " in said and "another client_birth_date" in said and "not by refgate tray confirm" in said
    assert f"replaces_record_id ({note['record_id']} for the record, {consent} for the consent)" in said
    assert not lakeside.records(record_id=note["record_id"])
    right = records.note(number, replaces_record_id=note["record_id"])
    willow.send(right)
    lakeside.wait_record(right["record_id"])
    assert willow.tray() == [] and not lakeside.records(record_id=note["record_id"])

    other = records.note(number, client_birth_date="1990-01-01")
    willow.send(other)
    willow.run("tray", "confirm", other["record_id"], "--by", "alvarez")
    willow.send(records.consent("willow", ["lakeside"], replaces_record_id=consent, client_birth_date="1990-01-01"))
    lakeside.wait_record(other["record_id"])


def test_a_mistyped_number_opens_no_other_clients_consent(make_town):
    """The name and birth date are right, so the referral's client does not contradict; the number is another client's."""
    lakeside, willow = make_town("lakeside", "willow")
    lakeside.send(records.consent("lakeside", ["willow"]))
    willow.send(records.consent("willow", ["lakeside"], client="W-2", client_family_name="Ochoa",
                                client_given_names="Jon", client_birth_date="1970-05-05"))
    referral = records.referral()
    lakeside.send(referral)
    willow.wait_record(referral["record_id"])
    willow.move("accept", referral["record_id"])
    note = records.note(referral["record_id"], client="W-2")
    willow.send(note)
    waiting, = willow.tray()
    assert waiting["record_id"] == note["record_id"]
    assert "has this client_id, but another client_family_name" in waiting["reason"]
    assert not lakeside.records(record_id=note["record_id"])


def test_the_same_client_in_other_letters_goes(make_town):
    lakeside, willow, number = begin(make_town)
    note = records.note(number, client="OWN-77", client_family_name="KANARIENVOGEL", client_given_names="Zsofia")
    willow.send(records.consent("willow", ["lakeside"], client="OWN-77"))
    willow.send(note)
    lakeside.wait_record(note["record_id"])
    assert not willow.tray()


def test_a_reply_stays_with_the_clinic_that_asked(make_town):
    """Harbor's referral names Lakeside's physician as its writer."""
    harbor, lakeside, willow = make_town("harbor", "lakeside", "willow")
    harbor.send(records.consent("harbor", ["willow"]))
    willow.send(records.consent("willow", ["lakeside", "harbor"]))
    people = harbor.folder / "directory.csv"
    rows = people.read_text().splitlines()
    npi = {row.split(",")[0]: field for row in rows for field in row.split(",") if field.startswith("99000")}
    swapped = "\n".join(row.replace(npi["obrien"], npi["osei"]) if row.startswith("obrien,") else row
                        for row in rows if not row.startswith("osei,"))
    people.write_text(swapped + "\n")
    harbor.reload()
    referral = records.referral(by="obrien")
    number = referral["record_id"]
    harbor.send(referral)
    willow.wait_record(number)
    willow.move("accept", number)
    note = records.note(number)
    said, = willow.send(note)
    assert [row["clinic"] for row in said["recipients"]] == ["harbor"]
    harbor.wait_record(note["record_id"])
    assert not lakeside.records()


def misfile(willow, lakeside, number, **more):
    """A note of Willow that a person there let go in spite of its client."""
    note = records.note(number, client_family_name="Smith-Wrongperson", **more)
    willow.send(note)
    willow.run("tray", "confirm", note["record_id"], "--by", "alvarez")
    lakeside.wait_record(note["record_id"])
    return note


def file_of(gateway, folder, number):
    return next(iter((gateway.folder / "records" / folder).glob(f"*{number}.json")), None)


def test_theirs_stands_apart_until_it_is_matched(make_town):
    lakeside, willow, number = begin(make_town)
    note = misfile(willow, lakeside, number)
    lakeside.wait_status(number, "in-progress")
    row, = lakeside.json("records", "to-match")
    assert row["record_id"] == note["record_id"] and row["referral"] == number and row["state"] == "to match"
    assert row["reason"].startswith(f"client_family_name: found Smith-Wrongperson; referral {number} is of {records.FAMILY}")
    assert "Smith-Wrongperson" in lakeside.run("records", "to-match").stdout
    listed, = lakeside.records(record_id=note["record_id"])
    assert listed["state"] == "to match" and "client_id" not in listed
    wait_for(lambda: file_of(lakeside, "to-match", note["record_id"]), 15, lakeside.log)
    assert file_of(lakeside, "in", note["record_id"]) is None
    assert json.loads(lakeside.run("records", "show", row["number"], "--json").stdout)["subjective"] == note["subjective"]

    lakeside.run("records", "attach", row["number"], "--by", "osei")
    wait_for(lambda: file_of(lakeside, "in", note["record_id"]), 15, lakeside.log)
    assert file_of(lakeside, "to-match", note["record_id"]) is None
    assert not lakeside.json("records", "to-match")
    listed, = lakeside.records(record_id=note["record_id"])
    assert "state" not in listed and listed["client_id"] == "C-1"
    assert lakeside.json("records", "to-match", "--all")[0]["by"] == "osei"
    done = lakeside.run("records", "attach", row["number"], "--by", "osei", expect=None)
    assert done.returncode != 0 and "attached already" in done.stderr
    done = lakeside.run("records", "return", row["number"], "--by", "osei", expect=4)
    assert "refgate records keep-apart first" in done.stderr

    lakeside.run("records", "keep-apart", note["record_id"], "--by", "osei")
    wait_for(lambda: file_of(lakeside, "in", note["record_id"]) is None, 15, lakeside.log)
    assert "Wrongperson" not in willow.log() + lakeside.log()


def test_what_its_sender_retracts_needs_no_match(make_town):
    lakeside, willow, number = begin(make_town)
    note = misfile(willow, lakeside, number)
    wait_for(lambda: file_of(lakeside, "to-match", note["record_id"]), 15, lakeside.log)
    willow.run("records", "retract", note["record_id"], "--reason", "wrong-client")
    wait_for(lambda: lakeside.records(record_id=note["record_id"], state="retracted"), 15, lakeside.log)
    assert not lakeside.json("records", "to-match")
    done = lakeside.run("records", "attach", note["record_id"], "--by", "osei", expect=4)
    assert "was retracted by willow" in done.stderr
    wait_for(lambda: "destroy it" in file_of(lakeside, "to-match", note["record_id"]).read_text(), 15, lakeside.log)
    assert file_of(lakeside, "in", note["record_id"]) is None
    assert f"progress-note {note['record_id']} retracted" in lakeside.track(number)


def test_what_is_returned_is_told_to_its_sender(make_town):
    lakeside, willow, number = begin(make_town)
    note = misfile(willow, lakeside, number)
    wait_for(lambda: [m["state"] for m in willow.messages(kind="progress-note")] == ["sent"], 15, willow.log)
    said = lakeside.run("records", "return", note["record_id"], "--by", "osei").stdout
    assert "returned to its sender" in said
    wait_for(lambda: [m["state"] for m in willow.messages(kind="progress-note")] == ["rejected"], 15,
             lambda: f"{willow.messages()} {lakeside.messages()} {willow.log()}")
    sent, = willow.messages(kind="progress-note")
    assert sent["reason"].startswith("returned by lakeside: it seems to be about another client")
    assert f"progress-note {note['record_id']} returned" in willow.track(number)
    assert willow.status(number) == lakeside.status(number) == "in-progress"
    assert file_of(lakeside, "in", note["record_id"]) is None
    refused = willow.run("queue", "resend", sent["number"], expect=None)
    assert refused.returncode != 0 and "was given back by lakeside" in refused.stderr, refused.stderr
    assert "with a number of its own" in refused.stderr

    again = records.note(number, visit=2)
    willow.send(again)
    lakeside.wait_record(again["record_id"])
    wait_for(lambda: file_of(lakeside, "in", again["record_id"]), 15, lakeside.log)
