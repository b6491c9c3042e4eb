"""docs/how-to-connect.md, followed by the letter: two fresh gateways with CAs of their own, and mistakes that the printed
messages alone are enough to find."""
import json
import re

import pytest

import records
import wire
from practice import ROOT, Gateway, free_port, json_lines, refgate, wait_for

PAGE = (ROOT / "docs" / "how-to-connect.md").read_text()
NAMES = ("lakeside", "willow")


def directory(name):
    """The table of step 2, as NAME has it."""
    table = re.search(r"```\n(handle,kind,.*?)```", PAGE, re.S)[1]
    other, = set(NAMES) - {name}
    return table.replace("example,self", "example,willow").replace(f",{name}\n", ",self\n") if name != "willow" \
        else table.replace(f",{other}\n", f",{other}\n")


@pytest.fixture
def pair(tmp_path):
    """Steps 1 to 3: made, people listed, CA certificates exchanged; nothing added yet."""
    made = []
    for name in NAMES:
        gateway = Gateway(tmp_path / name, free_port())
        gateway.said = refgate("init", gateway.folder, "--listen", f"127.0.0.1:{gateway.port}").stdout
        (gateway.folder / "directory.csv").write_text(directory(name))
        made.append(gateway)
    yield made
    for gateway in made:
        gateway.stop()


def add(one, other, *more, name=None, url=None, ca=None, expect=0):
    """Step 4."""
    return one.run("partner", "add", name or other.name, "--url", url or f"https://127.0.0.1:{other.port}/fhir",
                   "--ca", ca or other.folder / "keys" / "ca.crt", *more, expect=expect)


def steps(gateway, name):
    done = gateway.run("partner", "test", name, "--json", expect=None)
    return [(line["step"], line["state"], f"{line['found']} {line.get('what_to_do')}")
            for line in json_lines(done.stdout)]


def stops_at(gateway, name, step, *words):
    walked = steps(gateway, name)
    assert walked[-1][:2] == (step, "failed"), walked
    for word in words:
        assert word in walked[-1][2], walked[-1]


def all_ok(gateway, name):
    walked = steps(gateway, name)
    assert [state for _, state, _ in walked] == ["ok"] * 7, walked


def test_by_the_letter(pair):
    lakeside, willow = pair
    for one, other in ((lakeside, willow), (willow, lakeside)):
        printed = re.search(r"refgate partner add (\S+) --url (\S+) --ca ca.crt", other.said)
        assert printed[1] == other.name and printed[2] == f"https://127.0.0.1:{other.port}/fhir"
        add(one, other, url=printed[2])
        assert "All is well: 1 partner, 4 people and clinics" in one.run("check").stdout
        one.start()
    for one, other in ((lakeside, willow), (willow, lakeside)):
        all_ok(one, other.name)
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(referral := records.referral(to="willow"))
    lakeside.wait_status(referral["record_id"], "received")
    assert wait_for(lambda: willow.inbox(referral["record_id"]), 10, "it lies in records/in")["referred_to"] == "willow"


def test_six_mistakes_found_by_what_is_printed(pair):
    """Each mistake is named by the next message; what it says is done, and nothing else."""
    lakeside, willow = pair
    # 1. Our own CA certificate given for the partner's.
    add(lakeside, willow, ca=lakeside.folder / "keys" / "ca.crt")
    # 2. The path of the URL forgotten.
    add(willow, lakeside, url=f"https://127.0.0.1:{lakeside.port}")
    # 3. The key made readable for all, by a copy.
    key = willow.folder / "keys" / "gateway.key"
    key.chmod(0o644)
    # 4. A slip in the directory.
    path = lakeside.folder / "directory.csv"
    path.write_text(path.read_text().replace("willow,clinic", "willow,clinik"))
    # 5. A setting misspelt.
    lakeside.settings(first_retri_ms=500)
    # 6. Willow forgot to say that lakeside's clinic is served by that partner.
    table = willow.folder / "directory.csv"
    table.write_text(table.read_text().replace(",lakeside\n", ",\n"))

    said = lakeside.run("check", expect=7).stderr
    assert "first_retri_ms" in said and "did you mean first_retry_ms" in said
    lakeside.folder.joinpath("settings.yaml").write_text(
        lakeside.folder.joinpath("settings.yaml").read_text().replace("first_retri_ms", "first_retry_ms"))
    said = lakeside.run("check", expect=7).stderr
    assert "clinik" in said and "clinic" in said
    path.write_text(path.read_text().replace("clinik", "clinic"))
    assert "partners/willow.ca.crt is your own CA" in lakeside.run("check", expect=9).stdout
    lakeside.start()

    said = willow.run("check", expect=7).stderr
    assert "gateway.key" in said and "others" in said
    key.chmod(0o600)
    assert "it does not trust our CA" in willow.run("check", expect=9).stdout  # lakeside has its own for ours
    willow.start()

    stops_at(lakeside, "willow", "tls", "CA")
    (lakeside.folder / "partners" / "willow.ca.crt").write_bytes((willow.folder / "keys" / "ca.crt").read_bytes())
    # Lakeside's service takes the corrected file by itself.
    wait_for(lambda: '"reloaded"' in lakeside.log(), 15, lakeside.log)

    stops_at(lakeside, "willow", "message", "403", "directory.csv")
    table.write_text(re.sub(r"(lakeside,clinic.*),\n", r"\1,lakeside\n", table.read_text()))
    wait_for(lambda: '"reloaded"' in willow.log(), 15, willow.log)
    all_ok(lakeside, "willow")

    stops_at(willow, "lakeside", "http", "404", "/fhir")
    willow.partner_settings("lakeside", url=f"https://127.0.0.1:{lakeside.port}/fhir")
    all_ok(willow, "lakeside")


