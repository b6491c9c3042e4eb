"""Changes to a running gateway: settings, partners, certificates and revocation lists change under load and no message
fails; a faulty file stays as it was, says why, and takes nothing else with it; changed files are taken by themselves."""
import http.client
import itertools
import json
import pathlib
import ssl
import threading
import time

import pytest

import records
import wire
from practice import free_port, refgate, wait_for

URI = "URI:urn:refgate:org:"
CHANGES = 100


def reloads(gateway):
    return gateway.log().count('"reloaded"')


def wait_reload(gateway, before, seconds=15):
    wait_for(lambda: reloads(gateway) > before, seconds, lambda: f"reloaded\n{gateway.log()[-1500:]}")


# ---- under load ----

class Load(threading.Thread):
    """Posts new messages, one after the other, on kept-alive connections; counts what was not answered ok."""

    def __init__(self, gateway, pair, bundle, name):
        super().__init__(daemon=True)
        self.gateway, self.pair, self.bundle, self.prefix = gateway, pair, bundle, name
        self.sent, self.failures, self.is_over, self.connects = 0, [], False, 0

    def run(self):
        line = None
        for i in itertools.count():
            if self.is_over:
                break
            body = records.renamed(self.bundle, f"{self.prefix}{i}", {"R-1": f"R-{self.prefix}-{i}"})
            try:
                if line is None or i % 50 == 0:  # often enough that new handshakes meet each change
                    line = wire.Wire(self.gateway, self.pair)
                    self.connects += 1
                answer = line.post(body)
                if answer.status != 200 or answer.code != "ok":
                    self.failures.append(repr(answer))
                self.sent += 1
            except (OSError, http.client.HTTPException) as fault:
                self.failures.append(f"message {i}: {fault!r}")
                line = None


def change(number, lakeside, willow, folder):
    """One change of willow's folder; each kind in turn. What it names must be gone after it was taken."""
    kind = number % 5
    if kind == 0:
        willow.settings(ledger_days=30 + number % 7)
    elif kind == 1:
        name = f"clinic{number}"
        refgate("cert", "authority", "init", name, "--ca-dir", folder / name)
        willow.run("partner", "add", name, "--url", f"https://127.0.0.1:{free_port()}/fhir", "--ca",
                   folder / name / "ca.crt")
    elif kind == 2:
        willow.run("cert", "renew")
    elif kind == 3:
        lakeside.run("cert", "authority", "publish", "--days", str(10 + number % 9))
    else:
        willow.partner_settings("lakeside", contacts=f"[Jo {number}]")


def test_a_hundred_changes_under_load_fail_no_message(make_town, tmp_path):
    lakeside, willow = make_town("lakeside", "willow", start=False, watch_files="false")
    willow.partner_settings("lakeside", crl_files=f"[{lakeside.folder}/ca/ca.crl]")
    bundle, = lakeside.bundles(records.referral("R-1"))
    willow.start()
    keys = lakeside.folder / "keys"
    loads = [Load(willow, (keys / "gateway.crt", keys / "gateway.key"), bundle, f"l{i}x") for i in range(3)]
    for load in loads:
        load.start()
    for number in range(CHANGES):
        before, sent = reloads(willow), [load.sent for load in loads]
        change(number, lakeside, willow, tmp_path)
        if reloads(willow) == before:  # `cert renew` asks for it itself
            willow.run("reload")
        wait_reload(willow, before)
        wait_for(lambda: all(load.sent > was or load.failures for load, was in zip(loads, sent)), 30,
                 "messages after the change")
    for load in loads:
        load.is_over = True
    for load in loads:
        load.join(30)
    failures = [fault for load in loads for fault in load.failures]
    total = sum(load.sent for load in loads)
    assert not failures, failures[:5]
    assert len(willow.query("SELECT 1 FROM message WHERE direction='in'")) == total
    assert len(willow.json("partner", "list")) == 1 + CHANGES // 5
    print(f"{CHANGES} changes, {total} messages, {sum(load.connects for load in loads)} connections, 0 failed")


