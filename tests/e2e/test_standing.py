"""Messages whose modifier elements say that what they hold is no fact: refused in an answer, taken back, or filed
beside the fields, over the wire and by `refgate map`."""
import json

import pytest

import records
import wire
from practice import wait_for


@pytest.fixture
def door(make_town):
    """Willow runs; Lakeside is only a folder whose certificate the test uses. (willow, lakeside)"""
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.start()
    return willow, lakeside


def sent(lakeside, *made, known=()):
    """The Bundle of the last of the records, as a tree."""
    return json.loads(lakeside.bundles(*made, known=known)[-1])


def one(bundle, kind):
    return next(entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind)


@pytest.mark.parametrize("kind, changes, words", [
    ("ServiceRequest", {"doNotPerform": True}, "do not perform"),
    ("ServiceRequest", {"status": "draft"}, "draft"),
    ("ServiceRequest", {"intent": "option"}, "options"),
    ("Task", {"status": "rejected"}, "declined"),
])
def test_an_order_that_is_none_is_answered_in_words(door, kind, changes, words):
    willow, lakeside = door
    bundle = sent(lakeside, records.referral())
    one(bundle, kind).update(changes)
    answer = wire.post(willow, lakeside, bundle)
    assert (answer.status, answer.code) == (200, "fatal-error"), answer
    (code, text), = answer.issues()
    assert code == "not-supported"
    assert words in text and "nothing was filed" in text
    assert willow.records() == []
    refused, = willow.messages(direction="in")
    assert (refused["state"], refused["kind"]) == ("refused", "referral") and words in refused["reason"]
    assert wire.post(willow, lakeside, bundle).body == answer.body
    for canary in records.CANARIES:
        assert canary not in willow.log()


def test_the_order_is_taken_when_it_is_one(door):
    willow, lakeside = door
    record = records.referral()
    draft = sent(lakeside, record)
    one(draft, "ServiceRequest")["status"] = "draft"
    assert wire.post(willow, lakeside, draft).code == "fatal-error"
    bundle = records.renamed(lakeside.bundles(record)[0], "signed")
    assert wire.post(willow, lakeside, bundle).code == "ok"
    assert willow.referral(record["record_id"])["status"] == "requested"


def test_a_cancelled_task_is_no_new_referral(door):
    willow, lakeside = door
    record = records.referral()
    assert wire.post(willow, lakeside, lakeside.bundles(record)[0]).code == "ok"
    again = json.loads(records.renamed(lakeside.bundles(record)[0], "again"))
    one(again, "Task")["status"] = "entered-in-error"
    assert wire.post(willow, lakeside, again).code == "ok"
    assert willow.referral(record["record_id"])["status"] == "cancelled"


def test_a_completed_order_waits_for_nobody(door):
    willow, lakeside = door
    record = records.referral(status="completed")
    assert wire.post(willow, lakeside, lakeside.bundles(record)[0]).code == "ok"
    assert willow.referral(record["record_id"])["status"] == "completed"


def test_rules_of_others_are_refused(door):
    willow, lakeside = door
    bundle = sent(lakeside, records.referral())
    one(bundle, "Patient")["implicitRules"] = "https://rules.example/x"
    answer = wire.post(willow, lakeside, bundle)
    assert answer.status == 422
    assert "implicitRules" in answer.issues()[0][1]


def test_what_is_no_fact_is_filed_beside_and_counted(door):
    willow, lakeside = door
    bundle = sent(lakeside, records.referral(precautions=[{"text": "Pregnant"}],
                                             diagnoses=[{"code": "M54.2", "text": "Neck pain"},
                                                        {"code": "S13.4XXA", "text": "Whiplash"}]))
    one(bundle, "Flag")["status"] = "entered-in-error"
    condition = one(bundle, "Condition")
    condition["verificationStatus"] = {"coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "refuted"}]}
    one(bundle, "Patient")["deceasedBoolean"] = True
    answer = wire.post(willow, lakeside, bundle)
    assert (answer.status, answer.code) == (200, "ok"), answer
    outcome = next(entry["resource"] for entry in answer.json()["entry"]
                   if entry["resource"]["resourceType"] == "OperationOutcome")
    issue, = outcome["issue"]
    assert issue["severity"] == "warning"
    assert "1 Flag.status entered-in-error" in issue["details"]["text"]
    assert wire.post(willow, lakeside, bundle).body == answer.body
    number = one(bundle, "Task")["identifier"][0]["value"]
    record = wait_for(lambda: willow.inbox(number), 10, "the referral is in records/in")
    assert "precautions" not in record
    assert [item.get("standing") for item in record["diagnoses"]] == [None, "refuted"]
    first, second = record["received"][:2]
    assert (first["path"], first["code"]) == ("Patient.deceasedBoolean", "true")
    assert second["text"].startswith("Not filed: ")


def test_map_says_the_same(door, tmp_path):
    _, lakeside = door
    bundle = sent(lakeside, records.referral())
    path = tmp_path / "bundle.json"
    one(bundle, "ServiceRequest")["intent"] = "proposal"
    path.write_text(json.dumps(bundle))
    assert json.loads(lakeside.run("map", str(path)).stdout)["standing"] == "proposed"
    one(bundle, "ServiceRequest")["doNotPerform"] = True
    path.write_text(json.dumps(bundle))
    done = lakeside.run("map", str(path), expect=1)
    assert "ServiceRequest.doNotPerform: found this order says" in done.stderr
    assert done.stdout == ""


def test_an_order_on_hold_is_listed_as_such(door):
    willow, lakeside = door
    record = records.referral(status="on-hold")
    assert wire.post(willow, lakeside, lakeside.bundles(record)[0]).code == "ok"
    assert "requested; the order is on hold" in willow.run("referrals", "list").stdout


def test_the_desk_sees_what_to_take_care_of(door):
    willow, lakeside = door
    record = records.referral(precautions=[{"text": "Blood thinner"}])
    bundle = sent(lakeside, record)
    one(bundle, "ServiceRequest")["intent"] = "proposal"
    one(bundle, "Flag")["status"] = "inactive"
    one(bundle, "Patient")["deceasedDateTime"] = records.today(-3)
    assert wire.post(willow, lakeside, bundle).code == "ok"
    listed = willow.run("referrals", "list").stdout
    assert "requested; proposed; The sender says that this client has died" in listed
    assert "Blood thinner (caution, inactive)" in listed
    shown = willow.run("referrals", "show", record["record_id"]).stdout
    assert "take care     proposed; The sender says" in shown
    found, = willow.records(record_id=record["record_id"])
    assert found["shown_as"].startswith("received; proposed; The sender says")
    assert "take care: proposed; The sender" in willow.run("records", "show", record["record_id"]).stdout
    told = json.loads(willow.run("referrals", "show", record["record_id"], "--json").stdout)
    assert told["standing"] == "proposed" and records.today(-3) in told["caution"]
