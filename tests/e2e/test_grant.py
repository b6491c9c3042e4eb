"""The grant is kept with its message, and each try asks about exactly that: this partner, this clinic, these
people, these consents. What no longer fits is withdrawn and made anew for whoever still may have it."""
import csv
import io
import json

import pytest

import records
from practice import wait_for


@pytest.fixture
def pair(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    return lakeside, willow


def edit_directory(practice, handle, **values):
    """Changes a row of directory.csv and lets the service take it."""
    path = practice.folder / "directory.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    for row in rows:
        if row["handle"] == handle:
            row.update(values)
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue())
    practice.reload()


def revoked(practice, consent, **more):
    return {**records.consent(practice.name, consent["share_with"], client=consent["client_id"], **more),
            "status": "revoked", "revoked_at": records.moment(), "replaces_record_id": consent["record_id"]}


def queue_referral(lakeside, willow, **more):
    """A referral that has been tried, while willow does not answer."""
    willow.stop()
    referral = records.referral(**more)
    lakeside.send(referral)
    wait_for(lambda: lakeside.messages(shown_as="cannot connect, retrying"), 10, "the message is tried")
    return referral["record_id"]


def body(practice, message):
    return json.loads(practice.run("messages", "show", message["number"], "--body").stdout)


def evidence(practice, message):
    """Numbers of the Consents in a message."""
    return [resource["identifier"][0]["value"] for entry in body(practice, message)["entry"]
            if (resource := entry["resource"])["resourceType"] == "Consent"]


def test_a_clinic_that_moves_to_another_partner_takes_its_messages_along(make_town):
    lakeside, willow, riverbend = make_town("lakeside", "willow", "riverbend")
    lakeside.send(records.consent("lakeside", ["willow"]))
    number = queue_referral(lakeside, willow)
    edit_directory(lakeside, "willow", partner="riverbend")
    wait_for(lambda: lakeside.messages(kind="referral", partner="riverbend"), 10, "it goes to riverbend")
    old, = lakeside.messages(kind="referral", partner="willow")
    assert old["state"] == "withdrawn" and "riverbend" in old["reason"], old
    willow.start()
    probe = records.referral(to="harbor")
    lakeside.send(probe)  # something else happens meanwhile
    assert willow.referral(number) is None
    assert not lakeside.messages(kind="referral", partner="willow", state="sent")


def test_a_partner_that_is_no_more_gives_back_what_is_queued(pair):
    lakeside, willow = pair
    lakeside.send(records.consent("lakeside", ["willow"]))
    number = queue_referral(lakeside, willow)
    held = lakeside.folder / "partners" / "willow.yaml"
    text = held.read_text()
    held.unlink()
    lakeside.reload()
    waiting, = wait_for(lakeside.tray, 10, "the referral is in the tray")
    assert "partner add willow" in waiting["reason"]
    held.write_text(text)
    lakeside.reload()
    willow.start()
    lakeside.wait_status(number, "received")
    assert lakeside.tray() == []


def test_who_has_left_the_clinic_gets_nothing_there(pair):
    lakeside, willow = pair
    lakeside.send(records.consent("lakeside", ["willow", "alvarez"]))
    number = queue_referral(lakeside, willow, to="alvarez")
    edit_directory(lakeside, "alvarez", works_at="harbor")
    waiting, = wait_for(lakeside.tray, 10, "the referral is in the tray")
    assert "alvarez is not at willow any more but at harbor" in waiting["reason"]
    willow.start()
    probe = records.referral()
    lakeside.send(probe)
    lakeside.wait_status(probe["record_id"], "received")
    assert willow.referral(number) is None


def test_one_of_two_loses_consent_and_the_other_still_gets_it(make_town):
    willow, lakeside = make_town("willow", "lakeside")
    lakeside.stop()
    first, second = (records.consent("willow", [handle]) for handle in ("osei", "lindqvist"))
    willow.send(first, second)
    meeting = records.conference(["alvarez", "osei", "lindqvist"])
    willow.send(meeting)
    wait_for(lambda: willow.messages(shown_as="cannot connect, retrying"), 10, "it is tried")
    willow.send(revoked(willow, second))
    # A try may be under way just now; then it is withdrawn when that has ended.
    wait_for(lambda: willow.messages(kind="case-conference", state="withdrawn"), 10, "it is withdrawn")
    lakeside.start()
    lakeside.wait_record(meeting["record_id"])
    willow.wait_settled()
    old, new = willow.messages(kind="case-conference")
    assert (old["state"], new["state"]) == ("withdrawn", "sent")
    assert "only osei" in old["reason"] and "revoked" in old["reason"], old
    receivers = [destination.get("receiver", {}).get("reference") for destination in
                 body(willow, new)["entry"][0]["resource"]["destination"]]
    assert len(receivers) == 1
    assert evidence(willow, new) == [first["record_id"]]


