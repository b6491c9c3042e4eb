"""`check` and `status` see what an administrator has to see, each in a sentence with what to do; neither says that all is
well when it is not."""
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile

import pytest

import records
from practice import PROGRAM, refgate, wait_for

# Only the two of them, so that nobody else is missing.
DIRECTORY = """handle,kind,name,given_names,family_name,profession,npi,works_at,phone,email,partner
willow,clinic,Willow Street Massage,,,multi-specialty-clinic,9900000016,,,,willow
lakeside,clinic,Lakeside Family Practice,,,multi-specialty-clinic,9900000024,,,,lakeside
alvarez,person,"Inés Álvarez, LMT",Inés,Álvarez,massage-therapist,9900000057,willow,,,
osei,person,Dr. Ama Osei,Ama,Osei,family-physician,9900000073,lakeside,,,
"""


@pytest.fixture
def pair(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False)
    for one in (lakeside, willow):
        own = f",{one.name}\n"
        (one.folder / "directory.csv").write_text(DIRECTORY.replace(own, ",self\n", 1))
    return lakeside, willow


def found(gateway, command="check"):
    """{what: sentence} of the items, and the exit code."""
    done = gateway.run(command, "--json", expect=None)
    items = [json.loads(line) for line in done.stdout.splitlines()]
    return {item["what"]: item for item in items if "sentence" in item}, done.returncode


def is_well(gateway):
    return "All is well: 1 partner, 4 people and clinics." in gateway.run("check", expect=None).stdout


def test_all_is_well_only_when_it_is(pair):
    lakeside, willow = pair
    assert is_well(lakeside)  # before anything runs nobody expects the partner to answer
    lakeside.start()
    items, code = found(lakeside)
    assert code == 0 and "Connection refused" in items["partner-down"]["sentence"] and not is_well(lakeside)
    willow.start()
    assert is_well(lakeside)
    willow.stop()
    lakeside.send(records.consent("lakeside", ["willow"], "K-1"))
    lakeside.send(records.referral("R-1"))
    wait_for(lambda: lakeside.messages(shown_as="cannot connect, retrying"), 10, lakeside.log)
    lakeside.stop()  # known from the store, with or without a service
    items, code = found(lakeside)
    assert code == 9 and items["partner-down"]["partner"] == "willow", items
    assert "1 message waits, tried " in items["partner-down"]["sentence"] and not is_well(lakeside)
    lakeside.start()
    number = lakeside.messages(kind="referral")[0]["number"]
    wait_for(lambda: lakeside.run("queue", "park", number, expect=None).returncode == 0, 15, "it is between two tries")
    lakeside.stop()
    items, code = found(lakeside)
    assert code == 9 and "partner-down" not in items
    assert items["parked"]["sentence"].startswith("1 message is parked for partner willow") and not is_well(lakeside)


def test_what_a_partner_says_is_not_said_again(pair):
    """Its words may name the client: the message shows them, and no list of what is wrong here does."""
    lakeside, willow = pair
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"], "K-1"))
    lakeside.send(records.referral("R-1"))
    wait_for(lambda: lakeside.messages(shown_as="cannot connect, retrying"), 10, lakeside.log)
    lakeside.stop()
    with sqlite3.connect(lakeside.folder / "store.db") as store:
        store.execute("UPDATE attempt SET outcome='answered', status=503")
        store.execute("UPDATE message SET reason='Rosa Delgado is not known here' WHERE state='queued'")
    items, code = found(lakeside)
    said = items["partner-down"]["sentence"]
    assert code == 9 and "it answered 503; its words: refgate messages show " in said and "Rosa" not in said


def test_what_waits_for_the_desk_is_counted(pair):
    lakeside, willow = pair
    lakeside.send(records.referral("R-1"))
    items, code = found(lakeside)
    assert code == 0 and items["tray"]["sentence"].startswith("1 record waits in the tray: refgate tray list")
    lakeside.send(records.referral("R-2"))
    assert found(lakeside)[0]["tray"]["sentence"].startswith("2 records wait in the tray")
    lakeside.run("partner", "disable", "willow")
    lakeside.send(records.consent("lakeside", ["willow"]))
    assert not is_well(lakeside)


