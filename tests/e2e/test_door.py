"""The door for partners: who gets in, what is asked of a request, and what is answered when it is not so. Every
refusal is an OperationOutcome and leaves nothing behind."""
import json
import re
import socket
import ssl
import subprocess

import pytest

import practice
import records
import wire
from practice import refgate, wait_for
from wire import PROCESS


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Willow runs; the others are folders whose certificates the tests use. Shared by the module: no test may
    leave anything in Willow's store."""
    made = practice.make_town(tmp_path_factory.mktemp("door"), "lakeside", "willow", "harbor",
                              attachments_max_bytes=100000, body_max_bytes=200000, json_depth_max=32)
    made[1].start()
    yield made
    practice.end_town(made)


@pytest.fixture
def willow(town):
    willow = town[1]
    before = willow.query("SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM record)")
    yield willow
    assert willow.service.poll() is None
    assert willow.query("SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM record)") == before


@pytest.fixture
def lakeside(town):
    return town[0]


@pytest.fixture
def harbor(town):
    return town[2]


@pytest.fixture
def bundle(lakeside):
    return lakeside.bundles(records.referral())[0]


def refused(answer, status, code, *words):
    """The answer has this status and one OperationOutcome whose first issue holds the words."""
    assert answer.status == status, answer
    assert answer.headers["Content-Type"].startswith(wire.FHIR)
    found = answer.issues()
    assert found[0][0] == code, found
    for word in words:
        assert word in found[0][1], found
    for canary in records.CANARIES:
        assert canary not in answer.body.decode()


# ---- certificates ----

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_without_a_certificate_the_handshake_fails(willow, version):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        wire.Wire(willow, None, version=version).get("/fhir/metadata")


def test_a_certificate_of_a_stranger_fails_the_handshake(willow, tmp_path):
    pair = wire.issue(tmp_path, wire.make_ca(tmp_path), "lakeside", "URI:urn:refgate:org:lakeside")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        wire.Wire(willow, pair).get("/fhir/metadata")
    wait_for(lambda: "peer-refused" in willow.log(), 5, "the refusal is in the log")


def test_the_log_says_why_a_handshake_failed(willow, lakeside, tmp_path):
    """A partner that does not trust our certificate, and one that speaks plain HTTP to the TLS port."""
    stranger, _ = wire.make_ca(tmp_path)
    for knock, reason in [
        (["openssl", "s_client", "-connect", f"127.0.0.1:{willow.port}", "-verify_return_error", "-CAfile", stranger],
         "alert unknown ca"),
        (["curl", "-s", f"http://127.0.0.1:{willow.port}/fhir/metadata"], "http request"),
    ]:
        subprocess.run(knock, input="", capture_output=True, text=True)
        wait_for(lambda: any("handshake-failed" in line and reason in line for line in willow.log().splitlines()),
                 5, f"{reason} is in the log")


def test_who_knocks_again_and_again_does_not_fill_the_log(willow):
    before = willow.log().count("handshake-failed")
    for _ in range(150):
        with socket.create_connection(("127.0.0.1", willow.port)) as line:
            line.sendall(b"GET / HTTP/1.1\r\n\r\n")
            line.recv(100)
    wait_for(lambda: "more-handshakes-failed" in willow.log(), 5, "the rest is counted")
    assert willow.log().count("handshake-failed") - before < 150


def test_an_expired_certificate_fails_the_handshake(willow, lakeside, tmp_path):
    pair = wire.issue(tmp_path, wire.own_ca(lakeside), "old", "URI:urn:refgate:org:lakeside", days=-1)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        wire.Wire(willow, pair).get("/fhir/metadata")


@pytest.mark.parametrize("san", ["URI:urn:refgate:org:nobody", "DNS:lakeside.example", "IP:127.0.0.1"])
def test_a_trusted_certificate_that_is_no_partners_gets_403(willow, lakeside, bundle, tmp_path, san):
    pair = wire.issue(tmp_path, wire.own_ca(lakeside), "nobody", san)
    with wire.Wire(willow, pair) as line:
        refused(line.post(bundle), 403, "forbidden", "partner")
        refused(line.get("/fhir/metadata"), 403, "forbidden")
        refused(line.get("/nowhere"), 403, "forbidden")


def test_a_partner_cannot_pose_as_another(willow, harbor, bundle, tmp_path):
    """Harbor's own CA issues a certificate in Lakeside's name: the chain does not end where Lakeside's must."""
    pair = wire.issue(tmp_path, wire.own_ca(harbor), "lakeside", "URI:urn:refgate:org:lakeside")
    try:
        answer = wire.post(willow, pair, bundle)
    except (ssl.SSLError, ConnectionError):
        return
    refused(answer, 403, "forbidden")


