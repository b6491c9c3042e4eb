"""What is right but worth a second look is said to whoever hands a record in, and keeps nothing back."""
import json
import subprocess

import records
from practice import PROGRAM, json_lines, wait_for


def test_send_map_and_the_drop_folder_say_it(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    for one, other in ((lakeside, "willow"), (willow, "lakeside")):
        one.send(records.consent(one.name, [other]))
    referral = records.referral(authorized_visits=4, techniques_to_avoid=["deep-tissue"])

    said, = lakeside.send(referral)
    look, = said["warnings"]
    assert look["path"] == "visits_requested" and "at most the 4" in look["expected"]
    lakeside.wait_status(referral["record_id"], "received")
    number = referral["record_id"]
    assert "warnings" not in lakeside.send(referral)[0], "the same again: nothing was done"

    # The other side looks into the referral it received.
    willow.wait_record(number)
    willow.move("accept", number)
    note = records.note(number, visit=5, techniques=[{"technique": "deep-tissue", "area": "neck"}])
    said = willow.run("send", willow.write(note)).stdout
    assert " taken" in said
    assert "worth a second look: techniques[1].technique: found deep-tissue, which the referral asks to avoid" in said
    assert "worth a second look: visit_number: found 5 visits; expected at most the 4" in said
    lakeside.wait_record(note["record_id"])

    # By file: beside what was taken. Nothing about it stands in the log.
    dropped = records.note(number, visit=6)
    willow.drop("visit.json", json.dumps(dropped))
    path = willow.folder / "records" / "sent" / "visit.json.look.txt"
    wait_for(path.exists, 15, willow.log)
    assert "visit.json: visit_number: found 6 visits" in path.read_text()
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    plain = records.note(number, visit=2)
    willow.drop("plain.json", json.dumps(plain))
    wait_for((willow.folder / "records" / "sent" / "plain.json").exists, 15, willow.log)
    assert not (willow.folder / "records" / "sent" / "plain.json.look.txt").exists()
    assert "second look" not in willow.log() and "6 visits" not in willow.log()


def test_map_says_it_on_standard_error(make_town):
    lakeside, = make_town("lakeside", start=False)
    path = lakeside.write(records.referral(authorized_visits=4))
    done = lakeside.run("map", path)
    assert done.stdout.count("resourceType") > 1
    assert done.stderr.startswith("worth a second look: ") and "visits_requested: found 6 visits" in done.stderr
    told, = json_lines("\n".join(line for line in lakeside.run("map", path, "--json").stderr.splitlines()
                                 if line.startswith("{")))
    assert told["warning"]["path"] == "visits_requested"
    assert "second look" not in lakeside.run("map", lakeside.write(records.referral())).stderr


def test_what_is_wrong_stands_before_what_is_worth_a_look(make_town):
    lakeside, = make_town("lakeside", start=False)
    files = [lakeside.write(records.referral(authorized_visits=4)), lakeside.write(records.referral(visits_requested=0))]
    said = lakeside.run("map", *files, expect=1).stderr
    assert 0 <= said.index("visits_requested: found 0") < said.index("second look")
    with open(lakeside.folder / "said", "w+b") as both:  # as a terminal shows it
        subprocess.run([PROGRAM, "send", *files, "-d", lakeside.folder], stdout=both, stderr=both, check=False)
        both.seek(0)
        said = both.read().decode()
    assert 0 <= said.index("visits_requested: found 0") < said.index("second look")
