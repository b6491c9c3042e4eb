"""Practices for tests: data folders made by `refgate init`, the real service as a process, and the
commands on it. Used by tests/e2e, tests/fault and tests/soak; needs Python and the built program only.

The program is build/refgate, or what the environment variable REFGATE names. Waits end by an event or fail
loudly; REFGATE_PATIENCE stretches them for sanitized builds.
"""
import contextlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

import records

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("REFGATE", ROOT / "build" / "refgate"))
# What the service runs under: REFGATE_UNDER="valgrind -q --error-exitcode=99".
UNDER = os.environ.pop("REFGATE_UNDER", "").split()
EXAMPLES = ROOT / "config" / "examples"
# Taken out of the environment, where the program would take them for misspelt settings.
PATIENCE = float(os.environ.pop("REFGATE_PATIENCE", "1"))
# Small waits, so that tests end in seconds.
HASTY = {"first_retry_ms": 100, "retry_max_ms": 1000, "drop_settle_ms": 100, "drop_give_up_ms": 600,
         "time_zone": "UTC"}


PORTS = itertools.count(os.getpid())


def wait_for(condition, seconds, what):
    """Asks CONDITION until it is true; fails with WHAT (a text or a function) when it is not within
    SECONDS."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s: {what() if callable(what) else what}"
        time.sleep(0.02)


def free_port():
    """A port of the range that the kernel gives to no outgoing connection, so that nothing takes it between here and
    the service's start; each worker of a parallel run draws from a slice of its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]
    first = 12000 + int(worker) % 16 * 1000
    while True:
        port = first + next(PORTS) % 1000
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def is_listening(port):
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def refgate(*arguments, expect=0, **options):
    """Runs the program to its end; EXPECT is the exit code, None takes any."""
    options.setdefault("timeout", 60 * PATIENCE)
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, **options)
    assert expect is None or done.returncode == expect, (
        f"refgate {' '.join(map(str, arguments))}: exit {done.returncode}, expected {expect}\n"
        f"{done.stdout}{done.stderr}")
    return done


def json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.strip()]


