"""Partners that are frozen, lie, refuse, send elsewhere, never end or come back late."""
import json
import signal
import socket
import threading
import time

import evil
import load
import records
from practice import PATIENCE, wait_for
from room import Result
from traffic import open_to, sending


def frozen_partner(room):
    """a partner is frozen; another must not feel it"""
    lakeside, willow, harbor = room.make("lakeside", "willow", "harbor", request_deadline_ms=1000,
                                        connect_deadline_ms=500)
    willow.start()
    harbor.start()
    open_to(lakeside, willow, harbor)
    with sending(lakeside, willow, harbor) as (result, numbers, others):
        for i in room.rounds():
            willow.service.send_signal(signal.SIGSTOP)
            numbers += load.feed(lakeside, 10, f"Z{i}")
            taken = _serve_other(lakeside, others, 10, f"O{i}")
            assert taken < 5 * PATIENCE, "the other partner waits for the frozen one"
            room.moment(1.5)
            willow.service.send_signal(signal.SIGCONT)
            with result.recovery():
                lakeside.wait_settled(60)
            result.tried += 1
    return result


def _serve_other(lakeside, others, count, prefix):
    """COUNT further referrals, noted in OTHERS, go to Harbor; how long that took."""
    began = time.monotonic()
    fresh = load.feed(lakeside, count, prefix, to="harbor")
    for number in fresh:
        lakeside.wait_status(number, "received", seconds=20)
    others += fresh
    return time.monotonic() - began


LIES = [evil.status(500), evil.status(503, Retry_After="1"), evil.status(429, Retry_After="0"), evil.status(502, "<html>"),
        evil.saying("<html>welcome</html>", "text/html"), evil.saying("{"), evil.saying(""), evil.saying("[1]"),
        evil.saying('{"resourceType":"Bundle","type":"message"}'), evil.close, evil.raw(b"HTTP/1.1 200 OK\r\n"),
        evil.raw(b"SSH-2.0-OpenSSH_9.2\r\n"), evil.raw(lambda body: evil.answer(200, evil.reply(body))[:-40]),
        evil.saying(lambda body: evil.reply(body).replace('"identifier": "', '"identifier": "00000000-'))]


def _liar(room, **settings):
    """(lakeside, willow): Lakeside runs, Willow's port is the test's."""
    lakeside, willow = room.make("lakeside", "willow", request_deadline_ms=1000, connect_deadline_ms=500, **settings)
    open_to(lakeside, willow)
    return lakeside, willow


def _with_sense(result, lakeside, willow):
    """Willow itself answers, until all is delivered."""
    willow.start()
    with result.recovery():
        lakeside.wait_settled(60)
    willow.stop()
    result.tried += 1


def _one_of(room, rows, i):
    return rows[i] if i < len(rows) else room.dice.choice(rows)


def lying_partner(room):
    """a partner answers with errors, garbage and half answers, then with sense"""
    lakeside, willow = _liar(room)
    with sending(lakeside, willow) as (result, numbers):
        for i in room.rounds():
            numbers += load.feed(lakeside, 3, f"Y{i}")
            with evil.Evil(willow, _one_of(room, LIES, i)) as liar:
                wait_for(lambda: len(liar.requests) >= 4, 30, lambda: f"tried again: {len(liar.requests)}")
            assert not lakeside.query("SELECT 1 FROM message WHERE state NOT IN ('sent', 'queued', 'sending')")
            _with_sense(result, lakeside, willow)
    return result


GREED = [evil.endless, evil.endless_head, evil.drip, evil.silent, evil.raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 100000),
         evil.saying(lambda body: evil.reply(body) + " " * (8 << 20)), evil.saying("[" * 200000 + "]" * 200000),
         evil.status(200, "x" * (4 << 20), X_Long="y" * 200000)]


def greedy_partner(room):
    """a partner's answers never end, drip, are huge or bottomless, then have sense"""
    lakeside, willow = _liar(room)
    with sending(lakeside, willow) as (result, numbers):
        for i in room.rounds():
            numbers += load.feed(lakeside, 2, f"G{i}")
            with evil.Evil(willow, _one_of(room, GREED, i)) as liar:
                wait_for(lambda: len(liar.requests) >= 3, 30, lambda: f"tried again: {len(liar.requests)}")
                assert lakeside.resident_kb() < 64 * 1024 * PATIENCE
            _with_sense(result, lakeside, willow)
    return result


