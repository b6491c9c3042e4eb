"""Duplicates over the wire: a message of a partner takes effect once, and every copy of it gets the answer of
the first; an id used again for something else is a conflict."""
import json
import threading

import pytest

import records
import wire
from practice import wait_for


@pytest.fixture
def door(make_town):
    """Willow runs; Lakeside is only a folder whose certificate the test uses. (willow, lakeside, bundle,
    number)"""
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.start()
    referral = records.referral()
    bundle, = lakeside.bundles(referral)
    return willow, lakeside, bundle, referral["record_id"]


def effects(practice):
    """Everything a message may leave behind, counted."""
    practice.run("messages", "list")  # it asks for all that was promised, which may come to the database later
    return {table: practice.query(f"SELECT count(*) FROM {table}")[0][0]
            for table in ("message", "record", "referral", "event")}


def ids(bundle):
    found = json.loads(bundle)
    return found["id"], found["entry"][0]["resource"]["id"]


def test_the_same_bytes_get_the_stored_answer(door):
    willow, lakeside, bundle, number = door
    with wire.Wire(willow, lakeside) as line:
        first = line.post(bundle)
        assert (first.status, first.code) == (200, "ok"), first
        once = effects(willow)
        assert once["referral"] == 1
        again = line.post(bundle)
        assert again.body == first.body
    willow.move("accept", number)
    willow.kill()
    willow.start()
    assert wire.post(willow, lakeside, bundle).body == first.body
    assert effects(willow)["referral"] == 1
    assert len(willow.messages(direction="in")) == 1
    assert willow.status(number) == "accepted"


def test_a_reformatted_copy_is_the_same_message(door):
    willow, lakeside, bundle, _ = door
    first = wire.post(willow, lakeside, bundle)
    tree = json.loads(bundle, parse_float=str)
    pretty = json.dumps(json.loads(bundle), indent=3)
    turned = json.dumps({key: tree[key] for key in reversed(tree)}, ensure_ascii=False)
    for copy in (pretty, turned, "\ufeff" + bundle):
        assert wire.post(willow, lakeside, copy).body == first.body
    assert effects(willow)["message"] == 1


def test_the_same_id_with_other_content_is_a_conflict(door):
    willow, lakeside, bundle, number = door
    wire.post(willow, lakeside, bundle)
    once = effects(willow)
    other = bundle.replace(records.REASON, "Something else entirely")
    assert other != bundle
    answer = wire.post(willow, lakeside, other)
    assert answer.status == 409
    (code, text), = answer.issues()
    assert code == "conflict" and ids(bundle)[1] in text
    assert records.FAMILY not in text
    assert effects(willow) == once


def test_a_bundle_id_used_again_is_a_conflict(door):
    willow, lakeside, bundle, number = door
    wire.post(willow, lakeside, bundle)
    once = effects(willow)
    old_bundle_id, _ = ids(bundle)
    fresh = records.renamed(bundle, "again", {number: "R-other"})
    reused = fresh.replace(ids(fresh)[0], old_bundle_id)
    answer = wire.post(willow, lakeside, reused)
    assert answer.status == 409 and old_bundle_id in answer.issues()[0][1]
    assert effects(willow) == once


def test_ids_belong_to_their_partner(make_town):
    lakeside, harbor, willow = make_town("lakeside", "harbor", "willow", start=False)
    willow.start()
    bundle, = lakeside.bundles(records.referral("R-1"))
    wire.post(willow, lakeside, bundle)
    theirs, = harbor.bundles(records.referral("R-1", by="obrien"))
    mine, other = ids(bundle), ids(theirs)
    for old, new in zip(other, mine):
        theirs = theirs.replace(old, new)
    answer = wire.post(willow, harbor, theirs)
    assert (answer.status, answer.code) == (200, "ok"), answer
    assert effects(willow)["referral"] == 2


