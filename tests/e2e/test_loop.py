"""The closed loop between two practices: every move of a referral, made by either side, arrives at the
other; a move that is not possible is refused in words and changes nothing."""
import re

import pytest

import records
import wire
from practice import wait_for


@pytest.fixture
def pair(make_town):
    """Lakeside (placer) and Willow (filler), with consents of the client at both."""
    lakeside, willow = make_town("lakeside", "willow")
    lakeside.send(records.consent("lakeside", ["willow"]))
    willow.send(records.consent("willow", ["lakeside"]))
    return lakeside, willow


def place(pair, **more):
    """A referral of Lakeside that has arrived at Willow; its number."""
    lakeside, willow = pair
    referral = records.referral(**more)
    lakeside.send(referral)
    lakeside.wait_status(referral["record_id"], "received")
    assert willow.status(referral["record_id"]) == "requested"
    return referral["record_id"]


def test_a_referral_arrives_as_the_same_record(pair):
    lakeside, willow = pair
    diagnosis = {"code": "M54.2", "code_system": "icd-10-cm", "text": "Neck pain"}
    sent = records.referral(diagnoses=[diagnosis], visits_per_week=1, weeks=6, minutes_per_visit=50, priority="urgent")
    said = lakeside.send(sent)
    assert said == [{"file": said[0]["file"], "record": "referral", "record_id": sent["record_id"],
                     "answer": "taken", "recipients": [{"clinic": "willow", "state": "queued"}]}]
    lakeside.wait_status(sent["record_id"], "received")
    willow.wait_record(sent["record_id"])
    received = wait_for(lambda: willow.inbox(sent["record_id"]), 10, "the record is in records/in")
    assert {key: received[key] for key in sent} == sent
    assert (willow.folder / "records" / "in" / f"lakeside--referral--{sent['record_id']}.json").exists()
    there = willow.referral(sent["record_id"])
    assert (there["from"], there["to"], there["side"], there["list"], there["priority"]) == (
        "lakeside", "willow", "filler", "to answer", "urgent")
    here = lakeside.referral(sent["record_id"])
    assert (here["side"], here["list"], here["visits_total"]) == ("placer", "waiting for an answer", 6)


def test_accept_start_progress_hold_resume_complete(pair):
    lakeside, willow = pair
    number = place(pair)
    for move, status in [(("accept", number, "--by", "alvarez"), "accepted"),
                         (("start", number), "in-progress"),
                         (("hold", number, "--reason", "client-choice"), "on-hold"),
                         (("resume", number), "in-progress")]:
        willow.move(*move)
        assert willow.status(number) == status
        lakeside.wait_status(number, status)
    assert lakeside.referral(number)["reason"] == "client-choice"
    willow.move("progress", number, "3/6")
    wait_for(lambda: lakeside.referral(number)["visits_done"] == 3, 10, "3 of 6 visits are seen")
    willow.move("complete", number)
    lakeside.wait_status(number, "completed")
    for side in pair:
        assert side.referral(number)["list"] == "closed"
    assert [line for line in lakeside.track(number) if " " not in line or "visits" in line] == [
        "sent", "received", "accepted", "started", "resumed", "visits reported: 3 of 6", "completed"]
    assert willow.referral(number)["filler_number"] == lakeside.referral(number)["filler_number"]


def test_decline_tells_the_reason_and_ends_it(pair):
    lakeside, willow = pair
    number = place(pair)
    willow.move("decline", number, "--reason", "other", "--text", "No place before spring", "--by", "alvarez")
    lakeside.wait_status(number, "rejected")
    shown = lakeside.referral(number)
    assert (shown["reason"], shown["reason_text"], shown["list"]) == ("other", "No place before spring", "closed")
    assert any(line.get("by") == "alvarez" for line in shown["track"] if line["what"] == "declined")


def test_cancel_before_the_start(pair):
    lakeside, willow = pair
    number = place(pair)
    lakeside.move("cancel", number, "--reason", "client-choice")
    assert lakeside.status(number) == "cancelled"
    willow.wait_status(number, "cancelled")


@pytest.mark.parametrize("answer, status, abort", [("cancel", "cancelled", "accepted"),
                                                   ("keep", "in-progress", "rejected")])