def _parks(room, answer_of, reason):
    """A partner gives final answers; a person sends again what was parked, and it arrives."""
    lakeside, willow = _liar(room)
    with sending(lakeside, willow) as (result, numbers):
        for i in room.rounds():
            fresh = load.feed(lakeside, 3, f"F{i}")
            with evil.Evil(willow, answer_of(i)) as liar:
                wait_for(lambda: len(lakeside.messages(state="parked")) == 3, 20,
                         lambda: lakeside.messages(direction="out"))
                assert len(liar.requests) == 3, "each was tried once"
            parked = lakeside.messages(state="parked")
            assert all(reason(i) in one["reason"] for one in parked), parked
            numbers += fresh
            willow.start()
            for one in parked:
                lakeside.run("queue", "resend", str(one["number"]))
            with result.recovery():
                for number in fresh:
                    lakeside.wait_status(number, "received")
            willow.stop()
            result.tried += 1
    return result


REFUSALS = (404, 400, 422, 403, 401, 405, 409, 413, 415)
REDIRECTS = (307, 301, 302, 303, 308)


def refusing_partner(room):
    """a partner refuses for good (404 and its like); people send again what was parked"""
    outcome = json.dumps({"resourceType": "OperationOutcome", "issue": [
        {"severity": "error", "code": "processing", "details": {"text": "Not like this"}}]})
    return _parks(room, lambda i: evil.status(REFUSALS[i % len(REFUSALS)], outcome),
                  lambda i: str(REFUSALS[i % len(REFUSALS)]))


def redirecting_partner(room):
    """a partner sends elsewhere; nobody goes there"""
    elsewhere = room.closing(socket.create_server(("127.0.0.1", 0)))
    visits = []

    def accept():
        while True:
            try:
                visits.append(elsewhere.accept())
            except OSError:
                return
    threading.Thread(target=accept, daemon=True).start()
    target = f"https://127.0.0.1:{elsewhere.getsockname()[1]}/fhir/$process-message"
    result = _parks(room, lambda i: evil.status(REDIRECTS[i % len(REDIRECTS)], Location=target),
                    lambda i: str(REDIRECTS[i % len(REDIRECTS)]))
    assert not visits, "a redirect was followed"
    return result


def consent_withdrawn(room):
    """consent is taken back while records wait for a partner: they never leave"""
    lakeside, willow = room.make("lakeside", "willow", request_deadline_ms=1000, connect_deadline_ms=500)
    lakeside.start()
    result, may, may_not = Result(), [], []
    for i in room.rounds():
        clients = [f"C-{i}-{k}" for k in range(6)]
        made = [records.referral(f"CW{i}-{k}", client=client) for k, client in enumerate(clients)]
        lakeside.send(*(records.consent("lakeside", ["willow"], client=client) for client in clients))
        lakeside.send(*made)
        room.moment(0.3)
        lakeside.send(*(records.consent("lakeside", ["willow"], client=client, status="revoked",
                                        revoked_at=records.moment(0)) for client in clients[::2]))
        may_not += [one["record_id"] for one in made[::2]]
        may += [one["record_id"] for one in made[1::2]]
        willow.start()
        with result.recovery():
            lakeside.wait_settled(30)
        willow.stop()
        result.tried += 1
    result.accepted = len(may) + len(may_not)
    there = {number for number, in willow.query("SELECT number FROM referral")}
    assert not there & set(may_not), "disclosed without a consent"
    result.add((len(set(may) - there), load.doubled(willow)))
    return result


def returning_partner(room):
    """a partner is away while hundreds wait; another is served meanwhile"""
    lakeside, willow, harbor = room.make("lakeside", "willow", "harbor")
    harbor.start()
    open_to(lakeside, willow, harbor)
    with sending(lakeside, willow, harbor) as (result, numbers, others):
        slowest = 0
        for i in room.rounds():
            numbers += load.feed(lakeside, 200, f"H{i}")
            slowest = max(slowest, _serve_other(lakeside, others, 5, f"O{i}"))
            result.tried += 1
        assert slowest < 5 * PATIENCE, f"the other partner waited {slowest:.1f} s"
        willow.start()
        with result.recovery():
            lakeside.wait_settled(600)
    return result
