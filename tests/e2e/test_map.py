"""`refgate map` without a service: every sample record becomes a valid Bundle and comes back as the same record;
every faulty record is refused at its place."""
import csv
import json
import re
import shutil

import pytest

import records
from practice import ROOT, json_lines, refgate

GOOD = ROOT / "tests" / "records" / "good"
BAD = ROOT / "tests" / "records" / "bad"
SAMPLES = sorted(path for path in GOOD.iterdir() if path.name not in ("directory.csv", "measurements.csv"))
NOW = "2026-10-20T12:00:00-04:00"
with open(BAD / "manifest.csv") as table:
    FAULTS = list(csv.DictReader(table))


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """All samples at once: {file stem: Bundle file}; and what was said about consent. Sample 23 names an attachment
    that is not there; here it is."""
    desk, out = tmp_path_factory.mktemp("desk"), tmp_path_factory.mktemp("mapped")
    for sample in SAMPLES:
        shutil.copy(sample, desk)
    (desk / "xray-report.pdf").write_bytes(b"%PDF-1.4 no findings")
    done = refgate("map", "--directory", GOOD / "directory.csv", "--now", NOW, "--out", out,
                   *(desk / sample.name for sample in SAMPLES), cwd=out)
    return {path.name.removesuffix(".bundle.json"): path for path in out.glob("*.bundle.json")}, done.stderr, desk


# A default is written by whoever reads a record; the list says which fields have one.
DEFAULTS = {"status", "priority", "visit_kind", "note_kind", "code_system", "level", "how", "measured_on",
            "attendance", "role", "response_rating", "visits_missed", "client_present", "given_by"}


def is_same(sent, got, path=""):
    """What differs between two records beyond defaults that were filled in; '' for nothing."""
    if isinstance(sent, dict) and isinstance(got, dict):
        for key in sent:
            if key == "private_note":
                assert key not in got
                continue
            if key not in got:
                return f"{path}.{key} is missing"
            fault = is_same(sent[key], got[key], f"{path}.{key}")
            if fault:
                return fault
        more = set(got) - set(sent) - DEFAULTS
        return f"{path}: also {sorted(more)}" if more else ""
    if isinstance(sent, list) and isinstance(got, list):
        if len(sent) != len(got):
            return f"{path} has {len(got)} items"
        return next(filter(None, (is_same(one, other, f"{path}[{i}]")
                                  for i, (one, other) in enumerate(zip(sent, got)))), "")
    if path.endswith("visits_per_week"):
        return "" if float(sent) == float(got) else f"{path}: {got}"
    return "" if sent == got else f"{path}: {got!r}, sent {sent!r}"


def back(path):
    """The records of a Bundle file, numbers as they are written."""
    text = refgate("map", "--directory", GOOD / "directory.csv", path, cwd=path.parent).stdout
    return [json.loads(line, parse_float=str, parse_int=str) for line in text.splitlines()]


def test_every_sample_has_its_bundle(mapped):
    bundles, said, _ = mapped
    for sample in SAMPLES:
        if sample.suffix == ".json":
            assert sample.stem in bundles
    for sheet in ("referrals", "consents"):
        with open(GOOD / f"{sheet}.csv") as table:
            rows = len(list(csv.DictReader(table)))
        assert len([name for name in bundles if name.startswith(f"{sheet}.row")]) == rows
    assert "for lakeside" in said or "for osei" in said
    for line in said.splitlines():
        assert re.search(r": for \S+: (may be sent|would wait): ", line), line


@pytest.mark.parametrize("sample", [path for path in SAMPLES if path.suffix == ".json"], ids=lambda path: path.stem)
def test_a_sample_goes_round(mapped, sample):
    bundle = mapped[0][sample.stem]
    sent = json.loads(sample.read_text(), parse_float=str, parse_int=str)
    got, = back(bundle)
    assert is_same(sent, got) == ""
    assert "private_note" not in bundle.read_text() and "Cried during session" not in bundle.read_text()


def test_rows_of_sheets_go_round(mapped):
    for name, path in mapped[0].items():
        if ".row" not in name:
            continue
        sheet, row = name.split(".row")
        with open(GOOD / f"{sheet}.csv") as table:
            sent = list(csv.DictReader(table))[int(row) - 2]
        got, = back(path)
        for column in ("record_id", "client_id", "client_family_name", "client_birth_date", "written_at"):
            if sent.get(column):
                assert got[column] == sent[column]


def test_every_bundle_is_valid(mapped):
    """By our own validator; tests/hapi asks the reference validator."""
    done = refgate("validate", "--ndjson", *mapped[0].values(), expect=None)
    bad = [line for line in json_lines(done.stdout) if not line["valid"]]
    assert not bad and done.returncode == 0, bad


def test_what_map_prints_is_stable(mapped, tmp_path):
    again = tmp_path / "again"
    refgate("map", "--directory", GOOD / "directory.csv", "--now", "2026-12-01T00:00:00Z", "--out", again,
            *(mapped[2] / sample.name for sample in SAMPLES), cwd=tmp_path)
    for name, path in mapped[0].items():
        assert (again / path.name).read_bytes() == path.read_bytes(), name


def test_decimals_keep_their_digits(tmp_path):
    referral = records.referral("R-1")
    note = records.note("R-1", measurements=[{"measure": "pain-now", "value": 7.0, "unit": "/10"}])
    text = json.dumps(note).replace("7.0", "7.00")
    (tmp_path / "note.json").write_text(text)
    (tmp_path / "referral.json").write_text(json.dumps(referral))
    options = ["--directory", GOOD / "directory.csv"]
    bundle = refgate("map", *options, "--known", "referral.json", "note.json", cwd=tmp_path).stdout
    assert '"value":7.00' in bundle
    (tmp_path / "b.json").write_text(bundle)
    assert '"value":7.00' in refgate("map", *options, "b.json", cwd=tmp_path).stdout


