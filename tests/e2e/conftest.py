"""What end-to-end tests share: the built program, data folders, running services, free ports.

The program is build/refgate, or what the environment variable REFGATE names. A test that needs what the
machine lacks calls not_run(WHY): it is printed and never counted as passed.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("REFGATE", ROOT / "build" / "refgate"))
EXAMPLES = ROOT / "config" / "examples"
# Sanitized builds are several times slower; REFGATE_PATIENCE stretches every wait.
PATIENCE = float(os.environ.get("REFGATE_PATIENCE", "1"))


def not_run(why):
    """Leaves the test: it is shown as skipped with the words `not run: WHY`."""
    print(f"not run: {why}")
    pytest.skip(f"not run: {why}")


def wait_for(condition, seconds, what):
    """Asks CONDITION until it is true; fails with WHAT when it is not within SECONDS."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_listening(port):
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Gateway:
    """One data folder and the commands on it."""

    def __init__(self, folder, port):
        self.folder = folder
        self.port = port
        self.service = None

    def run(self, *arguments, expect=0, **options):
        """Runs `refgate ARGUMENTS -d FOLDER`; EXPECT is the exit code, None takes any."""
        return refgate(*arguments, "-d", self.folder, expect=expect, **options)

    def json(self, *arguments):
        """The JSON objects of a list command, one a line or one list."""
        text = self.run(*arguments, "--json").stdout
        if text.lstrip().startswith("["):
            return json.loads(text)
        return [json.loads(line) for line in text.splitlines() if line.strip()]

    def start(self):
        assert self.service is None
        log = open(self.folder / "service.log", "ab")
        self.service = subprocess.Popen([PROGRAM, "serve", "-d", self.folder], stdout=log, stderr=log)
        log.close()
        wait_for(lambda: is_listening(self.port) or self.service.poll() is not None, 5,
                 f"{self.folder.name} listens on {self.port}")
        assert self.service.poll() is None, self.log()

    def stop(self, how=signal.SIGTERM):
        """Stops the service; the exit code."""
        if self.service is None:
            return None
        self.service.send_signal(how)
        code = self.service.wait(10 * PATIENCE)
        self.service = None
        return code

    def log(self):
        return (self.folder / "service.log").read_text(errors="replace")


def refgate(*arguments, expect=0, **options):
    """Runs the program to its end."""
    options.setdefault("timeout", 30 * PATIENCE)
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, **options)
    if expect is not None and done.returncode != expect:
        pytest.fail(f"refgate {' '.join(map(str, arguments))}: exit {done.returncode}, expected "
                    f"{expect}\n{done.stdout}{done.stderr}")
    return done


@pytest.fixture(scope="session", autouse=True)
def program():
    assert PROGRAM.is_file(), f"no {PROGRAM}; run ./dev build"
    return PROGRAM


@pytest.fixture
def make_gateway(tmp_path):
    """make_gateway("willow"): a new data folder with the sample directory; stopped at the end."""
    made = []

    def make(org, *options):
        port = free_port()
        gateway = Gateway(tmp_path / org, port)
        refgate("init", gateway.folder, "--org", org, "--listen", f"127.0.0.1:{port}", *options)
        sample = next(EXAMPLES.rglob("directory.csv"), None)
        if sample is not None:
            shutil.copy(sample, gateway.folder / "directory.csv")
        made.append(gateway)
        return gateway

    yield make
    for gateway in made:
        with contextlib.suppress(subprocess.TimeoutExpired, ProcessLookupError):
            gateway.stop(signal.SIGKILL)
