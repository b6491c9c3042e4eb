"""A partner tried step by step, with what to do about each failure; and switched off and on."""
import http.client
import http.server
import json
import ssl
import threading

import pytest

import practice
import records
import wire
from practice import free_port, json_lines, wait_for


def steps(gateway, name, expect=0):
    """{step: (state, found, what to do)} of `partner test NAME`."""
    done = gateway.run("partner", "test", name, "--json", expect=expect)
    return {line["step"]: (line["state"], line["found"], line.get("what_to_do"))
            for line in json_lines(done.stdout)}


def failing(gateway, name, step, *words):
    """The walk ends at STEP; its words and its advice hold WORDS."""
    walked = steps(gateway, name, expect=6)
    last = list(walked)[-1]
    assert last == step and walked[step][0] == "failed", walked
    assert all(state in ("ok", "look") for key, (state, _, _) in walked.items() if key != step), walked
    said = f"{walked[step][1]} {walked[step][2]}"
    for word in words:
        assert word in said, said
    assert walked[step][2], "each failure says what to do"


@pytest.fixture
def pair(make_town):
    return make_town("lakeside", "willow", start=False)


def test_all_is_well(pair):
    lakeside, willow = pair
    willow.start()
    walked = steps(lakeside, "willow")
    assert list(walked) == ["settings", "dns", "tcp", "tls", "http", "metadata", "message"]
    assert {state for state, _, _ in walked.values()} == {"ok"}
    assert "TLSv1.3" in walked["tls"][1] and "days left" in walked["tls"][1]
    assert "HTEST" in walked["message"][1]
    assert "what to do" not in lakeside.run("partner", "test", "willow").stdout


def test_the_test_message_leaves_nothing_behind(pair):
    lakeside, willow = pair
    willow.start()
    counts = ("SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM record), "
              "(SELECT count(*) FROM referral), (SELECT count(*) FROM audit)")
    before = willow.query(counts)
    steps(lakeside, "willow")
    wait_for(lambda: '"test-message"' in willow.log(), 5, "the log names it")
    assert willow.query(counts) == before
    assert not list((willow.folder / "records" / "in").iterdir())


def test_a_real_message_marked_as_test_has_no_effect(pair):
    lakeside, willow = pair
    willow.start()
    bundle = json.loads(lakeside.bundles(records.referral("R-1"))[0])
    bundle["meta"] = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
                                    "code": "HTEST"}]}
    answer = wire.post(willow, lakeside, bundle)
    assert (answer.status, answer.code) == (200, "ok")
    assert willow.referral("R-1") is None and not willow.records()
    del bundle["meta"]
    assert wire.post(willow, lakeside, bundle).code == "ok"
    assert willow.status("R-1") == "requested"


def test_no_such_partner(pair):
    lakeside, _ = pair
    assert "found no partner harbor" in lakeside.run("partner", "test", "harbor", expect=3).stderr


def test_a_name_that_is_not_known(pair):
    lakeside, _ = pair
    lakeside.partner_settings("willow", url="https://no-such-host.invalid:8443/fhir")
    failing(lakeside, "willow", "dns", "no-such-host.invalid", "url")


def test_a_name_that_leads_to_ourselves(pair):
    lakeside, _ = pair
    lakeside.partner_settings("willow", url="https://localhost.localdomain:1/fhir")
    walked = steps(lakeside, "willow", expect=6)
    assert list(walked)[-1] == "dns", "either unknown, or a name for this machine: refused"


def test_nobody_listens(pair):
    lakeside, _ = pair
    failing(lakeside, "willow", "tcp", "refused", "running")


