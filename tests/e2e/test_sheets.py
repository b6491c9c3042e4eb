"""Sheets as spreadsheet programs save them: local times, semicolons, encodings that are not UTF-8."""
import json

import pytest

import records

COLUMNS = ["record", "record_id", "written_at", "written_by", "client_id", "client_family_name", "client_birth_date",
           "referred_to", "service", "reason", "techniques_requested"]


def sheet(record, separator=",", quoted='"{}"'):
    cells = [quoted.format(record[column]) if separator in str(record[column]) else str(record[column]) for column in COLUMNS]
    return separator.join(COLUMNS) + "\r\n" + separator.join(cells) + "\r\n"


@pytest.fixture
def clinic(make_town):
    lakeside, = make_town("lakeside", start=False, time_zone="America/New_York")
    return lakeside


def row(number, **more):
    return records.referral(number, techniques_requested="swedish;stretching", client_family_name="Núñez", **more)


def send(clinic, name, content, expect=0):
    path = clinic.write(records.referral()).with_name(name)
    path.write_bytes(content)
    done = clinic.run("send", path, expect=expect)
    return done.stdout + done.stderr


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_sheet_with_a_local_time(clinic, separator):
    content = sheet(row("R-1", written_at="2026-09-02 11:20"), separator).encode()
    assert "referral R-1 taken" in send(clinic, "sheet.csv", content)
    mapped = clinic.run("map", clinic.write(records.referral()).with_name("sheet.csv")).stdout
    order = next(entry["resource"] for entry in json.loads(mapped)["entry"]
                 if entry["resource"]["resourceType"] == "ServiceRequest")
    assert order["authoredOn"] == "2026-09-02T11:20:00-04:00"
    assert len(order["orderDetail"]) == 2


def test_what_a_spreadsheet_program_makes_of_days_and_times(clinic):
    content = sheet(row("R-1", written_at="2026-09-02 9:20", client_birth_date="22.3.1984")).encode()
    assert "referral R-1 taken" in send(clinic, "sheet.csv", content)
    kept = json.loads(clinic.run("records", "show", "R-1", "--json").stdout)
    assert (kept["written_at"], kept["client_birth_date"]) == ("2026-09-02T09:20:00-04:00", "1984-03-22")
    said = send(clinic, "sheet.csv", sheet(row("R-2", written_at="9/2/2026 9:20 AM",
                                               client_birth_date="3/9/1984")).encode(), expect=1)
    assert "row 2: written_at: found \"9/2/2026 9:20 AM\", a day that may be 2026-09-02 or 2026-02-09" in said, said
    assert "such as 2026-09-02 11:20" in said and "a day that may be 1984-03-09 or 1984-09-03" in said


def test_an_hour_that_the_clock_shows_twice_is_not_guessed(clinic):
    said = send(clinic, "sheet.csv", sheet(row("R-1", written_at="2026-11-01T01:30:00")).encode(), expect=1)
    assert "written_at: found" in said and "a time without a zone" in said and "time_zone" in said


@pytest.mark.parametrize("encoding, name", [("cp1252", "Windows-1252"), ("utf-16", "UTF-16")])
@pytest.mark.parametrize("form", ["csv", "json"])
def test_another_encoding_is_told_by_its_name(clinic, encoding, name, form):
    made = row("R-1")
    text = sheet(made) if form == "csv" else json.dumps(
        {**made, "techniques_requested": ["swedish"]}, ensure_ascii=False)
    said = send(clinic, f"r.{form}", text.encode(encoding), expect=1)
    assert f"this looks like {name}" in said and "UTF-8" in said, said
    assert not clinic.records()


def test_two_separators_are_named(clinic):
    said = send(clinic, "sheet.csv", b"record;record_id,written_at\nreferral;R-1,2026-09-02\n", expect=1)
    assert "found both , and ; between the columns" in said
