"""What a gateway does with a partner that answers badly, mode by mode: what is tried again, what waits for a person,
what is never followed, and that nothing of a client goes to a server that is not the partner's."""
import errno
import json
import socket
import threading
import time

import pytest

import evil
import records
import shim as shims
import wire
from e2e_conftest import not_run
from practice import PATIENCE, wait_for


@pytest.fixture
def sender(make_town):
    """Lakeside runs, Willow is only a folder: the test plays its server. (lakeside, willow)"""
    lakeside, willow = make_town("lakeside", "willow", start=False, request_deadline_ms=1500, connect_deadline_ms=700)
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    return lakeside, willow


def place(lakeside):
    record = records.referral()
    lakeside.send(record)
    return record["record_id"]


def message(lakeside):
    return lakeside.messages(direction="out", kind="referral")[0]


def wait_state(lakeside, state):
    wait_for(lambda: message(lakeside)["state"] == state, 15, lambda: f"{state}: {message(lakeside)}")
    return message(lakeside)


RETRIED = {
    "500": evil.status(500, "oops"), "502": evil.status(502, "<html>"), "503": evil.status(503),
    "429": evil.status(429), "408": evil.status(408), "425": evil.status(425),
    "html": evil.saying("<html>hello</html>", "text/html"), "empty": evil.saying(""), "json": evil.saying("{}"),
    "broken": evil.saying('{"resourceType":'), "number": evil.saying("7"), "nul": evil.saying('{"a":"\\u0000"}'),
    "deep": evil.saying("[" * 5000 + "]" * 5000), "outcome": evil.saying('{"resourceType":"OperationOutcome"}'),
    "closed": evil.close, "half a head": evil.raw(b"HTTP/1.1 200 OK\r\nContent-"), "ssh": evil.raw(b"SSH-2.0-x\r\n"),
    "half a body": evil.raw(lambda body: evil.answer(200, evil.reply(body))[:-50]),
    "zeros": evil.raw(b"\0" * 4000), "another's answer": evil.saying(
        lambda body: evil.reply(body.replace(json.loads(body)["entry"][0]["resource"]["id"],
                                             "11111111-1111-4111-8111-111111111111"))),
    "later": evil.saying(lambda body: evil.reply(body, "transient-error", "come back")),
    "many interim": evil.raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 10000),
}


@pytest.mark.parametrize("name", RETRIED)
def test_what_proves_nothing_is_sent_again_with_the_same_ids(sender, name):
    lakeside, willow = sender
    with evil.Evil(willow, RETRIED[name]) as server:
        number = place(lakeside)
        wait_for(lambda: len(server.requests) >= 3, 15, lambda: f"three tries, found {len(server.requests)}")
        bodies = {body for _, _, body in server.requests}
        assert len(bodies) == 1
        waiting = message(lakeside)
        assert waiting["state"] in ("queued", "sending") and waiting["reason"]
        server.mode = evil.good
        lakeside.wait_status(number, "received")
    assert message(lakeside)["attempts"] >= 4
    attempts = json.loads(lakeside.run("messages", "show", str(message(lakeside)["number"]), "--json").stdout)["track"]
    assert len(attempts) == message(lakeside)["attempts"] and attempts[-1]["status"] == 200


PARKED = {str(code): evil.status(code, json.dumps({"resourceType": "OperationOutcome", "issue": [
    {"severity": "error", "code": "processing", "details": {"text": "Not like this"}}]})) for code in (
        400, 401, 403, 404, 405, 409, 413, 415, 422)}


@pytest.mark.parametrize("name", PARKED)
def test_what_is_refused_waits_for_a_person(sender, name):
    lakeside, willow = sender
    with evil.Evil(willow, PARKED[name]) as server:
        number = place(lakeside)
        parked = wait_state(lakeside, "parked")
        assert name in parked["reason"] and "Not like this" in parked["reason"]
        assert "parked" in "\n".join(lakeside.track(number))
        server.mode = evil.good
        lakeside.run("queue", "resend", str(parked["number"]))
        lakeside.wait_status(number, "received")
        assert len({body for _, _, body in server.requests}) == 1 and len(server.requests) == 2