def test_cancel_after_the_start_is_asked_and_answered(pair, answer, status, abort):
    lakeside, willow = pair
    number = place(pair)
    willow.move("accept", number)
    willow.move("start", number)
    lakeside.wait_status(number, "in-progress")
    lakeside.move("cancel", number, "--reason", "contraindicated")
    assert (lakeside.status(number), lakeside.referral(number)["abort"]) == ("in-progress", "requested")
    assert lakeside.referral(number)["list"] == "waiting for an answer"
    assert "in-progress; asked to be stopped: Contraindicated" in lakeside.run("referrals", "list").stdout
    wait_for(lambda: willow.referral(number).get("abort") == "requested", 10, "Willow is asked to stop")
    assert (willow.status(number), willow.referral(number)["list"]) == ("in-progress", "to answer")
    shown = willow.run("status").stdout
    assert re.search("^to answer +1$", shown, re.M) and "1 referral waits for our answer: refgate referrals" in shown
    assert "asked to be stopped already" in lakeside.move("cancel", number, expect=4).stderr
    willow.move(answer, number)
    wait_for(lambda: lakeside.referral(number).get("abort") == abort, 10, "Lakeside hears the answer")
    assert (lakeside.status(number), willow.status(number)) == (status, status)
    said = "in-progress; goes on, though asked to be stopped: Contra" if answer == "keep" else "cancelled: Contra"
    assert said in lakeside.run("referrals", "list").stdout


def test_fail_after_the_start(pair):
    lakeside, willow = pair
    number = place(pair)
    willow.move("accept", number)
    willow.move("start", number)
    willow.move("fail", number, "--reason", "cannot-reach-client")
    lakeside.wait_status(number, "failed")
    assert lakeside.referral(number)["reason"] == "cannot-reach-client"


def test_notes_start_the_referral_and_the_discharge_ends_it(pair):
    lakeside, willow = pair
    number = place(pair)
    refused = willow.send(records.note(number), expect=1)
    assert refused[0]["answer"] == "refused"
    willow.move("accept", number)
    for visit in (1, 2):
        note = records.note(number, visit=visit)
        willow.send(note)
        lakeside.wait_record(note["record_id"])
    lakeside.wait_status(number, "in-progress")
    assert lakeside.referral(number)["visits_done"] == 2
    done = records.discharge(number)
    willow.send(done)
    lakeside.wait_record(done["record_id"])
    lakeside.wait_status(number, "completed")
    assert willow.send(records.note(number, visit=7), expect=1)[0]["answer"] == "refused"
    correction = records.note(number, visit=2, replaces_record_id=note["record_id"])
    willow.send(correction)
    lakeside.wait_record(correction["record_id"])
    assert lakeside.status(number) == "completed"


def test_the_private_note_stays_at_home(pair):
    lakeside, willow = pair
    number = place(pair)
    willow.move("accept", number)
    note = records.note(number)
    willow.send(note)
    lakeside.wait_record(note["record_id"])
    sent = [willow.payload(payload) for payload, in willow.query("SELECT payload FROM message")]
    assert sent and not [text for text in sent if b"Geheimwort" in text]
    stored = [path for path in lakeside.folder.glob("store.*/*")] + [lakeside.folder / "store.db"]
    assert len(stored) > 1 and not [path for path in stored if b"Geheimwort" in path.read_bytes()]


def test_moves_that_are_not_possible(pair):
    lakeside, willow = pair
    number = place(pair)
    queued = len(willow.messages(direction="out"))
    for side, move, why in [
            (willow, ("start", number), "requested"), (willow, ("resume", number), "requested"),
            (willow, ("complete", number), "requested"), (willow, ("keep", number), "requested"),
            (willow, ("progress", number, "1/6"), "requested"),
            (lakeside, ("accept", number), "only the clinic who was asked"),
            (lakeside, ("decline", number), "only the clinic who was asked")]:
        done = side.move(*move, expect=4)
        assert number in done.stderr and why in done.stderr, done.stderr
    assert (willow.status(number), lakeside.status(number)) == ("requested", "received")
    assert len(willow.messages(direction="out")) == queued
    assert "expected a number of refgate referrals list" in willow.move("accept", "R-nowhere", expect=3).stderr
    willow.move("progress", number, "three", expect=2)
    willow.move("decline", number, "--reason", "no-capacity")
    assert "possible now: nothing" in willow.move("accept", number, expect=4).stderr


def test_two_clinics_with_the_same_number(make_town):
    willow, lakeside, harbor = make_town("willow", "lakeside", "harbor")
    for clinic, by in ((lakeside, "osei"), (harbor, "obrien")):
        clinic.send(records.consent(clinic.name, ["willow"]))
        clinic.send(records.referral("R-1", by=by))
        clinic.wait_status("R-1", "received")
    found = willow.move("accept", "R-1", expect=3).stderr
    assert "lakeside:R-1" in found and "harbor:R-1" in found
    willow.move("accept", "harbor:R-1")
    harbor.wait_status("R-1", "accepted")
    assert (willow.status("lakeside:R-1"), lakeside.status("R-1")) == ("requested", "received")
    filler = willow.referral("lakeside:R-1")["filler_number"]
    willow.move("decline", filler, "--reason", "no-capacity")
    lakeside.wait_status("R-1", "rejected")


