"""Taking back a record that was sent: whoever got it is told, in numbers alone, and whoever did not never gets it."""
import json
import signal

import pytest

import practice
import records
import wire
from practice import wait_for

NAMES = ("lakeside", "willow", "riverbend")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    made = practice.make_town(tmp_path_factory.mktemp("retract"), *NAMES, first_retry_ms=100, retry_max_ms=1000,
                              probe_max_ms=1000)
    for one in made:
        one.start()
    lakeside, willow, riverbend = made
    lakeside.send(records.consent("lakeside", ["willow", "riverbend"]))
    willow.send(records.consent("willow", ["lakeside", "riverbend"]))
    yield made
    practice.end_town(made)


def under_way(town):
    """A referral of Lakeside that Willow has accepted."""
    lakeside, willow, _ = town
    record = records.referral()
    lakeside.send(record)
    willow.wait_record(record["record_id"])
    willow.move("accept", record["record_id"])
    lakeside.wait_status(record["record_id"], "accepted")
    return record["record_id"]


def noted(town, **more):
    lakeside, willow, _ = town
    number = under_way(town)
    note = records.note(number, **more)
    willow.send(note)
    lakeside.wait_record(note["record_id"])
    wait_for(lambda: lakeside.inbox(note["record_id"]), 10, "the note is in records/in")
    return number, note


def retract(practice, number, reason="wrong-client", *more, expect=0):
    done = practice.run("records", "retract", number, "--reason", reason, *more, "--json", expect=expect)
    return json.loads(done.stdout) if expect == 0 else done.stderr


def state(practice, number):
    found, = practice.records(record_id=number)
    return found.get("state"), found.get("text")


def wait_retracted(practice, number):
    wait_for(lambda: state(practice, number)[0] == "retracted", 15, f"{practice.name} has retracted {number}")


def bundle_of(practice, **fits):
    newest = practice.messages(direction="out", **fits)[-1]
    return json.loads(practice.run("messages", "show", str(newest["number"]), "--body").stdout)


def fresh(bundle, seed):
    """The same with ids of its own."""
    text = json.dumps(bundle)
    for n, old in enumerate((bundle["id"], bundle["entry"][0]["resource"]["id"])):
        text = text.replace(old, f"c0ffee{seed:02}-0000-4000-8000-00000000000{n}")
    return json.loads(text)


def test_after_delivery_the_receiver_marks_it(town):
    lakeside, willow, _ = town
    number, note = noted(town)
    before = lakeside.referral(number)["status"]
    said = retract(willow, note["record_id"], "wrong-client", "--by", "alvarez")
    assert said["answer"] == "retracted"
    assert said["recipients"] == [{"clinic": "lakeside", "state": "queued"}]
    wait_retracted(lakeside, note["record_id"])
    assert state(lakeside, note["record_id"]) == ("retracted", "retracted: wrong-client; destroy it")
    assert state(willow, note["record_id"]) == ("retracted", "retracted: wrong-client")
    assert "retracted: wrong-client; destroy it" in lakeside.run("records", "list").stdout
    track = [(line["what"], line.get("by"), line.get("detail")) for line in lakeside.referral(number)["track"]]
    assert (f"progress-note {note['record_id']} retracted", "alvarez", "wrong-client; destroy it") in track
    assert lakeside.referral(number)["status"] == before == "in-progress"
    shown = wait_for(lambda: (lambda r: r if r.get("standing") else None)(lakeside.inbox(note["record_id"])), 10,
                     "the file is marked")
    assert (shown["standing"], shown["retracted"]) == ("entered-in-error", "wrong-client; destroy it")
    assert shown["subjective"] == note["subjective"]
    notice, = (lakeside.folder / "records" / "in").glob(f"*{note['record_id']}.RETRACTED.txt")
    assert "destroy it" in notice.read_text()
    willow.wait_settled()
    assert "retraction delivered" in willow.track(number)


def test_it_says_nothing_of_the_client(town):
    lakeside, willow, _ = town
    number, note = noted(town)
    retract(willow, note["record_id"], "entered-in-error", "--by", "user:desk")
    bundle = bundle_of(willow, kind="retraction")
    header = bundle["entry"][0]["resource"]
    assert header["eventCoding"]["code"] == "notify-update-service-record" and "author" not in header
    kinds = sorted(entry["resource"]["resourceType"] for entry in bundle["entry"])
    assert kinds == ["Composition", "Endpoint", "MessageHeader", "Organization", "Organization"]
    composition, = (entry["resource"] for entry in bundle["entry"]
                    if entry["resource"]["resourceType"] == "Composition")
    assert composition["status"] == "entered-in-error"
    assert composition["identifier"]["value"] == note["record_id"]
    assert composition["event"][0]["detail"][0]["identifier"]["value"] == number
    assert set(composition) == {"resourceType", "id", "identifier", "status", "type", "date", "author", "title", "event"}
    text = json.dumps(bundle)
    for word in (*records.CANARIES, note["subjective"], "C-1\""):
        assert word not in text, word
    wait_retracted(lakeside, note["record_id"])
    path = willow.folder / "retraction.json"
    path.write_text(text)
    mapped = json.loads(willow.run("map", str(path)).stdout)
    assert mapped == {"record": "progress-note", "record_id": note["record_id"], "referral_id": number,
                      "standing": "entered-in-error", "retracted": "entered-in-error"}
    assert willow.run("validate", str(path)).returncode == 0