# ---- every command of the page, in its order ----

def page_commands():
    """The lines of the page's shell blocks, without remarks and without the block that test_first_steps.py runs; -d DIR
    stands here for the folder that the shell exports."""
    blocks = re.findall(r"(?<!test_first_steps.py -->\n)```sh\n(.*?)```", PAGE, re.S)
    lines = [re.sub(r"\s+#.*", "", line) for block in blocks for line in block.splitlines()]
    return [line for line in lines if not line.startswith("export REFGATE_DIR=")]


def test_every_command_of_the_page_is_run(tmp_path):
    """As somebody would who types them at two practices: names, folders and ports are put in for those of the page;
    nothing else is done, except what its text says (the table of people, the exchange of two files, who does what)."""
    ports = {name: free_port() for name in NAMES}
    gateways = {name: Gateway(tmp_path / name, ports[name]) for name in NAMES}
    done = []

    def words_of(line, name, other):
        for old, new in (("sudo -u refgate ", ""), ("gw.lakeside.example:8443", f"127.0.0.1:{ports.get(other)}"),
                         ("lakeside-ca.crt", str(tmp_path / f"{other}-ca.crt")),
                         ("FILE", str(tmp_path / f"{other}-ca.crt"))):
            line = line.replace(old, new)
        return [other if word == "lakeside" else word for word in line.split()]

    def type_it(line, name, other):
        words = words_of(line, name, other)
        assert words[0] == "refgate", words
        done.append(line)
        return refgate(*words[1:], "-d", tmp_path / name).stdout

    lines = page_commands()
    assert lines[0].startswith("apt install ./refgate") and "--listen 0.0.0.0:8443" in lines[1]
    done += lines[:2]  # test_package.py installs it and runs the second
    for name in ("lakeside", "willow"):
        refgate("init", tmp_path / name, "--listen", f"127.0.0.1:{ports[name]}")
        (tmp_path / f"{name}-ca.crt").write_bytes((tmp_path / name / "keys" / "ca.crt").read_bytes())
    sides = (("willow", "lakeside"), ("lakeside", "willow"))
    try:
        for name, other in sides:
            assert "All is well" in type_it(lines[2], name, other)
            (tmp_path / name / "directory.csv").write_text(directory(name))
            assert "sha256//" in type_it(lines[3], name, other)
            assert f"Added partner {other}" in type_it(lines[4], name, other)
            assert "All is well: 1 partner," in type_it(lines[5], name, other)
            assert lines[6] == "systemctl start refgate"
            gateways[name].start()
        done.append(lines[6])
        for name, other in sides:
            walked = type_it(lines[7], name, other)
            assert [line.split()[1] for line in walked.splitlines()] == ["ok"] * 7, walked
        lakeside = gateways["lakeside"]
        consent, referral = records.consent("lakeside", ["willow"]), records.referral(to="willow")
        for record, name in ((consent, "consent.json"), (referral, "referral.json")):
            (tmp_path / name).write_text(json.dumps(record))
        for line in lines[8:]:
            line = re.sub(r"(\w+)\.json", lambda found: str(tmp_path / found[0]), line)
            printed = type_it(line, "lakeside", "willow")
            done[-1] = next(one for one in lines if one.split()[:2] == line.split()[:2] and one not in done[:-1])
            assert printed
        lakeside.wait_status(referral["record_id"], "received")
        assert wait_for(lambda: gateways["willow"].inbox(referral["record_id"]), 10, "it lies in records/in")
    finally:
        for gateway in gateways.values():
            gateway.stop()
    assert sorted(set(lines) - set(done)) == [], "each was run"


