"""Commands as a person gives them: the same words while the service runs and while it does not, from any folder,
with exit codes that a script can trust."""
import json
import os
import pathlib
import re

import pytest

import records
from practice import Gateway, make_gateway, refgate, wait_for

LISTS = [("referrals", "list"), ("messages", "list"), ("records", "list"), ("tray", "list"), ("consent", "list"),
         ("queue", "list"), ("partner", "list")]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Two practices with something in every list; both are stopped."""
    import practice
    lakeside, willow = practice.make_town(tmp_path_factory.mktemp("told"), "lakeside", "willow")
    lakeside.start()
    willow.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(records.referral("R-1"))
    lakeside.send(records.referral("R-2", to="harbor"))
    lakeside.wait_status("R-1", "received")
    willow.move("accept", "R-1")
    lakeside.wait_status("R-1", "accepted")
    willow.stop()
    lakeside.send(records.referral("R-3"))
    wait_for(lambda: lakeside.messages(shown_as="cannot connect, retrying"), 10, "R-3 waits")
    lakeside.stop()
    yield lakeside
    practice.end_town([lakeside, willow])


def outputs(practice):
    """What every looking command prints, in both forms."""
    asked = [*LISTS, ("referrals", "show", "R-1"), ("messages", "show", "1"), ("consent", "show", "K-1"),
             ("partner", "show", "willow"), ("referrals", "list", "--list", "waiting for an answer"),
             ("messages", "list", "--state", "sent")]
    found = {}
    for words in asked:
        for form in ((), ("--json",)):
            done = practice.run(*words, *form, expect=None)
            found[words + form] = (done.returncode, done.stdout, done.stderr)
    return found


def test_the_same_output_with_and_without_the_service(told):
    """Held back before, so that no attempt changes what is shown in between."""
    number = told.messages(state="queued")[0]["number"]
    told.run("queue", "hold", str(number))
    without = outputs(told)
    assert not (told.folder / "control.sock").exists()
    told.start()
    within = outputs(told)
    told.stop()
    assert within == without
    assert all(code in (0, 3) for code, _, _ in without.values())
    for (*_, form), (code, out, _) in without.items():
        if form == "--json" and code == 0:
            assert all(isinstance(json.loads(line), dict) for line in out.splitlines())
    told.run("queue", "resend", str(number))


@pytest.mark.parametrize("words", LISTS)
def test_lists_have_a_heading_and_json_objects(told, words):
    table = told.run(*words).stdout.splitlines()
    objects = told.json(*words)
    assert objects and re.match(r"[A-Z]+  ", table[0])
    if words != ("queue", "list"):
        assert len(table) == len(objects) + 1


def test_the_folder_by_option_environment_or_place(told):
    wanted = told.run("referrals", "list").stdout
    bare = {key: value for key, value in os.environ.items() if key != "REFGATE_DIR"}
    assert refgate("referrals", "list", cwd=told.folder, env=bare).stdout == wanted
    assert refgate("referrals", "list", env={**bare, "REFGATE_DIR": str(told.folder)}).stdout == wanted
    assert refgate("referrals", "list", "-d", told.folder.name, cwd=told.folder.parent, env=bare).stdout == wanted
    elsewhere = {**bare, "REFGATE_DIR": "/nonexistent"}
    assert refgate("referrals", "list", "-d", told.folder, env=elsewhere).stdout == wanted
    lost = refgate("referrals", "list", env=elsewhere, expect=None)
    assert lost.returncode not in (0, 139) and "/nonexistent" in lost.stderr


def test_a_client_is_found_by_name(told):
    """Nobody at the telephone knows a number."""
    number, name = told.json("records", "list")[0]["client_id"], told.json("records", "list")[0]["client_name"]
    family = name.split(",")[0]
    for words in (("records", "list"), ("referrals", "list"), ("consent", "list")):
        asked = told.json(*words, "--client", number)
        assert asked and told.json(*words, "--client", family.lower()) == asked
        none = told.run(*words, "--client", "Nobody-Here")
        assert "found nothing about Nobody-Here; expected a client's number, or the name" in none.stderr


def told_commands(text):
    return re.findall(r"\brefgate ((?:[a-z][a-z-]*(?: |\b))+)", text)


def test_every_command_that_a_message_names_exists():
    """A person types what the message says."""
    lines = refgate("--help").stdout.splitlines()
    known = {found[1] for line in lines if (found := re.match(r"  ([a-z]+(?: [a-z-]+){0,2}?)(?: [A-Z[-].*?)?  +\S", line))}
    families = {name.split()[0] for name in known}
    unknown = set()
    for path in pathlib.Path(__file__).parents[2].glob("gateway/**/*.c"):
        joined = re.sub(r'"\s*\n\s*"', "", path.read_text())
        for said in told_commands(" ".join(re.findall(r'"(?:[^"\\\n]|\\.)*"', joined))):
            words = said.split()
            # "refgate cert" and "refgate referrals" alone are headings
            if words[0] in families and len(words) > 1 and not any(" ".join(words[:n]) in known for n in (1, 2, 3)):
                unknown.add((path.name, said))
    assert len(known) > 60 and not unknown


def test_relative_files_are_meant_from_where_one_stands(told, tmp_path):
    (tmp_path / "r.json").write_text(json.dumps(records.referral("R-rel")))
    for start in (False, True):
        if start:
            told.start()
        done = refgate("send", "r.json", "-d", told.folder, cwd=tmp_path)
        assert "R-rel" in done.stdout
        missing = refgate("send", "nowhere.json", "-d", told.folder, cwd=tmp_path, expect=2)
        assert "nowhere.json" in missing.stderr
        piped = refgate("send", "-", "-d", told.folder, input=json.dumps(records.referral(f"R-in-{start}")))
        assert f"R-in-{start}" in piped.stdout
    told.stop()


def test_the_folder_is_the_same_from_wherever_it_is_named(make_town):
    """The service stands in another folder than who asks it; a folder named from there is the service's own all the
    same: what status looks at, and the files that a command changes."""
    lakeside, willow = make_town("lakeside", "willow")
    beside = lakeside.folder.parent / "beside"
    beside.mkdir()
    bare = {key: value for key, value in os.environ.items() if key != "REFGATE_DIR"}
    wanted = refgate("status", "-d", lakeside.folder, cwd="/").stdout.splitlines()[-1]
    ways = [(("-d", f"../{lakeside.folder.name}"), beside, bare), ((), lakeside.folder, bare),
            ((), beside, {**bare, "REFGATE_DIR": f"../{lakeside.folder.name}"})]
    for named, cwd, env in ways:
        done = refgate("status", *named, cwd=cwd, env=env)
        assert "settings.yaml" not in done.stdout + done.stderr and done.stdout.splitlines()[-1] == wanted
    refgate("partner", "rename", "willow", "willow-2", cwd=lakeside.folder, env=bare)
    assert "willow-2" in refgate("partner", "list", cwd=lakeside.folder, env=bare).stdout


@pytest.mark.parametrize("words, code, said", [
    (("referrals", "show", "R-nowhere"), 3, "R-nowhere"), (("referrals", "accept", "R-nowhere"), 3, "R-nowhere"),
    (("messages", "show", "99999"), 3, "99999"), (("messages", "show", "x"), 2, "x"),
    (("consent", "show", "K-no"), 3, "K-no"), (("partner", "show", "nobody"), 3, "nobody"),
    (("referrals", "accept", "R-1"), 4, "only the clinic who was asked"), (("queue", "hold", "99999"), 3, "99999"),
    (("queue", "park", "x"), 2, "x"), (("refferals", "list"), 2, "did you mean refgate referrals list"),
    (("referrals",), 2, "referrals"), (("referrals", "accept"), 2, "arguments"),
    (("referrals", "list", "--jsn"), 2, "did you mean --json"), (("referrals", "list", "--now", "yesterday"), 2, "yesterday"), (("send",), 2, "arguments"), (("serve", "--now", "2026-09-02T11:20:00-04:00"), 2, "clock of this machine"), ((), 2, "--help"),
    (("serve", "extra"), 2, "extra"), (("partner", "tset", "x"), 2, "did you mean refgate partner test?"),
    (("referrals", "list", "--state", "x"), 2, "expected one of --list LIST")])
def test_exit_codes_and_words(told, words, code, said):
    for start in (False, True):
        if start and words and words[0] in ("serve",):
            continue
        if start:
            told.start()
        done = told.run(*words, expect=None)
        if start:
            told.stop()
        assert done.returncode == code, done
        assert said in done.stderr, done.stderr


def test_a_refused_record_is_exit_1_and_json_faults(told):
    done = told.run("send", told.write(records.referral("R-9", service="x", referred_to="wilow")), "--json", expect=1)
    said, = [json.loads(line) for line in done.stdout.splitlines()]
    assert said["answer"] == "refused"
    faults = [json.loads(line) for line in done.stderr.splitlines()]
    assert {fault["path"] for fault in faults} == {"service", "referred_to"}
    for fault in faults:
        assert set(fault) <= {"file", "row", "path", "line", "column", "found", "expected", "nearest"}
    assert next(fault for fault in faults if fault["path"] == "referred_to")["nearest"] == "willow"


def test_several_files_the_worst_counts(told, tmp_path):
    good, bad = told.write(records.referral()), told.write(records.referral(service="x"))
    assert told.run("send", good, bad, expect=1).stdout.count(" taken") == 1
    assert told.run("send", bad, tmp_path / "none", expect=2)
    again = told.run("send", good)
    assert "known already" in again.stdout


def test_help_and_version():
    text = refgate("--help").stdout
    for command in ("init DIR", "serve", "send FILE", "map FILE", "referrals accept", "messages list", "demo"):
        assert command in text
    assert "--reason" in refgate("referrals", "decline", "--help").stdout
    tray = refgate("tray", "--help").stdout
    assert "tray confirm NUMBER" in tray and "tray drop" in tray and "referrals" not in tray, "those of one word alone"
    assert "tray list" in refgate("tray", expect=2).stderr
    assert refgate("--version").stdout.startswith("refgate ")
    assert "LOINC" in refgate("--version").stdout


def test_now_sets_the_present(told):
    """A consent that ends today lets a record go today and not in a year."""
    import datetime
    later = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(400)).replace(microsecond=0)
    record = records.referral("R-later")
    said = told.run("send", told.write(record), "--now", later.isoformat(), "--json").stdout
    recipient, = json.loads(said)["recipients"]
    assert recipient["state"] == "waiting" and "ended" in recipient["reason"]


def test_init_prints_the_line_for_partners(tmp_path):
    done = refgate("init", tmp_path / "willow", "--org", "willow", "--listen", "127.0.0.1:18443")
    line = next(line for line in done.stdout.splitlines() if "refgate partner add" in line).split()
    other = make_gateway(tmp_path / "lakeside")
    line[line.index("ca.crt")] = str(tmp_path / "willow" / "keys" / "ca.crt")
    refgate(*line[1:], "-d", other.folder)
    shown = json.loads(refgate("partner", "show", "willow", "--json", "-d", other.folder).stdout)
    assert shown["url"] == "https://127.0.0.1:18443/fhir" and shown["san"] == "[urn:refgate:org:willow]"
    again = refgate(*line[1:], "-d", other.folder, expect=None)
    assert again.returncode != 0 and "already" in again.stderr


def test_init_with_given_keys(tmp_path):
    import wire
    ca = wire.make_ca(tmp_path)
    certificate, key = wire.issue(tmp_path, ca, "willow", "URI:urn:refgate:org:willow,IP:127.0.0.1")
    gateway = Gateway(tmp_path / "willow", 0)
    refgate("init", gateway.folder, "--listen", "127.0.0.1:0", "--cert", certificate, "--key", key, "--ca", ca[0])
    gateway.run("check")
    assert oct((gateway.folder / "keys" / "gateway.key").stat().st_mode & 0o777) == "0o600"
    half = refgate("init", tmp_path / "other", "--cert", certificate, expect=2)
    assert "all three" in half.stderr
    other_key = wire.issue(tmp_path, ca, "x", "URI:urn:refgate:org:x")[1]
    wrong = refgate("init", tmp_path / "wrong", "--cert", certificate, "--key", other_key, "--ca", ca[0], expect=None)
    checked = refgate("check", "-d", tmp_path / "wrong", expect=None)
    assert wrong.returncode != 0 or checked.returncode != 0


def test_messages_show_the_body(told):
    number = told.messages(direction="out")[0]["number"]
    bundle = json.loads(told.run("messages", "show", str(number), "--body").stdout)
    assert bundle["resourceType"] == "Bundle" and bundle["type"] == "message"


def test_many_commands_at_once(told):
    """Fifty records handed over by parallel commands: each is accepted once."""
    import subprocess
    from practice import PROGRAM
    told.start()
    before = len(told.records())
    made = [told.write(records.referral(client="C-many")) for _ in range(25)]
    running = [subprocess.Popen([PROGRAM, "send", path, "-d", told.folder], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT) for path in made for _ in range(2)]
    said = [process.communicate(timeout=60)[0].decode() for process in running]
    assert {process.returncode for process in running} == {0}, said
    assert sum(" taken" in text for text in said) == 25
    assert sum("known already" in text for text in said) == 25
    assert len(told.records()) == before + 25
    told.stop()