def test_twice_is_a_replay_and_it_is_final(town):
    lakeside, willow, _ = town
    number, note = noted(town)
    retract(willow, note["record_id"], "duplicate")
    told, = [row for row in willow.json("audit", "list") if row["what"] == "retracted" and row["subject"] == note["record_id"]]
    assert told["by"].startswith("os:") and told["client"] == note["client_id"], "who took it back, and about whom"
    again = retract(willow, note["record_id"], "wrong-client")
    assert (again["answer"], again["reason"], again["recipients"]) == ("known already", "duplicate", [])
    wait_retracted(lakeside, note["record_id"])
    assert len(willow.messages(direction="out", kind="retraction", state="sent")) >= 1
    said = willow.send(note, expect=1)
    assert said[0]["answer"] == "refused"
    correction = records.note(number, replaces_record_id=note["record_id"])
    assert willow.send(correction, expect=1)[0]["answer"] == "refused"
    told = willow.run("send", "-", input=json.dumps(correction), expect=1).stderr
    assert "was retracted" in told and "replaces_record_id" in told
    body = json.dumps(bundle_of(willow, kind="retraction"))
    assert wire.post(lakeside, willow, body).status == 200  # the very same again
    other = fresh(json.loads(body), 1)
    assert wire.post(lakeside, willow, json.dumps(other)).status == 200
    assert lakeside.track(number).count(f"progress-note {note['record_id']} retracted") == 1


def test_before_it_is_sent_it_never_leaves(town):
    lakeside, willow, riverbend = town
    number = under_way(town)
    client = f"C-{number}"
    referral = records.referral(client=client)  # no consent: it waits
    willow.send({**referral, "written_by": "alvarez", "referred_to": "riverbend"})
    note = records.plan(["osei", "tanaka"], client=client)
    willow.send(note)
    assert any(row["record_id"] == note["record_id"] for row in willow.tray())
    said = retract(willow, note["record_id"], "wrong-client")
    assert {(one["state"], one["reason"]) for one in said["recipients"]} == {("not told", "it never left")}
    assert not any(row["record_id"] == note["record_id"] for row in willow.tray())
    willow.send(records.consent("willow", ["lakeside", "riverbend"], client=client))
    riverbend.wait_record(referral["record_id"])
    assert not riverbend.records(record_id=note["record_id"]) and not lakeside.records(record_id=note["record_id"])


def test_while_queued_it_is_withdrawn(town):
    lakeside, willow, _ = town
    number = under_way(town)
    willow.wait_settled()
    lakeside.stop()
    try:
        note = records.note(number)
        willow.send(note)
        wait_for(lambda: willow.messages(kind="progress-note", shown_as="cannot connect, retrying"), 10, "it was tried")
        waiting = str(willow.messages(kind="progress-note")[-1]["number"])
        wait_for(lambda: willow.run("queue", "hold", waiting, expect=None).returncode == 0, 10, "no try is under way")
        tries = {one["outcome"] for one in json.loads(willow.run("messages", "show", waiting, "--json").stdout)["track"]}
        told, = retract(willow, note["record_id"])["recipients"]
        if tries == {"cannot-connect"}:
            assert (told["state"], told["reason"]) == ("not told", "it never left")
        else:  # a kept connection broke: it may have arrived
            assert told["state"] == "queued"
        assert willow.messages(kind="progress-note")[-1]["state"] == "withdrawn"
    finally:
        lakeside.start()
    willow.wait_settled()
    assert not lakeside.records(record_id=note["record_id"])
    assert not any("retract" in line for line in lakeside.track(number))  # one that never came is not told of
    lakeside.wait_status(number, "in-progress")  # the Task moved all the same
    assert not any(row["record_id"] == note["record_id"] for row in willow.tray())


def test_after_the_end_of_the_referral(town):
    lakeside, willow, _ = town
    number, note = noted(town)
    done = records.discharge(number)
    willow.send(done)
    lakeside.wait_record(done["record_id"])
    for record in (note, done):
        retract(willow, record["record_id"], "entered-in-error")
        wait_retracted(lakeside, record["record_id"])
    assert lakeside.status(number) == willow.status(number) == "completed"
    assert "completed" in lakeside.run("referrals", "cancel", number, expect=4).stderr
    sent = [one for one in lakeside.records(record_id=number)]
    said = retract(lakeside, number, "wrong-client")
    assert sent and said["record"] == "referral"
    wait_retracted(willow, number)