class Gateway:
    """One data folder, the commands on it and, once started, its service."""

    def __init__(self, folder, port):
        self.folder = pathlib.Path(folder)
        self.name = self.folder.name
        self.port = port
        self.service = None
        self.environment = None  # of the service that ran last
        self.written = 0

    # ---- commands ----

    def run(self, *arguments, expect=0, **options):
        """Runs `refgate ARGUMENTS -d FOLDER`; EXPECT is the exit code, None takes any."""
        return refgate(*arguments, "-d", self.folder, expect=expect, **options)

    def json(self, *arguments):
        """The JSON objects of a list command, one a line."""
        return json_lines(self.run(*arguments, "--json").stdout)

    def write(self, *made, name=None):
        """A file with these records, outside of the drop folder; its path."""
        desk = self.folder.parent / f"{self.name}-desk"
        desk.mkdir(exist_ok=True)
        self.written += 1
        path = desk / (name or f"{self.written}.{'json' if len(made) == 1 else 'ndjson'}")
        path.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in made) + "\n")
        return path

    def send(self, *made, expect=0):
        """Hands over records; what the command says about each."""
        return json_lines(self.run("send", self.write(*made), "--json", expect=expect).stdout)

    def move(self, word, number, *more, expect=0):
        return self.run("referrals", word, number, *more, expect=expect)

    def bundles(self, *made, known=()):
        """The message Bundles of these records as text, as `map` prints them."""
        options = []
        for record in known:
            options += ["--known", self.write(record)]
        return self.run("map", self.write(*made), *options).stdout.splitlines()

    # ---- what stands in the store ----

    def referral(self, number):
        done = self.run("referrals", "show", number, "--json", expect=None)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def status(self, number):
        referral = self.referral(number)
        return referral and referral["status"]

    def track(self, number):
        """The lines of a referral's track, in words."""
        return [line["what"] for line in self.referral(number)["track"]]

    def messages(self, **fits):
        """Messages, oldest first, whose members are as given."""
        return [message for message in reversed(self.json("messages", "list"))
                if all(message.get(key) == value for key, value in fits.items())]

    def records(self, **fits):
        return [record for record in self.json("records", "list")
                if all(record.get(key) == value for key, value in fits.items())]

    def tray(self):
        return self.json("tray", "list")

    def inbox(self, number):
        """The received record in records/in, or None."""
        for path in (self.folder / "records" / "in").glob("*.json"):
            record = json.loads(path.read_text())
            if record.get("record_id") == number:
                return record
        return None

    def settle(self):
        """Any list shows what was promised before; then others who read the store see it, too."""
        with socket.socket(socket.AF_UNIX) as control:
            try:
                control.connect(str(self.folder / "control.sock"))
                control.sendall(b'{"args":["queue","list"],"cwd":"/"}\n')
                while (said := control.recv(65536)) and b"\n" not in said:  # nothing: it was killed meanwhile
                    pass
            except OSError:
                pass  # no service runs

    def query(self, sql, *arguments):
        """Rows of the store, read beside the service."""
        self.settle()
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/store.db?mode=ro", uri=True,
                                                timeout=10)) as store:
            return store.execute(sql, arguments).fetchall()

    def payload(self, number):
        """The bytes of a payload, from the store's table or from its journal; None when they are not there."""
        if number < 1 << 32:
            rows = self.query("SELECT bytes FROM payload WHERE id=?", number)
            return None if not rows else rows[0][0] if isinstance(rows[0][0], bytes) else rows[0][0].encode()
        try:
            with open(self.folder / "store.journal" / f"{number >> 32:08}", "rb") as segment:
                segment.seek(number & 0xFFFFFFFF)
                length = int.from_bytes(segment.read(4), "little")
                segment.read(12)
                return segment.read(length)
        except OSError:
            return None

    def wait_status(self, number, status, seconds=15):
        wait_for(lambda: self.status(number) == status, seconds,
                 lambda: f"{self.name} shows {number} as {status}, found {self.referral(number)}\n"
                         f"{self.log()[-3000:]}")

    def wait_record(self, number, seconds=15):
        return wait_for(lambda: self.records(record_id=number), seconds,
                        lambda: f"{self.name} has record {number}\n{self.log()[-3000:]}")[0]

    def wait_settled(self, seconds=20):
        """Nothing of ours waits any more."""
        wait_for(lambda: not self.query("SELECT 1 FROM message WHERE direction='out' AND state IN "
                                        "('queued','sending')"), seconds,
                 lambda: f"{self.name} has delivered everything: {self.messages(direction='out')}")

    # ---- files ----

    def settings(self, **values):
        """Appends settings, replacing earlier lines of the same key."""
        path = self.folder / "settings.yaml"
        lines = [line for line in path.read_text().splitlines()
                 if line.split(":")[0] not in values]
        path.write_text("\n".join([*lines, *(f"{key}: {value}" for key, value in values.items())]) + "\n")

    def partner_settings(self, name, **values):
        path = self.folder / "partners" / f"{name}.yaml"
        lines = [line for line in path.read_text().splitlines()
                 if line.split(":")[0] not in values]
        path.write_text("\n".join([*lines, *(f"{key}: {value}" for key, value in values.items())]) + "\n")

    def drop(self, name, text):
        """Puts a file into the drop folder in one step."""
        path = self.folder / "records" / "out" / name
        beside = path.with_name(f".{name}.tmp")
        beside.write_bytes(text if isinstance(text, bytes) else text.encode())
        beside.rename(path)
        return path

    # ---- the service ----

    def start(self, under=(), seconds=20, **options):
        """Starts the service and returns when partners can connect."""
        assert self.service is None
        self.environment = options.get("env")
        ready, ready_end = os.pipe()
        with open(self.folder / "service.log", "ab") as log:
            self.service = subprocess.Popen(
                [*(under or UNDER), PROGRAM, "serve", "-d", self.folder, "--ready-fd", str(ready_end)],
                stdout=log, stderr=log, pass_fds=[ready_end], **options)
        os.close(ready_end)
        said = b""
        os.set_blocking(ready, False)

        def is_ready():
            nonlocal said
            with contextlib.suppress(BlockingIOError):
                said += os.read(ready, 100)
            return said.endswith(b"\n") or self.service.poll() is not None

        try:
            wait_for(is_ready, seconds, f"{self.name} is ready")
        finally:
            os.close(ready)
        assert self.service.poll() is None, self.log()
        self.port = int(said.split()[1])
        return self

    def stop(self, how=signal.SIGTERM):
        """Stops the service; its exit code, None when none ran."""
        if self.service is None:
            return None
        service, self.service = self.service, None
        if how != signal.SIGKILL:  # which reaches a frozen one, too
            service.send_signal(signal.SIGCONT)
        service.send_signal(how)
        try:
            return service.wait(20 * PATIENCE)
        except subprocess.TimeoutExpired:
            service.kill()
            service.wait()
            raise

    def kill(self):
        return self.stop(signal.SIGKILL)

    def wait_exit(self, seconds=20):
        """Waits until the service ends by itself; its exit code."""
        service = self.service
        code = wait_for(lambda: service.poll() is not None and (service.returncode,), seconds,
                        f"{self.name} ends")[0]
        self.service = None
        return code

    def log(self):
        path = self.folder / "service.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def reload(self):
        before = self.log().count('"reloaded"')
        self.run("reload")
        wait_for(lambda: self.log().count('"reloaded"') > before, 10, f"{self.name} has reloaded")

    def resident_kb(self):
        with open(f"/proc/{self.service.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def make_gateway(folder, *options):
    """A new data folder named after its clinic, with the sample directory."""
    folder = pathlib.Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    port = free_port()
    gateway = Gateway(folder, port)
    refgate("init", folder, "--org", folder.name, "--listen", f"127.0.0.1:{port}", *options)
    sample = next(EXAMPLES.rglob("directory.csv"), None)
    if sample is not None:
        shutil.copy(sample, folder / "directory.csv")
    return gateway


def introduce(one, other, url=None):
    """ONE learns of OTHER, by the line that `init` prints."""
    one.run("partner", "add", other.name, "--url", url or f"https://127.0.0.1:{other.port}/fhir",
            "--ca", other.folder / "keys" / "ca.crt")


def make_town(root, *names, **settings):
    """Practices that all know each other, each with a CA of its own; none is started."""
    town = [make_gateway(pathlib.Path(root) / name) for name in names]
    for one in town:
        one.settings(**{**HASTY, **settings})
        for other in town:
            if one is not other:
                introduce(one, other)
    return town


def end_town(town):
    """Stops what still runs; what a test must never leave behind is an error here."""
    faults = []
    for practice in town:
        if practice.service is not None and practice.service.poll() is not None:
            code = practice.service.returncode
            practice.service = None
            faults.append(f"{practice.name} had ended by itself with {code}")
        code = practice.stop()
        if code not in (None, 0):
            faults.append(f"{practice.name} ended with {code}")
        log = practice.log()
        faults += [f"{practice.name}: {word} in its log" for word in
                   ("AddressSanitizer", "runtime error:", "LeakSanitizer", "ThreadSanitizer", "==ERROR")
                   if word in log]
        faults += [f"{practice.name}: patient data in its log: {word}"
                   for word in records.CANARIES if word.casefold() in log.casefold()]
    logs = "\n".join(f"--- {practice.name}\n{practice.log()[-4000:]}" for practice in town if faults)
    assert not faults, f"{faults}\n{logs}"