def test_a_planned_pause_of_a_partner(make_town):
    """Nothing is sent in it and nothing is reported as a fault; what waited goes when it is over."""
    lakeside, willow = make_town("lakeside", "willow", start=False, watch_files="false")
    lakeside.partner_settings("willow", maintenance="[daily 00:00-24:00]")
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    record = records.referral()
    lakeside.send(record)
    other = records.referral(to="harbor")
    lakeside.send(other)  # the courier has looked around since
    wait_for(lambda: lakeside.messages(state="queued"), 10, "it waits")
    assert lakeside.messages(kind="referral")[0]["attempts"] == 0
    assert "partner-down" not in lakeside.log()
    willow.start()
    lakeside.partner_settings("willow", maintenance="[]")
    lakeside.reload()
    lakeside.wait_status(record["record_id"], "received")


def test_every_attempt_is_shown_with_its_times(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    record = records.referral()
    lakeside.send(record)
    wait_for(lambda: lakeside.messages(shown_as="cannot connect, retrying"), 10, "a first attempt")
    willow.start()
    lakeside.wait_status(record["record_id"], "received")
    shown = lakeside.run("messages", "show", str(lakeside.messages(kind="referral")[0]["number"])).stdout
    heads = next(line for line in shown.splitlines() if line.startswith("AT "))
    assert "CONNECTED MS" in heads and "TLS" in heads and "FIRST BYTE" in heads
    failed = next(line for line in shown.splitlines() if " cannot-connect " in line).split()
    assert failed[2:6] == ["-", "-", "-", "-"] and "refused" in " ".join(failed)
    answered = next(line for line in shown.splitlines() if " answered " in line).split()
    assert answered[2] == "200"
    connected, secured, first, whole = (float(word) for word in answered[3:7])
    assert 0 < connected <= secured <= first <= whole


def test_a_referral_that_comes_behind_its_cancel(make_town):
    """Willow is away; the client takes everything back. The cancel arrives, and only then a copy of the referral
    that was still on its way: it is filed as cancelled and is nobody's work, before and after a restart."""
    lakeside, willow = make_town("lakeside", "willow", start=False)
    lakeside.start()
    given, referral = records.consent("lakeside", ["willow"]), records.referral()
    number = referral["record_id"]
    lakeside.send(given, referral)
    wait_for(lambda: lakeside.messages(kind="referral", state="queued"), 10, "Willow was tried")
    message, = lakeside.messages(kind="referral")
    copy = lakeside.run("messages", "show", str(message["number"]), "--body").stdout
    lakeside.send({**records.consent("lakeside", ["willow"]), "status": "revoked", "revoked_at": records.moment(-0.5)})
    wait_for(lambda: lakeside.messages(kind="referral", state="withdrawn"), 10, "the referral is not sent again")
    lakeside.move("cancel", number)
    willow.start()
    wait_for(lambda: lakeside.messages(kind="cancel", state="sent"), 20, "the cancel arrived")
    wait_for(lambda: lakeside.referral(number)["abort"] == "accepted", 10, "and is confirmed")
    assert lakeside.status(number) == "cancelled"
    willow.kill()
    willow.start()
    answer = wire.post(willow, lakeside, copy)
    assert (answer.status, answer.code, [code for code, _ in answer.issues()]) == (200, "ok", ["informational"])
    assert wire.post(willow, lakeside, copy).body == answer.body
    for _ in range(2):
        there = willow.referral(number)
        assert (there["status"], there["list"], "cancelled before it came" in willow.track(number)) == (
            "cancelled", "closed", True)
        willow.kill()
        willow.start()
    lakeside.send(records.consent("lakeside", ["willow"]))  # the old referral stays where it is, a new one goes
    new = records.referral()["record_id"]
    lakeside.send({**referral, "record_id": new})
    lakeside.wait_status(new, "received", seconds=30)
    assert wait_for(lambda: willow.inbox(new), 10, "the new one is in records/in")
    assert (willow.status(new), willow.status(number), willow.inbox(number)) == ("requested", "cancelled", None)
    assert lakeside.status(number) == "cancelled"
    assert [line["recipient"] for line in lakeside.tray()] == []