def test_everybody_who_got_a_plan_is_told(town):
    lakeside, willow, riverbend = town
    plan = records.plan(["osei", "tanaka"])
    willow.send(plan)
    for one in (lakeside, riverbend):
        one.wait_record(plan["record_id"])
    said = retract(willow, plan["record_id"], "wrong-client")
    assert sorted(one["clinic"] for one in said["recipients"]) == ["lakeside", "riverbend"]
    for one in (lakeside, riverbend):
        wait_retracted(one, plan["record_id"])


@pytest.mark.parametrize("number, reason, expect, said", [
    ("N-404", "wrong-client", 3, "found no record N-404"),
    ("N-404", "wrong-clinet", 2, "did you mean wrong-client?"),
    ("N-404", "no-capacity", 2, "expected one of wrong-client, entered-in-error, duplicate, other"),
    ("N-404", None, 2, "found none"),
])
def test_what_cannot_be_retracted_is_refused(town, number, reason, expect, said):
    _, willow, _ = town
    given = [] if reason is None else ["--reason", reason]
    assert said in willow.run("records", "retract", number, *given, expect=expect).stderr


def test_only_the_writer_retracts_and_a_referral_is_cancelled_first(town):
    lakeside, willow, _ = town
    number, note = noted(town)
    assert "only the clinic that wrote" in retract(lakeside, note["record_id"], expect=3)
    assert "take it back first" in retract(lakeside, number, expect=4)
    assert "did you mean alvarez?" in retract(willow, note["record_id"], "other", "--by", "alvares", expect=2)
    assert state(willow, note["record_id"]) == (None, None)


def test_of_a_record_that_never_came_it_is_remembered(town):
    """The retraction overtakes its note, as when the note was parked and is sent again by another system."""
    lakeside, willow, _ = town
    number, note = noted(town)
    late = records.note(number)
    late_text, = willow.bundles(late)
    retract(willow, note["record_id"])
    willow.wait_settled()
    early = fresh(bundle_of(willow, kind="retraction"), 2)
    text = json.dumps(early).replace(note["record_id"], late["record_id"])
    answer = wire.post(lakeside, willow, text)
    said = answer.json()["entry"]
    assert answer.status == 200 and said[0]["resource"]["response"]["code"] == "ok"
    issue, = next(entry["resource"]["issue"] for entry in said
                  if entry["resource"]["resourceType"] == "OperationOutcome")
    assert issue["severity"] == "information" and late["record_id"] in json.dumps(issue)
    lakeside.kill()
    lakeside.start()
    answer = wire.post(lakeside, willow, late_text)
    assert answer.status == 200 and "retracted" in json.dumps(answer.json())
    lakeside.wait_record(late["record_id"])
    assert state(lakeside, late["record_id"])[0] == "retracted"
    shown = wait_for(lambda: lakeside.inbox(late["record_id"]), 10, "the file names it")
    assert shown["standing"] == "entered-in-error" and "subjective" not in shown


def test_a_foreign_mistake_is_read_the_same_way(town):
    """Another system sends the whole note once more, with the status entered-in-error."""
    lakeside, willow, _ = town
    number, note = noted(town)
    bundle = fresh(bundle_of(willow, kind="progress-note"), 3)
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "Composition":
            entry["resource"]["status"] = "entered-in-error"
    answer = wire.post(lakeside, willow, json.dumps(bundle))
    assert answer.json()["entry"][0]["resource"]["response"]["code"] == "ok", answer.json()
    assert state(lakeside, note["record_id"]) == ("retracted", "retracted: entered-in-error")
    assert lakeside.status(number) == "in-progress"


def test_a_stranger_retracts_nothing_of_others(town):
    """Riverbend names Willow's note: it is no record of Riverbend's."""
    lakeside, willow, riverbend = town
    number, note = noted(town)
    plan = records.plan(["osei"], by="tanaka")
    riverbend.send(records.consent("riverbend", ["lakeside"]), plan)
    lakeside.wait_record(plan["record_id"])
    retract(riverbend, plan["record_id"])
    riverbend.wait_settled()
    body = json.dumps(fresh(bundle_of(riverbend, kind="retraction"), 4)).replace(plan["record_id"], note["record_id"])
    assert wire.post(lakeside, riverbend, body).status == 200
    assert state(lakeside, note["record_id"]) == (None, None)


def test_a_crash_loses_no_retraction(town):
    lakeside, willow, _ = town
    number, note = noted(town)
    lakeside.stop(signal.SIGKILL)
    retract(willow, note["record_id"])
    willow.stop(signal.SIGKILL)
    willow.start()
    lakeside.start()
    wait_retracted(lakeside, note["record_id"])