def test_a_note_needs_its_referral(tmp_path):
    note = GOOD / "02-note-visit-1.json"
    options = ["--directory", GOOD / "directory.csv", "--now", NOW]
    alone = refgate("map", *options, note, cwd=tmp_path, expect=1)
    assert alone.stdout == "" and "referral_id" in alone.stderr
    known = refgate("map", *options, "--known", GOOD / "01-referral-physician-to-massage.json", note, cwd=tmp_path)
    assert len(known.stdout.splitlines()) == 1


def test_consent_is_named_and_withholds_nothing(tmp_path):
    options = ["--directory", GOOD / "directory.csv", "--now", NOW]
    sample = GOOD / "09-referral-massage-to-physical-therapy.json"
    alone = refgate("map", *options, sample, cwd=tmp_path)
    assert "would wait" in alone.stderr and alone.stdout
    known = refgate("map", *options, "--known", GOOD / "13-consent-care-team.json", sample, cwd=tmp_path)
    assert "for riverbend: may be sent: the consent WSM-C-0501" in known.stderr


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case["file"].removesuffix(".json"))
def test_a_faulty_record_is_refused_at_its_place(case, tmp_path):
    options = ["--directory", GOOD / "directory.csv", "--now", NOW]
    for number in ("01-referral-physician-to-massage", "09-referral-massage-to-physical-therapy"):
        options += ["--known", GOOD / f"{number}.json"]
    path = BAD / case["file"]
    done = refgate("map", *options, path, cwd=tmp_path, expect=1)
    assert done.stdout == ""
    faults = json_lines(refgate("map", "--json", *options, path, cwd=tmp_path, expect=1).stderr)
    where = case["where"]
    lined = re.fullmatch(r"line (\d+) column (\d+)", where)
    if lined:
        places = [(fault.get("line"), fault.get("column")) for fault in faults]
        assert (int(lined[1]), int(lined[2])) in places, faults
        assert f"line {lined[1]} column {lined[2]}" in done.stderr
    elif where == "file":
        assert any(not fault.get("path") for fault in faults), faults
    else:
        assert where in [fault.get("path") for fault in faults], faults
        assert f"{where}: found " in done.stderr
    for word in re.findall(r"offer (\S+)", case["message_should"]):
        assert f"did you mean {word}" in done.stderr, done.stderr
    for fault in faults:
        assert fault["file"] and fault["found"]


def test_without_a_directory_it_says_how_to_name_one(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(json.dumps(records.referral()))
    done = refgate("map", path, cwd=tmp_path, expect=2)
    assert "expected the data folder (-d DIR), or who is who (--directory FILE)" in done.stderr


def test_an_attachment_that_is_not_there(tmp_path):
    sample = GOOD / "23-referral-work-injury.json"
    done = refgate("map", "--directory", GOOD / "directory.csv", "--now", NOW, sample, cwd=tmp_path, expect=1)
    assert done.stdout == "" and "attachments[1].file: found xray-report.pdf" in done.stderr


def test_good_rows_and_bad_files_together(tmp_path):
    options = ["--directory", GOOD / "directory.csv", "--now", NOW]
    done = refgate("map", *options, GOOD / "01-referral-physician-to-massage.json", BAD / "kind-misspelt.json",
                   cwd=tmp_path, expect=1)
    assert len(done.stdout.splitlines()) == 1
    assert refgate("map", *options, tmp_path / "none.json", cwd=tmp_path, expect=2).stderr


def test_a_bundle_from_elsewhere_keeps_what_has_no_word(tmp_path):
    """Codes and texts of the sender that we have no word for are shown under `received`, and the record maps on."""
    bundle = json.loads(refgate("map", "--directory", GOOD / "directory.csv", "--now", NOW,
                                GOOD / "01-referral-physician-to-massage.json", cwd=tmp_path).stdout)
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "ServiceRequest":
            entry["resource"]["performerType"] = {"coding": [{"system": "http://snomed.info/sct", "code": "1",
                                                              "display": "Herbalist"}]}
    (tmp_path / "b.json").write_text(json.dumps(bundle))
    got, = json_lines(refgate("map", "--directory", GOOD / "directory.csv", "b.json", cwd=tmp_path).stdout)
    assert any("Herbalist" in json.dumps(item) for item in got.get("received", [])), got


def test_of_many_numbers_names_and_codes_the_right_ones_are_read():
    """A valid message of another system, with the number of the state, old names and telephones and several codes first;
    whatever is not read is told."""
    message = ROOT / "tests" / "records" / "foreign" / "referral-with-many-of-each.json"
    [record] = back(message)
    right = {"record_id": "R-1", "client_id": "7", "client_family_name": "Roe", "client_given_names": "Jane Q",
             "client_phone": "3", "client_email": "a", "client_language": "es", "service": "physiotherapy",
             "client_address": "12 Elm St, Apt 4, Springfield, IL", "referred_to": "alvarez",
             "sensitivity": ["mental-health", "abuse"]}
    assert {field: record[field] for field in right} == right
    assert [(item["code"], item["code_system"]) for item in record["diagnoses"]] == [("M54.2", "icd-10-cm")]
    assert {(other["id"], other["issued_by"]) for other in record["client_other_ids"]} == {
        ("O-1", "harbor"), ("P-1", "riverbend")}
    told = {entry.get("text") for entry in record["received"]} | {entry.get("code") for entry in record["received"]}
    assert {"123-45-6789 (SS)", "6 (MR, old)", "Born", "maiden", "2 (old)", "81680005", "DELAU", "OLD (old)"} <= told
