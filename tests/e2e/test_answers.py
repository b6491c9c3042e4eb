"""What a partner says about a referral reaches the front desk: a file in records/in and a program that is run, once,
whatever is killed in between."""
import json

import records
from practice import wait_for

PROGRAM = """#!/bin/sh
cat >>told.ndjson
"""


def answers(gateway):
    folder = gateway.folder / "records" / "in"
    return {path.name: json.loads(path.read_text()) for path in sorted(folder.glob("*--answer--*.json"))}


def told(gateway, kind=None):
    path = gateway.folder / "told.ndjson"
    news = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [one for one in news if kind in (None, one["kind"])]


def listens(gateway):
    path = gateway.folder / "tell.sh"
    path.write_text(PROGRAM)
    path.chmod(0o755)
    gateway.settings(notify_command="tell.sh")


def refer(lakeside, *numbers):
    lakeside.send(records.consent("lakeside", ["willow"]))
    for number in numbers:
        lakeside.send(records.referral(number))
        lakeside.wait_status(number, "received")


def test_an_answer_is_a_file_and_runs_the_program(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    listens(lakeside), listens(willow)
    lakeside.start(), willow.start()
    refer(lakeside, "R-1", "R-2")
    willow.move("accept", "R-1", "--by", "alvarez")
    lakeside.wait_status("R-1", "accepted")
    willow.move("decline", "R-2", "--reason", "other", "--text", f"{records.FAMILY} moved away")
    wait_for(lambda: len(told(lakeside)) == 2, 15, lambda: (told(lakeside), lakeside.log()[-2000:]))
    found = answers(lakeside)
    assert list(found) == ["willow--answer--R-1--1.json", "willow--answer--R-2--1.json"]
    accepted, declined = found.values()
    assert (accepted["record"], accepted["referral_id"], accepted["move"], accepted["by"]) == (
        "answer", "R-1", "accept", "alvarez")
    assert (accepted["visits_done"], accepted["visits_total"]) == (0, 6) and "code" not in accepted
    assert (declined["move"], declined["code"], declined["reason"]) == ("decline", "other",
                                                                       f"{records.FAMILY} moved away")
    first, second = told(lakeside)
    assert (first["kind"], first["referral"], first["move"], first["partner"], first["org"]) == (
        "answer", "R-1", "accept", "willow", "lakeside")
    assert first["sentence"] == "referral R-1: accepted by willow"
    assert second["sentence"] == "referral R-2: declined by willow: Other reason"
    assert not any(word in json.dumps(told(lakeside), ensure_ascii=False) for word in records.CANARIES)

    lakeside.move("cancel", "R-1")
    told_willow = wait_for(lambda: told(willow, "answer"), 15, willow.log)
    assert list(answers(willow)) == ["lakeside--answer--lakeside%3AR-1--1.json"] and told_willow[0]["move"] == "cancel"


def test_whatever_a_person_must_look_at_runs_the_program(make_town):
    """A new referral, a note, one about somebody else, its return, a retraction, a correction, a refusal."""
    lakeside, willow = make_town("lakeside", "willow", start=False)
    listens(lakeside), listens(willow)
    lakeside.start(), willow.start()
    willow.send(records.consent("willow", ["lakeside"]))
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(records.referral("R-1", priority="urgent"))

    def news(gateway, kind):
        return wait_for(lambda: told(gateway, kind), 20, lambda: (told(gateway), gateway.log()[-2000:]))[-1]

    new = news(willow, "referral")
    assert (new["partner"], new["referral"], new["record"], new["record_id"]) == ("lakeside", "R-1", "referral", "R-1")
    assert new["sentence"] == ("new referral R-1 (urgent) from lakeside: answer it with refgate referrals accept R-1 or "
                               "decline R-1")
    willow.move("accept", "R-1")
    willow.send(records.note("R-1", "N-1"))
    assert news(lakeside, "record")["sentence"] == (
        "progress-note N-1 of referral R-1 from willow is there: see refgate records show N-1")
    willow.run("records", "retract", "N-1", "--reason", "wrong-client")
    assert "progress-note N-1 from willow was retracted: " in news(lakeside, "retracted")["sentence"]

    willow.send(records.note("R-1", "N-2", client_family_name="Smith", client_given_names="Ann"))
    willow.run("tray", "confirm", "N-2", "--by", "alvarez")
    assert "refgate records to-match" in news(lakeside, "to-match")["sentence"]
    lakeside.run("records", "return", "N-2", "--by", "osei")
    given_back = news(willow, "returned")
    assert given_back["sentence"].startswith("progress-note N-2 of referral R-1 was given back by lakeside: ")
    assert any(one["move"] == "return" and one["reason"] == "progress-note N-2" for one in answers(willow).values())

    lakeside.send(records.referral("R-1b", replaces_record_id="R-1", visits_requested=9))
    wait_for(lambda: len(told(willow, "referral")) == 2, 15, willow.log)
    assert "referral R-1b from lakeside corrects R-1: see refgate referrals show R-1" == news(willow, "referral")["sentence"]
    for gateway in (lakeside, willow):  # what is asked for is what the correction says
        assert (gateway.referral("R-1")["priority"], gateway.referral("R-1")["visits_total"]) == ("routine", 9)
    everything = json.dumps(told(lakeside) + told(willow), ensure_ascii=False)
    assert "Smith" not in everything and not any(word in everything for word in records.CANARIES)


def test_killed_in_between_each_answer_is_there_once(make_town):
    """Each time the gateway is killed as soon as its partner was answered."""
    lakeside, willow = make_town("lakeside", "willow")
    numbers = [f"R-{i}" for i in range(8)]
    refer(lakeside, *numbers)
    for number in numbers:
        willow.move("accept", number)
        wait_for(lambda: willow.messages(kind="accept", state="sent", about=f"accept of referral {number}"), 20,
                 willow.log)
        lakeside.kill()
        lakeside.start()
    wait_for(lambda: len(answers(lakeside)) == len(numbers), 15, lambda: list(answers(lakeside)))
    assert sorted(answers(lakeside)) == sorted(f"willow--answer--{number}--1.json" for number in numbers)
    assert {one["move"] for one in answers(lakeside).values()} == {"accept"}
    gone = next((lakeside.folder / "records" / "in").glob("*--answer--*"))
    gone.unlink()  # somebody took it: it stays away
    lakeside.stop(), lakeside.start()
    lakeside.run("queue", "list")
    assert not gone.exists()


def test_an_answer_is_not_a_record_to_be_sent(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    refer(lakeside, "R-1")
    willow.move("accept", "R-1")
    found = wait_for(lambda: answers(lakeside), 15, lakeside.log)
    text = json.dumps(next(iter(found.values())))
    path = lakeside.write(json.loads(text))
    said = lakeside.run("send", path, expect=1).stderr
    assert "answer" in said and "referrals accept" in said, said
    lakeside.drop("back.json", text)
    wait_for(lambda: list((lakeside.folder / "records" / "refused").glob("back.json*")), 15, lakeside.log)


def test_a_program_that_cannot_be_run_is_named(make_town):
    lakeside, = make_town("lakeside", start=False, notify_command="tell.sh")
    assert "notify_command" in lakeside.run("check", expect=7).stderr
    (lakeside.folder / "tell.sh").write_text(PROGRAM)
    assert "chmod +x" in lakeside.run("check", expect=7).stderr
