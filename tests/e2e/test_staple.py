"""Stapled OCSP answers between two gateways: required by one, handed over by the other from `staple_file`, made with
`openssl ocsp` as an administrator's timer would make it."""
import subprocess

import pytest

import records
import wire
from practice import json_lines, wait_for


def answer(gateway, days=7, revoked=False, by=None):
    """A fresh answer about the gateway's certificate, by its own CA (or by another pair), in its staple_file."""
    ca, key = by or wire.own_ca(gateway)
    issuer, certificate = gateway.folder / "keys" / "ca.crt", gateway.folder / "keys" / "gateway.crt"
    facts = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-serial"], check=True,
                           capture_output=True, text=True).stdout
    serial = facts.strip().split("=")[1]
    index = gateway.folder.parent / f"{gateway.name}-index.txt"
    index.write_text(f"{'R' if revoked else 'V'}\t361123000000Z\t{'261101000000Z' if revoked else ''}\t{serial}\t"
                     f"unknown\t/CN={gateway.name}\n")
    wire._openssl("ocsp", "-index", index, "-CA", issuer, "-rsigner", ca, "-rkey", key, "-issuer", issuer,
                  "-cert", certificate, "-ndays", days, "-respout", gateway.folder / "staple.new")
    (gateway.folder / "staple.new").rename(gateway.folder / "keys" / "staple.der")


def tls_step(gateway, partner):
    """(state, words) of the step `tls`."""
    done = gateway.run("partner", "test", partner, "--json", expect=None)
    step = next(line for line in json_lines(done.stdout) if line["step"] == "tls")
    return step["state"], f"{step['found']} {step.get('what_to_do')}"


@pytest.fixture
def pair(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False, watch_files="false")
    lakeside.partner_settings("willow", staple="require")
    return lakeside, willow


def test_required_and_handed_over(pair):
    lakeside, willow = pair
    lakeside.start(), willow.start()
    state, words = tls_step(lakeside, "willow")
    assert state == "failed" and "staple_missing" in words and "stapling" in words
    answer(willow)
    willow.settings(staple_file="keys/staple.der")
    willow.reload()
    assert tls_step(lakeside, "willow")[0] == "ok"
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(referral := records.referral())
    lakeside.wait_status(referral["record_id"], "received")


def test_its_end_is_told_in_time(pair):
    _, willow = pair
    willow.settings(staple_file="keys/staple.der")
    answer(willow, days=7)
    willow.run("check", "--now", records.moment(24 * 5))
    said = willow.run("check", "--now", records.moment(24 * 6.5), expect=9).stdout
    assert "the OCSP answer in staple_file runs out in 0 days" in said and "fetch a new one" in said


def test_without_it_nothing_is_sent_and_nothing_lost(pair):
    lakeside, willow = pair
    lakeside.start(), willow.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(referral := records.referral())
    wait_for(lambda: "staple_missing" in lakeside.log() or "no OCSP answer" in lakeside.log(), 10, lakeside.log)
    assert not willow.query("SELECT 1 FROM message")
    lakeside.partner_settings("willow", staple="prefer")
    lakeside.reload()
    lakeside.wait_status(referral["record_id"], "received")


@pytest.mark.parametrize("fault, words", [
    ({"revoked": True}, "says our certificate is revoked"), ({"by": "lakeside"}, "no answer of our CA's responder")])
def test_a_bad_answer_of_our_own_is_named_and_not_handed_over(pair, fault, words):
    lakeside, willow = pair
    if "by" in fault:
        fault = {"by": wire.own_ca(lakeside)}
    answer(willow, **fault)
    willow.settings(staple_file="keys/staple.der")
    assert words in willow.run("check", expect=7).stderr
    lakeside.start(), willow.start()
    assert "staple_missing" in tls_step(lakeside, "willow")[1]


def test_a_bad_answer_at_reload_leaves_the_good_one(pair):
    lakeside, willow = pair
    answer(willow)
    willow.settings(staple_file="keys/staple.der")
    lakeside.start(), willow.start()
    (willow.folder / "keys" / "staple.der").write_bytes(b"no answer")
    assert "staple.der" in willow.run("reload", expect=7).stderr
    assert tls_step(lakeside, "willow")[0] == "ok"


def test_a_new_answer_is_taken_by_itself(pair):
    lakeside, willow = pair
    willow.settings(watch_files="true", watch_settle_ms=100, staple_file="keys/staple.der")
    answer(willow)
    willow.start(), lakeside.start()
    before = willow.log().count('"reloaded"')
    answer(willow, days=3)
    wait_for(lambda: willow.log().count('"reloaded"') > before, 15, willow.log)
    assert tls_step(lakeside, "willow")[0] == "ok"
