"""The drop folder records/out: what lies there is taken once it has settled; what is still being written,
hidden, linked or odd does no harm; what is refused comes back with its reasons."""
import json
import os
import time

import pytest

import records
from practice import wait_for


@pytest.fixture
def clinic(make_town):
    """Lakeside alone: its records are accepted and wait in the tray."""
    lakeside, = make_town("lakeside", drop_settle_ms=100, drop_give_up_ms=1500)
    return lakeside


def out(clinic, *names):
    return clinic.folder.joinpath("records", "out", *names)


def ends_in(clinic, folder, name, seconds=10):
    path = clinic.folder / "records" / folder / name
    wait_for(path.exists, seconds, lambda: f"{name} in records/{folder}; out: {os.listdir(out(clinic))}; "
                                           f"sent: {os.listdir(clinic.folder / 'records' / 'sent')}; "
                                           f"refused: {os.listdir(clinic.folder / 'records' / 'refused')}")
    return path.read_text()


def numbers(clinic):
    return sorted(record["record_id"] for record in clinic.records())


def sheet(rows):
    columns = ["record", "record_id", "written_at", "written_by", "client_id", "client_family_name",
               "client_birth_date", "referred_to", "service", "reason", "visits_requested"]
    lines = [",".join(columns)]
    for row in rows:
        lines.append(",".join(str(row.get(column, "")) for column in columns))
    return "\n".join(lines) + "\n"


def test_a_record_is_taken_and_ends_in_sent(clinic):
    clinic.drop("r.json", json.dumps(records.referral("R-1")))
    ends_in(clinic, "sent", "r.json")
    assert numbers(clinic) == ["R-1"]
    assert os.listdir(out(clinic)) == []