def test_something_else_listens(pair):
    lakeside, willow = pair
    server = http.server.HTTPServer(("127.0.0.1", willow.port), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        failing(lakeside, "willow", "tls", "TLS")
    finally:
        server.shutdown()
        server.server_close()


def answering(port, certificate, status, body):
    """A server that is no refgate, with willow's certificate."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Type", wire.FHIR)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


def statement(version="4.0.1", base="https://refgate.invalid/fhir", software="other", cache=60 * 24 * 30,
              events=("add-service-request", "notify-add-service-record", "share-care-plan",
                      "share-case-conference")):
    messages = [{"mode": "receiver", "definition": f"{base}/MessageDefinition/{event}|1"} for event in events]
    return {"resourceType": "CapabilityStatement", "fhirVersion": version, "software": {"name": software},
            "messaging": [{"reliableCache": cache, "supportedMessage": messages}]}


@pytest.mark.parametrize("status, body, step, words", [
    (404, {}, "http", ["404", "FHIR base"]),
    (403, {"resourceType": "OperationOutcome", "issue": [{"details": {"text": "go away"}}]}, "http",
     ["go away", "partner add"]),
    (503, {}, "http", ["503", "try again"]),
    (200, {"hello": 1}, "metadata", ["CapabilityStatement", "/fhir"]),
    (200, statement(version="5.0.0"), "metadata", ["5.0.0", "4.0.1"]),
    (200, statement(base="https://other.example"), "metadata", ["canonical_base"]),
    (200, statement(events=["add-service-request"]), "metadata", ["notify-add-service-record", "send"]),
    (200, {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}, "metadata", ["names no messages"]),
], ids=["404", "403", "503", "no statement", "R5", "other base", "missing event", "no messaging"])
def test_a_server_that_answers_otherwise(pair, status, body, step, words):
    lakeside, willow = pair
    keys = willow.folder / "keys"
    server = answering(willow.port, (keys / "gateway.crt", keys / "gateway.key"), status,
                       json.dumps(body).encode())
    try:
        failing(lakeside, "willow", step, *words)
    finally:
        server.shutdown()
        server.server_close()


def test_other_software_gets_no_test_message(pair):
    lakeside, willow = pair
    keys = willow.folder / "keys"
    server = answering(willow.port, (keys / "gateway.crt", keys / "gateway.key"), 200,
                       json.dumps(statement(cache=60)).encode())
    try:
        walked = steps(lakeside, "willow")
    finally:
        server.shutdown()
        server.server_close()
    assert walked["metadata"][0] == "look" and "park_after_hours" in walked["metadata"][2]
    assert walked["message"][0] == "not run"


def test_its_certificate_is_not_the_agreed_one(pair, tmp_path):
    lakeside, willow = pair
    made = {"unknown_ca": wire.issue(tmp_path, wire.make_ca(tmp_path), "willow", "URI:urn:refgate:org:willow"),
            "wrong_name": wire.issue(tmp_path, wire.own_ca(willow), "harbor", "URI:urn:refgate:org:harbor"),
            "expired": wire.issue(tmp_path, wire.own_ca(willow), "old", "URI:urn:refgate:org:willow", days=-1),
            "wrong_usage": wire.issue(tmp_path, wire.own_ca(willow), "half", "URI:urn:refgate:org:willow",
                                      usages="clientAuth")}
    for verdict, certificate in made.items():
        server = answering(willow.port, certificate, 200, b"{}")
        try:
            failing(lakeside, "willow", "tls", verdict if verdict != "unknown_ca" else "CA")
        finally:
            server.shutdown()
            server.server_close()


def test_it_does_not_trust_our_ca(pair):
    lakeside, willow = pair
    (willow.folder / "partners" / "lakeside.yaml").unlink()
    willow.start()
    failing(lakeside, "willow", "tls", "unknown ca", "CA certificate")


def test_it_knows_our_ca_and_not_us(pair):
    lakeside, willow = pair
    willow.partner_settings("lakeside", san="[urn:refgate:org:somebody]")
    willow.start()
    failing(lakeside, "willow", "http", "403", "no_partner", "partner add")


def test_our_clinic_is_not_in_its_directory(pair):
    lakeside, willow = pair
    path = willow.folder / "directory.csv"
    path.write_text(path.read_text().replace(",lakeside\n", ",\n"))
    willow.start()
    failing(lakeside, "willow", "message", "403", "directory.csv")


def test_its_clinic_is_not_in_our_directory(pair):
    lakeside, willow = pair
    path = lakeside.folder / "directory.csv"
    path.write_text(path.read_text().replace(",self\n", ",\n"))
    willow.start()
    failing(lakeside, "willow", "message", "no clinic", "directory.csv")


# ---- off and on ----

def status_now(willow, lakeside):
    """The status of an answer on a new connection; None where it came in while the trust changed and was ended."""
    try:
        return wire.Wire(willow, lakeside).get("/fhir/metadata").status
    except (OSError, http.client.HTTPException):
        return None


def test_disabling_closes_open_connections_at_once(pair):
    lakeside, willow = pair
    willow.start()
    line = wire.Wire(willow, lakeside)
    assert line.get("/fhir/metadata").status == 200
    said = willow.run("partner", "disable", "lakeside").stdout
    assert "disabled" in said
    line.connection.sock.settimeout(10)
    assert line.connection.sock.recv(1) == b"", "the open connection ends without a request of ours"

    wait_for(lambda: status_now(willow, lakeside) == 403, 10, "refused by a reason")
    assert "disabled" in wire.Wire(willow, lakeside).get("/fhir/metadata").issues()[0][1]
    failing(lakeside, "willow", "http", "403", "disabled")
    willow.run("partner", "enable", "lakeside")
    wait_for(lambda: status_now(willow, lakeside) == 200, 10, "served again")
    assert willow.run("partner", "list").stdout.count("in use") == 1


def test_what_is_meant_for_a_disabled_partner_waits(pair):
    lakeside, willow = pair
    willow.start()
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.run("partner", "disable", "willow")
    wait_for(lambda: '"reloaded"' in lakeside.log(), 10, "taken")
    lakeside.send(referral := records.referral())
    assert lakeside.status(referral["record_id"]) == "draft" and not willow.records()
    lakeside.run("partner", "enable", "willow")
    lakeside.wait_status(referral["record_id"], "received")
    assert lakeside.messages(direction="out")[0]["attempts"] == 1


def test_switching_keeps_the_rest_of_the_file(make_gateway, tmp_path):
    willow = make_gateway("willow")
    practice.introduce(willow, make_gateway("lakeside"), url=f"https://127.0.0.1:{free_port()}/fhir")
    path = willow.folder / "partners" / "lakeside.yaml"
    path.write_text(path.read_text() + "# call Jo before changing anything\n")
    before = path.read_text()
    willow.run("partner", "disable", "lakeside")
    assert "\ndisabled: true\n" in path.read_text() and "# call Jo" in path.read_text()
    willow.run("partner", "enable", "lakeside")
    assert "\ndisabled: true\n" not in path.read_text() and "# call Jo" in path.read_text()
    assert len(path.read_text().splitlines()) - len(before.splitlines()) <= 1
    assert willow.run("partner", "disable", "../etc/passwd", expect=3)