def test_six_more_mistakes_found_by_what_is_printed(pair, tmp_path):
    """Those of certificates, names and lists. What is done about each is what the message says."""
    lakeside, willow = pair
    for one, other in ((lakeside, willow), (willow, lakeside)):
        add(one, other)

    # 1. A certificate that lacks clientAuth, put there by hand.
    def put(days=300, usages="serverAuth,clientAuth", age=1):
        made = wire.issue(tmp_path / "made", wire.own_ca(lakeside), "lakeside",
                          "URI:urn:refgate:org:lakeside,IP:127.0.0.1", days=days, usages=usages, age=age)
        for path, name in zip(made, ("gateway.crt", "gateway.key")):
            (lakeside.folder / "keys" / name).write_bytes(path.read_bytes())

    put(usages="serverAuth")
    said = lakeside.run("check", expect=7).stderr
    assert "gateway.crt: found a certificate without the usage clientAuth" in said
    assert "refgate cert renew --new-key" in lakeside.run("cert", "renew", expect=1).stderr
    lakeside.run("cert", "renew", "--new-key")
    assert "All is well" in lakeside.run("check").stdout

    # 2. One that has expired.
    put(days=-1, age=9)
    assert "an expired certificate" in lakeside.run("check", expect=None).stderr
    willow.start(), lakeside.start()
    stops_at(willow, "lakeside", "tls", "expired", "The partner must renew it")
    stops_at(lakeside, "willow", "tls", "expired", "refgate cert renew")
    lakeside.run("cert", "renew", "--new-key")
    wait_for(lambda: '"reloaded"' in lakeside.log(), 15, lakeside.log)
    all_ok(lakeside, "willow"), all_ok(willow, "lakeside")

    # 3. The partner added under another name than its own: its certificate carries none that was agreed.
    add(lakeside, willow, name="willowstreet")
    (names,) = re.findall(r"for the names (\S+), issued", steps(lakeside, "willowstreet")[-1][2])
    stops_at(lakeside, "willowstreet", "tls", "wrong_name", "correct the san in the partner's file")
    lakeside.partner_settings("willowstreet", san=f"[\"{names}\"]")
    assert steps(lakeside, "willowstreet")[3][:2] == ("tls", "ok")
    (lakeside.folder / "partners" / "willowstreet.yaml").unlink()

    # 4. Another port.
    lakeside.partner_settings("willow", url=f"https://127.0.0.1:{free_port()}/fhir")
    stops_at(lakeside, "willow", "tcp", "nothing listens there", "listen")
    lakeside.partner_settings("willow", url=f"https://127.0.0.1:{willow.port}/fhir")

    # 5. A revocation list that has run out.
    path = willow.folder / "partners" / "lakeside.crl"
    path.write_bytes(wire.revocation_list(tmp_path / "list", wire.own_ca(lakeside), 1))
    willow.partner_settings("lakeside", crl_files="[partners/lakeside.crl]")
    willow.reload()
    wait_for(lambda: steps(lakeside, "willow")[-1][:2] == ("tls", "failed"), 15, "the list has run out")
    stops_at(lakeside, "willow", "tls", "refgate cert authority publish")
    assert "revocation list" in willow.run("check", expect=9).stdout
    lakeside.run("cert", "authority", "publish")
    path.write_bytes((lakeside.folder / "ca" / "ca.crl").read_bytes())
    willow.reload()
    all_ok(lakeside, "willow")

    # 6. The partner switched off and forgotten.
    willow.run("partner", "disable", "lakeside")
    stops_at(lakeside, "willow", "http", "403", "disabled")
    (advice,) = [words for step, state, words in steps(willow, "lakeside") if step == "settings"]
    assert "refgate partner enable lakeside" in advice
    willow.run("partner", "enable", "lakeside")
    wait_for(lambda: [state for _, state, _ in steps(lakeside, "willow")] == ["ok"] * 7, 15, "all ok again")


def test_every_command_of_the_page_exists():
    for line in re.findall(r"^(?:sudo -u refgate )?refgate ([a-z ]+)", PAGE, re.M):
        words = line.split()
        known = [n for n in (3, 2, 1) if refgate(*words[:n], "--help", expect=None).returncode == 0]
        assert known, line