def test_a_file_that_grows_is_taken_when_it_is_whole(clinic):
    text = json.dumps(records.referral("R-1"))
    path = out(clinic, "slow.json")
    with open(path, "w") as file:
        for start in range(0, len(text), len(text) // 8 + 1):
            file.write(text[start:start + len(text) // 8 + 1])
            file.flush()
            time.sleep(0.15)  # the speed of the writer, not a wait
    ends_in(clinic, "sent", "slow.json")
    assert numbers(clinic) == ["R-1"]


@pytest.mark.parametrize("name, cut", [
    ("half.json", 200), ("half.json", "cl"), ("half.json", "\\u"), ("half.json", "\\u0"), ("half.json", "é"),
    ("half.ndjson", 200), ("half.csv", 200), ("half.csv", "é")])
def test_a_half_written_file_that_is_finished_late(clinic, name, cut):
    """Cut at a byte, behind a text, or in the middle of a character."""
    record = records.referral("R-1", client_family_name="Né Oduya")
    text = sheet([record]) if name.endswith("csv") else json.dumps(record, ensure_ascii=cut != "é") + "\n"
    text = text.replace("Né", "N\\u00e9") if cut == "\\u0" else text
    text = text.encode()
    at = cut if isinstance(cut, int) else text.index(cut.encode()) + len(cut.encode()) - (cut == "é")
    path = out(clinic, name)
    path.write_bytes(text[:at])
    clinic.drop("probe.json", json.dumps(records.referral("R-2")))
    ends_in(clinic, "sent", "probe.json")  # a sweep has seen both, settled
    assert path.exists() and numbers(clinic) == ["R-2"]
    with open(path, "ab") as file:
        file.write(text[at:])
    ends_in(clinic, "sent", name)
    assert numbers(clinic) == ["R-1", "R-2"]


def test_a_half_written_file_that_is_given_up(clinic):
    out(clinic, "half.json").write_text(json.dumps(records.referral("R-1"))[:200])
    ends_in(clinic, "refused", "half.json")
    why = ends_in(clinic, "refused", "half.json.why.txt")
    assert "half.json" in why and "line 1" in why
    assert numbers(clinic) == []


@pytest.mark.parametrize("name", [".hidden.json", "r.json.tmp", "r.json.part", ".r.json.swp", "~$r.json",
                                  "Thumbs.db", "desktop.ini"])
def test_names_that_are_left_alone(clinic, name):
    text = json.dumps(records.referral("R-1"))
    path = out(clinic, name)
    path.write_text(text)
    clinic.drop("probe.json", json.dumps(records.referral("R-2")))
    ends_in(clinic, "sent", "probe.json")
    assert path.exists() and numbers(clinic) == ["R-2"]
    path.rename(out(clinic, "r.json"))
    ends_in(clinic, "sent", "r.json")
    assert numbers(clinic) == ["R-1", "R-2"]


def test_what_is_no_regular_file_is_left_alone(clinic, tmp_path):
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps(records.referral("R-1")))
    os.symlink(outside, out(clinic, "link.json"))
    os.symlink(tmp_path, out(clinic, "folder-link.json"))
    os.mkfifo(out(clinic, "pipe.json"))
    os.mkdir(out(clinic, "folder.json"))
    out(clinic, "folder.json", "inside.json").write_text(outside.read_text())
    clinic.drop("probe.json", json.dumps(records.referral("R-2")))
    ends_in(clinic, "sent", "probe.json")
    assert numbers(clinic) == ["R-2"]
    assert outside.exists()
    assert sorted(os.listdir(out(clinic))) == ["folder-link.json", "folder.json", "link.json", "pipe.json"]


def test_the_same_again_is_harmless(clinic):
    text = json.dumps(records.referral("R-1"))
    clinic.drop("r.json", text)
    ends_in(clinic, "sent", "r.json")
    clinic.drop("r.json", text)
    ends_in(clinic, "sent", "r.json.2")
    clinic.drop("copy.json", text)
    ends_in(clinic, "sent", "copy.json")
    assert numbers(clinic) == ["R-1"] and len(clinic.tray()) == 1
    clinic.drop("other.json", text.replace("Schulter", "Hals"))
    ends_in(clinic, "refused", "other.json")
    assert "used before for other content" in ends_in(clinic, "refused", "other.json.why.txt")


def test_a_faulty_record_comes_back_with_its_reasons(clinic):
    clinic.drop("bad.json", json.dumps(records.referral("R-1", service="masage-therapy", visits_requested="six")))
    why = ends_in(clinic, "refused", "bad.json.why.txt")
    assert "service" in why and "did you mean massage-therapy" in why and "visits_requested" in why
    ends_in(clinic, "refused", "bad.json")
    assert os.listdir(out(clinic)) == []
    assert "masage" not in clinic.log()


def test_of_a_sheet_the_good_rows_go(clinic):
    rows = [records.referral(f"R-{i}") for i in range(1, 7)]
    rows[1]["service"] = "masage-therapy"
    rows[3]["client_birth_date"] = "30.02.1999"
    rows[3]["visits_requested"] = "many"
    rows[3]["referred_to"] = "wilow"
    clinic.drop("batch.csv", sheet(rows))
    refused = ends_in(clinic, "refused", "batch.csv")
    why = ends_in(clinic, "refused", "batch.csv.why.txt")
    ends_in(clinic, "sent", "batch.csv")
    assert numbers(clinic) == ["R-1", "R-3", "R-5", "R-6"]
    assert [line.split(",")[1] for line in refused.splitlines()] == ["record_id", "R-2", "R-4"]
    assert "row 3: service" in why and "row 5: client_birth_date" in why
    assert "row 5: visits_requested" in why and "row 5: referred_to" in why
    # Corrected and dropped again, the bad rows go too.
    clinic.drop("batch.csv", sheet([records.referral("R-2"), records.referral("R-4")]))
    wait_for(lambda: len(clinic.records()) == 6, 10, "six records")


def test_a_row_that_is_no_csv_comes_back_too(clinic):
    lines = sheet([records.referral(f"R-{i}") for i in range(1, 4)]).splitlines()
    lines[2] = lines[2].replace("massage", 'mas"sage')
    clinic.drop("batch.csv", "\n".join(lines) + "\n")
    refused = ends_in(clinic, "refused", "batch.csv")
    assert "row 3" in ends_in(clinic, "refused", "batch.csv.why.txt")
    assert numbers(clinic) == ["R-1", "R-3"]
    assert "R-2" in refused and len(refused.splitlines()) == 2


def test_of_lines_the_good_ones_go(clinic):
    lines = [json.dumps(records.referral("R-1")), "", '{"record":', json.dumps(records.referral("R-2", service="x")),
             json.dumps(records.referral("R-3"))]
    clinic.drop("batch.ndjson", "\n".join(lines) + "\n")
    refused = ends_in(clinic, "refused", "batch.ndjson")
    assert refused.splitlines() == [lines[2], lines[3]]
    why = ends_in(clinic, "refused", "batch.ndjson.why.txt")
    assert "row 3" in why and "row 4" in why
    assert numbers(clinic) == ["R-1", "R-3"]


def test_a_sheet_in_which_every_row_is_bad(clinic):
    clinic.drop("bad.csv", sheet([records.referral("R-1", service="x"), records.referral("R-2", service="y")]))
    assert len(ends_in(clinic, "refused", "bad.csv").splitlines()) == 3
    assert not (clinic.folder / "records" / "sent" / "bad.csv").exists()


def test_what_is_dropped_while_nothing_runs_is_taken_at_the_start(clinic):
    clinic.stop()
    clinic.drop("r.json", json.dumps(records.referral("R-1")))
    clinic.start()
    ends_in(clinic, "sent", "r.json")
    assert numbers(clinic) == ["R-1"]


def test_killed_between_the_commit_and_the_move(clinic):
    """The record is in the store and the file still lies in records/out: it is known, and only moved."""
    record = records.referral("R-1")
    clinic.send(record)
    clinic.kill()
    clinic.drop("r.json", json.dumps(record))
    clinic.start()
    ends_in(clinic, "sent", "r.json")
    assert numbers(clinic) == ["R-1"] and len(clinic.tray()) == 1


def test_a_file_too_large(clinic):
    clinic.drop("huge.json", " " * (9 << 20))
    ends_in(clinic, "refused", "huge.json.why.txt")


def test_a_name_with_a_line_break_and_quotes(clinic):
    name = 'a\nb"c\'d é.json'
    clinic.drop(name, json.dumps(records.referral("R-1")))
    ends_in(clinic, "sent", name)
    for line in clinic.log().splitlines():
        json.loads(line)


def test_attachments_beside_the_record(clinic, tmp_path):
    out(clinic, "scan.part").write_bytes(b"%PDF-1.4 test")
    os.rename(out(clinic, "scan.part"), out(clinic, "scan.pdf"))
    record = records.referral("R-1", attachments=[{"file": "scan.pdf", "title": "Scan", "media_type": "application/pdf"}])
    clinic.drop("r.json", json.dumps(record))
    wait_for(lambda: clinic.records() or os.listdir(clinic.folder / "records" / "refused"), 10, "it is taken")
    why = {path.name: path.read_text() for path in (clinic.folder / "records" / "refused").glob("r*.txt")}
    assert numbers(clinic) == ["R-1"], why