def test_mistakes_that_show_when_files_are_compared(pair):
    lakeside, willow = pair
    page = lakeside.folder / "directory.csv"
    good = page.read_text()

    page.write_text(good + "owens,person,Dr. Owens,O,Wens,family-physician,9900000073,lakeside,,,\n")
    items, code = found(lakeside)
    assert code == 9 and "osei and owens have the same NPI 9900000073" in items["npi-twice"]["sentence"]
    page.write_text(good.replace("9900000016,,,,willow", "9900000016,,,,wilow"))
    items, code = found(lakeside)
    assert code == 0 and "willow has the partner wilow, and there is no partner of this name" in items[
        "partner-unknown"]["sentence"]
    assert items["partner-without-clinic"]["partner"] == "willow" and not is_well(lakeside)
    page.write_text(good)
    assert is_well(lakeside)


def test_people_without_a_clinic(pair):
    lakeside, _ = pair
    page = lakeside.folder / "directory.csv"
    page.write_text(page.read_text().replace("9900000057,willow", "9900000057,").replace("9900000073,lakeside", "9900000073,"))
    items, code = found(lakeside)
    assert code == 0 and not is_well(lakeside)
    assert "directory.csv: alvarez.works_at: found nothing, like 1 other person; expected the handle of the clinic" in items[
        "person-without-clinic"]["sentence"]
    page.write_text(page.read_text().replace("9900000073,", "9900000073,lakeside"))
    lakeside.send(records.consent("lakeside", ["alvarez"]))
    lakeside.send(records.referral("R-1", to="alvarez"))
    assert "directory.csv does not say where alvarez works" in lakeside.run("tray", "list").stdout


@pytest.mark.parametrize("wrong", ["maintenence: []", "style: rest", "url: http://127.0.0.1/fhir", "{"])
def test_a_partner_whose_file_is_faulty_is_there(pair, wrong):
    lakeside, _ = pair
    page = lakeside.folder / "partners" / "willow.yaml"
    page.write_text("\n".join(line for line in page.read_text().splitlines() if not line.startswith(wrong[:4])) + f"\n{wrong}\n")
    items, code = found(lakeside)
    assert code == 7 and "partners/willow.yaml cannot be used: nothing can be sent there until" in items["partner-unknown"][
        "sentence"], items
    tested = lakeside.run("partner", "test", "willow", expect=7)
    assert "partners/willow.yaml" in tested.stderr and "found no partner" not in tested.stderr


@pytest.mark.parametrize("broken", ["", "ca/ca.key"])
def test_a_ca_file_that_cannot_be_read_is_what_is_wrong(pair, broken):
    lakeside, willow = pair
    willow.start()
    theirs = lakeside.folder / "partners" / "willow.ca.crt"
    theirs.write_bytes((lakeside.folder / broken).read_bytes() if broken else b"")
    items, code = found(lakeside)
    assert code == 7 and "partners/willow.ca.crt here holds no certificate that can be read" in items["partner-refused"]["sentence"], items
    assert "intermediate" not in items["partner-refused"]["sentence"]


@pytest.mark.parametrize("gone", ["gateway.key", "gateway.crt"])
def test_who_cannot_be_asked_does_not_answer(pair, gone):
    """Without a certificate of ours nobody is asked over TLS: any listener would do."""
    lakeside, willow = pair
    willow.start()
    (lakeside.folder / "keys" / gone).unlink()
    partner, = (one for one in map(json.loads, lakeside.run("status", "--json", expect=7).stdout.splitlines())
                if one.get("what") == "partner")
    assert partner["state"] == "not asked"


def test_a_partner_with_other_names_for_messages(pair):
    lakeside, willow = pair
    willow.settings(canonical_base="https://willow.example/fhir")
    willow.start()
    items, code = found(lakeside)
    said = items["partner-refused"]["sentence"]
    assert code == 9 and "both sides must have the same canonical_base" in said, items
    assert "willow.example" not in said, "what a partner says is not said again"
    assert "https://willow.example/fhir" in lakeside.run("partner", "test", "willow", expect=6).stdout


