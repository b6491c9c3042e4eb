"""docs/how-to-connect.md, followed by the letter: two fresh gateways with CAs of their own, and mistakes that the printed
messages alone are enough to find."""
import re

import pytest

import records
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
        assert "All is well: 1 partners, 4 people and clinics" in one.run("check").stdout
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
    lakeside.run("check")
    lakeside.start()

    said = willow.run("check", expect=7).stderr
    assert "gateway.key" in said and "others" in said
    key.chmod(0o600)
    willow.run("check")
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


def test_every_command_of_the_page_exists():
    for line in re.findall(r"^(?:sudo -u refgate )?refgate ([a-z ]+)", PAGE, re.M):
        words = line.split()
        known = [n for n in (3, 2, 1) if refgate(*words[:n], "--help", expect=None).returncode == 0]
        assert known, line
