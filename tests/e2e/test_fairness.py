"""One partner, or nobody's connections, never take what the others need: memory by bytes received, connections,
monitoring. What was taken by a rush is given back."""
import contextlib
import socket
import time

import pytest

import wire
from practice import PATIENCE, free_port, wait_for
from test_limits import limited, refused
from test_operations import figures

MANY = 8 << 20  # bytes of one body


@pytest.fixture
def door(make_town):
    lakeside, willow, harbor = make_town("lakeside", "willow", "harbor", start=False, watch_files="false")
    willow.local = free_port()
    willow.settings(local_listen=f"127.0.0.1:{willow.local}")
    willow.start()
    return lakeside, willow, harbor


def stalled(willow, whom, sent):
    """A request of 8 MB of which SENT bytes came."""
    line = wire.Wire(willow, whom)
    line.connection.sock.settimeout(30 * PATIENCE)
    line.connection.putrequest("POST", wire.PROCESS)
    line.connection.putheader("Content-Type", wire.FHIR)
    line.connection.putheader("Content-Length", str(MANY))
    line.connection.endheaders()
    with contextlib.suppress(OSError):  # answered and closed while it was sent
        line.connection.sock.sendall(b" " * sent)
    return line


def test_stalled_bodies_of_one_partner_are_its_own_trouble(door):
    lakeside, willow, harbor = door
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(stalled(willow, lakeside, MANY - 1000)) for _ in range(40)]
        assert limited(willow, "memory") >= 30, "more than its share was turned away"
        answer = wire.post(willow, harbor, "{")
        assert answer.status == 400, answer  # read and judged, not 503
        assert wire.post(willow, harbor, b" " * (7 << 20)).status == 400
        assert wire.post(willow, lakeside, "{").status in (400, 429)
        assert limited(willow, "memory", "harbor") == 0
        answer = wire.Answer(lines[-1].connection.getresponse())
        refused(answer, 429, "throttled", "held_per_partner_max_bytes")
        assert answer.headers["Retry-After"] == "1"
        assert figures(willow)["refgate_held_bytes"] <= 33 << 20
        assert willow.resident_kb() < 100 * 1024 * PATIENCE
    wait_for(lambda: figures(willow)["refgate_held_bytes"] == 0, 20, "given back")
    assert wire.post(willow, lakeside, "{").status == 400


def test_what_was_only_announced_takes_nothing(door):
    lakeside, willow, _ = door
    with contextlib.ExitStack() as stack:
        for _ in range(80):
            stack.enter_context(stalled(willow, lakeside, 1000))
        assert wire.post(willow, lakeside, "{").status == 400
        assert limited(willow, "memory") == 0
        assert figures(willow)["refgate_held_bytes"] < 8 << 20


def test_strangers_have_places_of_their_own(door):
    """2,500 connections that say nothing or half a word: partners stay, and come in."""
    lakeside, willow, harbor = door
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(wire.Wire(willow, lakeside)) for _ in range(10)]
        assert {line.get("/fhir/metadata").status for line in lines} == {200}
        before = willow.resident_kb()
        crowd = []
        for i in range(2500):
            try:
                crowd.append(socket.create_connection(("127.0.0.1", willow.port), timeout=2))
                if i % 2:
                    crowd[-1].send(b"\x16\x03\x01")
            except OSError:
                break
        began = time.monotonic()
        with wire.Wire(willow, harbor, timeout=20 * PATIENCE) as line:
            assert line.get("/fhir/metadata").status == 200
        assert time.monotonic() - began < 5 * PATIENCE
        assert {line.get("/fhir/metadata").status for line in lines} == {200}, "nobody made room for strangers"
        assert figures(willow)["refgate_strangers"] <= 1000
        for line in crowd:
            line.close()
        wait_for(lambda: figures(willow)["refgate_strangers"] == 0, 30, "all gone")
        wait_for(lambda: willow.resident_kb() < before + 20 * 1024 * PATIENCE, 30,
                 lambda: f"{willow.resident_kb()} KB, {before} before")


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nHost: local", b"POST / HTTP/1.1\r\nHost: "
                                  b"localhost\r\nContent-Length: 100\r\n\r\nx"])
def test_half_open_local_connections_do_not_keep_monitoring_out(door, said):
    _, willow, _ = door
    with contextlib.ExitStack() as stack:
        for _ in range(70):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", willow.local), timeout=5))
            line.sendall(said)
        began = time.monotonic()
        figures(willow)
        assert time.monotonic() - began < 2 * PATIENCE


def test_bad_requests_are_counted_and_logged_within_limits(door):
    lakeside, willow, _ = door
    with wire.Wire(willow, lakeside) as line:
        for _ in range(300):
            assert line.post("{").status == 400
    assert wire.Wire(willow, lakeside).request("FOO", "/").status == 501
    assert figures(willow)['refgate_partner_refused_total{partner="lakeside"}'] == 300
    wait_for(lambda: '"more-requests-refused"' in willow.log() or willow.log().count('"request-refused"') == 300, 5,
             "told")
    told = [line for line in willow.log().splitlines() if '"request-refused"' in line]
    assert '"partner":"lakeside"' in told[0] and '"status":400' in told[0]


def test_too_many_values_are_refused_in_words_and_at_once(door):
    lakeside, willow, _ = door
    refused(wire.post(willow, lakeside, '{"x":[' + "1," * 200000 + "1]}"), 400, "structure", "values")
    refused(wire.post(willow, lakeside, "{" + ",".join(f'"k{i}":1' for i in range(60000)) + "}"), 400, "structure",
            "fields")