def test_the_days_of_a_certificate_that_we_refuse_are_told(pair):
    lakeside, willow = pair
    willow.start()
    shown = lakeside.json("cert", "show", willow.folder / "keys" / "gateway.crt")[0]
    (lakeside.folder / "partners" / "willow.ca.crt").write_bytes((lakeside.folder / "keys" / "ca.crt").read_bytes())
    said = found(lakeside)[0]["partner-refused"]["sentence"]
    assert f"valid from {shown['not_before'][:10]} to {shown['not_after'][:10]}" in said, (said, shown)


def test_two_partners_of_one_name_are_told_of_their_files(pair):
    lakeside, _ = pair
    folder = lakeside.folder / "partners"
    shutil.copy(folder / "willow.yaml", folder / "harbor.yaml")
    done = lakeside.run("check", expect=7)
    assert "directory.csv: willow.san" not in done.stdout + done.stderr
    assert "partners/willow.yaml and partners/harbor.yaml" in done.stdout


@pytest.mark.parametrize("words", [["check"], ["status"], ["serve"], ["partner", "test", "willow"]])
def test_a_file_is_no_data_folder(pair, words):
    lakeside, _ = pair
    said = refgate(*words, "-d", lakeside.folder / "settings.yaml", expect=2).stderr
    assert "settings.yaml, which is no folder; expected a data folder" in said, said


def test_certificates_that_partners_will_not_take(pair):
    lakeside, willow = pair
    serial = lakeside.json("cert", "show")[0]["serial"]
    theirs = lakeside.folder / "partners" / "willow.ca.crt"
    right = theirs.read_bytes()
    theirs.write_bytes((lakeside.folder / "keys" / "ca.crt").read_bytes())
    items, code = found(lakeside)
    assert code == 9 and "is your own CA" in items["own-ca"]["sentence"] and items["own-ca"]["partner"] == "willow"
    willow.start()
    tested = lakeside.run("partner", "test", "willow", expect=None).stdout
    assert "is your own CA" in tested, tested
    willow.stop()
    theirs.write_bytes(right)
    assert is_well(lakeside)
    lakeside.run("cert", "revoke", serial)
    items, code = found(lakeside)
    assert code == 9 and "our certificate was revoked" in items["certificate-revoked"]["sentence"]
    lakeside.run("cert", "renew", "--new-key")
    assert is_well(lakeside)


def test_our_own_ca_is_named_when_a_partner_is_added(make_gateway):
    lakeside = make_gateway("lakeside")
    said = lakeside.run("partner", "add", "willow", "--url", "https://127.0.0.1:9/fhir", "--ca",
                        lakeside.folder / "keys" / "ca.crt")
    assert "Added partner willow" in said.stdout and "is your own CA" in said.stderr
    assert "Ask willow for its keys/ca.crt" in said.stderr


def test_a_partner_that_our_ca_signed_for_is_no_mistake(make_gateway, tmp_path):
    lakeside, willow = make_gateway("lakeside"), make_gateway("willow")
    request = willow.folder / "keys" / "new.csr"
    willow.run("cert", "request")
    lakeside.run("cert", "authority", "sign", request, "--out", tmp_path / "new.crt")
    lakeside.run("partner", "add", "willow", "--url", f"https://127.0.0.1:{willow.port}/fhir", "--ca",
                 lakeside.folder / "keys" / "ca.crt")
    assert "own-ca" not in found(lakeside)[0]


def test_files_of_somebody_else(pair):
    if os.geteuid() != 0:
        pytest.skip("not run: chown needs root")
    lakeside, _ = pair
    os.chown(lakeside.folder / "partners" / "willow.yaml", 65534, 65534)
    items, code = found(lakeside)
    assert code == 9 and "willow.yaml belongs to nobody" in items["owner"]["sentence"]
    assert "chown root" in items["owner"]["sentence"]