def test_without_a_header_id_the_bundle_id_stands_in(door):
    willow, lakeside, bundle, _ = door
    tree = json.loads(bundle)
    del tree["entry"][0]["resource"]["id"]
    first = wire.post(willow, lakeside, tree)
    assert (first.status, first.code) == (200, "ok"), first
    assert first.header()["response"]["identifier"] == tree["id"]
    assert wire.post(willow, lakeside, tree).body == first.body
    tree["entry"][1]["resource"]["status"] = "off"
    assert wire.post(willow, lakeside, tree).status == 409
    assert effects(willow)["message"] == 1


def test_a_refusal_is_replayed_too(door):
    willow, lakeside, bundle, number = door
    wire.post(willow, lakeside, bundle)
    same_number = records.renamed(bundle, "other").replace(records.REASON, "Another reason")
    first = wire.post(willow, lakeside, same_number)
    assert (first.status, first.code) == (200, "fatal-error"), first
    assert first.issues()[0][0] == "conflict"
    once = effects(willow)
    assert wire.post(willow, lakeside, same_number).body == first.body
    assert effects(willow) == once
    assert once["referral"] == 1 and once["record"] == 1


def test_the_same_record_in_another_message_is_known(door):
    willow, lakeside, bundle, number = door
    wire.post(willow, lakeside, bundle)
    once = effects(willow)
    again = wire.post(willow, lakeside, records.renamed(bundle, "restored"))
    assert (again.status, again.code) == (200, "ok"), again
    after = effects(willow)
    assert (after["referral"], after["record"], after["event"]) == (1, 1, once["event"])


def at_once(willow, lakeside, bundles):
    """The answers to BUNDLES, each sent on a connection of its own, all at the same moment."""
    lines = [wire.Wire(willow, lakeside) for _ in bundles]
    barrier = threading.Barrier(len(lines))
    answers = [None] * len(lines)

    def shoot(i):
        barrier.wait()
        answers[i] = lines[i].post(bundles[i])

    threads = [threading.Thread(target=shoot, args=(i,)) for i in range(len(lines))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for line in lines:
        line.close()
    return answers


@pytest.mark.parametrize("loops", [1, 3])
def test_a_hundred_copies_at_once_have_one_effect(make_town, loops):
    lakeside, willow = make_town("lakeside", "willow", start=False, loops=loops)
    willow.start()
    bundle, = lakeside.bundles(records.referral())
    answers = at_once(willow, lakeside, [bundle] * 100)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert answers[0].code == "ok"
    assert effects(willow) == {"message": 1, "record": 1, "referral": 1, "event": effects(willow)["event"]}
    assert len(willow.track(willow.query("SELECT number FROM referral")[0][0])) == 1


def test_a_hundred_contradicting_copies_have_one_effect(door):
    """The same id with a hundred different contents at once: one is taken, the others conflict."""
    willow, lakeside, bundle, _ = door
    answers = at_once(willow, lakeside, [bundle.replace(records.REASON, f"Reason {i}") for i in range(100)])
    assert sorted(answer.status for answer in answers) == [200] + [409] * 99
    assert effects(willow)["message"] == 1 and effects(willow)["referral"] == 1


def test_a_burst_is_in_the_folder_to_the_last(door):
    """Everything that was answered appears in records/in, however fast it came."""
    willow, lakeside, bundle, number = door
    messages = records.Messages(bundle, number)
    count = 350

    def load(worker):
        with wire.Wire(willow, lakeside) as line:
            for i in range(worker, count, 5):
                assert line.post(messages.message(i)).code == "ok"

    threads = [threading.Thread(target=load, args=(worker,)) for worker in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    folder = willow.folder / "records" / "in"
    wait_for(lambda: len(list(folder.glob("*.json"))) == count, 20,
             lambda: f"{count} files, found {len(list(folder.glob('*.json')))}")
    wait_for(lambda: willow.query("SELECT count(*) FROM record WHERE exported=0") == [(0,)], 10,
             "each file is noted as written")
