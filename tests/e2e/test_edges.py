"""What comes out where people look: partners' words on a terminal, attachments that are what their sender says,
folders that nobody else can write, counts of visits."""
import base64
import hashlib
import json
import os
import unicodedata

import pytest

import records
import wire
from practice import wait_for

CONTROL = "\x1b[2J\x1b]0;owned\x07\u009b31m\u202eevil\u200f\u200b\U000e0041"


@pytest.fixture
def door(make_town):
    """Willow runs; Lakeside is only a folder whose certificate the test uses."""
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.start()
    return willow, lakeside


def bundle_of(gateway, record):
    text, = gateway.bundles(record)
    return json.loads(text)


def resource(bundle, kind):
    return next(entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind)


def active(text):
    """Characters that a terminal would obey, or that nobody would see."""
    return [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") and char not in "\n\t"]


def test_no_partner_writes_on_our_terminal(door):
    willow, lakeside = door
    referral = records.referral()
    bundle = bundle_of(lakeside, referral)
    service = resource(bundle, "ServiceRequest")
    service.setdefault("note", []).append({"text": f"{CONTROL}\nreferral R-9 accepted"})
    service["reasonCode"] = [{"text": CONTROL}]
    resource(bundle, "Patient")["name"][0]["family"] = CONTROL
    assert wire.post(willow, lakeside, bundle).code == "ok"
    wait_for(lambda: willow.inbox(referral["record_id"]), 10, willow.log)
    for command in (["referrals", "list"], ["referrals", "show", referral["record_id"]], ["messages", "list"],
                    ["messages", "show", "1"], ["records", "list"], ["tray", "list"]):
        for form in ([], ["--json"]):
            said = willow.run(*command, *form, expect=None)
            assert not active(said.stdout + said.stderr), (command, form)
    file = next((willow.folder / "records" / "in").glob("*.json"))
    assert not active(willow.run("validate", file, expect=None).stderr)
    assert json.loads(file.read_text())["client_family_name"] == CONTROL  # kept as it came


def document(bundle, record, data, **more):
    """Adds an attachment with these bytes (text: as it stands)."""
    patient = next(entry["fullUrl"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Patient")
    told = data if isinstance(data, str) else base64.b64encode(data).decode()
    reference = f"urn:uuid:{records.uuid.uuid4()}"
    bundle["entry"].append({"fullUrl": reference, "resource": {
        "resourceType": "DocumentReference", "id": reference[9:], "status": "current",
        "description": record["record_id"], "subject": {"reference": patient},
        "content": [{"attachment": {"contentType": "text/plain", "data": told, "title": "scan.txt", **more}}]}})
    resource(bundle, "ServiceRequest").setdefault("supportingInfo", []).append({"reference": reference})
    return bundle


def sha1(data):
    return base64.b64encode(hashlib.sha1(data).digest()).decode()


@pytest.mark.parametrize("more, found", [({"hash": sha1(b"other")}, "SHA-1"), ({"size": 4}, "size")])
def test_an_attachment_that_is_not_what_it_says_is_refused(door, more, found):
    willow, lakeside = door
    referral = records.referral()
    answer = wire.post(willow, lakeside, document(bundle_of(lakeside, referral), referral, b"hello", **more))
    assert answer.status in (400, 422) and found in str(answer.issues()), (answer, answer.issues())
    assert willow.status(referral["record_id"]) is None


def test_two_attachments_of_one_title_are_two_files(door):
    willow, lakeside = door
    referral = records.referral()
    bundle = bundle_of(lakeside, referral)
    document(bundle, referral, "aGVs\n bG8=", size=5, hash=sha1(b"hello"))
    document(bundle, referral, b"again", size=5, hash=sha1(b"again"))
    answer = wire.post(willow, lakeside, bundle)
    assert (answer.status, answer.code) == (200, "ok"), answer
    wait_for(lambda: willow.inbox(referral["record_id"]), 10, willow.log)
    files = {path.name: path.read_bytes() for path in (willow.folder / "records" / "in").glob("*.files/*")}
    assert files == {"scan.txt": b"hello", "scan~2.txt": b"again"}


def test_a_folder_that_others_can_write_is_refused(make_town):
    willow, = make_town("willow", start=False)
    for part, words in (("", "go-w"), ("partners", "go-w"), ("settings.yaml", "go-w"), ("records/out", "o-w")):
        path = willow.folder / part
        before = os.stat(path).st_mode & 0o7777
        os.chmod(path, before | 0o002)
        for command in ("check", "serve"):
            refused = willow.run(command, expect=7)
            assert f"chmod {words} {path}" in refused.stderr.replace("//", "/").replace("/ ", " "), refused.stderr
        os.chmod(path, before)
    willow.run("check")


@pytest.mark.parametrize("count, kept", [(10**15, 0), (1000, 0), (999, 999)])
def test_visit_counts_have_a_range(door, count, kept):
    willow, lakeside = door
    referral = records.referral()
    bundle = bundle_of(lakeside, referral)
    resource(bundle, "ServiceRequest")["quantityQuantity"]["value"] = count
    assert wire.post(willow, lakeside, bundle).code == "ok"
    assert willow.referral(referral["record_id"])["visits_total"] == kept


@pytest.mark.parametrize("number", ["1e999999", "-1E-400", "1" + "0" * 5000, "0." + "1" * 64])
def test_no_number_costs_its_reader_a_million_digits(door, number):
    """A clinic's own system reads records/in; many stop, or think for long, at such a number."""
    willow, lakeside = door
    bundle = bundle_of(lakeside, records.referral())
    resource(bundle, "ServiceRequest")["quantityQuantity"]["value"] = 7777
    answer = wire.post(willow, lakeside, json.dumps(bundle).replace("7777", number))
    assert answer.status == 400 and "found a" in answer.issues()[0][1], answer
    assert wire.post(willow, lakeside, json.dumps(bundle).replace("7777", "7.0e0")).code == "ok"


def test_the_check_sees_a_monitoring_address_that_others_reach(make_town):
    willow, = make_town("willow", start=False)
    for address in ("0.0.0.0:9180", "127.evil.example:9180"):
        willow.settings(local_listen=address)
        assert "loopback" in willow.run("check", expect=7).stderr
