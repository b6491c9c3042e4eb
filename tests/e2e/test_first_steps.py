"""docs/how-to-connect.md as a newcomer follows it: its commands are run as they stand there, with its own two clinics and
its own samples. Only the ports and the folder of the installed samples are those of this machine."""
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest

from practice import PATIENCE, PROGRAM, ROOT, free_port, is_listening, wait_for

PAGE = (ROOT / "docs" / "how-to-connect.md").read_text()
BLOCK = re.compile(r"<!-- run by tests/e2e/test_first_steps\.py -->\n```sh\n(.*?)```\n", re.S)
INSTALLED = "/usr/share/doc/refgate/examples"


class Shell:
    """Runs lines of the page in one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.ports = {"8441": str(free_port()), "8442": str(free_port())}
        self.environment = {**os.environ, "PATH": f"{PROGRAM.resolve().parent}:{os.environ['PATH']}"}
        self.environment.pop("REFGATE_DIR", None)
        self.services = []

    def here(self, line):
        line = line.replace(INSTALLED, str(ROOT / "config" / "examples"))
        return re.sub("844[12]", lambda port: self.ports[port[0]], line)

    def run(self, line):
        done = subprocess.run(["bash", "-c", self.here(line)], cwd=self.folder, env=self.environment, capture_output=True,
                              text=True, timeout=60 * PATIENCE)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def start(self, line):
        log = open(self.folder / f"{len(self.services)}.log", "w+b")  # closed with the service
        self.services.append((subprocess.Popen(["bash", "-c", f"exec {self.here(line)}"], cwd=self.folder,
                                               env=self.environment, stdout=log, stderr=log), log))

    def stop(self):
        for service, log in self.services:
            service.send_signal(signal.SIGTERM)
            service.wait(20 * PATIENCE)
            log.close()


@pytest.fixture
def shell(tmp_path):
    shell = Shell(tmp_path)
    yield shell
    shell.stop()


def lines(block):
    return [line for line in block.splitlines() if line.strip()]


def test_the_first_referral_as_the_page_says_it(shell):
    make, serve, send, look, answer = BLOCK.findall(PAGE)
    for line in lines(make):
        said = shell.run(line)
        assert not line.startswith("refgate check") or said.startswith("All is well: 1 partner"), said
    for line in lines(serve):
        shell.start(line)
    wait_for(lambda: all(is_listening(int(port)) for port in shell.ports.values()), 20, "both gateways serve")
    for line in lines(send):
        said = shell.run(line)
        if "partner test" in line:
            assert [row.split()[1] for row in said.splitlines()] == ["ok"] * 7, said
        if " map " in line:
            assert "for willow: may be sent" in said and '"resourceType":"Bundle"' in said
        if " send " in line:
            assert "for willow: on its way" in said and "worth a second look" not in said, said
    arrived = shell.folder / "willow" / "records" / "in"
    wait_for(lambda: list(arrived.glob("*referral*.json")), 20, lambda: os.listdir(arrived))
    for line in lines(look):
        assert "LFP-7001" in shell.run(line)
    wait_for(lambda: "accepted" in shell.run(lines(answer)[0]), 20, lambda: shell.run(lines(answer)[0]))
    record = json.loads(next(arrived.glob("*referral*.json")).read_text())
    assert record["client_family_name"] == "Delgado" and record["written_by"] == "osei"


def test_the_commands_of_the_readme(shell):
    """`./dev build` aside; DIR is a folder, and the partner's certificate is what it sent."""
    block, = re.findall(r"## Use it\n\n```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    shell.run("refgate init theirs --org lakeside && cp theirs/keys/ca.crt lakeside-ca.crt")
    commands = [line for line in lines(block) if line.startswith("refgate ")]
    assert [line.split()[1] for line in commands] == ["init", "partner", "check", "serve", "status"]
    for line in commands[:2]:
        shell.run(re.sub(r"\bDIR\b", "ours", line))
    assert "lakeside" in shell.run("refgate partner list -d ours")


def rows_of(text):
    return [line.rsplit(",", 1) for line in text.strip().splitlines()]


def test_the_page_shows_the_directory_that_is_installed():
    shown, = re.findall(r"```\n(handle,kind.*?)```", PAGE, re.S)
    folder = ROOT / "config" / "examples" / "first"
    willow, lakeside = (rows_of(pathlib.Path(folder, f"{name}.csv").read_text()) for name in ("willow", "lakeside"))
    assert rows_of(shown) == willow
    assert [row[0] for row in lakeside] == [row[0] for row in willow]
    assert [row[1] for row in lakeside] == ["partner", "willow", "", "self", ""]
