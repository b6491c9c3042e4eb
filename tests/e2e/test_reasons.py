"""Why a referral is declined, held, failed or cancelled is a code; who did it is a person of ours or a user. What
leaves of either outside the consent gate is as small as can be."""
import getpass
import json

import pytest

import records
import wire
from practice import wait_for

CODES = ["no-capacity", "not-our-service", "missing-information", "cannot-reach-client", "client-choice",
         "contraindicated", "coverage", "duplicate", "other"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    import practice
    lakeside, willow = practice.make_town(tmp_path_factory.mktemp("reasons"), "lakeside", "willow")
    for one in (lakeside, willow):
        one.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    yield lakeside, willow
    practice.end_town([lakeside, willow])


def place(pair):
    lakeside, willow = pair
    record = records.referral()
    lakeside.send(record)
    willow.wait_record(record["record_id"])
    return record["record_id"]


def last_task(practice, partner=None):
    """The Bundle of the newest message of PRACTICE, and its Task."""
    newest = max(practice.messages(direction="out"), key=lambda one: one["number"])
    text = practice.run("messages", "show", str(newest["number"]), "--body").stdout
    bundle = json.loads(text)
    tasks = [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Task"]
    return text, bundle, tasks[0]


@pytest.mark.parametrize("code", CODES[:-1])
def test_each_code_reaches_the_placer(pair, code):
    lakeside, willow = pair
    number = place(pair)
    willow.move("decline", number, "--reason", code)
    lakeside.wait_status(number, "rejected")
    shown = lakeside.referral(number)
    assert shown["reason"] == code and "reason_text" not in shown
    _, _, task = last_task(willow)
    coding, = task["statusReason"]["coding"]
    assert coding["code"] == code and coding["system"].endswith("/CodeSystem/reason")
    assert task["statusReason"]["text"] == coding["display"]


def test_other_needs_a_short_text(pair):
    lakeside, willow = pair
    number = place(pair)
    for given, said in [(["--reason", "other"], "--text: found nothing"),
                        (["--reason", "other", "--text", "x" * 201], "found 201 characters; expected at most 200"),
                        (["--reason", "no-capacity", "--text", "full"], "only with --reason other"),
                        (["--text", "full"], "expected one of no-capacity")]:
        assert said in willow.move("decline", number, *given, expect=2).stderr
    assert willow.status(number) == "requested"
    willow.move("decline", number, "--reason", "other", "--text", "é" * 200)
    lakeside.wait_status(number, "rejected")
    assert lakeside.referral(number)["reason_text"] == "é" * 200


def test_an_unknown_code_names_the_nearest_and_all(pair):
    _, willow = pair
    number = place(pair)
    said = willow.move("decline", number, "--reason", "no-capcity", expect=2).stderr
    assert "did you mean no-capacity?" in said and all(code in said for code in CODES)
    assert "expected one of no-capacity" in willow.move("decline", number, expect=2).stderr
    willow.move("accept", number)
    assert "expected one of no-capacity" in willow.move("fail", number, expect=2).stderr
    assert willow.status(number) == "accepted"


def test_hold_and_cancel_may_tell_and_need_not(pair):
    lakeside, willow = pair
    number = place(pair)
    willow.move("accept", number)
    willow.move("start", number)
    willow.move("hold", number)
    willow.move("resume", number)
    willow.move("hold", number, "--reason", "client-choice")
    lakeside.wait_status(number, "on-hold")
    wait_for(lambda: lakeside.referral(number).get("reason") == "client-choice", 10, "the reason is told")
    other = place(pair)
    lakeside.move("cancel", other, "--reason", "duplicate")
    willow.wait_status(other, "cancelled")
    assert willow.referral(other)["reason"] == "duplicate"


def test_by_is_a_person_of_ours_or_a_user(pair):
    lakeside, willow = pair
    number = place(pair)
    for given, said in [("alvares", "did you mean alvarez?"), ("osei", "who works at lakeside"), ("willow", "a clinic"),
                        ("os:somebody", f"you are os:{getpass.getuser()}")]:
        assert said in willow.move("accept", number, "--by", given, expect=2).stderr
    willow.move("accept", number, "--by", "alvarez")
    willow.move("start", number, "--by", "user:front.desk")
    willow.move("progress", number, "1/6")
    lakeside.wait_status(number, "in-progress")
    wait_for(lambda: lakeside.referral(number)["visits_done"] == 1, 10, "a visit is told")
    ours = {line["what"]: line.get("by") for line in willow.referral(number)["track"]}
    assert (ours["accepted"], ours["started"]) == ("alvarez", "user:front.desk")
    assert ours["visits reported: 1 of 6"] == f"os:{getpass.getuser()}"
    theirs = {line["what"]: line.get("by") for line in lakeside.referral(number)["track"]}
    assert (theirs["accepted"], theirs["started"], theirs["visits reported: 1 of 6"]) == ("alvarez", "willow", "willow")


def test_a_move_tells_no_names_and_no_users(pair):
    lakeside, willow = pair
    number = place(pair)
    for move, by in [("accept", "alvarez"), ("start", "user:front.desk"), ("complete", None)]:
        willow.move(move, number, *(["--by", by] if by else []))
        text, bundle, _ = last_task(willow)
        kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
        assert kinds <= {"MessageHeader", "Endpoint", "Organization", "Task"}, kinds
        for word in ("Álvarez", "Inés", "front.desk", "os:", records.FAMILY, records.REASON):
            assert word not in text, word


def test_words_of_another_system_are_claims_and_cut(pair):
    lakeside, willow = pair
    number = place(pair)
    willow.move("accept", number)
    lakeside.wait_status(number, "accepted")
    text, bundle, task = last_task(willow)
    task["status"] = "on-hold"
    task["statusReason"] = {"coding": [{"system": "urn:theirs", "code": "full"}], "text": "word " * 100}
    bundle["entry"][0]["resource"].pop("reason")
    ids = {bundle["id"]: "c0ffee00-0000-4000-8000-000000000001",
           bundle["entry"][0]["resource"]["id"]: "c0ffee00-0000-4000-8000-000000000002"}
    body = json.dumps(bundle)
    for old, new in ids.items():
        body = body.replace(old, new)
    assert wire.post(lakeside, willow, body).status == 200
    shown = lakeside.referral(number)
    assert (shown["status"], shown["reason_is_claimed"], len(shown["reason"])) == ("on-hold", True, 200)