def test_the_evidence_sent_along_is_the_consent_that_governs(pair):
    lakeside, willow = pair
    first = records.consent("lakeside", ["willow"])
    lakeside.send(first)
    number = queue_referral(lakeside, willow)
    assert evidence(lakeside, lakeside.messages(kind="referral")[0]) == [first["record_id"]]
    second = records.consent("lakeside", ["willow"])
    lakeside.send(second)
    wait_for(lambda: lakeside.messages(kind="referral", state="withdrawn"), 10, "it is withdrawn")
    willow.start()
    lakeside.wait_status(number, "received")
    sent, = lakeside.messages(kind="referral", state="sent")
    assert evidence(lakeside, sent) == [second["record_id"]]
    assert lakeside.tray() == []


def test_what_is_made_anew_keeps_its_turn(pair):
    """Notes and moves behind a withdrawn message do not overtake the one that takes its place."""
    lakeside, willow = pair
    lakeside.send(records.consent("lakeside", ["willow"]))
    willow.send(records.consent("willow", ["lakeside"]))
    referral = records.referral()
    number = referral["record_id"]
    lakeside.send(referral)
    lakeside.wait_status(number, "received")
    willow.move("accept", number)
    lakeside.wait_status(number, "accepted")
    lakeside.stop()
    first, last = records.note(number), records.discharge(number)
    willow.send(first)
    willow.move("progress", number, "1/6")
    willow.send(last)
    wait_for(lambda: willow.messages(shown_as="cannot connect, retrying"), 10, "the note is tried")
    willow.send(records.consent("willow", ["lakeside"]))
    wait_for(lambda: len(willow.messages(state="withdrawn")) == 2, 10, "both records are made anew")
    lakeside.start()
    lakeside.wait_status(number, "completed")
    willow.wait_settled()
    assert {message["state"] for message in willow.messages(direction="out")} == {"sent", "withdrawn"}
    track = lakeside.track(number)
    note_at, count_at, end_at = (next(i for i, line in enumerate(track) if word in line) for word in
                                 (first["record_id"], "1 of 6", last["record_id"]))
    assert note_at < count_at < end_at


def test_held_stays_held_when_it_is_made_anew(pair):
    lakeside, willow = pair
    lakeside.send(records.consent("lakeside", ["willow"]))
    number = queue_referral(lakeside, willow)

    def hold():
        message, = lakeside.messages(kind="referral")
        return lakeside.run("queue", "hold", message["number"], expect=None).returncode == 0

    wait_for(hold, 10, "the message is held")
    lakeside.send(records.consent("lakeside", ["willow"]))
    old, new = lakeside.messages(kind="referral")
    assert (old["state"], new["state"]) == ("withdrawn", "held")
    willow.start()
    probe = records.referral()
    lakeside.send(probe)
    lakeside.wait_status(probe["record_id"], "received")
    assert willow.referral(number) is None
    lakeside.run("queue", "resend", new["number"])
    lakeside.wait_status(number, "received")


def test_what_arrived_is_not_sent_again_without_its_consent(pair):
    lakeside, willow = pair
    permission = records.consent("lakeside", ["willow"])
    lakeside.send(permission)
    referral = records.referral()
    lakeside.send(referral)
    lakeside.wait_status(referral["record_id"], "received")
    message, = lakeside.messages(kind="referral")
    lakeside.send(revoked(lakeside, permission))
    done = lakeside.run("queue", "resend", message["number"], expect=5)
    assert "revoked" in done.stderr
    assert lakeside.messages(kind="referral")[0]["state"] == "sent"


def test_a_parked_message_is_asked_about_when_it_is_resent(pair):
    lakeside, willow = pair
    permission = records.consent("lakeside", ["willow"])
    lakeside.send(permission)
    number = queue_referral(lakeside, willow)

    def park():
        message, = lakeside.messages(kind="referral")
        return lakeside.run("queue", "park", message["number"], expect=None).returncode == 0

    wait_for(park, 10, "the message is parked")
    lakeside.send(revoked(lakeside, permission))
    message, = lakeside.messages(kind="referral")
    willow.start()
    lakeside.run("queue", "resend", message["number"])
    waiting, = wait_for(lakeside.tray, 10, "the referral is in the tray")
    assert "revoked" in waiting["reason"]
    assert willow.referral(number) is None


