"""Keys that never leave a PKCS#11 token (SoftHSM2): the private CA's and the gateway's, used by commands and by the running
service in both directions. The key file holds the key's URI, the passphrase file its PIN."""
import concurrent.futures
import pathlib
import shutil
import subprocess

import pytest

import records
import wire
from conftest import not_run
from practice import free_port, introduce, make_gateway, refgate, wait_for

PIN = "4711-token"


def find_module():
    places = [pathlib.Path(place) for place in ("/usr/lib/softhsm/libsofthsm2.so",
                                                "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                                                "/usr/lib64/pkcs11/libsofthsm2.so")]
    return next((place for place in places if place.is_file()), None)


class Token:
    """A SoftHSM2 token in FOLDER, named NAME; keys are imported into it and forgotten outside."""

    def __init__(self, folder, name):
        self.name, self.module = name, find_module()
        engines = list(pathlib.Path("/usr/lib").glob("*/engines-3/pkcs11.so"))
        if not self.module or not shutil.which("softhsm2-util") or not engines:
            not_run("no SoftHSM2 or no PKCS#11 engine of OpenSSL; on Debian: softhsm2 libengine-pkcs11-openssl")
        self.folder = folder
        (folder / "tokens").mkdir(parents=True)
        (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n")
        self._tool("--init-token", "--free", "--label", name, "--so-pin", "9999")
        self.pin = self.secret("pin", PIN)

    def _tool(self, *arguments):
        subprocess.run(["softhsm2-util", *arguments, "--pin", PIN], check=True, capture_output=True)

    def secret(self, name, text):
        path = self.folder / name
        path.write_text(text + "\n")
        path.chmod(0o600)
        return path

    def uri(self, label, name=None, query=None):
        """A key file for the key LABEL."""
        query = f"?module-path={self.module}" if query is None else query
        return self.secret(f"{name or label}.uri", f"pkcs11:token={self.name};object={label};type=private{query}")

    def make(self, label, number, kind="EC"):
        """A key in the token; its key file."""
        more = ["-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "EC" else ["-pkeyopt", "rsa_keygen_bits:2048"]
        path = self.folder / f"{label}.pem"
        wire._openssl("genpkey", "-algorithm", kind, *more, "-out", path)
        self._tool("--import", str(path), "--token", self.name, "--label", label, "--id", number)
        path.unlink()
        return self.uri(label)


@pytest.fixture
def token(tmp_path, monkeypatch):
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "token" / "softhsm2.conf"))
    gateway = make_gateway(tmp_path / "willow")
    made = Token(tmp_path / "token", "willow")
    made.gateway = gateway
    yield made
    gateway.stop()


def move_in(token, kind="EC"):
    """Willow's own CA and key move into the token, as an administrator does it with the printed words."""
    willow = token.gateway
    authority = willow.folder / "ca"
    shutil.rmtree(authority)
    willow.run("cert", "authority", "init", "willow", "--ca-key", token.make("ca", "01"),
               "--ca-passphrase-file", token.pin)
    willow.settings(key_passphrase_file=token.pin)
    key = token.make("gateway", "02", kind)
    willow.run("cert", "request", "--key", key, "--out", token.folder / "new.csr")
    willow.run("cert", "authority", "sign", token.folder / "new.csr", "--ca-passphrase-file", token.pin,
               "--out", token.folder / "new.crt")
    willow.run("cert", "install", "--cert", token.folder / "new.crt", "--ca", authority / "ca.crt")
    return willow


def no_key_outside(willow):
    for path in [*willow.folder.rglob("*.key"), *willow.folder.rglob("*.previous")]:
        if path.name != "gateway.key.previous":
            assert "PRIVATE KEY" not in path.read_text(), path
    assert (willow.folder / "keys" / "gateway.key").read_text().startswith("pkcs11:")
    assert (willow.folder / "ca" / "ca.key").read_text().startswith("pkcs11:")


@pytest.mark.parametrize("kind", ["EC", "RSA"])
def test_records_flow_and_certificates_are_renewed(token, tmp_path, kind):
    willow = move_in(token, kind)
    lakeside = make_gateway(tmp_path / "lakeside")
    try:
        for one, other in ((willow, lakeside), (lakeside, willow)):
            introduce(one, other)
            one.settings(first_retry_ms=100, time_zone="UTC", loops=2 if one is willow else 1)
            one.run("check")
            one.start()
        assert "sandbox" not in (willow.folder / "settings.yaml").read_text().replace("#sandbox", "")
        lakeside.send(records.consent("lakeside", ["willow"]))
        lakeside.send(referral := records.referral())
        lakeside.wait_status(referral["record_id"], "received")
        willow.wait_record(referral["record_id"])
        willow.move("accept", referral["record_id"])
        lakeside.wait_status(referral["record_id"], "accepted")
        no_key_outside(willow)
        before = willow.run("cert", "show").stdout
        willow.run("cert", "renew", "--ca-passphrase-file", token.pin)
        wait_for(lambda: '"reloaded"' in willow.log(), 10, willow.log)
        assert willow.run("cert", "show").stdout != before
        for version in (wire.ssl.TLSVersion.TLSv1_2, wire.ssl.TLSVersion.TLSv1_3):
            with wire.Wire(willow, lakeside, version=version) as line:
                assert line.get("/fhir/metadata").status == 200
        with concurrent.futures.ThreadPoolExecutor(8) as pool:  # both loops sign at the same time, and reload
            calls = [pool.submit(lambda: wire.Wire(willow, lakeside).get("/fhir/metadata").status) for _ in range(120)]
            for _ in range(3):
                willow.reload()
            assert {call.result() for call in calls} == {200}
        serial = willow.run("cert", "authority", "list", "--ca-passphrase-file", token.pin,
                            "--json").stdout.split('"serial":"')[1].split('"')[0]
        willow.run("cert", "revoke", serial, "--ca-passphrase-file", token.pin)
        willow.run("cert", "rollback")
        looked = willow.run("check", expect=9)  # the pair is whole, and of the CA that the first one had replaced
        assert "expected the CA that issued it" in looked.stdout + looked.stderr
        assert willow.stop() == 0 and lakeside.stop() == 0
    finally:
        lakeside.stop()


def test_each_mistake_is_named(token):
    willow = move_in(token)
    key, pin = willow.folder / "keys" / "gateway.key", token.pin
    text, third = key.read_text(), token.make("third", "03").read_text()

    def says(words):
        said = willow.run("check", expect=7).stderr
        assert words in said and PIN not in said, said
        key.write_text(text)

    key.write_text(text.replace("object=gateway", "object=gatewya"))
    says("no such private key")
    key.write_text("pkcs11:token=willow;object=gateway?module-path=/nonexistent/module.so\n")
    says("/nonexistent/module.so, which cannot be read")
    key.write_text(f"{text.strip()}&pin-value={PIN}\n")
    says("something else than module-path")
    key.write_text(third)
    says("not the one of the certificate")
    key.chmod(0o644)
    says("others can use")
    key.chmod(0o600)
    pin.write_text("1111\n")
    says("no such private key")
    willow.settings(key_passphrase_file='""')
    says("no PIN")


def test_a_fault_of_the_token_at_reload_changes_nothing(token):
    willow = move_in(token)
    willow.settings(watch_files="false")
    willow.start()
    key = willow.folder / "keys" / "gateway.key"
    key.write_text(key.read_text().replace("object=gateway", "object=nobody"))
    assert "no such private key" in willow.run("reload", expect=7).stderr
    assert willow.stop() == 0


def test_a_key_in_a_token_is_taken_by_init(token, tmp_path):
    willow = move_in(token)
    refgate("init", tmp_path / "again", "--org", "willow", "--listen", f"127.0.0.1:{free_port()}",
            "--cert", willow.folder / "keys" / "gateway.crt", "--key", willow.folder / "keys" / "gateway.key",
            "--ca", willow.folder / "keys" / "ca.crt")
    assert (tmp_path / "again" / "keys" / "gateway.key").read_text().startswith("pkcs11:")