def test_somebody_elses_folder_is_named_as_that():
    if os.geteuid() != 0:
        pytest.skip("not run: another user is needed")
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        os.chmod(place, 0o755)
        program = shutil.copy(PROGRAM, place)
        subprocess.run([program, "init", f"{place}/willow"], check=True, capture_output=True)
        for words in (["status"], ["check"], ["referrals", "list"], ["serve"]):
            done = subprocess.run([program, *words, "-d", f"{place}/willow"], user=65534, capture_output=True, text=True)
            assert done.returncode == 5 and "belongs to root, and you are nobody: sudo -u root" in done.stderr, done


def test_the_other_process_is_named(pair):
    lakeside, _ = pair
    lakeside.start()
    said = refgate("serve", "-d", lakeside.folder, expect=7).stderr
    assert f"process {lakeside.service.pid}" in said, said


def test_status_is_the_same_with_and_without_the_service(pair):
    lakeside, willow = pair
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(records.referral("R-1"))
    lakeside.send(records.referral("R-2", to="alvarez", client="C-2"))
    shown = lakeside.run("status").stdout
    assert "the service does not run" in shown and "down" in shown and "1 record waits in the tray" in shown
    willow.start(), lakeside.start()
    lakeside.wait_status("R-1", "received")
    shown = lakeside.run("status").stdout
    assert f"the service runs (process {lakeside.service.pid})" in shown
    partner, = (one for one in lakeside.json("status") if one["what"] == "partner")
    assert (partner["partner"], partner["state"], partner["waiting"], partner["parked"]) == ("willow", "answers", 0, 0)
    lists, = (one for one in lakeside.json("status") if one["what"] == "referrals")
    assert (lists["waiting for an answer"], lists["not sent yet"]) == (1, 1)
    assert "waiting for an answer" in shown and "Nothing needs anybody" not in shown
    willow.stop()
    assert "partner willow does not answer" in lakeside.run("status").stdout
    assert not any(word in shown for word in records.CANARIES)


def test_a_handle_is_written_in_small_letters(tmp_path):
    said = refgate("init", tmp_path / "one", "--org", "WILLOW").stdout
    assert "The clinic's handle is willow" in said and "partner add willow" in said
    assert "org: willow" in (tmp_path / "one" / "settings.yaml").read_text()
    named = refgate("init", tmp_path / "Lakeside").stdout
    assert "The clinic's handle is lakeside" in named and "partner add lakeside" in named
    assert "The clinic's handle" not in refgate("init", tmp_path / "harbor").stdout


# What an administrator can get wrong in a data folder: (what is done to it, the word for programs, what is said, code).
# `check` and `status` tell each of them, and tell the same.
def rewritten(name, old, new):
    def do(folder):
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))
    return do


def setting(key, value):
    def do(folder):
        page = folder / "settings.yaml"
        kept = [line for line in page.read_text().splitlines() if not line.startswith(f"{key}:")]
        page.write_text("\n".join([*kept, f"{key}: {value}", ""]))
    return do