def test_a_grant_outlives_a_restart(pair):
    lakeside, willow = pair
    permission = records.consent("lakeside", ["willow"])
    lakeside.send(permission)
    number = queue_referral(lakeside, willow)
    lakeside.kill()
    lakeside.send(revoked(lakeside, permission))  # while no service runs
    lakeside.start()
    willow.start()
    waiting, = wait_for(lakeside.tray, 10, "the referral is in the tray")
    assert waiting["record_id"] == number and "revoked" in waiting["reason"]
    assert willow.referral(number) is None


def test_an_answer_follows_its_clinic_and_comes_back(make_town):
    """directory.csv gives lakeside to riverbend's system, which does not serve it, and then back."""
    lakeside, willow, riverbend = make_town("lakeside", "willow", "riverbend")
    lakeside.send(records.consent("lakeside", ["willow"]))
    referral = records.referral()
    number = referral["record_id"]
    lakeside.send(referral)
    lakeside.wait_status(number, "received")
    lakeside.stop()
    willow.move("accept", number)
    wait_for(lambda: willow.messages(shown_as="cannot connect, retrying"), 10, "the answer is tried")
    edit_directory(willow, "lakeside", partner="riverbend")
    lakeside.start()
    said = wait_for(lambda: [message for message in willow.messages(kind="accept") if message["state"] == "parked"], 10,
                    willow.messages)
    assert said[0]["partner"] == "riverbend" and "not the clinic addressed" in said[0]["reason"], said
    assert lakeside.status(number) == "received" and riverbend.referral(number) is None
    edit_directory(willow, "lakeside", partner="lakeside")
    lakeside.wait_status(number, "accepted")


# ---- the order of consents ----

def test_a_permission_dated_tomorrow_outranks_no_withdrawal(pair):
    lakeside, _ = pair
    permission = records.consent("lakeside", ["willow"])
    lakeside.send(permission)
    lakeside.send(revoked(lakeside, permission))
    warned = lakeside.run("send", lakeside.write(records.consent(
        "lakeside", ["willow"], written_at=records.moment(24))))
    assert "ahead of this gateway's clock" in warned.stdout
    lakeside.send(records.referral())
    waiting, = lakeside.tray()
    assert "revoked" in waiting["reason"]


def test_a_withdrawal_dated_before_the_permission_acts_at_once(pair):
    lakeside, _ = pair
    permission = records.consent("lakeside", ["willow"])
    lakeside.send(permission)
    lakeside.send(revoked(lakeside, permission, written_at=records.moment(-500)))
    lakeside.send(records.referral())
    waiting, = lakeside.tray()
    assert "revoked" in waiting["reason"]


def test_an_older_broader_consent_does_not_revive(pair):
    lakeside, _ = pair
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(records.consent("lakeside", ["willow"], valid_until=records.today(-1)))
    lakeside.send(records.referral())
    waiting, = lakeside.tray()
    assert "ended" in waiting["reason"] and "older consent" in waiting["reason"]


def test_a_permission_a_moment_ahead_comes_into_force_by_itself(pair):
    lakeside, _ = pair
    lakeside.send(records.consent("lakeside", ["willow"], written_at=records.moment(5 / 3600)))
    referral = records.referral()
    lakeside.send(referral)
    waiting, = lakeside.tray()
    assert "is not in force before" in waiting["reason"]
    lakeside.wait_status(referral["record_id"], "received", seconds=100)


# ---- dates ahead of the clock ----

def moves_are_valid(lakeside, willow, referral):
    """Accept, cancel and all the rest of both sides go through at once."""
    number = referral["record_id"]
    lakeside.wait_status(number, "received")
    willow.move("accept", number)
    lakeside.wait_status(number, "accepted")
    willow.move("start", number)
    lakeside.wait_status(number, "in-progress")
    lakeside.move("cancel", number)
    wait_for(lambda: willow.referral(number).get("abort") == "requested", 10, "willow is asked to stop")
    willow.move("cancel", number)
    lakeside.wait_status(number, "cancelled")