def test_no_old_protocol(willow):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{willow.port}", "-tls1_1", "-cipher", "ALL@SECLEVEL=0"],
        input="", capture_output=True, text=True)
    assert "Cipher is (NONE)" in done.stdout


def suite(gateway, *options):
    """The suite that a client of openssl gets, or None."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port}", *options], input="",
                          capture_output=True, text=True)
    found = re.search(r"Cipher is (\S+)", done.stdout)
    return None if found is None or found[1] == "(NONE)" else found[1]


@pytest.mark.parametrize("atna", [True, False])
def test_the_suites_of_atna_only_when_asked_for(make_town, tmp_path, atna):
    """They need an RSA certificate; TLS 1.2 with ECDHE and TLS 1.3 stay as they are."""
    willow, = make_town("willow", start=False, atna_compat=str(atna).lower())
    willow.run("cert", "renew", "--new-key", "--key-type", "rsa2048")
    willow.start()
    for name in ("DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES128-GCM-SHA256"):
        assert suite(willow, "-tls1_2", "-cipher", name) == (name if atna else None)
    for name in ("DHE-RSA-AES256-SHA256", "AES256-GCM-SHA384", "ECDHE-RSA-AES256-SHA384", "DHE-RSA-CHACHA20-POLY1305"):
        assert suite(willow, "-tls1_2", "-cipher", f"{name}:@SECLEVEL=0") is None
    assert suite(willow, "-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384") == "ECDHE-RSA-AES256-GCM-SHA384"
    assert suite(willow, "-tls1_3") == "TLS_AES_256_GCM_SHA384"


def s_client(willow, lakeside, *options, text=""):
    """What `openssl s_client` says with lakeside's certificate; it stays until TEXT has been sent and answered."""
    keys = lakeside.folder / "keys"
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{willow.port}", "-cert", keys / "gateway.crt",
                           "-key", keys / "gateway.key", *options], input=text, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def test_nothing_is_resumed(willow, lakeside, tmp_path):
    """Six connections in a row over TLS 1.2 are six whole handshakes, and in neither version is a session handed out."""
    said = s_client(willow, lakeside, "-tls1_2", "-reconnect")
    assert said.count("New, TLSv1.2, Cipher is ECDHE-ECDSA-AES256-GCM-SHA384") == 6 and "Reused" not in said
    for version in ("-tls1_2", "-tls1_3"):
        kept = tmp_path / f"session{version}"
        request = "GET /fhir/metadata HTTP/1.1\r\nHost: willow\r\nConnection: close\r\n\r\n"
        said = s_client(willow, lakeside, version, "-sess_out", kept, "-ign_eof", text=request)
        assert "HTTP/1.1 200 OK" in said and "TLS session ticket:" not in said
        assert not kept.exists() or kept.stat().st_size == 0, "neither a session id nor a ticket: nothing to keep"


def test_no_renegotiation_and_no_compression(willow, lakeside):
    """`R` on a line of its own asks for it (openssl-s_client(1)); the connection ends instead."""
    said = s_client(willow, lakeside, "-tls1_2", "-comp", text="R\n")
    assert "RENEGOTIATING" in said and "no renegotiation" in said.lower(), said[-800:]
    assert "Compression: NONE" in said and "Secure Renegotiation IS supported" in said


@pytest.mark.parametrize("options, works", [
    (["-servername", "localhost.example"], False), (["-noservername"], True), (["-alpn", "h2"], False),
    (["-alpn", "h2,http/1.1"], True), (["-sigalgs", "ECDSA+SHA1"], False), (["-groups", "P-521"], False),
    (["-groups", "X25519"], True), (["-tls1"], False), (["-tls1_1"], False), (["-psk", "00ff", "-tls1_3"], True)],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value))
def test_variants_of_s_client(willow, lakeside, options, works):
    said = s_client(willow, lakeside, *options)
    assert ("Verification" in said and "Cipher is (NONE)" not in said) == works, said[-800:]


