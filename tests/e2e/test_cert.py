"""Our certificate and the private CA by command: shown, requested, put in place only after every check, taken back,
renewed and revoked; a running service serves the new one without a pause."""
import os
import socket
import ssl
import subprocess

import pytest

import records
import wire
from practice import json_lines, refgate, wait_for

URI = "URI:urn:refgate:org:"


def pair_of(gateway):
    keys = gateway.folder / "keys"
    return (keys / "gateway.crt").read_bytes(), (keys / "gateway.key").read_bytes()


def shown(gateway, *arguments):
    """The objects of `cert show`, the first is our certificate."""
    return json_lines(gateway.run("cert", "show", *arguments, "--json").stdout)


def served_serial(gateway):
    """The serial number of the certificate that the partner port shows, in lower-case hex."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    with socket.create_connection(("127.0.0.1", gateway.port), 10) as plain:
        with context.wrap_socket(plain) as line:
            der = line.getpeercert(binary_form=True)
    said = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-serial"], input=der,
                          capture_output=True, check=True).stdout.decode()
    return said.strip().split("=")[1].lower()


# ---- show ----

def test_show(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    ours, *others = shown(willow)
    assert ours["names"] == [URI + "willow", "IP:127.0.0.1"]
    assert ours["client"] and ours["server"] and not ours["ca"]
    assert 363 <= ours["days_left"] <= 365 and ours["pin"].startswith("sha256//")
    terms = {(item["partner"], item["what"]): item["days_left"] for item in others}
    assert 3640 <= terms["lakeside", "ca"] <= 3650 and ("ourselves", "ca") in terms
    said = willow.run("cert", "show").stdout
    assert "client and server" in said and ours["pin"] in said and "lakeside" in said
    other, = shown(willow, lakeside.folder / "keys" / "gateway.crt")
    assert other["names"][0] == URI + "lakeside"
    willow.run("cert", "show", willow.folder / "nothing", expect=2)


# ---- request and install ----

def test_a_certificate_of_another_ca_is_installed_and_taken_back(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    before, first_serial = pair_of(willow), served_serial(willow)
    refgate("cert", "authority", "init", "town", "--ca-dir", willow.folder.parent / "town-ca")
    ca = willow.folder.parent / "town-ca"
    willow.run("cert", "request")
    request = willow.folder / "keys" / "new.csr"
    new_key = willow.folder / "keys" / "new.key"
    assert oct(new_key.stat().st_mode & 0o777) == "0o600"
    refgate("cert", "authority", "sign", request, "--ca-dir", ca, "--out", ca / "willow.crt")
    # Without its CA, the chain does not end where the partners expect it: nothing is replaced.
    refused = willow.run("cert", "install", "--cert", ca / "willow.crt", expect=1)
    assert "trial handshake" in refused.stderr and "Nothing was replaced" in refused.stderr
    assert pair_of(willow) == before and new_key.exists()
    # Lakeside does not know the new CA: shown to it first, the old pair stays too.
    refused = willow.run("cert", "install", "--cert", ca / "willow.crt", "--ca", ca / "ca.crt",
                         "--partner", "lakeside", expect=1)
    assert "Trial with lakeside" in refused.stderr and "send the partner our CA" in refused.stderr
    assert pair_of(willow) == before
    # Lakeside takes the new CA beside the old one, as a partner does before a change.
    both = lakeside.folder / "partners" / "willow.ca.crt"
    both.write_text(both.read_text() + (ca / "ca.crt").read_text())
    lakeside.reload()
    reloads = willow.log().count('"reloaded"')
    said = willow.run("cert", "install", "--cert", ca / "willow.crt", "--ca", ca / "ca.crt",
                      "--partner", "lakeside").stdout
    assert "Installed" in said
    assert not new_key.exists() and not request.exists()
    wait_for(lambda: willow.log().count('"reloaded"') > reloads, 10, "the service took it")
    new_serial = served_serial(willow)
    assert new_serial == shown(willow)[0]["serial"] != first_serial
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(referral := records.referral())
    lakeside.wait_status(referral["record_id"], "received")
    reloads = willow.log().count('"reloaded"')
    willow.run("cert", "rollback")
    assert pair_of(willow) == before
    wait_for(lambda: willow.log().count('"reloaded"') > reloads, 10, "the service took it back")
    assert served_serial(willow) == first_serial


def mistake(kind, willow, folder):
    """Options of `cert install` with one mistake, and the words that name it."""
    ca = wire.own_ca(willow)
    good = URI + "willow"
    if kind == "another key":
        certificate, _ = wire.issue(folder, ca, "a", good)
        _, key = wire.issue(folder, ca, "b", good)
        return certificate, key, "not the one of the certificate"
    if kind == "no clientAuth":
        return *wire.issue(folder, ca, "a", good, usages="serverAuth"), "clientAuth"
    if kind == "no serverAuth":
        return *wire.issue(folder, ca, "a", good, usages="clientAuth"), "serverAuth"
    if kind == "another name":
        return *wire.issue(folder, ca, "a", URI + "lakeside"), "without the name partners know us by"
    if kind == "expired":
        return *wire.issue(folder, ca, "a", good, days=-1), "expired"
    if kind == "another CA":
        return *wire.issue(folder, wire.make_ca(folder), "a", good), "trial handshake"
    certificate, key = wire.issue(folder, ca, "a", good)
    if kind == "key for all":
        os.chmod(key, 0o644)
        return certificate, key, "others"
    if kind == "the key as certificate":
        return key, key, "certificate"
    if kind == "upside down":
        certificate.write_bytes(ca[0].read_bytes() + certificate.read_bytes())
        return certificate, key, "not the one of the certificate"
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["another key", "no clientAuth", "no serverAuth", "another name", "expired",
                                  "another CA", "key for all", "the key as certificate", "upside down"])
def test_a_mistake_replaces_nothing(make_gateway, tmp_path, kind):
    willow = make_gateway("willow")
    before = pair_of(willow)
    certificate, key, words = mistake(kind, willow, tmp_path / "made")
    refused = willow.run("cert", "install", "--cert", certificate, "--key", key, expect=1)
    assert words in refused.stderr, refused.stderr
    assert pair_of(willow) == before
    assert sorted(os.listdir(willow.folder / "keys")) == ["ca.crt", "gateway.crt", "gateway.key"]


def test_check_alone_replaces_nothing(make_gateway, tmp_path):
    willow = make_gateway("willow")
    before = pair_of(willow)
    certificate, key = wire.issue(tmp_path / "made", wire.own_ca(willow), "a", URI + "willow")
    said = willow.run("cert", "install", "--cert", certificate, "--key", key, "--check").stdout
    assert "Nothing was replaced" in said and pair_of(willow) == before
    willow.run("cert", "install", expect=2)
    willow.run("cert", "rollback", expect=1)


# ---- renew ----

def test_renewed_under_a_running_service(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    before = shown(willow)[0]
    with wire.Wire(willow, lakeside) as line:
        assert line.get("/fhir/metadata").status == 200
        said = willow.run("cert", "renew", "--days", "100", "--partner", "lakeside").stdout
        assert "99 days left" in said or "100 days left" in said
        after = shown(willow)[0]
        assert after["serial"] != before["serial"] and after["pin"] == before["pin"]
        wait_for(lambda: served_serial(willow) == after["serial"], 10, "the new one is shown")
        assert line.get("/fhir/metadata").status == 200, "the open connection goes on"
    willow.run("cert", "renew", "--new-key", "--key-type", "rsa2048")
    third = shown(willow)[0]
    assert third["pin"] != before["pin"] and third["key"] == "RSA 2048"
    assert not (willow.folder / "keys" / "new.key").exists()
    wait_for(lambda: served_serial(willow) == third["serial"], 10, "the third one is shown")
    assert willow.run("partner", "test", "lakeside").returncode == 0


def test_renewing_without_a_ca_says_what_to_do(make_gateway):
    willow = make_gateway("willow")
    (willow.folder / "ca" / "ca.key").rename(willow.folder / "moved.key")
    refused = willow.run("cert", "renew", expect=3)
    assert "cert request" in refused.stderr


# ---- the private CA ----

def test_the_private_ca(tmp_path):
    ca = tmp_path / "ca"
    (tmp_path / "word").write_text("correct horse\n")
    os.chmod(tmp_path / "word", 0o600)
    options = ["--ca-dir", ca, "--ca-passphrase-file", tmp_path / "word", "-d", tmp_path]
    refgate("cert", "authority", "init", "town", *options, "--key-type", "rsa3072")
    assert "ENCRYPTED" in (ca / "ca.key").read_text()
    refgate("cert", "authority", "init", "town", *options, expect=1)
    refgate("cert", "authority", "issue", "harbor", *options, "--dns", "gw.harbor.example", "--ip", "10.0.0.7",
            "--days", "30", "--out", tmp_path / "h.crt", "--out-key", tmp_path / "h.key")
    leaf, = json_lines(refgate("cert", "show", tmp_path / "h.crt", "--json").stdout)
    assert leaf["names"] == [URI + "harbor", "DNS:gw.harbor.example", "IP:10.0.0.7"]
    assert leaf["client"] and leaf["server"] and leaf["days_left"] in (29, 30)
    listed, = json_lines(refgate("cert", "authority", "list", *options, "--json").stdout)
    assert listed["serial"] == leaf["serial"] and "revoked_at" not in listed
    refgate("cert", "revoke", tmp_path / "h.crt", *options, "--reason", "key-compromise")
    assert not (tmp_path / "lock").exists(), "whoever asks whether a service runs leaves nothing behind"
    listed, = json_lines(refgate("cert", "authority", "list", *options, "--json").stdout)
    assert listed["revoked_at"]
    crl = subprocess.run(["openssl", "crl", "-in", ca / "ca.crl", "-noout", "-text"], capture_output=True,
                         text=True, check=True).stdout
    assert "Key Compromise" in crl and leaf["serial"].upper() in crl.upper()
    refgate("cert", "authority", "publish", *options, "--days", "7")
    refgate("cert", "revoke", "abcdef", *options, expect=3)
    refgate("cert", "authority", "issue", "harbor", *options, "--days", "9000", "--out", tmp_path / "i.crt",
            "--out-key", tmp_path / "i.key", expect=1)
    refgate("cert", "authority", "list", "--ca-dir", ca, expect=2)


def test_a_revoked_partner_is_refused(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.partner_settings("lakeside", crl_files=f"[{lakeside.folder}/ca/ca.crl]")
    willow.start()
    line = wire.Wire(willow, lakeside)
    assert line.get("/fhir/metadata").status == 200
    lakeside.run("cert", "revoke", lakeside.folder / "keys" / "gateway.crt")
    willow.reload()
    with pytest.raises((ssl.SSLError, ConnectionError, wire.http.client.HTTPException)):
        line.get("/fhir/metadata")  # the open connection was closed
    with pytest.raises((ssl.SSLError, ConnectionError)):
        wire.Wire(willow, lakeside).get("/fhir/metadata")
    wait_for(lambda: '"verdict":"revoked"' in willow.log(), 5, "the log says why")
    assert '"verdict":"revoked"' not in lakeside.log()
