"""What one partner may take of us, from partners/NAME.yaml: connections, bytes of a body, requests a minute. Each limit
is answered with its name, taken at reload, counted, and of no concern to other partners."""
import contextlib
import ssl

import pytest

import records
import wire
from practice import free_port, wait_for
from test_operations import figures


@pytest.fixture
def door(make_town):
    """Willow, with lakeside and harbor as callers; the figures are asked for at `local_listen`."""
    lakeside, willow, harbor = make_town("lakeside", "willow", "harbor", start=False, watch_files="false")
    willow.local = free_port()
    willow.settings(local_listen=f"127.0.0.1:{willow.local}")

    def limit(start=False, **limits):
        willow.partner_settings("lakeside", **limits)
        if start:
            willow.start()
        else:
            willow.reload()

    return lakeside, willow, harbor, limit


def limited(willow, why, partner="lakeside"):
    return figures(willow)[f'refgate_partner_limited_total{{partner="{partner}",why="{why}"}}']


def refused(answer, status, code, word):
    assert answer.status == status, answer
    (found, text), = answer.issues()
    assert found == code and word in text, answer


def test_requests_a_minute(door):
    lakeside, willow, harbor, limit = door
    limit(start=True, requests_per_minute_max=60, requests_burst_max=3)
    with wire.Wire(willow, lakeside) as line, wire.Wire(willow, harbor) as other:
        statuses = [line.get("/fhir/metadata").status for _ in range(3)]
        answer = line.get("/fhir/metadata")
        for _ in range(20):  # the machine may be slow enough to have earned another one
            if answer.status == 429:
                break
            answer = line.get("/fhir/metadata")
        refused(answer, 429, "throttled", "requests_per_minute_max")
        assert statuses == [200, 200, 200] and answer.headers["Retry-After"] == "1"
        assert "connection" not in answer.headers, "the connection stays"
        refused(line.post("{"), 429, "throttled", "lakeside")
        assert other.get("/fhir/metadata").status == 200
        assert limited(willow, "rate") >= 2 and limited(willow, "rate", "harbor") == 0
        limit(requests_per_minute_max=0, requests_burst_max=0)
        assert [line.get("/fhir/metadata").status for _ in range(20)] == [200] * 20


def test_a_sender_beyond_its_rate_delivers_later(door):
    """The real sender waits as it is told, and every record arrives once."""
    lakeside, willow, _, limit = door
    limit(start=True, requests_per_minute_max=60, requests_burst_max=2)
    lakeside.start()
    made = [records.referral() for _ in range(5)]
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(*made)
    for referral in made:
        lakeside.wait_status(referral["record_id"], "received", 30)
    assert limited(willow, "rate") > 0
    assert len(willow.query("SELECT 1 FROM message WHERE direction='in'")) == len(made)


def test_bytes_of_a_body(door):
    lakeside, willow, harbor, limit = door
    limit(start=True, body_max_bytes=3000)
    large = b'{"resourceType":"Bundle"}' + b" " * 3000
    with wire.Wire(willow, lakeside) as line:
        assert line.post("{").status == 400
        refused(line.post(large), 413, "too-long", "")
    with wire.Wire(willow, lakeside) as line:
        line.connection.request("POST", wire.PROCESS, iter([large]), {"Content-Type": wire.FHIR}, encode_chunked=True)
        refused(wire.Answer(line.connection.getresponse()), 413, "too-long", "")
    assert wire.post(willow, harbor, large).status == 400
    assert limited(willow, "body") == 2 and limited(willow, "body", "harbor") == 0
    limit(body_max_bytes=20 << 20)  # more than the 8 MB that settings.yaml grants the others
    huge = b'{"resourceType":"Bundle"}' + b" " * (9 << 20)
    assert wire.post(willow, lakeside, huge).status == 400
    assert wire.post(willow, harbor, huge).status == 413


@pytest.mark.parametrize("loops", [1, 2])
def test_connections(door, loops):
    lakeside, willow, harbor, limit = door
    willow.settings(loops=loops)
    limit(start=True, connections_max=2)
    with contextlib.ExitStack() as stack:
        open_ones = [stack.enter_context(wire.Wire(willow, lakeside)) for _ in range(2)]
        assert [line.get("/fhir/metadata").status for line in open_ones] == [200, 200]
        with wire.Wire(willow, lakeside) as third:
            answer = third.get("/fhir/metadata")
            refused(answer, 429, "throttled", "connections_max")
            assert answer.headers["Connection"] == "close" and answer.headers["Retry-After"] == "1"
        for _ in range(30):  # left open by somebody who does not read the answer
            stack.enter_context(wire.Wire(willow, lakeside))
        assert wire.Wire(willow, harbor).get("/fhir/metadata").status == 200
        assert [line.get("/fhir/metadata").status for line in open_ones] == [200, 200], "they stay"
        assert limited(willow, "connections") == 31
        limit(connections_max=3)
        assert stack.enter_context(wire.Wire(willow, lakeside)).get("/fhir/metadata").status == 200
        assert figures(willow)['refgate_partner_connections{partner="lakeside"}'] == 3
    wait_for(lambda: figures(willow)['refgate_partner_connections{partner="lakeside"}'] == 0, 10, "given back")
    with contextlib.suppress(ssl.SSLError):
        assert wire.Wire(willow, lakeside).get("/fhir/metadata").status == 200


def test_a_limit_of_all_partners(door):
    """Without a limit of its own the partner has that of settings.yaml, which is taken at reload too."""
    lakeside, willow, _, _ = door
    willow.start()
    willow.settings(connections_per_partner_max=1)
    willow.reload()
    with wire.Wire(willow, lakeside) as first, wire.Wire(willow, lakeside) as second:
        assert first.get("/fhir/metadata").status == 200
        refused(second.get("/fhir/metadata"), 429, "throttled", "connections_max")