def test_an_answer_that_a_full_disk_could_not_take_is_settled_when_there_is_room(make_town, tmp_path):
    why = shims.why_not()
    if why:
        not_run(why)
    lakeside, willow = make_town("lakeside", "willow", start=False)
    orders = shims.Shim(tmp_path, "lakeside")
    lakeside.start(env=orders.environment)
    lakeside.send(records.consent("lakeside", ["willow"]))

    def fills(server, line, body):
        orders.order(shims.WRITES | shims.GROWS, error=errno.ENOSPC, times=shims.FOREVER)
        line.sendall(evil.answer(200, evil.reply(body)))

    with evil.Evil(willow, fills) as server:
        number = place(lakeside)
        wait_for(lambda: "store-failed" in lakeside.log(), 15, lambda: "the answer finds no room\n" + lakeside.log())
        server.mode = evil.good
        orders.clear()
        lakeside.wait_status(number, "received")
    assert message(lakeside)["state"] == "sent" and len(server.requests) == 1


def test_a_poison_message_does_not_block_the_rest(sender):
    lakeside, willow = sender

    def choosy(server, line, body):
        line.sendall(evil.answer(422, "{}") if "R-poison" in body else evil.answer(200, evil.reply(body)))

    with evil.Evil(willow, choosy):
        lakeside.send(records.referral("R-poison"))
        others = [place(lakeside) for _ in range(5)]
        for number in others:
            lakeside.wait_status(number, "received")
        wait_for(lambda: lakeside.messages(state="parked"), 10, "the poison message is parked")


def test_a_business_refusal_is_final(sender):
    lakeside, willow = sender
    with evil.Evil(willow, evil.saying(lambda body: evil.reply(body, "fatal-error", "We are closed"))) as server:
        place(lakeside)
        rejected = wait_state(lakeside, "rejected")
        assert rejected["reason"] == "We are closed" and len(server.requests) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_never_followed(sender, code):
    lakeside, willow = sender
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0.3)
        target = f"https://127.0.0.1:{elsewhere.getsockname()[1]}/fhir"
        with evil.Evil(willow, evil.status(code, Location=target)):
            place(lakeside)
            parked = wait_state(lakeside, "parked")
            assert str(code) in parked["reason"]
            with pytest.raises(TimeoutError):
                elsewhere.accept()


def test_retry_after_is_honoured(sender):
    lakeside, willow = sender
    with evil.Evil(willow, evil.status(503, Retry_After="1")) as server:
        place(lakeside)
        wait_for(lambda: len(server.requests) >= 3, 15, "three tries")
        times = [at for at, _, _ in server.requests]
        assert all(later - earlier > 0.9 for earlier, later in zip(times, times[1:])), times


def test_retry_after_of_the_year_9999_is_capped(sender):
    lakeside, willow = sender
    with evil.Evil(willow, evil.status(429, Retry_After="Fri, 31 Dec 9999 23:59:59 GMT")) as server:
        place(lakeside)
        wait_for(lambda: len(server.requests) >= 2, 10, "a second try within the longest wait")


@pytest.mark.parametrize("mode", [evil.endless, evil.endless_head], ids=["body", "head"])
def test_endless_answers_are_cut_off(sender, mode):
    lakeside, willow = sender
    with evil.Evil(willow, mode) as server:
        number = place(lakeside)
        wait_for(lambda: len(server.requests) >= 2, 15, "a second try")
        assert server.endless < 64 << 20
        if PATIENCE == 1:
            assert lakeside.resident_kb() < 64 * 1024
        server.mode = evil.good
        lakeside.wait_status(number, "received")


@pytest.mark.parametrize("mode", [evil.drip, evil.silent], ids=["drip", "silent"])
def test_slow_answers_end_at_the_deadline(sender, mode):
    lakeside, willow = sender
    with evil.Evil(willow, mode) as server:
        number = place(lakeside)
        wait_for(lambda: len(server.requests) >= 2, 15, "a second try")
        first, second = (at for at, _, _ in server.requests[:2])
        assert 1.0 < second - first < 6 * PATIENCE
        assert "unknown" in message(lakeside)["reason"]
        server.mode = evil.good
        lakeside.wait_status(number, "received")


def test_a_dead_partner_delays_nobody_else(make_town):
    lakeside, willow, harbor = make_town("lakeside", "willow", "harbor", start=False, request_deadline_ms=1500,
                                         connect_deadline_ms=700)
    lakeside.start()
    harbor.start()
    lakeside.send(records.consent("lakeside", ["willow", "harbor"]))
    with evil.Evil(willow, evil.silent) as server:
        for _ in range(20):
            place(lakeside)
        wait_for(lambda: server.requests, 10, "the dead partner is tried")
        began = time.monotonic()
        others = [records.referral(to="harbor") for _ in range(10)]
        lakeside.send(*others)
        for record in others:
            lakeside.wait_status(record["record_id"], "received", seconds=5)
        assert time.monotonic() - began < 5 * PATIENCE