def test_both_sides_change_while_records_flow(make_town):
    """The real sender: every record arrives with one attempt, whatever was changed meanwhile."""
    lakeside, willow = make_town("lakeside", "willow", watch_files="false")
    lakeside.send(records.consent("lakeside", ["willow"]))
    numbers = []
    for i in range(20):
        lakeside.send(referral := records.referral())
        numbers.append(referral["record_id"])
        changed = willow if i % 2 else lakeside
        before = reloads(changed)
        if i % 4 < 2:
            changed.run("cert", "renew")
        else:
            changed.settings(ledger_days=31 + i)
            changed.run("reload")
        wait_reload(changed, before)
    lakeside.wait_settled()
    for number in numbers:
        lakeside.wait_status(number, "received")
    attempts = [message["attempts"] for message in lakeside.messages(direction="out")]
    assert attempts == [1] * len(numbers), attempts


# ---- faulty changes ----

def break_settings(willow):
    willow.settings(first_retry_ms="soon")
    return "first_retry_ms"


def break_yaml(willow):
    path = willow.folder / "settings.yaml"
    path.write_text(path.read_text() + "\n]: [\n")
    return "settings.yaml"


def break_partner(willow):
    willow.partner_settings("lakeside", url="http://plain")
    return "url"


def break_directory(willow):
    path = willow.folder / "directory.csv"
    path.write_text(path.read_text().replace("willow,clinic", "willow,klinik"))
    return "directory.csv"


def break_key(willow):
    (willow.folder / "keys" / "gateway.key").write_text("no key")
    return "gateway.key"


def open_key(willow):
    (willow.folder / "keys" / "gateway.key").chmod(0o644)
    return "others"


def swap_certificate(willow):
    path = willow.folder / "keys"
    made, _ = wire.issue(path, wire.own_ca(willow), "other", URI + "willow")
    made.replace(path / "gateway.crt")
    return "not the one of the certificate"


def break_partner_ca(willow):
    (willow.folder / "partners" / "lakeside.ca.crt").write_text("nothing")
    return "lakeside"


def break_list(willow):
    (willow.folder / "partners" / "x.crl").write_text("nothing")
    willow.partner_settings("lakeside", crl_files="[partners/x.crl]")
    return "x.crl"


@pytest.mark.parametrize("fault", [break_settings, break_yaml, break_partner, break_directory, break_key, open_key,
                                   swap_certificate, break_partner_ca, break_list])
def test_a_faulty_change_stays_as_it_was_and_says_why(make_town, fault):
    lakeside, willow = make_town("lakeside", "willow", start=False, watch_settle_ms=100)
    willow.start()
    with wire.Wire(willow, lakeside) as line:
        assert line.get("/fhir/metadata").status == 200
        words = fault(willow)
        refused = willow.run("reload", expect=7)
        assert words in refused.stderr, refused.stderr
        wait_for(lambda: '"reload-refused"' in willow.log(), 15, "the watch has tried it too")
        assert words in willow.log()
        assert line.get("/fhir/metadata").status == 200
        assert wire.Wire(willow, lakeside).get("/fhir/metadata").status == 200
        refusals = willow.log().count('"reload-refused"')
        seen = willow.log().count('"event":"files-changed"')
        wait_for(lambda: line.get("/fhir/metadata").status == 200, 5, "served")
        assert (willow.log().count('"reload-refused"'), willow.log().count('"event":"files-changed"')) == (
            refusals, seen), "the same faulty files are not tried again"


# ---- one faulty file takes nothing else with it ----

def is_out(gateway, pair):
    try:
        return wire.Wire(gateway, pair).get("/fhir/metadata").status != 200
    except (ssl.SSLError, ConnectionError):
        return True


@pytest.mark.parametrize("fault", [break_settings, break_yaml, break_partner, break_directory, break_key, open_key,
                                   break_partner_ca, break_list])
