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
        return next((path for path in folder.glob("*.json") if json.loads(path.read_text())["record_id"] == number), None)
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
