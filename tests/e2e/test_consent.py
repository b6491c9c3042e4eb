"""The consent gate as the clinic meets it: what may not go waits in the tray with the reason, goes by itself
when a consent arrives, and what waits for a partner is taken back when the consent is withdrawn."""
import pytest

import records
from practice import wait_for


@pytest.fixture
def pair(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    return lakeside, willow


def held(practice, record, why):
    """Sends a record that must wait; checks that its reason holds the words WHY."""
    said = practice.send(record)[0]
    assert said["answer"] == "taken"
    recipient, = said["recipients"]
    assert recipient["state"] == "waiting" and why in recipient["reason"], recipient
    waiting = [item for item in practice.tray() if item["record_id"] == record["record_id"]]
    assert len(waiting) == 1 and waiting[0]["reason"] == recipient["reason"]
    assert not practice.messages(direction="out", kind=record["record"])


def test_held_and_released_by_a_consent(pair):
    lakeside, willow = pair
    referral = records.referral()
    number = referral["record_id"]
    held(lakeside, referral, "no consent")
    assert lakeside.status(number) == "draft"
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.wait_status(number, "received")
    assert lakeside.tray() == []
    assert willow.status(number) == "requested"


def test_a_consent_for_others_releases_nothing(pair):
    lakeside, willow = pair
    referral = records.referral()
    held(lakeside, referral, "no consent")
    for wrong in [records.consent("lakeside", ["willow"], client="C-other"),
                  records.consent("lakeside", ["riverbend"]),
                  records.consent("lakeside", ["willow"], covers=["progress-note"]),
                  records.consent("lakeside", ["willow"], purposes=["payment"]),
                  records.consent("lakeside", ["willow"], status="draft"),
                  records.consent("lakeside", ["willow"], valid_from=records.today(1)),
                  records.consent("lakeside", ["willow"], records_until=records.today(-2))]:
        lakeside.send(wrong)
        assert len(lakeside.tray()) == 1, wrong
    lakeside.send(records.consent("lakeside", ["osei", "wisniewski", "willow"]))
    lakeside.wait_status(referral["record_id"], "received")


def test_each_reason_in_plain_words(pair):
    lakeside, _ = pair
    cases = [({"valid_until": records.today(-1)}, "ended"),
             ({"decision": "refuse"}, "refuse"),
             ({"status": "revoked", "revoked_at": records.moment(-2)}, "revoked"),
             ({"covers": ["progress-note"]}, "cover"),
             ({"excludes": ["mental-health"]}, "mental-health")]
    for i, (change, why) in enumerate(cases):
        lakeside.send(records.consent("lakeside", ["willow"], client=f"C-{i}", **change))
        held(lakeside, records.referral(client=f"C-{i}", sensitivity=["mental-health"]), why)


def test_a_refusal_that_names_the_recipient_beats_a_general_permission(pair):
    lakeside, _ = pair
    lakeside.send(records.consent("lakeside", ["willow", "riverbend"]))
    lakeside.send(records.consent("lakeside", ["alvarez"], decision="refuse",
                                  written_at=records.moment(-48)))
    held(lakeside, records.referral(to="alvarez"), "refuse")
    lakeside.send(other := records.referral(to="wisniewski"))
    lakeside.wait_status(other["record_id"], "received")


def test_the_newest_decision_wins(pair):
    lakeside, _ = pair
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(records.consent("lakeside", ["willow"], decision="refuse"))
    held(lakeside, records.referral(), "refuse")
    lakeside.send(records.consent("lakeside", ["willow"]))
    wait_for(lambda: lakeside.tray() == [], 10, "the referral has left the tray")


def test_a_psychotherapy_note_needs_a_consent_of_its_own(pair):
    lakeside, willow = pair
    lakeside.send(records.consent("lakeside", ["willow"]))
    willow.send(records.consent("willow", ["lakeside"]))
    referral = records.referral()
    lakeside.send(referral)
    lakeside.wait_status(referral["record_id"], "received")
    willow.move("accept", referral["record_id"])
    note = records.note(referral["record_id"], sensitivity=["psychotherapy-note"])
    held(willow, note, "psychotherapy")
    lakeside.wait_status(referral["record_id"], "in-progress")
    assert not lakeside.records(record_id=note["record_id"])


def test_withdrawn_while_the_partner_is_down(pair):
    lakeside, willow = pair
    willow.stop()
    permission = records.consent("lakeside", ["willow"])
    lakeside.send(permission)
    referral = records.referral()
    lakeside.send(referral)
    wait_for(lambda: lakeside.messages(shown_as="cannot connect, retrying"), 10, "the message is tried")
    lakeside.send(records.consent("lakeside", ["willow"], status="revoked", revoked_at=records.moment(),
                                  replaces_record_id=permission["record_id"]))
    # An attempt may be on its way just now; then it is withdrawn when that has ended.
    waiting, = wait_for(lakeside.tray, 10, "the record waits in the tray")
    assert waiting["record_id"] == referral["record_id"] and "revoked" in waiting["reason"]
    assert lakeside.messages(kind="referral")[0]["state"] == "withdrawn"
    willow.start()
    probe = records.referral(client="C-2")
    lakeside.send(records.consent("lakeside", ["willow"], client="C-2"))
    lakeside.send(probe)
    lakeside.wait_status(probe["record_id"], "received")
    assert willow.referral(referral["record_id"]) is None
    # A new permission sends it after all: with new ids, since it is a new disclosure.
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.wait_status(referral["record_id"], "received")
    sent, withdrawn = (lakeside.messages(kind="referral", state=state) for state in ("sent", "withdrawn"))
    assert len(withdrawn) == 1
    assert withdrawn[0]["message_id"] not in [message["message_id"] for message in sent]
    assert willow.status(referral["record_id"]) == "requested"


def test_a_partner_disabled_while_a_message_waits(pair):
    lakeside, willow = pair
    willow.stop()
    lakeside.send(records.consent("lakeside", ["willow"]))
    referral = records.referral()
    lakeside.send(referral)
    lakeside.partner_settings("willow", disabled="true")
    lakeside.reload()
    willow.start()
    attempts = lakeside.messages(kind="referral")[0]["attempts"]
    lakeside.partner_settings("willow", disabled="false")
    lakeside.reload()
    lakeside.wait_status(referral["record_id"], "received")
    assert lakeside.messages(kind="referral", state="sent")[0]["attempts"] >= min(attempts, 1)


def test_a_conference_goes_to_each_who_may(make_town):
    willow, lakeside, riverbend, harbor = make_town("willow", "lakeside", "riverbend", "harbor")
    willow.send(records.consent("willow", ["lakeside", "tanaka"]))
    meeting = records.conference(["alvarez", "osei", "lindqvist", "tanaka", "obrien"])
    said = {item["clinic"]: item for item in willow.send(meeting)[0]["recipients"]}
    assert {clinic: item["state"] for clinic, item in said.items()} == {
        "lakeside": "queued", "riverbend": "queued", "harbor": "waiting"}
    for clinic in (lakeside, riverbend):
        clinic.wait_record(meeting["record_id"])
    waiting, = willow.tray()
    assert (waiting["clinic"], waiting["for"]) == ("harbor", "obrien")
    assert len(willow.messages(kind="case-conference")) == 2
    assert not harbor.records()
    willow.send(records.consent("willow", ["harbor"]))
    harbor.wait_record(meeting["record_id"])
    assert len(lakeside.records(record="case-conference")) == 1


def test_a_plan_goes_to_the_team(make_town):
    willow, lakeside, riverbend = make_town("willow", "lakeside", "riverbend")
    willow.send(records.consent("willow", ["lakeside", "riverbend"]))
    plan = records.plan(["alvarez", "osei", "tanaka"])
    willow.send(plan)
    for clinic in (lakeside, riverbend):
        got = clinic.wait_record(plan["record_id"])
        assert (got["clinic"], got["origin"]) == ("willow", "willow")