def test_beside_a_faulty_file_the_rest_is_taken(make_town, fault):
    lakeside, willow, harbor = make_town("lakeside", "willow", "harbor", start=False, watch_files="false")
    willow.start()
    words = fault(willow)
    willow.partner_settings("harbor", contacts="[Jo 1]", url="https://127.0.0.1:1/fhir")
    before = reloads(willow)
    assert words in willow.run("reload", expect=7).stderr
    wait_reload(willow, before)
    assert wire.Wire(willow, lakeside).get("/fhir/metadata").status == 200  # as it was
    line = wire.Wire(willow, harbor)
    assert line.get("/fhir/metadata").status == 200
    done = willow.run("partner", "disable", "harbor")  # acts whatever else is faulty
    assert "disabled" in done.stdout
    line.connection.sock.settimeout(10)
    assert line.connection.sock.recv(1) == b""
    assert is_out(willow, harbor)
    assert wire.Wire(willow, lakeside).get("/fhir/metadata").status == 200


@pytest.mark.parametrize("text", ["url: http://plain\n", "]: [\n", "url: 5\nwhat: is this\n"])
def test_a_partner_whose_file_is_faulty_can_be_switched_off(make_town, text):
    lakeside, willow, harbor = make_town("lakeside", "willow", "harbor", start=False, watch_files="false")
    willow.start()
    line = wire.Wire(willow, harbor)
    assert line.get("/fhir/metadata").status == 200
    (willow.folder / "partners" / "harbor.yaml").write_text(text)
    willow.run("reload", expect=7)
    assert not is_out(willow, harbor)
    willow.run("partner", "disable", "harbor")
    line.connection.sock.settimeout(10)
    assert line.connection.sock.recv(1) == b""
    assert is_out(willow, harbor)
    willow.run("partner", "enable", "harbor", expect=7)
    assert is_out(willow, harbor)
    assert not is_out(willow, lakeside)


def test_a_start_takes_what_is_sound(make_town):
    lakeside, willow, harbor = make_town("lakeside", "willow", "harbor", start=False)
    (willow.folder / "partners" / "harbor.yaml").write_text("url: http://plain\n")
    path = willow.folder / "directory.csv"
    path.write_text(path.read_text() + "somebody,castle,,,,,,,,,\n")
    assert "harbor.yaml" in willow.run("check", expect=7).stderr
    willow.start()
    assert not is_out(willow, lakeside)
    assert is_out(willow, harbor)  # left out
    assert "partners/harbor.yaml" in willow.log()
    assert "directory.csv: row" in willow.log()


def test_a_faulty_list_keeps_the_last_good_one(make_town):
    lakeside, willow, harbor = make_town("lakeside", "willow", "harbor", start=False, watch_files="false")
    path = willow.folder / "partners" / "l.crl"
    lakeside.run("cert", "revoke", lakeside.folder / "keys" / "gateway.crt")
    path.write_bytes(read(lakeside.folder / "ca" / "ca.crl"))
    willow.partner_settings("lakeside", crl_files="[partners/l.crl]")
    willow.start()
    assert is_out(willow, lakeside)
    path.write_text("nothing")
    before = reloads(willow)
    willow.run("reload", expect=7)
    wait_reload(willow, before)
    assert is_out(willow, lakeside)  # not more admitted than before
    assert not is_out(willow, harbor)


def test_an_own_certificate_that_ran_out_does_not_stop_a_reload(make_town, tmp_path):
    lakeside, willow = make_town("lakeside", "willow", start=False, watch_files="false")
    good = [(path, path.read_bytes()) for path in (willow.folder / "keys").glob("gateway.*")]
    made, key = wire.issue(tmp_path, wire.own_ca(willow), "old", URI + "willow,IP:127.0.0.1", days=-1, age=9)
    old = [(willow.folder / "keys" / "gateway.crt", made.read_bytes()),
           (willow.folder / "keys" / "gateway.key", key.read_bytes())]
    for path, text in old:
        path.write_bytes(text)
    willow.start()
    willow.partner_settings("lakeside", contacts="[Jo 1]")
    before = reloads(willow)
    assert "gateway.crt" in willow.run("reload").stderr
    wait_reload(willow, before)
    for path, text in good:
        path.write_bytes(text)
    willow.reload()
    for path, text in old:  # a good one does not give way to one that has run out
        path.write_bytes(text)
    before = reloads(willow)
    assert "expired" in willow.run("reload").stderr
    wait_reload(willow, before)
    assert '"reload-refused"' in willow.log()
    assert not is_out(willow, lakeside)
    willow.run("partner", "disable", "lakeside")
    assert is_out(willow, lakeside)


