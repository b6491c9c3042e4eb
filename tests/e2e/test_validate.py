"""`refgate validate` as somebody with a folder full of resources gives it: any number of files, by name, by a list or by
standard input, in memory that one of them needs; what must be mended is said first."""
import json
import os
import subprocess

import pytest

from practice import PROGRAM, ROOT, json_lines, refgate

FILES = 12_000
PATIENT = {"resourceType": "Patient", "name": [{"family": "Oak" * 2000}]}
WRONG = {"resourceType": "Patient", "extension": [{"url": "http://example.org/a", "valueString": " padded "}],
         "_birthDate": None, "birthDate": "2020-01-01"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    text = json.dumps(PATIENT)
    for number in range(FILES):
        (folder / f"{number:05}.json").write_text(text)
    return folder


def measured(*arguments, stdin=None, **options):
    """The command's exit code, what it printed, and its peak memory in kB."""
    with subprocess.Popen([PROGRAM, "validate", *arguments], stdin=stdin, stdout=subprocess.PIPE, text=True,
                          **options) as child:
        said = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, said, usage.ru_maxrss


def test_any_number_of_files_in_the_memory_of_one(folder, tmp_path):
    names = sorted(os.listdir(folder))
    _, _, alone = measured(names[0], cwd=folder)
    (tmp_path / "list").write_text("".join(f"{name}\n" for name in names))
    with open(tmp_path / "list", encoding="utf-8") as listed:
        ways = [measured(*names, cwd=folder), measured("--files-from", tmp_path / "list", cwd=folder),
                measured("--files-from", "-", stdin=listed, cwd=folder)]
    for code, said, memory in ways:
        assert code == 0
        assert said.splitlines() == [f"{name}: valid" for name in names]
        assert memory < alone + 4096


def test_a_list_may_have_gaps_and_names_what_cannot_be_read(folder, tmp_path):
    (tmp_path / "list").write_text("00001.json\r\n\r\nabsent.json\n00002.json")
    done = refgate("validate", "--files-from", tmp_path / "list", "00003.json", cwd=folder, expect=2)
    assert done.stdout.splitlines() == [f"0000{number}.json: valid" for number in (3, 1, 2)]
    assert "absent.json: found No such file" in done.stderr


def test_without_a_file_it_says_how_to_name_one():
    assert "expected refgate validate FILE... or --files-from LIST" in refgate("validate", expect=2).stderr


def test_errors_stand_first_and_good_practice_is_not_mixed_in(tmp_path):
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(WRONG))
    lines = refgate("validate", path, expect=1).stdout.splitlines()
    assert lines[0].endswith("not valid (1 error, 1 warning)")
    assert " error " in lines[1] and "Patient.birthDate: found null" in lines[1]
    assert " warning " in lines[2] and len(lines) == 3
    assert "dom-6" in refgate("validate", "--best-practice", path, expect=1).stdout
    issues = json_lines(refgate("validate", "--json", path, expect=1).stdout)[0]["issue"]
    assert [issue["severity"] for issue in issues] == ["error", "warning", "warning"]
    assert [issue.get("details", {}).get("text") for issue in issues].count("dom-6") == 1


def test_the_samples_of_the_benchmark_are_valid():
    assert refgate("validate", *sorted((ROOT / "tests" / "bench" / "fhir").glob("*.json"))).returncode == 0