def test_a_few_minutes_ahead_are_tolerated(pair):
    lakeside, willow = pair
    lakeside.send(records.consent("lakeside", ["willow"]))
    referral = records.referral(written_at=records.moment(3 / 60))
    lakeside.send(referral)
    moves_are_valid(lakeside, willow, referral)
    other = records.referral(written_at=records.moment(3 / 60))
    lakeside.send(other)
    lakeside.wait_status(other["record_id"], "received")
    willow.move("decline", other["record_id"], "--reason", "no-capacity")
    lakeside.wait_status(other["record_id"], "rejected")


def test_more_is_refused_with_both_times(pair):
    lakeside, _ = pair
    ahead = records.moment(24 * 365)
    referral = records.referral(written_at=ahead)
    done = lakeside.run("send", lakeside.write(referral), expect=1)
    assert f"written_at: found {ahead}, ahead of this gateway's clock, which says {records.today()}" in done.stderr
    assert lakeside.referral(referral["record_id"]) is None


def test_a_received_referral_from_a_clock_a_year_ahead_is_answered_at_once(pair):
    lakeside, willow = pair
    ahead = records.moment(24 * 365)
    lakeside.send(records.consent("lakeside", ["willow"], valid_until=records.today(800)))
    referral = records.referral(written_at=ahead)
    lakeside.run("send", lakeside.write(referral), "--now", ahead)
    moves_are_valid(lakeside, willow, referral)


# ---- replaced before it left ----

def test_a_record_replaced_in_the_tray_never_leaves(pair):
    lakeside, willow = pair
    referral = records.referral()
    number = referral["record_id"]
    lakeside.send(referral)
    assert len(lakeside.tray()) == 1
    correction = records.referral(replaces_record_id=number, reason=records.REASON + " rechts")
    lakeside.send(correction)
    assert [item["record_id"] for item in lakeside.tray()] == [correction["record_id"]]
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.wait_status(number, "received")
    assert len(lakeside.messages(kind="referral")) == 1
    assert [record["record_id"] for record in willow.records(record="referral")] == [correction["record_id"]]
    # Both call it by the same number.
    willow.move("accept", number)
    lakeside.wait_status(number, "accepted")
    lakeside.move("cancel", number)
    willow.wait_status(number, "cancelled")
    assert f"referral {number} dropped" in lakeside.track(number)


def test_a_correction_of_a_correction_that_never_left(pair):
    lakeside, willow = pair
    first = records.referral()
    number = first["record_id"]
    second = records.referral(replaces_record_id=number, reason=records.REASON + " 2")
    third = records.referral(replaces_record_id=second["record_id"], reason=records.REASON + " 3")
    lakeside.send(first, second, third)
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.wait_status(number, "received")
    willow.move("accept", number)
    lakeside.wait_status(number, "accepted")
    lakeside.move("cancel", number)
    willow.wait_status(number, "cancelled")
    assert len(lakeside.messages(kind="referral")) == 1


def test_a_note_replaced_in_the_queue_never_leaves(pair):
    lakeside, willow = pair
    lakeside.send(records.consent("lakeside", ["willow"]))
    willow.send(records.consent("willow", ["lakeside"]))
    referral = records.referral()
    number = referral["record_id"]
    lakeside.send(referral)
    lakeside.wait_status(number, "received")
    willow.move("accept", number)
    lakeside.wait_status(number, "accepted")
    lakeside.stop()
    note = records.note(number)
    willow.send(note)
    wait_for(lambda: willow.messages(shown_as="cannot connect, retrying"), 10, "the note is tried")
    correction = records.note(number, replaces_record_id=note["record_id"])
    willow.send(correction)
    wait_for(lambda: willow.messages(kind="progress-note", state="withdrawn"), 10, "the note is dropped")
    lakeside.start()
    lakeside.wait_record(correction["record_id"])
    lakeside.wait_status(number, "in-progress")
    willow.wait_settled()
    assert not lakeside.records(record_id=note["record_id"])
    assert willow.tray() == []


def test_a_record_that_comes_behind_its_correction_never_leaves(pair):
    lakeside, willow = pair
    willow.send(records.consent("willow", ["lakeside"]))
    first = records.plan(["alvarez", "osei"])
    correction = records.plan(["alvarez", "osei"], replaces_record_id=first["record_id"])
    warned = willow.run("send", willow.write(correction))
    assert f'replaces_record_id: found "{first["record_id"]}", which is no treatment-plan of ours' in warned.stdout
    said, = willow.send(first)
    assert said["recipients"][0]["state"] == "waiting"
    lakeside.wait_record(correction["record_id"])
    willow.wait_settled()
    assert not lakeside.records(record_id=first["record_id"])
    assert willow.tray() == []


# ---- a person takes it out of the tray ----