# ---- changed files ----

def test_changed_files_are_taken_by_themselves(make_town):
    lakeside, willow, harbor = make_town("lakeside", "willow", "harbor", start=False, watch_settle_ms=200)
    file = willow.folder / "partners" / "harbor.yaml"
    file.rename(willow.folder / "harbor.yaml")
    willow.start()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        wire.Wire(willow, harbor).get("/fhir/metadata")
    before = reloads(willow)
    (willow.folder / "harbor.yaml").rename(file)  # a partner appears
    wait_reload(willow, before)
    line = wire.Wire(willow, harbor)
    assert line.get("/fhir/metadata").status == 200
    before = reloads(willow)
    willow.partner_settings("harbor", disabled="true")  # ... is switched off by hand
    wait_reload(willow, before)
    line.connection.sock.settimeout(10)
    assert line.connection.sock.recv(1) == b""
    before = reloads(willow)
    made, key = wire.issue(willow.folder.parent, wire.own_ca(willow), "w", URI + "willow,IP:127.0.0.1", days=77)
    (willow.folder / "keys" / "gateway.key").write_bytes(key.read_bytes())  # ... and a pair, in two steps
    (willow.folder / "keys" / "gateway.crt").write_bytes(made.read_bytes())
    wait_reload(willow, before)
    assert '"reload-refused"' not in willow.log()
    assert willow.run("cert", "show", "--json").stdout.count('"days_left":76') == 1


def test_reload_says_what_is_faulty_whoever_noticed_first(make_town):
    """The watcher may have found the faulty file before the person who asks for the reload."""
    willow, = make_town("willow", start=False, watch_settle_ms=200)
    willow.start()
    willow.settings(first_retri_ms=5)
    wait_for(lambda: '"reload-refused"' in willow.log(), 15, "the watcher has seen it")
    for _ in range(2):
        assert "first_retri_ms" in willow.run("reload", expect=7).stderr
    file = willow.folder / "settings.yaml"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if "first_retri_ms" not in line))
    willow.run("reload")


def test_a_revocation_is_in_force_when_the_command_ends(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False, watch_files="false")
    willow.partner_settings("lakeside", ca_file=str(willow.folder / "ca" / "ca.crt"),
                            crl_files=f"[{willow.folder / 'ca' / 'ca.crl'}]")
    issued = willow.folder.parent / "issued.crt", willow.folder.parent / "issued.key"
    willow.run("cert", "authority", "issue", "lakeside", "--ip", "127.0.0.1", "--out", issued[0], "--out-key", issued[1])
    willow.run("cert", "authority", "publish")
    for made, name in zip(issued, ("gateway.crt", "gateway.key")):
        (lakeside.folder / "keys" / name).write_bytes(made.read_bytes())
    willow.start()
    assert not is_out(willow, lakeside)
    willow.run("cert", "revoke", issued[0])
    assert is_out(willow, lakeside)
    noted = [(row["what"], row["by"]) for row in willow.json("audit", "list")]
    assert [what for what, _ in noted if what.startswith("certificate-")] == ["certificate-issued", "certificate-revoked"]
    assert all(by.startswith("os:") for what, by in noted if what.startswith("certificate-")), noted
    willow.run("partner", "disable", "lakeside")
    assert "partner-disabled" in [row["what"] for row in willow.json("audit", "list")]


def test_two_partners_with_one_pin_are_told_when_the_second_is_added(make_gateway, tmp_path):
    gateway = make_gateway("willow")
    pin = "sha256//" + "A" * 43 + "="
    gateway.run("partner", "add", "one", "--url", "https://one.example/fhir", "--pin", pin)
    said = gateway.run("partner", "add", "two", "--url", "https://two.example/fhir", "--pin", pin).stderr
    assert "same pin as one" in said and "both are locked out" in said, said


def test_a_file_that_keeps_changing_waits(make_town):
    willow, = make_town("willow", start=False, watch_settle_ms=3000)
    willow.start()
    path = willow.folder / "directory.csv"
    text = path.read_text()
    ends = time.monotonic() + 5
    while time.monotonic() < ends:  # somebody is typing
        path.write_text(text + "\n" * (int(time.monotonic() * 10) % 2))
        assert not reloads(willow)
        time.sleep(0.3)
    wait_reload(willow, 0)


