"""Attachments both ways: with every kind of record, whatever the order in which the files are dropped, and what becomes
of a file that no record names."""
import json
import os

import pytest

import records
from practice import wait_for

PDF = b"%PDF-1.4 scan"
LIST = [{"file": "a.pdf", "title": "Scan", "media_type": "application/pdf"}, {"file": "b.pdf", "title": "Scan"}]


@pytest.fixture
def town(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    lakeside.send(records.consent("lakeside", ["willow"]))
    willow.send(records.consent("willow", ["lakeside"]))
    return lakeside, willow


def received(gateway, number):
    """The record with this number in records/in, and the bytes of its attachments in order."""
    folder = gateway.folder / "records" / "in"

    def found():
        return next((path for path in folder.glob("*.json") if json.loads(path.read_text()).get("record_id") == number), None)
    path = wait_for(found, 20, lambda: f"{number} in {os.listdir(folder)}; {gateway.log()}")
    record = json.loads(path.read_text())
    return record, [path.with_suffix(".files").joinpath(item["file"]).read_bytes() for item in record["attachments"]]


def test_every_kind_carries_them(town):
    lakeside, willow = town
    for name, content in (("a.pdf", PDF), ("b.pdf", PDF + b" again")):
        for gateway in town:
            gateway.write(records.referral()).with_name(name).write_bytes(content)
    referral = records.referral("R-1", attachments=LIST)
    lakeside.send(referral)
    made = [referral]
    willow.wait_record("R-1")
    willow.move("accept", "R-1")
    lakeside.wait_status("R-1", "accepted")
    who = ["alvarez", "osei"]
    for record in (records.note("R-1", attachments=LIST), records.plan(who, attachments=LIST),
                   records.conference(who, attachments=LIST), records.discharge("R-1", attachments=LIST)):
        willow.send(record)
        made.append(record)
    for record in made:
        partner = willow if record is referral else lakeside
        told, files = received(partner, record["record_id"])
        assert files == [PDF, PDF + b" again"], record["record"]
        assert [item["title"] for item in told["attachments"]] == ["Scan", "Scan"]


@pytest.fixture
def clinic(make_town):
    """Lakeside alone: its records are accepted and wait in the tray."""
    lakeside, = make_town("lakeside", drop_settle_ms=100, drop_give_up_ms=600)
    return lakeside


def folder(clinic, name):
    return sorted(os.listdir(clinic.folder / "records" / name))


def drop_scan(clinic, name="Smith-MRI.pdf"):
    (clinic.folder / "records" / "out" / ".scan").write_bytes(PDF)
    os.rename(clinic.folder / "records" / "out" / ".scan", clinic.folder / "records" / "out" / name)


def attached(number, file="Smith-MRI.pdf"):
    return json.dumps(records.referral(number, attachments=[{"file": file, "title": "MRI"}]))


def test_the_record_first_or_the_scan_first(clinic):
    clinic.drop("r.json", attached("R-1"))
    wait_for(lambda: "r.json.waits.txt" in folder(clinic, "out"), 10, clinic.log)
    why = (clinic.folder / "records" / "out" / "r.json.waits.txt").read_text()
    assert "attachments[1].file: found Smith-MRI.pdf, which is not in records/out yet" in why
    assert f"records/out/{why.strip()}" in clinic.run("check").stdout
    assert not clinic.records()
    drop_scan(clinic)
    clinic.wait_record("R-1")
    wait_for(lambda: folder(clinic, "out") == [], 10, lambda: folder(clinic, "out"))
    assert folder(clinic, "sent") == ["Smith-MRI.pdf", "r.json"]
    drop_scan(clinic, "b.pdf")
    clinic.drop("probe.json", json.dumps(records.referral("R-2")))
    clinic.wait_record("R-2")  # a sweep has seen both, settled
    assert folder(clinic, "out") == ["b.pdf"] and folder(clinic, "refused") == []
    clinic.drop("s.json", attached("R-3", "b.pdf"))
    clinic.wait_record("R-3")
    wait_for(lambda: folder(clinic, "out") == [], 10, lambda: folder(clinic, "out"))


def test_what_nobody_names_stays_and_is_told_without_its_name_in_the_log(clinic):
    drop_scan(clinic)
    wait_for(lambda: "no record names a file in records/out" in clinic.log(), 60, clinic.log)
    assert folder(clinic, "out") == ["Smith-MRI.pdf", "Smith-MRI.pdf.waits.txt"]
    told = [item for item in clinic.json("check") if item["what"] == "drop-folder"]
    assert len(told) == 1 and "Smith-MRI.pdf: found a file that is no record" in told[0]["sentence"]
    assert "Smith" not in clinic.log()
    clinic.drop("r.json", attached("R-1"))
    clinic.wait_record("R-1")
    wait_for(lambda: folder(clinic, "out") == [], 10, lambda: folder(clinic, "out"))
    assert not [item for item in clinic.json("check") if item["what"] == "drop-folder"]