MISTAKES = {
    "open folder": (lambda folder: folder.chmod(0o755), "mode", "chmod o-rwx", 9),
    "open keys": (lambda folder: (folder / "keys").chmod(0o755), "mode", "chmod go-rwx", 9),
    "open store": (lambda folder: (folder / "store.db").chmod(0o644), "mode", "chmod go-rwx", 9),
    "open CA key": (lambda folder: (folder / "ca" / "ca.key").chmod(0o644), "mode", "chmod go-rwx", 9),
    "open records": (lambda folder: (folder / "records" / "in").chmod(0o755), "mode", "chmod o-rwx", 9),
    "partner for all to write": (lambda folder: (folder / "partners" / "willow.yaml").chmod(0o666), "mode",
                                 "could change whom we trust: chmod go-w", 9),
    "open key": (lambda folder: (folder / "keys" / "gateway.key").chmod(0o644), "fault", "chmod 600", 7),
    "no records/out": (lambda folder: (folder / "records" / "out").rmdir(), "missing", "install -d -m 700", 9),
    "no records/in": (lambda folder: (folder / "records" / "in").rmdir(), "missing", "install -d -m 700", 9),
    "no partners": (lambda folder: shutil.rmtree(folder / "partners"), "missing", "whom we trust", 9),
    "a file for a folder": (lambda folder: ((folder / "records" / "sent").rmdir(),
                                            (folder / "records" / "sent").write_text("")), "no-folder", "mkdir -m 700", 9),
    "refused file": (lambda folder: (folder / "records" / "refused" / "a.json").write_text("{"), "refused-files",
                     "1 dropped file was refused", 0),
    "taken back": (lambda folder: (folder / "records" / "in" / "a.RETRACTED.txt").write_text(""), "retracted-files",
                   "1 received record was taken back", 0),
    "misnamed partner": (lambda folder: (folder / "partners" / "harbor.yml").write_text(""), "partner-misnamed",
                         "mv partners/harbor.yml partners/harbor.yaml", 9),
    "an address elsewhere": (setting("listen", "192.0.2.1:8443"), "listen", "expected an address of this machine", 9),
    "twice the same port": (setting("local_listen", "127.0.0.1:18999"), "listen", "local_listen: found", 9),
    "no such program": (setting("notify_command", "nowhere.sh"), "fault", "notify_command: found", 7),
    "no such file": (setting("cert_file", "keys/own.crt"), "fault", "cert_file: found", 7),
    "our row is a partner's": (rewritten("directory.csv", ",self\n", ",willow\n"), "our-row", "expected self", 9),
    "no NPI of ours": (rewritten("directory.csv", "9900000024", ""), "our-npi", "National Provider Identifier", 0),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_check_and_status_tell_each_mistake(pair, mistake):
    lakeside, _ = pair
    plant, what, words, code = MISTAKES[mistake]
    if mistake == "twice the same port":
        setting("listen", "127.0.0.1:18999")(lakeside.folder)
    plant(lakeside.folder)
    for command in ("check", "status"):
        done = lakeside.run(command, expect=code)
        said = done.stdout + done.stderr
        assert words in said, said
        assert "All is well" not in said and "Nothing needs anybody" not in said
    assert what in found(lakeside, "status")[0]


def test_what_makes_times_wrong_is_refused_and_what_only_tells_nobody_is_said(pair):
    lakeside, _ = pair
    setting("time_zone", "America/Newyork")(lakeside.folder)
    for command in ("check", "status", "serve"):
        assert "time_zone: found America/Newyork" in lakeside.run(command, expect=7).stderr
    setting("time_zone", "UTC")(lakeside.folder)
    setting("notify_command", "nowhere.sh")(lakeside.folder)
    lakeside.start()
    assert "notify_command: found" in lakeside.log() and "notify_command: found" in lakeside.run("status", expect=7).stdout


def test_a_port_in_use_is_told_before_the_service_is_started(pair):
    lakeside, _ = pair
    with socket.create_server(("127.0.0.1", 0)) as taken:
        setting("local_listen", "127.0.0.1:%d" % taken.getsockname()[1])(lakeside.folder)
        items, code = found(lakeside)
        assert code == 9 and "local_listen: found 127.0.0.1" in items["listen"]["sentence"]
        assert "another process uses this port" in items["listen"]["sentence"]
    lakeside.start()
    assert "listen" not in found(lakeside)[0]  # that is the service itself


def test_a_partner_that_is_there_and_refuses_or_is_not_trusted(pair, make_gateway):
    """With no message on its way, and before our own service runs: status and check ask the partner."""
    lakeside, willow = pair
    harbor = make_gateway("harbor")
    theirs = lakeside.folder / "partners" / "willow.ca.crt"
    right = theirs.read_bytes()
    theirs.write_bytes((harbor.folder / "keys" / "ca.crt").read_bytes())
    items, code = found(lakeside)
    assert code == 9 and "is the CA of harbor" in items["foreign-ca"]["sentence"]
    willow.start()
    for command in ("check", "status"):
        items, code = found(lakeside, command)
        said = items["partner-refused"]["sentence"]
        assert code == 9 and "here holds CN=harbor private CA" in said and "ask willow, by telephone" in said, said
    assert " refused " in lakeside.run("status", expect=9).stdout
    theirs.write_bytes(right)
    assert found(lakeside, "status")[1] == 0 and " answers " in lakeside.run("status").stdout
    willow.run("partner", "disable", "lakeside")
    items, code = found(lakeside)
    assert code == 9 and "answered 403" in items["partner-refused"]["sentence"]
    assert "not have us disabled" in items["partner-refused"]["sentence"]


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


@pytest.fixture
def office_ca(tmp_path):
    """issue(name, san, days): a certificate and key of a CA that has an intermediate one."""
    def request(name, subject):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.csr", "-subj", f"/CN={subject}")
        (tmp_path / f"{name}.key").chmod(0o600)

    def sign(name, by, extensions, days=300):
        (tmp_path / f"{name}.ext").write_text(extensions)
        openssl("x509", "-req", "-in", tmp_path / f"{name}.csr", "-CA", tmp_path / f"{by}.crt", "-CAkey",
                tmp_path / f"{by}.key", "-CAcreateserial", "-extfile", tmp_path / f"{name}.ext", "-days", days, "-out",
                tmp_path / f"{name}.crt")

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            tmp_path / "root.key", "-out", tmp_path / "root.crt", "-subj", "/CN=Office CA", "-addext",
            "keyUsage=critical,keyCertSign,cRLSign")
    request("middle", "Office CA 2")
    sign("middle", "root", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")

    def issue(name, san="URI:urn:refgate:org:lakeside", by="root", days=300):
        request(name, "lakeside")
        names = f"subjectAltName={san}\n" if san else ""
        sign(name, by, f"extendedKeyUsage=clientAuth,serverAuth\n{names}", days)
        return tmp_path / f"{name}.crt", tmp_path / f"{name}.key", tmp_path / "root.crt"
    return issue


def test_our_own_certificate_as_partners_will_judge_it(pair, office_ca, tmp_path):
    lakeside, _ = pair
    keys = lakeside.folder / "keys"
    cases = {"bare": (dict(san=None), "certificate-name", "found no name at all"),
             "slip": (dict(san="URI:urn:refgate:org:lakesied"), "certificate-name", "urn:refgate:org:lakesied; expected"),
             "chainless": (dict(by="middle"), "certificate-chain", "intermediate CA between"),
             "short": (dict(days=5), "certificate", "our certificate runs out in ")}
    for name, (how, what, words) in cases.items():
        cert, key, ca = office_ca(name, **how)
        for source, target in ((cert, "gateway.crt"), (key, "gateway.key"), (ca, "ca.crt")):
            (keys / target).write_bytes(source.read_bytes())
        for command in ("check", "status"):
            items, code = found(lakeside, command)
            assert code == 9 and words in items[what]["sentence"], (name, items)
        if name != "short":  # and init does not take it
            done = refgate("init", tmp_path / name, "--org", "lakeside", "--cert", cert, "--key", key, "--ca", ca, expect=7)
            assert "nothing was made" in done.stderr and not (tmp_path / name).exists()
    whole = (tmp_path / "chainless.crt").read_text() + (tmp_path / "middle.crt").read_text()
    for name, text in (("gateway.crt", whole), ("gateway.key", (tmp_path / "chainless.key").read_text())):
        (keys / name).write_text(text)
    assert is_well(lakeside)


def test_a_store_of_somebody_else_is_not_to_be_restored():
    if os.geteuid() != 0:
        pytest.skip("not run: another user is needed")
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        os.chmod(place, 0o755)
        folder = f"{place}/willow"
        refgate("init", folder)
        for path, _, files in os.walk(folder):
            for one in (path, *(os.path.join(path, name) for name in files)):
                os.chown(one, 65534, 65534)
        os.chown(f"{folder}/store.db", 0, 0)
        done = refgate("check", "-d", folder, expect=9)
        assert f"chown nobody {folder}/store.db" in done.stdout and "restore" not in done.stdout + done.stderr
        said = refgate("status", "-d", folder, expect=5).stderr
        assert "refgate check" in said and "restore" not in said