def test_without_watching_nothing_is_taken(make_town):
    willow, = make_town("willow", start=False, watch_files="false", watch_settle_ms=0)
    willow.start()
    path = willow.folder / "directory.csv"
    path.write_text(path.read_text() + "\n")
    willow.reload()
    assert reloads(willow) == 1 and "files-changed" not in willow.log()


# ---- fetched lists ----

def read(path):
    return pathlib.Path(path).read_bytes()


def test_a_list_is_fetched_before_it_is_needed(make_town, list_server):
    files, base, asked = list_server
    lakeside, willow = make_town("lakeside", "willow", start=False)
    files["/l.crl"] = read(lakeside.folder / "ca" / "ca.crl")
    willow.partner_settings("lakeside", crl_url=f"{base}/l.crl")
    willow.start()
    assert asked == ["/l.crl"]
    assert read(willow.folder / "partners" / "lakeside.fetched.crl") == files["/l.crl"]
    assert wire.Wire(willow, lakeside).get("/fhir/metadata").status == 200
    # A new list revokes the certificate; without one at hand it is fetched at the next reload.
    lakeside.run("cert", "revoke", lakeside.folder / "keys" / "gateway.crt")
    files["/l.crl"] = read(lakeside.folder / "ca" / "ca.crl")
    (willow.folder / "partners" / "lakeside.fetched.crl").unlink()
    willow.reload()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        wire.Wire(willow, lakeside).get("/fhir/metadata")
    wait_for(lambda: '"verdict":"revoked"' in willow.log(), 5, "the log says why")


@pytest.mark.parametrize("answer, words", [
    (404, "404"), (500, "500"), (302, "302"), (b"nonsense", "no list of this partner's CA"), (b"", "200"),
    (b"x" * (17 << 20), "larger")], ids=["404", "500", "redirect", "garbage", "empty", "huge"])
def test_a_list_that_cannot_be_had_refuses_that_partner(make_town, list_server, answer, words):
    files, base, _ = list_server
    lakeside, willow, harbor = make_town("lakeside", "willow", "harbor", start=False)
    files["/l.crl"], files["/elsewhere"] = answer, read(lakeside.folder / "ca" / "ca.crl")
    willow.partner_settings("lakeside", crl_url=f"{base}/l.crl")
    assert words in willow.run("check", expect=7).stderr
    willow.start()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        wire.Wire(willow, lakeside).get("/fhir/metadata")
    assert wire.Wire(willow, harbor).get("/fhir/metadata").status == 200
    files["/l.crl"] = files["/elsewhere"]
    willow.reload()
    assert wire.Wire(willow, lakeside).get("/fhir/metadata").status == 200


def test_another_cas_list_is_not_taken(make_town, list_server):
    files, base, _ = list_server
    lakeside, willow, harbor = make_town("lakeside", "willow", "harbor", start=False)
    files["/l.crl"] = read(harbor.folder / "ca" / "ca.crl")
    willow.partner_settings("lakeside", crl_url=f"{base}/l.crl")
    assert "no list of this partner's CA" in willow.run("check", expect=7).stderr
    assert not (willow.folder / "partners" / "lakeside.fetched.crl").exists()


def test_a_crl_url_taken_at_reload(make_town, list_server):
    files, base, _ = list_server
    lakeside, willow = make_town("lakeside", "willow", start=False)
    files["/l.crl"] = read(lakeside.folder / "ca" / "ca.crl")
    willow.start()
    with wire.Wire(willow, lakeside) as line:
        willow.partner_settings("lakeside", crl_url=f"{base}/nothing.crl")
        assert "404" in willow.run("reload", expect=7).stderr
        assert line.get("/fhir/metadata").status == 200
        willow.partner_settings("lakeside", crl_url=f"{base}/l.crl")
        willow.reload()
        assert line.get("/fhir/metadata").status == 200
    assert json.loads(willow.run("partner", "show", "lakeside", "--json").stdout)["crl_url"].endswith("/l.crl")
