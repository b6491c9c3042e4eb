"""What the people who run a gateway see: health and figures on loopback, warnings before anything runs out, alarms
handed to a program, one trace through both logs. Nothing of it shows a client."""
import contextlib
import http.client
import http.server
import json
import re
import socket
import subprocess
import threading
import time

import pytest

import records
import wire
from practice import ROOT, free_port, json_lines, refgate, wait_for

URI = "URI:urn:refgate:org:"
ALARM = """#!/usr/bin/env python3
import os, sys
alarm = sys.stdin.read()
path = os.path.join(os.path.dirname(__file__), "alarms.json")
file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(file, alarm.encode())
"""


def watched(*gateways):
    """Gives each a local listener and a program that keeps its alarms."""
    for gateway in gateways:
        gateway.local = free_port()
        program = gateway.folder / "alarm.py"
        program.write_text(ALARM)
        program.chmod(0o755)
        gateway.settings(local_listen=f"127.0.0.1:{gateway.local}", alarm_command="alarm.py")


def ask(gateway, path, host=None, method="GET"):
    """(status, text) of the local listener."""
    line = http.client.HTTPConnection("127.0.0.1", gateway.local, timeout=10)
    with contextlib.closing(line):
        line.request(method, path, headers={"Host": host} if host else {})
        answer = line.getresponse()
        return answer.status, answer.read().decode()


def figures(gateway):
    """{'name{labels}': value}; checks that the page is what Prometheus reads."""
    status, page = ask(gateway, "/metrics")
    assert status == 200
    found, helped = {}, set()
    for line in page.splitlines():
        if line.startswith("# "):
            helped.add(line.split()[2])
            continue
        match = re.fullmatch(r'([a-z_]+)(\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)+\})? (-?[0-9.]+(?:e[-+][0-9]+)?)', line)
        assert match, line
        name = re.sub(r"_(bucket|sum|count)$", "", match[1])
        assert match[1] in helped or name in helped, line
        found[match[1] + (match[2] or "")] = float(match[3])
    for canary in records.CANARIES:
        assert canary not in page
    return found


def alarms(gateway, **fits):
    path = gateway.folder / "alarms.json"
    made = json_lines(path.read_text()) if path.exists() else []
    return [alarm for alarm in made if all(alarm.get(key) == value for key, value in fits.items())]


def wait_alarm(gateway, kind, seconds=15, **fits):
    return wait_for(lambda: alarms(gateway, kind=kind, **fits), seconds,
                    lambda: f"alarm {kind}: {alarms(gateway)}\n{gateway.log()[-2000:]}")[0]


def replace_certificate(gateway, folder, days):
    """A certificate of its own CA, valid for a year of which so many days are left, put in place by hand."""
    certificate, key = wire.issue(folder, wire.own_ca(gateway), gateway.name,
                                  f"{URI}{gateway.name},IP:127.0.0.1", days=days, age=365 - days)
    (gateway.folder / "keys" / "gateway.crt").write_bytes(certificate.read_bytes())
    (gateway.folder / "keys" / "gateway.key").write_bytes(key.read_bytes())


# ---- the local listener ----

def test_health_and_readiness(make_town):
    willow, = make_town("willow", start=False)
    watched(willow)
    willow.start()
    assert ask(willow, "/healthz") == (200, "ok\n")
    assert ask(willow, "/readyz") == (200, "ready\n")
    assert ask(willow, "/nothing")[0] == 404
    assert ask(willow, "/metrics", method="POST")[0] == 405
    assert ask(willow, "/healthz", host="evil.example")[0] == 403
    assert ask(willow, "/healthz", host=f"localhost:{willow.local}")[0] == 200
    willow.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(willow, "/healthz")


def test_without_the_setting_there_is_no_local_listener(make_town):
    willow, = make_town("willow")
    listening = subprocess.run(["ss", "-Htlnp"], capture_output=True, text=True).stdout
    mine = [line for line in listening.splitlines() if f"pid={willow.service.pid}," in line]
    assert len(mine) == 1 and f":{willow.port} " in mine[0]