def test_plain_http_is_no_door(willow):
    with socket.create_connection(("127.0.0.1", willow.port), timeout=10) as line:
        line.sendall(b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1 200" not in line.recv(4096)


# ---- who speaks ----

def test_a_partner_speaks_only_for_itself(willow, lakeside, harbor, bundle):
    refused(wire.post(willow, harbor, bundle), 403, "forbidden", "speaks only for itself")
    theirs, = harbor.bundles(records.referral(by="obrien"))
    refused(wire.post(willow, lakeside, theirs), 403, "forbidden", "speaks only for itself")


def test_a_sender_that_nobody_knows(willow, lakeside, bundle):
    unknown = bundle.replace("9900000024", "1234567893").replace("Lakeside Family Practice", "Hilltop")
    refused(wire.post(willow, lakeside, unknown), 403, "forbidden")


def test_a_message_for_somebody_else(willow, lakeside):
    meant_for_harbor, = lakeside.bundles(records.referral(to="harbor"))
    refused(wire.post(willow, lakeside, meant_for_harbor), 404, "not-found", "willow")


def test_a_kind_that_is_not_taken_from_this_partner(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.partner_settings("lakeside", receive="[progress-note]")
    willow.start()
    bundle, = lakeside.bundles(records.referral())
    refused(wire.post(willow, lakeside, bundle), 403, "forbidden", "referral")


def test_somebody_elses_referral_is_not_found(make_town):
    """Harbor asks to move Lakeside's referral: the same answer as for a number that does not exist."""
    lakeside, willow, harbor = make_town("lakeside", "willow", "harbor", start=False)
    willow.start()
    assert wire.post(willow, lakeside, lakeside.bundles(records.referral("R-7"))[0]).code == "ok"
    own, = harbor.bundles(records.referral("R-8", by="obrien"))
    assert wire.post(willow, harbor, own).code == "ok"
    said = []
    for i, number in enumerate(("R-7", "R-nowhere")):
        note, = harbor.bundles(records.note("R-8", by="obrien"), known=[records.referral("R-8", by="obrien")])
        answer = wire.post(willow, harbor, records.renamed(note, i, {"R-8": number}))
        assert (answer.status, answer.code) == (200, "fatal-error"), answer
        (code, text), = answer.issues()
        said.append((code, text.replace(number, "X")))
    assert said[0] == said[1] and said[0][0] == "not-found"
    assert willow.status("R-7") == "requested"


# ---- requests ----

def test_metadata(willow, lakeside):
    answer = wire.Wire(willow, lakeside).get("/fhir/metadata")
    assert answer.status == 200
    statement = answer.json()
    assert (statement["resourceType"], statement["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    assert_valid(answer.body, willow.folder.parent / "metadata.json")


def assert_valid(body, path):
    path.write_bytes(body)
    refgate("validate", path)


def test_answers_are_valid_resources(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.start()
    first, = lakeside.bundles(records.referral("R-1"))
    with wire.Wire(willow, lakeside) as line:
        answers = {"ok": line.post(first),
                   "fatal": line.post(records.renamed(first, 1).replace(records.REASON, "Other")),
                   "conflict": line.post(first.replace(records.REASON, "Other")),
                   "broken": line.post("{"), "path": line.get("/nowhere"),
                   "invalid": line.post({"resourceType": "Bundle", "type": "message"})}
    for name, answer in answers.items():
        assert answer.headers["Content-Type"].startswith(wire.FHIR)
        assert_valid(answer.body, willow.folder.parent / f"{name}.json")
    header = answers["ok"].header()
    asked = json.loads(first)["entry"][0]["resource"]
    assert header["response"] == {"identifier": asked["id"], "code": "ok"}
    assert header["eventCoding"] == asked["eventCoding"]
    assert answers["fatal"].header()["response"]["details"]["reference"]


@pytest.mark.parametrize("path", ["/fhir/$process-messages", "/fhir/%24process-message", "/fhir", "/fhir/Bundle"])
def test_other_spellings_of_the_operation(make_town, path):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.start()
    answer = wire.post(willow, lakeside, lakeside.bundles(records.referral())[0], path=path)
    assert (answer.status, answer.code) == (200, "ok"), answer


@pytest.mark.parametrize("kind", ["application/fhir+json; charset=utf-8", "application/json",
                                  "Application/FHIR+JSON"])
def test_types_that_are_taken(willow, lakeside, kind):
    refused(wire.post(willow, lakeside, "{}", kind=kind), 400, "structure")


@pytest.mark.parametrize("kind", ["text/plain", "application/fhir+xml", "", "application/fhir+jsonx"])
def test_types_that_are_not(willow, lakeside, bundle, kind):
    refused(wire.post(willow, lakeside, bundle, kind=kind), 415, "not-supported", "application/fhir+json")


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/", 404), ("GET", "/fhir/Patient", 404), ("POST", "/fhir/Patient", 404),
    ("GET", "/fhir/../etc/passwd", 404), ("GET", PROCESS, 405), ("POST", "/fhir/metadata", 405),
    ("DELETE", PROCESS, 405)])
def test_addresses_that_are_not_served(willow, lakeside, method, path, status):
    with wire.Wire(willow, lakeside) as line:
        answer = line.request(method, path, b"{}" if method == "POST" else None,
                              {"Content-Type": wire.FHIR})
    assert answer.status == status, answer
    assert answer.issues()
    if status == 405:
        assert answer.headers["Allow"]


@pytest.mark.parametrize("body, words", [
    (b"", "the text ends"), (b"{", ""), (b"[1,2", ""), (b"nonsense", ""), (b"{} x", ""), (b'{"a":1,"a":2}', "second time"),
    (b'{"a":"\xff"}', "UTF-8"), (b'{"a":"\\ud800"}', ""), (b'{"a":"\\u0000"}', ""), (b'{"a":01}', ""),
    (b'{"a":NaN}', ""), (b'{"a":"\x01"}', ""), (b"[" * 100 + b"]" * 100, "levels"),
    (b'{"resourceType":"Bundle",}', "")], ids=range(14))
def test_json_that_is_refused(willow, lakeside, body, words):
    refused(wire.post(willow, lakeside, body), 400, "structure", "line 1 column", words)


@pytest.mark.parametrize("body", [
    {}, [], "text", 7, None, {"resourceType": "Patient"}, {"resourceType": "Bundle"},
    {"resourceType": "Bundle", "type": "message", "entry": []},
    {"resourceType": "Bundle", "type": "message", "entry": [{"resource": {"resourceType": "Patient"}}]},
    {"resourceType": "Bundle", "type": "collection"}], ids=range(10))
def test_bodies_that_are_no_message(willow, lakeside, body):
    answer = wire.post(willow, lakeside, json.dumps(body))
    assert answer.status in (400, 422), answer
    assert answer.issues()


def test_fhir_rules_are_named_with_their_place(willow, lakeside, bundle):
    tree = json.loads(bundle)
    task = next(i for i, entry in enumerate(tree["entry"]) if entry["resource"]["resourceType"] == "Task")
    tree["entry"][task]["resource"]["status"] = "acepted"
    tree["entry"][task]["resource"]["statsu"] = "accepted"
    answer = wire.post(willow, lakeside, tree)
    assert answer.status == 400, answer
    places = [issue["expression"][0] for issue in answer.json()["issue"]]
    assert f"Bundle.entry[{task}].resource.status" in places
    assert any(place.startswith(f"Bundle.entry[{task}].resource") and "statsu" in place for place in places)


def test_a_newer_wire_version_and_an_unknown_event(willow, lakeside, bundle):
    newer = bundle.replace("MessageDefinition/add-service-request|1", "MessageDefinition/add-service-request|2")
    assert newer != bundle
    answer = wire.post(willow, lakeside, newer)
    assert (answer.status, answer.issues()[0][0]) == (422, "not-supported"), answer
    unknown = bundle.replace("add-service-request", "sing-a-song")
    answer = wire.post(willow, lakeside, unknown)
    assert (answer.status, answer.issues()[0][0]) == (422, "not-supported"), answer


def test_too_large(willow, lakeside, bundle):
    answer = wire.post(willow, lakeside, bundle + " " * 200000)
    assert answer.status == 413, answer
    assert answer.issues()
    with wire.Wire(willow, lakeside) as line:
        line.connection.putrequest("POST", PROCESS)
        line.connection.putheader("Content-Type", wire.FHIR)
        line.connection.putheader("Content-Length", str(10 << 30))
        line.connection.endheaders()
        assert wire.Answer(line.connection.getresponse()).status == 413


def test_request_ids_come_back(willow, lakeside):
    with wire.Wire(willow, lakeside) as line:
        answer = line.post("{", **{"X-Request-Id": "abc-1", "X-Correlation-Id": "walk-7"})
        assert (answer.headers["X-Request-Id"], answer.headers["X-Correlation-Id"]) == ("abc-1", "walk-7")
        again = line.get("/fhir/metadata")
        assert again.status == 200, "a refused body does not end the connection"


def test_chunked_bodies(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.start()
    bundle = lakeside.bundles(records.referral())[0].encode()
    pieces = [bundle[i:i + 999] for i in range(0, len(bundle), 999)]
    with wire.Wire(willow, lakeside) as line:
        line.connection.request("POST", PROCESS, iter(pieces), {"Content-Type": wire.FHIR},
                                encode_chunked=True)
        answer = wire.Answer(line.connection.getresponse())
    assert (answer.status, answer.code) == (200, "ok"), answer
