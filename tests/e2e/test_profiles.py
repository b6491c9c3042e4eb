"""Profiles agreed with one partner hold for what it sends and for what is sent to it; $validate answers with
an OperationOutcome and leaves nothing behind."""
import json

import pytest

import practice
import records
import wire

REASON = "https://profiles.example/StructureDefinition/with-requisition"

# A ServiceRequest of this profile must name a requisition, which our referrals do not have.
PROFILE = {
    "resourceType": "StructureDefinition", "url": REASON, "name": "WithRequisition", "status": "active",
    "kind": "resource", "abstract": False, "type": "ServiceRequest", "derivation": "constraint",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/ServiceRequest",
    "differential": {"element": [{"id": "ServiceRequest.requisition", "path": "ServiceRequest.requisition",
                                  "min": 1}]},
}


@pytest.fixture
def town(make_town):
    """Lakeside and Willow, not started; Willow holds the profile."""
    lakeside, willow = make_town("lakeside", "willow", start=False)
    (willow.folder / "profiles").mkdir()
    (willow.folder / "profiles" / "requisition.json").write_text(json.dumps(PROFILE))
    return lakeside, willow


def ask_for_profile(willow):
    with open(willow.folder / "partners" / "lakeside.yaml", "a", encoding="utf-8") as file:
        file.write(f"\nprofiles: [{REASON}]\n")


def test_a_partner_s_message_must_meet_its_profile(town):
    lakeside, willow = town
    bundle = lakeside.bundles(records.referral())[0]
    ask_for_profile(willow)
    willow.start()
    answer = wire.post(willow, lakeside, bundle)
    assert answer.status == 400, answer
    assert any("requisition" in json.dumps(issue) for issue in answer.json()["issue"])
    assert willow.query("SELECT count(*) FROM message") == [(0,)]


def test_what_breaks_the_partner_s_profile_is_not_sent(town):
    _, willow = town
    ask_for_profile(willow)
    willow.start()
    willow.send(records.consent("willow", ["lakeside"]))
    willow.send(records.referral(by="alvarez", to="lakeside"))
    waiting = willow.tray()
    assert len(waiting) == 1 and "requisition" in waiting[0]["reason"], waiting
    assert willow.query("SELECT count(*) FROM message") == [(0,)]


def test_a_retraction_is_not_held_to_a_profile_of_notes(town):
    """It has no content that could meet one: both gateways ask every Composition of the other for its subject."""
    lakeside, willow = town
    with_subject = {**PROFILE, "type": "Composition", "name": "WithSubject",
                    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Composition",
                    "differential": {"element": [{"id": "Composition.subject", "path": "Composition.subject",
                                                  "min": 1}]}}
    for one, other in ((lakeside, willow), (willow, lakeside)):
        (one.folder / "profiles").mkdir(exist_ok=True)
        (one.folder / "profiles" / "requisition.json").write_text(json.dumps(with_subject))
        with open(one.folder / "partners" / f"{other.name}.yaml", "a", encoding="utf-8") as file:
            file.write(f"\nprofiles: [{REASON}]\n")
        one.start()
    number = records.referral()["record_id"]
    lakeside.send(records.consent("lakeside", ["willow"]), records.referral(number))
    willow.send(records.consent("willow", ["lakeside"]))
    willow.wait_record(number)
    willow.move("accept", number)
    note = records.note(number)
    willow.send(note)
    lakeside.wait_record(note["record_id"])
    willow.run("records", "retract", note["record_id"], "--reason", "wrong-client")
    practice.wait_for(lambda: lakeside.records(record_id=note["record_id"], state="retracted"), 10, "it is retracted")


def test_a_profile_that_no_file_holds_is_named(town):
    _, willow = town
    ask_for_profile(willow)
    (willow.folder / "profiles" / "requisition.json").unlink()
    found = willow.run("check", expect=None)
    assert found.returncode != 0
    assert "partners/lakeside.yaml: profiles: found " + REASON in found.stderr


def test_validate_as_an_operation(town):
    lakeside, willow = town
    willow.start()
    right = {"resourceType": "Patient", "text": {"status": "generated",
             "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}, "gender": "female"}
    wrong = {"resourceType": "Patient", "gender": "woman"}

    def worst(path, body):
        answer = wire.post(willow, lakeside, json.dumps(body), path=path)
        assert answer.status == 200, answer
        return {issue["severity"] for issue in answer.json()["issue"]}

    assert worst("/fhir/$validate", right) == {"information"}
    assert "error" in worst("/fhir/Patient/$validate", wrong)
    assert "error" in worst("/fhir/Observation/$validate", right)
    assert "error" in worst("/fhir/$validate", {"resourceType": "Parameters",
                                                "parameter": [{"name": "resource", "resource": wrong}]})
    assert willow.query("SELECT count(*) FROM message") == [(0,)]
    with pytest.raises(Exception):
        wire.post(willow, None, json.dumps(right), path="/fhir/$validate")
