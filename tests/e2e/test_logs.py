"""Where the log goes: the journal by the stream that systemd hands over, syslog by its socket, with their priorities."""
import contextlib
import json
import os
import socket
import subprocess
import threading

import pytest

import wire
from conftest import not_run
from practice import wait_for


def test_the_journal_gets_priorities(make_town):
    """systemd says by JOURNAL_STREAM that standard error leads to the journal; then each line begins with its
    priority (sd-daemon(3))."""
    willow, = make_town("willow", start=False)
    log = willow.folder / "service.log"
    log.touch()
    about = log.stat()
    willow.start(env={**os.environ, "JOURNAL_STREAM": f"{about.st_dev}:{about.st_ino}"})
    with contextlib.suppress(wire.ssl.SSLError, OSError):
        wire.Wire(willow, None).get("/fhir/metadata")
    wait_for(lambda: "<4>" in willow.log(), 10, willow.log)
    assert willow.stop() == 0
    lines = [line for line in willow.log().splitlines() if line]
    levels = {"<6>": "info", "<4>": "warning", "<3>": "error"}
    for line in lines:
        assert json.loads(line[3:])["level"] == levels[line[:3]], line
    assert {line[:3] for line in lines} >= {"<6>", "<4>"}


def test_another_stream_is_no_journal(make_town):
    willow, = make_town("willow", start=False)
    willow.start(env={**os.environ, "JOURNAL_STREAM": "1:2"})
    assert willow.stop() == 0
    assert all(line.startswith("{") for line in willow.log().splitlines())


SCRIPT = """set -e
mkdir "$0/dev"
for name in null zero random urandom full; do touch "$0/dev/$name"; mount --bind "/dev/$name" "$0/dev/$name"; done
ln -s "$0/log.sock" "$0/dev/log"
mount --rbind "$0/dev" /dev
exec "$@"
"""


@pytest.fixture
def syslog(tmp_path):
    """(how to start a service that sees our socket as /dev/log, the lines that came)."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        not_run("a /dev/log of our own needs root and mount namespaces")
    lines, place = [], socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    place.bind(str(tmp_path / "log.sock"))

    def listen():
        with contextlib.suppress(OSError):
            while line := place.recv(65536).decode():
                lines.append(line)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield ["unshare", "-m", "sh", "-c", SCRIPT, str(tmp_path)], lines
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as end:
        end.sendto(b"", str(tmp_path / "log.sock"))
    thread.join(5)
    place.close()


def test_syslog(make_town, syslog):
    """With the fences up; <PRI> is the facility daemon (3) and the severity (RFC 3164)."""
    under, lines = syslog
    willow, = make_town("willow", start=False, log_target="syslog")
    willow.start(under=under)
    with contextlib.suppress(wire.ssl.SSLError, OSError):
        wire.Wire(willow, None).get("/fhir/metadata")
    wait_for(lambda: any("peer-refused" in line for line in lines), 10, lambda: f"{lines}\n{willow.log()}")
    assert willow.stop() == 0
    wait_for(lambda: any("stopping" in line for line in lines), 5, lambda: lines)
    assert any('"event":"ready"' in line for line in lines)
    for line in lines:
        assert line.startswith(("<30>", "<28>")) and "refgate[" in line, line
        fields = json.loads(line[line.index("{"):])
        assert (fields["level"] == "warning") == line.startswith("<28>")
    assert not willow.log(), "nothing goes to standard error"