@pytest.mark.parametrize("address, words", [("0.0.0.0:{port}", "loopback"), ("127.0.0.1", "local_listen")])
def test_an_address_that_others_could_reach_is_refused(make_town, address, words):
    willow, = make_town("willow", start=False)
    willow.settings(local_listen=address.format(port=free_port()))
    refused = willow.run("serve", expect=7)
    assert words in refused.stderr


def test_figures_follow_what_happens(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    watched(lakeside, willow)
    willow.start()
    lakeside.start()
    before = figures(lakeside)
    assert before["refgate_ready"] == 1 and before["refgate_tray_waiting"] == 0
    assert 364 <= before['refgate_certificate_days{partner="ourselves",what="certificate"}'] <= 365
    lakeside.send(records.referral("R-held"))
    lakeside.send(records.consent("lakeside", ["willow"], client="C-2"))
    for i in range(5):
        lakeside.send(records.referral(f"R-{i}", client="C-2"))
    lakeside.wait_settled()
    done = 'refgate_deliveries_total{partner="willow",outcome="done"}'
    sent = wait_for(lambda: (found := figures(lakeside)).get(done, 0) >= 5 and found, 5, "lakeside has counted")
    taken = wait_for(lambda: (found := figures(willow)).get('refgate_answers_total{status="2xx"}', 0) >= 5 and found, 5,
                     "willow has counted")
    assert sent["refgate_tray_waiting"] == 1
    assert sent['refgate_deliveries_total{partner="willow",outcome="done"}'] == 5
    assert sent["refgate_delivery_seconds_count"] == 5 and sent['refgate_partner_breaker{partner="willow"}'] == 0
    assert sent['refgate_referrals{list="not sent yet"}'] == 1
    assert sent['refgate_referrals{list="waiting for an answer"}'] == 5
    assert sent['refgate_referrals_overdue{list="waiting for an answer"}'] == 0
    assert sent["refgate_commit_groups_total"] > before["refgate_commit_groups_total"]
    assert sent["refgate_store_bytes"] > 0 and sent["refgate_disk_free_bytes"] > 0
    assert 364 <= sent['refgate_certificate_days{partner="willow",what="served"}'] <= 365
    assert taken["refgate_requests_total"] == 5 == taken["refgate_request_seconds_count"]
    assert taken['refgate_handshakes_total{result="good"}'] >= 1
    assert taken['refgate_referrals{list="to answer"}'] == 5


def test_what_waits_has_an_age(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    watched(lakeside)
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(records.referral("R-1"))
    key = 'refgate_unsent_oldest_seconds{partner="willow"}'
    first = figures(lakeside)[key]
    later = wait_for(lambda: (age := figures(lakeside)[key]) > first + 0.5 and age, 10, "it grows older")
    assert first < later < 60
    willow.start()
    lakeside.wait_settled()
    assert key not in figures(lakeside)


# ---- certificates that run out ----

def test_an_expired_certificate_keeps_nobody_from_starting(make_town, tmp_path):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    watched(willow)
    replace_certificate(willow, tmp_path / "made", days=-1)
    refused = willow.run("check", expect=7)
    assert "an expired certificate" in refused.stderr
    willow.start()
    status, why = ask(willow, "/readyz")
    assert status == 503 and "certificate has run out" in why
    assert wait_alarm(willow, "runs-out")["sentence"].startswith("our certificate ran out")
    willow.run("cert", "renew", expect=None)
    willow.run("cert", "request", expect=0)


def test_renewing_an_expired_certificate_brings_it_back(make_town, tmp_path):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    watched(willow)
    made = tmp_path / "made"
    replace_certificate(willow, made, days=-1)
    willow.start()
    assert ask(willow, "/readyz")[0] == 503
    refgate("cert", "authority", "issue", "willow", "--ca-dir", willow.folder / "ca", "--ip", "127.0.0.1",
            "--out", made / "new.crt", "--out-key", made / "new.key")
    willow.run("cert", "install", "--cert", made / "new.crt", "--key", made / "new.key")
    wait_for(lambda: ask(willow, "/readyz")[0] == 200, 10, "ready again")
    assert wire.Wire(willow, lakeside).get("/fhir/metadata").status == 200


def test_warnings_come_once_for_each_threshold(make_town, tmp_path):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    watched(willow, lakeside)
    replace_certificate(willow, tmp_path / "made", days=20)
    said = willow.run("check", expect=9)
    assert "our certificate runs out in 19 days" in said.stdout or "in 20 days" in said.stdout
    warned = json_lines(willow.run("check", "--json", expect=9).stdout)
    assert [(item["what"], item["partner"]) for item in warned if "days_left" in item] == [("certificate", "ourselves")]
    willow.start()
    alarm = wait_alarm(willow, "runs-out")
    assert "cert renew" in alarm["sentence"] and alarm["org"] == "willow" and "partner" not in alarm
    willow.reload()
    willow.reload()
    # Lakeside only learns of it from what willow shows.
    lakeside.start()
    assert not alarms(lakeside)
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(referral := records.referral())
    lakeside.wait_status(referral["record_id"], "received")
    told = wait_alarm(lakeside, "runs-out", partner="willow")
    assert "the certificate that partner willow shows" in told["sentence"]
    assert len(alarms(willow, kind="runs-out")) == 1
    assert 19 <= figures(lakeside)['refgate_certificate_days{partner="willow",what="served"}'] <= 20
    wait_for(lambda: (lakeside.folder / "served.csv").exists(), 15, "it is remembered")
    said = lakeside.run("check", expect=9).stdout
    assert "partner willow shows" in said


def test_check_warns_from_sixty_days_to_the_end(make_town, tmp_path):
    """Exit code and words, as a nightly job sees them, on the days of each step and on the day before the first."""
    willow, = make_town("willow", start=False)
    replace_certificate(willow, tmp_path / "made", days=100)
    for left, code in ((61, 0), (59, 9), (29, 9), (13, 9), (6, 9), (0, 9), (-1, 9)):
        done = willow.run("check", "--now", records.moment(24 * (100 - left) - 1), expect=None)
        assert (done.returncode == code) or (left < 0 and done.returncode in (7, 9)), (left, done)
        if code:
            assert "our certificate" in done.stdout + done.stderr, (left, done)


# ---- mail and web hooks, by the scripts of docs/operations.md ----

SCRIPTS = re.findall(r"```sh\n(#!/bin/sh\n.*?)```", (ROOT / "docs" / "operations.md").read_text(), re.S)


def hooked(make_town, tmp_path, script):
    """Willow with the script as its alarm_command and a certificate that runs out soon, started."""
    willow, = make_town("willow", start=False, alarm_command="hook.sh")
    path = willow.folder / "hook.sh"
    path.write_text(script)
    path.chmod(0o755)
    replace_certificate(willow, tmp_path / "made", days=20)
    return willow


def test_the_web_hook_of_the_manual(make_town, tmp_path):
    took = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            took.append((self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    script, = [one for one in SCRIPTS if "curl" in one]
    willow = hooked(make_town, tmp_path, script.replace("https://hooks.example",
                                                        f"http://127.0.0.1:{server.server_address[1]}"))
    willow.start()
    wait_for(lambda: took, 15, willow.log)
    server.shutdown()
    server.server_close()
    kind, body = took[0]
    assert kind == "application/json" and json.loads(body)["kind"] == "runs-out"
    assert '"alarm-command-failed"' not in willow.log()


def test_the_mail_of_the_manual(make_town, tmp_path):
    """msmtp is played by a script that writes down what it is given."""
    script, = [one for one in SCRIPTS if "msmtp" in one]
    willow = hooked(make_town, tmp_path, script.replace("exec msmtp", "exec ./msmtp").replace(
        "#!/bin/sh\n", f"#!/bin/sh\ncd {tmp_path}/town0/willow\n"))
    (willow.folder / "msmtp").write_text('#!/bin/sh\n{ echo "to $1"; cat; } >mail.new && mv mail.new mail.txt\n')
    (willow.folder / "msmtp").chmod(0o755)
    willow.start()
    wait_for(lambda: (willow.folder / "mail.txt").exists(), 15, willow.log)
    lines = (willow.folder / "mail.txt").read_text().splitlines()
    assert lines[:3] == ["to admin@willow.example", "Subject: refgate", ""]
    assert "cert renew" in json.loads(lines[3])["sentence"]


def test_a_partners_list_that_runs_out(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    watched(willow)
    lakeside.run("cert", "authority", "publish", "--days", "10")
    willow.partner_settings("lakeside", crl_files=f"[{lakeside.folder}/ca/ca.crl]")
    willow.run("check", expect=0)
    willow.start()
    assert 9 <= figures(willow)['refgate_revocation_list_days{partner="lakeside"}'] <= 10
    assert not alarms(willow), "half of its life is not over"
    later = records.moment(24 * 9)
    said = willow.run("check", "--now", later, expect=9).stdout
    assert "revocation list" in said and "lakeside" in said


# ---- one partner's fault is not everybody's ----

@pytest.mark.parametrize("fault", ["list missing", "list is garbage", "CA is garbage"])
def test_a_fault_of_one_partners_trust_is_its_own(make_town, fault):
    lakeside, willow, harbor = make_town("lakeside", "willow", "harbor", start=False)
    if fault == "list missing":
        willow.partner_settings("lakeside", crl_files="[partners/nothing.crl]")
    elif fault == "list is garbage":
        (willow.folder / "partners" / "l.crl").write_text("nonsense")
        willow.partner_settings("lakeside", crl_files="[partners/l.crl]")
    else:
        (willow.folder / "partners" / "lakeside.ca.crt").write_text("nonsense")
    assert "partners/" in willow.run("check", expect=7).stderr
    willow.start()
    assert wire.Wire(willow, harbor).get("/fhir/metadata").status == 200
    with pytest.raises((wire.ssl.SSLError, ConnectionError)):
        wire.Wire(willow, lakeside).get("/fhir/metadata")
    # What stood at the start keeps no other change from being taken; a new fault does.
    willow.partner_settings("harbor", contacts="[Jo]")
    willow.reload()
    willow.partner_settings("harbor", ca_file="partners/nothing.crt")
    assert "nothing.crt" in willow.run("reload", expect=7).stderr
    assert wire.Wire(willow, harbor).get("/fhir/metadata").status == 200


# ---- alarms ----

def test_down_and_back(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    watched(lakeside)
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(records.referral("R-1"))
    down = wait_alarm(lakeside, "partner-down", partner="willow")
    assert "cannot connect" in down["sentence"]
    willow.start()
    lakeside.wait_status("R-1", "received")
    wait_alarm(lakeside, "partner-back", partner="willow")
    assert len(alarms(lakeside, kind="partner-down")) == 1
    found = figures(lakeside)
    assert found['refgate_alarms_total{kind="partner-down"}'] == 1
    assert found["refgate_alarm_failures_total"] == 0


def test_parked(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    watched(lakeside)
    path = willow.folder / "directory.csv"
    path.write_text(path.read_text().replace(",lakeside\n", ",\n"))
    willow.start()
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(records.referral("R-1"))
    alarm = wait_alarm(lakeside, "parked", partner="willow")
    message, = lakeside.messages(direction="out")
    assert alarm["message"] == message["number"] and "queue resend" in alarm["sentence"]
    for canary in records.CANARIES:
        assert canary not in json.dumps(alarm)


@pytest.mark.parametrize("program", ["nothing.py", "fails.sh"])
def test_a_program_that_fails_is_reported(make_town, program):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    watched(lakeside)
    script = lakeside.folder / "fails.sh"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    lakeside.settings(alarm_command="fails.sh")
    lakeside.start()
    if program == "nothing.py":
        lakeside.settings(alarm_command=program)
        assert "alarm_command" in lakeside.run("check", expect=7).stderr
    lakeside.settings(nonsense="1")
    wait_for(lambda: '"alarm-command-failed"' in lakeside.log(), 15, lakeside.log)
    assert figures(lakeside)["refgate_alarm_failures_total"] >= 1


# ---- logs ----

def test_one_trace_through_both_logs(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(referral := records.referral())
    lakeside.wait_status(referral["record_id"], "received")
    message = lakeside.messages(direction="out")[0]["message_id"]
    trace = message.replace("-", "")

    def lines(gateway, event):
        return [line for line in json_lines("\n".join(text for text in gateway.log().splitlines()
                                                      if text.startswith("{")))
                if line["event"] == event and line.get("trace") == trace]

    sent, = wait_for(lambda: lines(lakeside, "sent"), 5, lakeside.log)
    received, = wait_for(lambda: lines(willow, "received"), 5, willow.log)
    assert sent["partner"] == "willow" and received["partner"] == "lakeside"
    assert received["message"] == message and received["answer"] == "ok"


def test_a_trace_that_came_along_is_kept(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    willow.start()
    first, second = lakeside.bundles(records.referral("R-1")), lakeside.bundles(records.referral("R-2"))
    trace = "0af7651916cd43dd8448eb211c80319c"
    with wire.Wire(willow, lakeside) as line:
        assert line.post(first[0], traceparent=f"00-{trace}-b7ad6b7169203331-01").code == "ok"
        assert line.post(second[0], traceparent="00-nonsense-b7ad6b7169203331-01").code == "ok"
    wait_for(lambda: willow.log().count('"event":"received"') == 2, 5, willow.log)
    assert willow.log().count(f'"trace":"{trace}"') == 1 and "nonsense" not in willow.log()


def test_text_for_people(make_town):
    willow, = make_town("willow", log_format="text")
    line = next(line for line in willow.log().splitlines() if " ready " in line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z info ready port=\d+ org=willow", line)


def test_refused_callers_are_in_the_audit(make_town, tmp_path):
    lakeside, willow = make_town("lakeside", "willow")
    stranger = wire.issue(tmp_path, wire.make_ca(tmp_path), "lakeside", f"{URI}lakeside")
    for _ in range(3):
        with pytest.raises((wire.ssl.SSLError, ConnectionError)):
            wire.Wire(willow, stranger).get("/fhir/metadata")
    nobody = wire.issue(tmp_path, wire.own_ca(lakeside), "nobody", f"{URI}nobody")
    assert wire.Wire(willow, nobody).get("/fhir/metadata").status == 403

    def noted():
        return willow.query("SELECT subject, detail FROM audit WHERE what='caller-refused'")

    wait_for(lambda: any("no_partner" in detail for _, detail in noted()), 15, noted)
    times = [int(re.search(r", (\d+) times", detail)[1]) for _, detail in noted()
             if not detail.startswith("no_partner")]
    assert sum(times) == 3, noted()
    willow.run("check")


# ---- stopping ----

def test_the_audit_says_who_for_whom_and_about_which_client(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    lakeside.send(records.consent("lakeside", ["willow"]), record := records.referral())
    lakeside.wait_status(record["record_id"], "received")
    sent = {row["what"]: row for row in lakeside.json("audit", "list")}
    assert sent["queued"]["by"] == record["written_by"] and sent["queued"]["purpose"] == "treatment"
    assert {sent[what]["partner"] for what in ("queued", "sent")} == {"willow"}
    assert {sent[what]["client"] for what in ("queued", "sent")} == {record["client_id"]}
    came = {row["what"]: row for row in willow.json("audit", "list")}["received"]
    assert came["partner"] == "lakeside" and came["client"] == f"lakeside:{record['client_id']}"
    assert came["number"] == 1 and not willow.json("audit", "list", "--after", "1")
    assert record["client_id"] in lakeside.run("audit", "list").stdout
    assert "expected a number" in lakeside.run("audit", "list", "--after", "x", expect=2).stderr
    for practice in (lakeside, willow):
        practice.run("check")


def test_a_stop_waits_for_nobody_who_says_nothing(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    watched(willow)
    willow.start()
    silent = [socket.create_connection(("127.0.0.1", port)) for port in (willow.port, willow.local)]
    idle = wire.Wire(willow, lakeside)
    assert idle.get("/fhir/metadata").status == 200
    started = time.monotonic()
    assert willow.stop() == 0
    assert time.monotonic() - started < 10
    for line in silent:
        line.close()
