"""What partners/NAME.yaml says about a partner, in effect: kinds and directions, planned pauses, pins and their change, whom
to call."""
import base64
import hashlib
import json
import os
import pty
import subprocess

import pytest

import records
import wire
from practice import PROGRAM, wait_for
from test_operations import wait_alarm, watched


@pytest.fixture
def pair(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False, watch_files="false")
    for one, other in ((lakeside, "willow"), (willow, "lakeside")):
        one.send(records.consent(one.name, [other]))
    return lakeside, willow


def pin_of(path, kind="x509"):
    """The pin of the key in a certificate or request, as openssl sees it."""
    key = subprocess.run(["openssl", kind, "-in", path, "-noout", "-pubkey"], check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True,
                         capture_output=True).stdout
    return f"sha256//{base64.b64encode(hashlib.sha256(der).digest()).decode()}"


def refused(willow, lakeside, verdict):
    with pytest.raises((wire.ssl.SSLError, ConnectionError, AssertionError)):
        assert wire.Wire(willow, lakeside).get("/fhir/metadata").status == 200
    wait_for(lambda: f'"verdict":"{verdict}"' in willow.log(), 5, willow.log)


def test_a_key_is_changed_by_the_next_pin(pair):
    """The old and the new key are admitted while both are named; then only the new one."""
    lakeside, willow = pair
    keys = lakeside.folder / "keys"
    old = keys / "gateway.crt.previous", keys / "gateway.key.previous"
    willow.partner_settings("lakeside", pins=f'["{pin_of(keys / "gateway.crt")}"]')
    willow.start()
    assert wire.Wire(willow, lakeside).get("/fhir/metadata").status == 200
    lakeside.run("cert", "request")
    next_pin = pin_of(keys / "new.csr", "req")
    lakeside.run("cert", "authority", "sign", keys / "new.csr", "--out", keys / "signed.crt")
    lakeside.run("cert", "install", "--cert", keys / "signed.crt")
    assert pin_of(keys / "gateway.crt") == next_pin
    refused(willow, lakeside, "wrong_pin")
    assert wire.Wire(willow, old).get("/fhir/metadata").status == 200
    willow.partner_settings("lakeside", next_pins=f'["{next_pin}"]')
    willow.reload()
    with wire.Wire(willow, lakeside) as line, wire.Wire(willow, old) as old_line:
        assert line.get("/fhir/metadata").status == 200 and old_line.get("/fhir/metadata").status == 200
        willow.partner_settings("lakeside", pins=f'["{next_pin}"]', next_pins="[]")
        willow.reload()
        assert line.get("/fhir/metadata").status == 200
        with pytest.raises((wire.ssl.SSLError, ConnectionError, wire.http.client.HTTPException)):
            old_line.get("/fhir/metadata")


def test_kinds_and_directions(pair):
    """What is not sent to a partner waits with its reason; what is not taken from it is answered 403 and named."""
    lakeside, willow = pair
    lakeside.partner_settings("willow", send="[progress-note]")
    lakeside.start(), willow.start()
    said, = lakeside.send(referral := records.referral())
    assert said["recipients"][0]["state"] == "waiting" and "referral" in said["recipients"][0]["reason"]
    lakeside.partner_settings("willow", send="[referral, progress-note]")
    lakeside.reload()
    lakeside.wait_status(referral["record_id"], "received")
    willow.partner_settings("lakeside", receive="[progress-note]")
    willow.reload()
    answer = wire.post(willow, lakeside, lakeside.bundles(records.referral())[0])
    assert answer.status == 403 and "a referral is not taken from partner lakeside" in answer.issues()[0][1]


def test_a_planned_pause(pair):
    """Nothing is sent in it and nothing counts as a fault; what waited goes when it is over."""
    lakeside, willow = pair
    watched(lakeside)
    lakeside.partner_settings("willow", maintenance="['daily 00:00-24:00']")
    lakeside.start()  # willow does not even run
    lakeside.send(referral := records.referral())
    message, = lakeside.messages(direction="out")
    willow.start()
    lakeside.send(second := records.referral())
    assert [one["attempts"] for one in lakeside.messages(direction="out")] == [0, 0]
    assert message["state"] == "queued" and not willow.query("SELECT 1 FROM message WHERE direction='in'")
    assert '"partner-down"' not in lakeside.log()
    lakeside.partner_settings("willow", maintenance="[]")
    lakeside.reload()
    for one in (referral, second):
        lakeside.wait_status(one["record_id"], "received")