def test_dropped_by_a_person(pair):
    lakeside, willow = pair
    referral, note = records.referral(), records.plan(["osei", "alvarez"], by="osei")
    number, other = referral["record_id"], records.referral()
    lakeside.send(referral, note, other)
    lakeside.run("tray", "drop", other["record_id"])  # as all that is done here: by who runs it
    dropped, = [line for line in lakeside.referral(other["record_id"])["track"] if "dropped" in line["what"]]
    assert dropped["by"].startswith("os:")
    assert "R-nothing" in lakeside.run("tray", "drop", "R-nothing", "--by", "osei", expect=3).stderr
    lakeside.run("tray", "drop", number, "--by", "tanaka", expect=2)  # nobody of ours
    row, = [item for item in lakeside.tray() if item["record_id"] == number]
    lakeside.run("tray", "drop", row["number"], "--by", "osei", "--reason", "written twice")
    assert [item["record_id"] for item in lakeside.tray()] == [note["record_id"]]
    assert lakeside.status(number) == "cancelled"
    dropped, = [line for line in lakeside.referral(number)["track"] if "dropped" in line["what"]]
    assert (dropped["by"], dropped["detail"]) == ("osei", "written twice")
    lakeside.send(records.consent("lakeside", ["willow"]))
    willow.wait_record(note["record_id"])
    assert willow.referral(number) is None and willow.referral(other["record_id"]) is None
    assert not lakeside.messages(kind="referral")


# ---- the reasoning ----

def test_consent_explain_names_all_that_was_considered(pair):
    lakeside, _ = pair
    broad = records.consent("lakeside", ["willow"])
    narrow = records.consent("lakeside", ["willow"], covers=["progress-note"])
    ahead = records.consent("lakeside", ["willow"], written_at=records.moment(24))
    other = records.consent("lakeside", ["riverbend"])
    lakeside.send(broad, narrow, ahead, other)
    referral = records.referral(to="alvarez")
    number = referral["record_id"]
    lakeside.send(referral)
    said, = lakeside.json("consent", "explain", number, "--to", "alvarez")
    assert (said["record_id"], said["to"], said["clinic"], said["allowed"]) == (number, "alvarez", "willow", False)
    assert [(item["consent"], item["state"]) for item in said["considered"]] == [
        (broad["record_id"], "outranked"), (narrow["record_id"], "governs"),
        (ahead["record_id"], "not in force"), (other["record_id"], "not about this")]
    assert narrow["record_id"] in said["considered"][0]["reason"]
    assert "does not cover a referral" in said["reason"]
    assert "share_with alvarez or willow" in said["what_to_do"] and "covers referral" in said["what_to_do"]
    assert said["now"].startswith("waiting: ")
    text = lakeside.run("consent", "explain", number, "--to", "alvarez").stdout
    for word in ("it may not be sent", "governs", "outranked", narrow["record_id"], "what to do"):
        assert word in text
    lakeside.send(records.consent("lakeside", ["willow"]))
    said, = lakeside.json("consent", "explain", number, "--to", "alvarez")
    assert said["allowed"] and said["what_to_do"] == "nothing: it may be sent"
    lakeside.partner_settings("willow", send="[progress-note]")
    lakeside.reload()
    said, = lakeside.json("consent", "explain", number, "--to", "alvarez")
    assert not said["allowed"] and "not set up to be sent a referral" in said["reason"]


def test_the_clocks_are_compared(pair):
    lakeside, _ = pair
    steps = {line["step"]: line for line in lakeside.json("partner", "test", "willow")}
    assert steps["http"]["state"] == "ok" and "its clock says" in steps["http"]["found"]
    ahead = records.moment(1)
    steps = {line["step"]: line for line in lakeside.json("partner", "test", "willow", "--now", ahead)}
    assert steps["http"]["state"] == "look"
    assert f"ours {ahead}" in steps["http"]["found"] and "behind ours" in steps["http"]["found"]


def test_the_client_may_be_what_is_corrected(pair):
    lakeside, willow = pair
    wrong = records.referral()
    lakeside.send(wrong)
    right = records.referral(client="C-2", replaces_record_id=wrong["record_id"])
    done = lakeside.run("send", lakeside.write(right))
    assert "which is a referral of another client" in done.stdout
    for client in ("C-1", "C-2"):
        lakeside.send(records.consent("lakeside", ["willow"], client=client))
    willow.wait_record(right["record_id"])
    lakeside.wait_settled()
    assert not willow.records(record_id=wrong["record_id"])
