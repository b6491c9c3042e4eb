"""What runs out or changes while connections last: idle connections are asked again, revocation lists are fetched again in
time. Real clocks, short lives."""
import time

import pytest

import records
import wire
from practice import PATIENCE, wait_for

SHORT = 4 * PATIENCE  # seconds that a short-lived certificate or list holds: long enough to connect


def ended(line):
    """Has the other side closed the connection? Nothing is sent."""
    line.connection.sock.settimeout(0.05)
    try:
        return line.connection.sock.recv(1) == b""
    except (wire.ssl.SSLError, TimeoutError) as fault:
        return not isinstance(fault, TimeoutError) and "timed out" not in str(fault)
    except OSError:
        return True


def test_an_idle_connection_ends_with_its_certificate(make_town, tmp_path):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.settings(recheck_seconds=1, loops=2)
    willow.start()
    pair = wire.issue(tmp_path, wire.own_ca(lakeside), "short", "URI:urn:refgate:org:lakeside", days=SHORT / 86400,
                      age=1)
    with wire.Wire(willow, pair) as short, wire.Wire(willow, lakeside) as long:
        assert short.get("/fhir/metadata").status == 200 and long.get("/fhir/metadata").status == 200
        wait_for(lambda: ended(short), SHORT + 10, "closed without being asked for anything")
        assert long.get("/fhir/metadata").status == 200
    with pytest.raises((wire.ssl.SSLError, ConnectionError)):
        wire.Wire(willow, pair).get("/fhir/metadata")
    wait_for(lambda: '"verdict":"expired"' in willow.log(), 5, "the log says why")


def test_an_idle_connection_ends_with_the_revocation_list(make_town, tmp_path):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.settings(recheck_seconds=1, watch_files="false")
    willow.partner_settings("lakeside", crl_files="[partners/lakeside.crl]")
    path = willow.folder / "partners" / "lakeside.crl"
    path.write_bytes(wire.revocation_list(tmp_path, wire.own_ca(lakeside), int(SHORT)))
    willow.start()
    with wire.Wire(willow, lakeside) as line:
        assert line.get("/fhir/metadata").status == 200
        wait_for(lambda: ended(line), SHORT + 10, "closed when the list ran out")
    with pytest.raises((wire.ssl.SSLError, ConnectionError)):
        wire.Wire(willow, lakeside).get("/fhir/metadata")
    path.write_bytes(wire.revocation_list(tmp_path, wire.own_ca(lakeside), 3600))
    willow.reload()
    assert wire.Wire(willow, lakeside).get("/fhir/metadata").status == 200


def test_a_list_is_fetched_again_in_time(make_town, tmp_path, list_server):
    """The list is replaced before it runs out, without anybody's doing; when the new one revokes the caller, its open
    connection ends."""
    files, base, asked = list_server
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.settings(list_look_seconds=1, recheck_seconds=3600)
    willow.partner_settings("lakeside", crl_url=f"{base}/l.crl")
    files["/l.crl"] = wire.revocation_list(tmp_path, wire.own_ca(lakeside), int(2 * SHORT))
    willow.start()
    began = time.monotonic()
    wait_for(lambda: time.monotonic() > began + 1.1, 5, "lists count whole seconds")
    files["/l.crl"] = wire.revocation_list(tmp_path, wire.own_ca(lakeside), int(2 * SHORT))
    with wire.Wire(willow, lakeside) as line:
        assert line.get("/fhir/metadata").status == 200
        wait_for(lambda: '"state":"new"' in willow.log(), 2 * SHORT + 10, willow.log)
        assert len(asked) >= 2 and line.get("/fhir/metadata").status == 200, "the connection stays"
        files["/l.crl"] = wire.revocation_list(tmp_path, wire.own_ca(lakeside), 3600,
                                               lakeside.folder / "keys" / "gateway.crt")
        wait_for(lambda: ended(line), 2 * SHORT + 10, "closed by the list that names it")
    with pytest.raises((wire.ssl.SSLError, ConnectionError)):
        wire.Wire(willow, lakeside).get("/fhir/metadata")
    wait_for(lambda: '"verdict":"revoked"' in willow.log(), 5, "the log says why")


def test_a_server_whose_list_is_gone_keeps_the_old_one(make_town, tmp_path, list_server):
    files, base, asked = list_server
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.settings(list_look_seconds=1)
    willow.partner_settings("lakeside", crl_url=f"{base}/l.crl")
    files["/l.crl"] = wire.revocation_list(tmp_path, wire.own_ca(lakeside), int(2 * SHORT))
    willow.start()
    files["/l.crl"] = 500
    wait_for(lambda: "list-not-fetched" in willow.log(), 2 * SHORT + 10, willow.log)
    assert wire.Wire(willow, lakeside).get("/fhir/metadata").status == 200, "what we have still holds"
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(referral := records.referral())
    lakeside.wait_status(referral["record_id"], "received")