def test_whom_to_call(pair):
    lakeside, _ = pair
    watched(lakeside)
    lakeside.partner_settings("willow", contacts='["Jo Lee, +1 555 0100, desk@willow.example"]')
    lakeside.start()
    lakeside.send(records.referral())
    alarm = wait_alarm(lakeside, "partner-down", partner="willow")
    assert alarm["contacts"] == ["Jo Lee, +1 555 0100, desk@willow.example"]
    assert "Jo Lee" not in lakeside.log()
    shown = json.loads(lakeside.run("partner", "show", "willow", "--json").stdout)
    assert "Jo Lee" in shown["contacts"]


# ---- partner add ----

def typed(gateway, answers, *words):
    """Runs a command at a terminal of its own and types ANSWERS; (exit code, what stood on the terminal)."""
    master, slave = pty.openpty()
    service = subprocess.Popen([PROGRAM, *words, "-d", gateway.folder], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    os.write(master, "".join(f"{answer}\n" for answer in answers).encode() + b"\x04")
    seen = b""
    while True:
        try:
            more = os.read(master, 65536)
        except OSError:  # the other end is closed
            more = b""
        if not more:
            break
        seen += more
    os.close(master)
    return service.wait(20), seen.decode()


def test_it_asks_at_a_terminal(make_gateway):
    lakeside, willow = make_gateway("lakeside"), make_gateway("willow")
    ca = willow.folder / "keys" / "ca.crt"
    code, seen = typed(lakeside, ["http://plain", f"https://127.0.0.1:{willow.port}/fhir", str(ca), "yes", "*.example",
                                  "", "Jo Lee, +1 555 0100"], "partner", "add", "willow")
    assert code == 0 and "Added partner willow" in seen, seen
    assert "found http://plain; expected" in seen and "found *.example; expected a URI" in seen
    assert pin_of(ca) in seen, "to be compared by telephone"
    shown = json.loads(lakeside.run("partner", "show", "willow", "--json").stdout)
    assert "urn:refgate:org:willow" in shown["san"] and shown["contacts"] == '["Jo Lee, +1 555 0100"]'
    lakeside.run("check")
    # The same as by flags.
    willow.run("partner", "add", "lakeside", "--url", f"https://127.0.0.1:{lakeside.port}/fhir", "--ca",
               lakeside.folder / "keys" / "ca.crt", "--contact", "Jo Lee, +1 555 0100", "--contact", "Desk")
    shown = json.loads(willow.run("partner", "show", "lakeside", "--json").stdout)
    assert shown["contacts"] == '["Jo Lee, +1 555 0100", Desk]'


@pytest.mark.parametrize("answers, words", [
    ([], ""), (["https://a.example/fhir", "/nonexistent.crt"], "nonexistent.crt"),
    (["https://a.example/fhir", "{ca}", "no"], "not the CA of the partner")])
def test_breaking_off_adds_nothing(make_gateway, answers, words):
    lakeside = make_gateway("lakeside")
    answers = [answer.format(ca=lakeside.folder / "keys" / "ca.crt") for answer in answers]
    code, seen = typed(lakeside, answers, "partner", "add", "willow")
    assert code == 2 and words in seen, seen
    assert not list((lakeside.folder / "partners").glob("*"))


def test_a_pin_alone(make_gateway):
    lakeside = make_gateway("lakeside")
    pin = pin_of(lakeside.folder / "keys" / "gateway.crt")
    code, seen = typed(lakeside, ["https://a.example/fhir", "", "nonsense", pin, "", ""], "partner", "add", "willow")
    assert code == 0 and "found nonsense; expected 64 hex" in seen, seen
    assert pin in lakeside.run("partner", "show", "willow").stdout


def test_without_a_terminal_it_says_what_is_missing(make_gateway):
    lakeside = make_gateway("lakeside")
    assert "url: found nothing" in lakeside.run("partner", "add", "willow", expect=2, input="").stderr
