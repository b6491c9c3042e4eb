"""What follows a message that waits for a person, is given up, or came too early, between two gateways: in the end both
sides see the referral in the same place."""
import records
from practice import wait_for


def referred(lakeside, willow):
    """A referral that Willow has; both may send each other everything."""
    for one, other in ((lakeside, willow), (willow, lakeside)):
        one.send(records.consent(one.name, [other.name]))
    made = records.referral()
    lakeside.send(made)
    lakeside.wait_status(made["record_id"], "received")
    return made["record_id"]


def parked(gateway, kind):
    """The number of the newest message of this kind, which is parked now; on its way it cannot be."""
    found = [message["number"] for message in gateway.messages(direction="out", kind=kind)][-1]
    wait_for(lambda: gateway.run("queue", "park", found, expect=None).returncode == 0, 10,
             f"message {found} is between two tries")
    return found


def test_what_follows_a_parked_move_waits_behind_it(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    number = referred(lakeside, willow)
    lakeside.stop()
    willow.move("accept", number)
    accept = parked(willow, "accept")
    note = records.note(number)
    willow.send(note)
    lakeside.start()
    made = records.referral()  # the way is open, and others are not held up
    other = made["record_id"]
    lakeside.send(made)
    lakeside.wait_status(other, "received")
    willow.move("accept", other)
    lakeside.wait_status(other, "accepted")
    assert [message["state"] for message in willow.messages(kind="progress-note")] == ["queued"]
    assert lakeside.status(number) == "received"
    behind = {row["kind"]: row.get("reason", "") for row in willow.json("queue", "list")}
    assert behind["progress-note"] == f"waits behind message {accept}, which is parked"
    willow.run("queue", "resend", accept)
    lakeside.wait_record(note["record_id"])
    lakeside.wait_status(number, "in-progress")
    assert willow.status(number) == "in-progress"


def test_a_retraction_is_not_said_to_wait(make_town):
    """It waits for nothing, whatever else of its referral a person keeps back."""
    lakeside, willow = make_town("lakeside", "willow")
    number = referred(lakeside, willow)
    willow.move("accept", number)
    first, second, third = records.note(number), records.note(number), records.note(number)
    willow.send(first)
    lakeside.wait_record(first["record_id"])
    lakeside.stop()
    willow.send(second)
    kept = parked(willow, "progress-note")
    willow.run("records", "retract", first["record_id"], "--reason", "wrong-client")
    willow.send(third)
    rows = willow.json("queue", "list")
    said = {row["kind"]: row.get("reason", "") for row in rows if row["state"] != "parked"}
    assert said["progress-note"] == f"waits behind message {kept}, which is parked", rows
    assert "waits behind" not in said["retraction"], rows


def test_a_move_given_up_takes_with_it_what_follows(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    number = referred(lakeside, willow)
    willow.stop()  # so that no try is under way that may have arrived
    willow.move("accept", number)
    accept = parked(willow, "accept")
    note = records.note(number)
    willow.send(note)
    willow.run("queue", "drop", accept)
    assert willow.status(number) == "requested"
    assert any("accept given up" in what for what in willow.track(number))
    waiting, = willow.tray()
    assert "accept it" in waiting["reason"] or "given up" in waiting["reason"], waiting
    willow.start()
    willow.move("accept", number)
    lakeside.wait_record(note["record_id"])
    for one in (lakeside, willow):
        one.wait_status(number, "in-progress")


def test_a_referral_cancelled_while_it_is_parked_never_leaves(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    made = records.referral()
    number = made["record_id"]
    lakeside.send(made)
    first = parked(lakeside, "referral")
    lakeside.move("cancel", number)
    assert lakeside.status(number) == "cancelled"
    state = lakeside.messages(kind="referral")[0]["state"]
    assert state == "dropped", (first, state)
    refused = lakeside.run("queue", "resend", first, expect=4)
    assert f"referral {number} is cancelled now; write a new referral" in refused.stderr
    willow.start()
    lakeside.wait_settled()
    other = records.referral()
    lakeside.send(other)
    lakeside.wait_status(other["record_id"], "received")
    assert willow.status(number) in (None, "cancelled")


def test_a_parked_referral_that_is_dropped_can_be_sent_again(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    lakeside.send(records.consent("lakeside", ["willow"]))
    made = records.referral()
    number = made["record_id"]
    lakeside.send(made)
    first = parked(lakeside, "referral")
    lakeside.run("queue", "drop", first)
    found = lakeside.referral(number)
    assert (found["status"], found["list"]) == ("draft", "not sent yet"), found
    lakeside.run("queue", "resend", first)
    assert lakeside.status(number) == "requested"
    for one in (lakeside, willow):
        one.start()
    lakeside.wait_status(number, "received")


def test_a_move_or_note_given_up_is_said_and_not_sent_as_it_was(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    for one, other in ((lakeside, "willow"), (willow, "lakeside")):
        one.send(records.consent(one.name, [other]))
    number = referred(lakeside, willow)
    lakeside.stop()
    willow.move("accept", number)
    accept = parked(willow, "accept")
    willow.run("queue", "drop", accept)
    refused = willow.run("queue", "resend", accept, expect=4)
    assert f"make the move again: refgate referrals accept {number}" in refused.stderr
    lakeside.start()
    willow.move("accept", number)
    lakeside.wait_status(number, "accepted")
    lakeside.stop()
    note = records.note(number)
    willow.send(note)
    willow.run("queue", "drop", parked(willow, "progress-note"))
    assert any(what.startswith(f"progress-note {note['record_id']} given up") for what in willow.track(number))


def test_what_came_too_early_is_judged_anew(make_town):
    """Willow's store is set back to before the referral came; what Lakeside then sends about it is refused, and taken
    when Lakeside has sent the referral again, by itself."""
    lakeside, willow = make_town("lakeside", "willow")
    lakeside.send(records.consent("lakeside", ["willow"]))
    backup = willow.folder.parent / "willow.tar"
    willow.run("backup", backup)
    made = records.referral()
    number = made["record_id"]
    lakeside.send(made)
    lakeside.wait_status(number, "received")
    willow.stop()
    willow.run("restore", backup, "--replace")
    willow.start()
    note = records.note(number, by="osei", visit=1)
    lakeside.send(note)
    willow.wait_record(note["record_id"])
    assert willow.status(number) == "requested"
    filler = willow.referral(number)["filler_number"]
    assert filler.startswith("willow-F-") and filler.count("-") == 3, filler
    lakeside.wait_settled()
    assert not lakeside.messages(state="rejected")
    wait_for(lambda: not willow.messages(state="early"), 5, "nothing is left that came too early")


def test_what_was_delivered_waits_to_be_sent_again(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    referred(lakeside, willow)
    willow.stop()
    sent = lakeside.messages(direction="out", kind="referral")[-1]["number"]
    lakeside.run("queue", "resend", sent)
    wait_for(lambda: lakeside.messages(kind="referral", shown_as="to be sent again"), 10, "it is told so")