def test_nothing_is_sent_to_a_server_that_is_not_the_partners(sender, tmp_path):
    """Certificates that look right to a careless eye: no byte of the message leaves."""
    lakeside, willow = sender
    own = wire.own_ca(willow)
    stranger = wire.make_ca(tmp_path / "ca")
    harbor_like = wire.issue(tmp_path, own, "harbor", "URI:urn:refgate:org:harbor,IP:127.0.0.1")
    cases = {"another name": harbor_like,
             "a stranger's CA": wire.issue(tmp_path, stranger, "w1", "URI:urn:refgate:org:willow,IP:127.0.0.1"),
             "expired": wire.issue(tmp_path, own, "w2", "URI:urn:refgate:org:willow,IP:127.0.0.1", days=-1),
             "no server use": wire.issue(tmp_path, own, "w3", "URI:urn:refgate:org:willow,IP:127.0.0.1",
                                         usages="clientAuth")}
    number = place(lakeside)
    for what, (certificate, key) in cases.items():
        with evil.Evil(willow, evil.good, certificate, key) as server:
            seen = message(lakeside)["attempts"]
            wait_for(lambda: server.connections >= 1 and message(lakeside)["attempts"] > seen, 15, f"{what}: it is tried")
            assert server.requests == [], what
    waiting = message(lakeside)
    assert waiting["state"] in ("queued", "sending") and "cannot connect" in waiting["reason"], waiting
    with evil.Evil(willow, evil.good):
        lakeside.wait_status(number, "received")


def test_the_answer_is_lost_and_the_message_takes_effect_once(make_town):
    import chaos
    lakeside, willow = make_town("lakeside", "willow", start=False, request_deadline_ms=1500, connect_deadline_ms=700)
    line = chaos.Proxy(willow.port)
    try:
        lakeside.partner_settings("willow", url=f"https://127.0.0.1:{line.port}/fhir")
        lakeside.start()
        willow.start()
        lakeside.send(records.consent("lakeside", ["willow"]))
        line.set("deaf")
        number = place(lakeside)
        wait_for(lambda: message(lakeside)["attempts"] >= 3, 15, "three tries")
        assert willow.status(number) == "requested", "it has arrived"
        assert lakeside.status(number) == "requested", "and Lakeside does not know it"
        line.set("ok")
        lakeside.wait_status(number, "received")
        assert len(willow.messages(direction="in")) == 1
    finally:
        line.close()


def test_order_within_a_referral_is_kept(make_town):
    """Moves made while the partner is away arrive in the order they were made."""
    lakeside, willow = make_town("lakeside", "willow")
    lakeside.send(records.consent("lakeside", ["willow"]))
    numbers = []
    for _ in range(5):
        numbers.append(place(lakeside))
    for number in numbers:
        lakeside.wait_status(number, "received")
    lakeside.stop()
    for number in numbers:
        for move in (("accept", number), ("start", number), ("progress", number, "1/6"), ("progress", number, "2/6"),
                     ("hold", number), ("resume", number), ("complete", number)):
            willow.move(*move)
    lakeside.start()
    for number in numbers:
        lakeside.wait_status(number, "completed", seconds=30)
        steps = [step for step in lakeside.track(number) if not step.startswith(("referral", "sent", "received"))]
        assert steps[:2] == ["accepted", "started"] and steps[-1] == "completed" and len(steps) == 7, steps
    assert not lakeside.messages(state="refused")


def test_two_gateways_that_flood_each_other(make_town):
    """A hundred referrals each way at once; both ends agree in the end."""
    lakeside, willow = make_town("lakeside", "willow")
    for one, other in ((lakeside, "willow"), (willow, "lakeside")):
        one.send(records.consent(one.name, [other]))
    batches = {lakeside: [records.referral(to="willow") for _ in range(100)],
               willow: [records.referral(to="lakeside", by="alvarez") for _ in range(100)]}
    threads = [threading.Thread(target=one.send, args=batch) for one, batch in batches.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in batches:
        one.wait_settled(40)
    for one in batches:
        assert one.query("SELECT count(*) FROM message WHERE direction='out' AND state='sent'") == [(100,)]
        assert one.query("SELECT count(*) FROM message WHERE direction='in'") == [(100,)]
