"""The catalogue of faults. Each is a function of a Room: it makes practices, loads them, breaks something as often as
the room says, and returns what the oracle found. tests/fault/test_faults.py runs a few rounds of each,
tests/soak/run runs them for as long as it is told.
"""
import dataclasses
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time

import chaos
import disk
import evil
import load
import practice
import records
import wire
from practice import PATIENCE, PROGRAM, wait_for


class NotRun(Exception):
    """The machine lacks what the fault needs."""


@dataclasses.dataclass
class Result:
    tried: int = 0  # times the fault was made
    accepted: int = 0  # messages answered 2xx, or records taken by `send`
    lost: int = 0
    doubled: int = 0
    recovered: float = 0.0  # longest time until work went on, in seconds

    def note(self, seconds):
        self.recovered = max(self.recovered, seconds)


class Room:
    """Where one fault happens: a folder, dice, and how many rounds."""

    def __init__(self, folder, seed, rounds=None, seconds=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.dice = random.Random(seed)
        self.limit = rounds
        self.end = None if seconds is None else time.monotonic() + seconds
        self.town, self.closers = [], []

    def rounds(self):
        count = 0
        while (self.limit is None or count < self.limit) and (self.end is None or time.monotonic() < self.end
                                                              or count == 0):
            yield count
            count += 1

    def make(self, *names, root=None, **settings):
        town = practice.make_town(root or self.folder, *names, **settings)
        self.town += town
        return town

    def closing(self, thing):
        self.closers.append(thing)
        return thing

    def moment(self, most=0.3):
        """A random moment of the life of a process; not a wait for anything."""
        time.sleep(self.dice.uniform(0, most))

    def close(self):
        try:
            practice.end_town(self.town)
        finally:
            for one in self.town:
                one.kill()
            for thing in reversed(self.closers):
                thing.close()
            shutil.rmtree(self.folder, ignore_errors=True)


def run(fault, folder, seed, rounds=None, seconds=None):
    room = Room(folder, seed, rounds, seconds)
    try:
        return fault(room)
    finally:
        room.close()


# ---- crashes ----

def kill_receiver(room):
    """kill -9 of a gateway that is receiving"""
    lakeside, willow = room.make("lakeside", "willow")
    result, sender = Result(), load.Load(willow.start(), lakeside, seed=room.dice.random()).start()
    sender.wait_accepted(5)
    for _ in room.rounds():
        room.moment()
        willow.kill()
        willow.start()
        result.note(sender.wait_accepted(3))
        result.tried += 1
    sender.stop()
    result.accepted = len(sender.accepted)
    result.lost, result.doubled = load.check(willow, sender)
    return result


def kill_sender(room):
    """kill -9 of a gateway that is sending"""
    lakeside, willow = room.make("lakeside", "willow")
    willow.start()
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    result, numbers = Result(), []
    for i in room.rounds():
        numbers += load.feed(lakeside, 15, f"S{i}")
        room.moment(0.1)
        lakeside.kill()
        began = time.monotonic()
        lakeside.start()
        result.note(time.monotonic() - began)
        result.tried += 1
    lakeside.wait_settled(60)
    result.accepted = len(numbers)
    result.lost, result.doubled = load.delivered(lakeside, willow, numbers)
    return result


def kill_both(room):
    """kill -9 of either side while records and moves go to and fro"""
    lakeside, willow = room.make("lakeside", "willow")
    for one, other in ((lakeside, "willow"), (willow, "lakeside")):
        one.start()
        one.send(records.consent(one.name, [other]))
    result, numbers, is_ending = Result(), [], threading.Event()

    def killer():
        dice = random.Random(room.dice.random())
        while not is_ending.is_set():
            time.sleep(dice.uniform(0, 0.4))
            victim = dice.choice((lakeside, willow))
            victim.kill()
            victim.start()
            result.tried += 1

    def again(side, *words):
        for _ in range(400):
            done = side.run(*words, expect=None)
            if done.returncode in (0, 4):  # 4: it had been done when the answer was lost
                return
            time.sleep(0.02)
        raise AssertionError(f"{words}: {done}")

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        for i in room.rounds():
            fresh = load.feed(lakeside, 5, f"B{i}")
            for number in fresh:
                wait_for(lambda: willow.query("SELECT 1 FROM referral WHERE number=?", number), 30, number)
                again(willow, "referrals", "accept", number)
                again(willow, "referrals", "start", number)
                again(willow, "referrals", "complete", number)
            numbers += fresh
    finally:
        is_ending.set()
        thread.join()
    for side in (lakeside, willow):
        side.wait_settled(60)
    states = dict(lakeside.query("SELECT number, task_status FROM referral"))
    result.accepted = len(numbers)
    result.lost, result.doubled = load.delivered(lakeside, willow, numbers)
    result.lost += sum(states[number] != "completed" for number in numbers)
    result.doubled += lakeside.query("SELECT count(*) FROM (SELECT 1 FROM event WHERE what IN ('accepted', 'started', "
                                     "'completed') GROUP BY referral, what HAVING count(*) > 1)")[0][0]
    return result


def terminate_receiver(room):
    """SIGTERM under load"""
    lakeside, willow = room.make("lakeside", "willow")
    result, sender = Result(), load.Load(willow.start(), lakeside, seed=room.dice.random()).start()
    sender.wait_accepted(5)
    for _ in room.rounds():
        room.moment()
        began = time.monotonic()
        assert willow.stop() == 0, willow.log()[-2000:]
        assert time.monotonic() - began < 10 * PATIENCE
        willow.start()
        result.note(sender.wait_accepted(3))
        result.tried += 1
    sender.stop()
    result.accepted = len(sender.accepted)
    result.lost, result.doubled = load.check(willow, sender)
    return result


# ---- disks ----

def _image(room):
    why = disk.why_not()
    if why:
        raise NotRun(why)
    try:
        return room.closing(disk.Image(room.folder / "image"))
    except OSError as fault:
        raise NotRun(str(fault)) from fault


def power_cut_receiver(room):
    """power cut of a gateway that is receiving"""
    image = _image(room)
    lakeside, = room.make("lakeside")
    willow, = room.make("willow", root=image.root)
    practice.introduce(lakeside, willow)
    practice.introduce(willow, lakeside)
    os.sync()
    result, sender = Result(), load.Load(willow.start(), lakeside, seed=room.dice.random()).start()
    for _ in room.rounds():
        sender.wait_accepted(room.dice.randrange(3, 40))
        room.moment(0.05)
        began = time.monotonic()
        image.cut()
        willow.kill()
        image.power_on()
        willow.start()
        sender.wait_accepted(1)
        result.note(time.monotonic() - began)
        result.tried += 1
    sender.stop()
    result.accepted = len(sender.accepted)
    result.lost, result.doubled = load.check(willow, sender)
    assert willow.stop() == 0
    room.town.remove(willow)
    return result


def power_cut_sender(room):
    """power cut of a gateway that is sending"""
    image = _image(room)
    willow, = room.make("willow")
    lakeside, = room.make("lakeside", root=image.root)
    practice.introduce(lakeside, willow)
    practice.introduce(willow, lakeside)
    willow.start()
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    os.sync()
    result, numbers = Result(), []
    for i in room.rounds():
        numbers += load.feed(lakeside, 10, f"P{i}")
        room.moment(0.05)
        began = time.monotonic()
        image.cut()
        lakeside.kill()
        image.power_on()
        lakeside.start()
        result.note(time.monotonic() - began)
        result.tried += 1
    lakeside.wait_settled(60)
    result.accepted = len(numbers)
    result.lost, result.doubled = load.delivered(lakeside, willow, numbers)
    assert lakeside.stop() == 0
    room.town.remove(lakeside)
    return result


def disk_full(room):
    """the disk is full, then has room again"""
    why = disk.why_no_memory_disk()
    if why:
        raise NotRun(why)
    try:
        small = room.closing(disk.Memory(room.folder / "memory", 3000))
    except OSError as fault:
        raise NotRun(str(fault)) from fault
    lakeside, = room.make("lakeside")
    willow, = room.make("willow", root=small.root)
    practice.introduce(lakeside, willow)
    practice.introduce(willow, lakeside)
    result, sender = Result(), load.Load(willow.start(), lakeside, seed=room.dice.random()).start()
    size = 3000
    for _ in room.rounds():
        wait_for(lambda: sender.statuses.get(503, 0) + sender.broken > 0, 60, lambda: f"the disk fills: {sender.statuses}")
        assert willow.service.poll() is None, f"the service goes on without room\n{willow.log()[-2000:]}"
        willow.run("referrals", "list")
        with wire.Wire(willow, lakeside) as line:
            assert line.get("/fhir/metadata").status == 200
        before = len(sender.accepted)
        size += 3000
        small.resize(size)
        result.note(sender.wait_accepted(5))
        assert len(sender.accepted) > before
        sender.statuses.pop(503, None)
        sender.broken = 0
        result.tried += 1
    small.resize(size + 20000)
    sender.stop()
    result.accepted = len(sender.accepted)
    result.lost, result.doubled = load.check(willow, sender)
    assert willow.stop() == 0
    room.town.remove(willow)
    return result


# ---- system calls, by strace ----

def _strace():
    if shutil.which("strace") is None:
        raise NotRun("strace is not installed")
    probe = subprocess.run(["strace", "-f", "-e", "trace=none", "-e", "inject=fsync:error=EIO:when=1", "true"],
                           capture_output=True, text=True)
    if probe.returncode != 0:
        raise NotRun(f"strace does not work here: {probe.stderr.strip().splitlines()[:1]}")
    if b"__asan_init" in PROGRAM.read_bytes():
        raise NotRun("a sanitized build does not run under strace")


def _under(call, what, when):
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{what}:when={when}"]


def _end_traced(one):
    """Ends a service under strace (the tracer is our child; the service is its child)."""
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(one.service.pid)], capture_output=True,
                              text=True).stdout.split()
    for child in children:
        try:
            os.kill(int(child), signal.SIGKILL)
        except ProcessLookupError:
            pass
    one.service.wait(10)
    one.service = None


def failed_sync(room):
    """fdatasync fails with EIO"""
    _strace()
    lakeside, willow = room.make("lakeside", "willow")
    result, accepted, doubles = Result(), {}, 0
    for i in room.rounds():
        willow.start(under=_under("fdatasync", "error=EIO", f"{room.dice.randrange(2, 30)}+"))
        sender = load.Load(willow, lakeside, workers=2, prefix=f"F{i}").start()
        service = willow.service
        wait_for(lambda: service.poll() is not None, 60, lambda: f"the service stops by itself: {sender.statuses}")
        assert service.returncode == 8, willow.log()[-2000:]
        willow.service = None
        sender.stop(now=True)
        accepted.update(sender.accepted)
        assert not sender.faults
        began = time.monotonic()
        willow.start()
        result.note(time.monotonic() - began)
        result.lost = len(load.lost(willow, accepted))
        willow.stop()
        result.tried += 1
    result.accepted, result.doubled = len(accepted), load.doubled(willow)
    return result


def killed_at_a_call(room):
    """killed at the n-th write, sync or send"""
    _strace()
    lakeside, willow = room.make("lakeside", "willow")
    result, accepted = Result(), {}
    for i in room.rounds():
        call = room.dice.choice(["fdatasync", "pwrite64", "write", "sendmsg,sendto,writev", "rename", "fsync"])
        _start_maybe(willow, _under(call, "signal=KILL", room.dice.randrange(1, 120)))
        if willow.service is not None:
            sender = load.Load(willow, lakeside, workers=2, prefix=f"C{i}").start()
            service, end = willow.service, time.monotonic() + 2
            while service.poll() is None and time.monotonic() < end:
                time.sleep(0.01)
            sender.stop(now=True)
            if service.poll() is None:
                _end_traced(willow)
            willow.service = None
            accepted.update(sender.accepted)
            assert not sender.faults
        began = time.monotonic()
        willow.start()
        result.note(time.monotonic() - began)
        result.lost = len(load.lost(willow, accepted))
        assert willow.stop() == 0
        result.tried += 1
    result.accepted, result.doubled = len(accepted), load.doubled(willow)
    return result


def _start_maybe(one, under):
    """Starts the service although it may be killed before it is ready."""
    try:
        one.start(under=under, seconds=30)
    except AssertionError:
        if one.service is not None:
            one.service.kill()
            one.service.wait()
        one.service = None


# ---- partners ----

def frozen_partner(room):
    """a partner is frozen; another must not feel it"""
    lakeside, willow, harbor = room.make("lakeside", "willow", "harbor", request_deadline_ms=1000,
                                        connect_deadline_ms=500)
    for one in (lakeside, willow, harbor):
        one.start()
    lakeside.send(records.consent("lakeside", ["willow", "harbor"]))
    result, numbers, others = Result(), [], []
    for i in room.rounds():
        willow.service.send_signal(signal.SIGSTOP)
        numbers += load.feed(lakeside, 10, f"Z{i}")
        began = time.monotonic()
        fresh = load.feed(lakeside, 10, f"O{i}", to="harbor")
        for number in fresh:
            lakeside.wait_status(number, "received", seconds=10)
        assert time.monotonic() - began < 5 * PATIENCE, "the other partner waits for the frozen one"
        others += fresh
        room.moment(1.5)
        willow.service.send_signal(signal.SIGCONT)
        began = time.monotonic()
        lakeside.wait_settled(60)
        result.note(time.monotonic() - began)
        result.tried += 1
    result.accepted = len(numbers) + len(others)
    result.lost, result.doubled = load.delivered(lakeside, willow, numbers)
    more = load.delivered(lakeside, harbor, others)
    result.lost, result.doubled = result.lost + more[0], result.doubled + more[1]
    return result


MODES = [("refuse", {}), ("blackhole", {}), ("cut", {"bytes": 4000}), ("cut", {"bytes": 9000}), ("deaf", {}),
         ("delay", {"seconds": 0.2}), ("flip", {}), ("slow", {"bytes": 8000})]


def bad_wire(room):
    """a wire that refuses, swallows, cuts, delays, flips bits and loses answers"""
    lakeside, willow = room.make("lakeside", "willow", request_deadline_ms=1000, connect_deadline_ms=500)
    wires = {"willow": room.closing(chaos.Proxy(willow.port, seed=room.dice.random())),
             "lakeside": room.closing(chaos.Proxy(lakeside.port, seed=room.dice.random()))}
    lakeside.partner_settings("willow", url=f"https://127.0.0.1:{wires['willow'].port}/fhir")
    willow.partner_settings("lakeside", url=f"https://127.0.0.1:{wires['lakeside'].port}/fhir")
    for one, other in ((lakeside, "willow"), (willow, "lakeside")):
        one.start()
        one.send(records.consent(one.name, [other]))
    result, numbers = Result(), []
    for i in room.rounds():
        mode, options = MODES[i % len(MODES)] if i < len(MODES) else room.dice.choice(MODES)
        wires["willow"].set(mode, **options)
        numbers += load.feed(lakeside, 4, f"W{i}")
        room.moment(0.8)
        wires["lakeside"].set(mode, **options)
        for number, in willow.query("SELECT number FROM referral WHERE task_status='requested'"):
            willow.move("accept", number)
            willow.move("start", number)
            willow.move("complete", number)
        room.moment(0.8)
        for one in wires.values():
            one.set("ok")
        began = time.monotonic()
        lakeside.wait_settled(60)
        result.note(time.monotonic() - began)
        result.tried += 1
    for number, in willow.query("SELECT number FROM referral WHERE task_status='requested'"):
        willow.move("accept", number)
        willow.move("start", number)
        willow.move("complete", number)
    willow.wait_settled(60)
    result.accepted = len(numbers)
    result.lost, result.doubled = load.delivered(lakeside, willow, numbers)
    states = dict(lakeside.query("SELECT number, task_status FROM referral"))
    result.lost += sum(states[number] != "completed" for number in numbers)
    for number in numbers[:20]:
        steps = [step for step in lakeside.track(number) if step in ("accepted", "started", "completed")]
        assert steps == ["accepted", "started", "completed"], "in order, each once"
    return result


LIES = [evil.status(500), evil.status(503, Retry_After="1"), evil.status(429, Retry_After="0"), evil.status(502, "<html>"),
        evil.saying("<html>welcome</html>", "text/html"), evil.saying("{"), evil.saying(""), evil.saying("[1]"),
        evil.saying('{"resourceType":"Bundle","type":"message"}'), evil.close, evil.raw(b"HTTP/1.1 200 OK\r\n"),
        evil.raw(b"SSH-2.0-OpenSSH_9.2\r\n"), evil.raw(lambda body: evil.answer(200, evil.reply(body))[:-40]),
        evil.saying(lambda body: evil.reply(body).replace('"identifier": "', '"identifier": "00000000-'))]


def lying_partner(room):
    """a partner answers with errors, garbage and half answers, then with sense"""
    lakeside, willow = room.make("lakeside", "willow", request_deadline_ms=1000, connect_deadline_ms=500)
    lakeside.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    result, numbers = Result(), []
    for i in room.rounds():
        numbers += load.feed(lakeside, 3, f"Y{i}")
        lie = LIES[i % len(LIES)] if i < len(LIES) else room.dice.choice(LIES)
        with evil.Evil(willow, lie) as liar:
            wait_for(lambda: len(liar.requests) >= 4, 30, lambda: f"tried again: {len(liar.requests)}")
        assert not lakeside.query("SELECT 1 FROM message WHERE state NOT IN ('sent', 'queued', 'sending')")
        willow.start()
        began = time.monotonic()
        lakeside.wait_settled(60)
        result.note(time.monotonic() - began)
        willow.stop()
        result.tried += 1
    result.accepted = len(numbers)
    result.lost, result.doubled = load.delivered(lakeside, willow, numbers)
    return result


# ---- crowds ----

def no_descriptors_left(room):
    """file descriptors run out"""
    lakeside, willow = room.make("lakeside", "willow")
    result, sender = Result(), load.Load(willow.start(), lakeside, workers=2, seed=room.dice.random()).start()
    sender.wait_accepted(5)
    for _ in room.rounds():
        used = len(os.listdir(f"/proc/{willow.service.pid}/fd"))
        hard = resource.prlimit(willow.service.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(willow.service.pid, resource.RLIMIT_NOFILE, (used + 10, hard))
        crowd = []
        for _ in range(60):
            try:
                crowd.append(socket.create_connection(("127.0.0.1", willow.port), timeout=0.2))
            except OSError:
                break
        room.moment(0.5)
        for line in crowd:
            line.close()
        resource.prlimit(willow.service.pid, resource.RLIMIT_NOFILE, (hard, hard))
        result.note(sender.wait_accepted(5))
        result.tried += 1
    sender.stop()
    result.accepted = len(sender.accepted)
    result.lost, result.doubled = load.check(willow, sender)
    return result


def crowd(room):
    """hundreds of silent and slow clients beside the load"""
    lakeside, willow = room.make("lakeside", "willow", handshake_deadline_ms=2000, header_deadline_ms=2000)
    result, sender = Result(), load.Load(willow.start(), lakeside, seed=room.dice.random()).start()
    for _ in room.rounds():
        silent = [socket.create_connection(("127.0.0.1", willow.port)) for _ in range(150)]
        slow = [wire.Wire(willow, lakeside) for _ in range(50)]
        for line in slow:
            line.connection.sock.sendall(b"POST /fhir/$process-message HTTP/1.1\r\nHost: x\r\n")
        result.note(sender.wait_accepted(20))
        for line in silent + slow:
            line.close()
        result.tried += 1
    sender.stop()
    assert willow.resident_kb() < 64 * 1024
    result.accepted = len(sender.accepted)
    result.lost, result.doubled = load.check(willow, sender)
    return result


# ---- damage ----

def damaged_store(room):
    """bytes of the store are overwritten while nothing runs"""
    lakeside, willow = room.make("lakeside", "willow")
    sender = load.Load(willow.start(), lakeside, seed=room.dice.random()).start()
    sender.wait_accepted(60)
    sender.stop()
    assert willow.stop() == 0
    result = Result(accepted=len(sender.accepted))
    path = willow.folder / "store.db"
    good = path.read_bytes()
    for _ in room.rounds():
        bad = bytearray(good)
        for _ in range(room.dice.randrange(1, 8)):
            at = room.dice.randrange(len(bad))
            for k in range(at, min(at + room.dice.randrange(1, 600), len(bad))):
                bad[k] = room.dice.randrange(256)
        path.write_bytes(bad)
        done = willow.run("check", expect=None)
        assert done.returncode in (0, 7, 8), done
        started = True
        try:
            willow.start()
        except AssertionError:
            started = False
            code = willow.service.returncode
            willow.service = None
            assert code == 8, f"exit {code}: {willow.log()[-2000:]}"
            assert path.read_bytes() == bytes(bad), "a damaged store is left as it is"
        if started:
            willow.run("referrals", "list", expect=None)
            willow.kill()
        for name in ("store.db-wal", "store.db-shm"):
            (willow.folder / name).unlink(missing_ok=True)
        result.tried += 1
    path.write_bytes(good)
    began = time.monotonic()
    willow.start()
    result.note(time.monotonic() - began)
    result.lost, result.doubled = load.check(willow, sender)
    return result


# Name, function, rounds of the fast run.
FAULTS = [
    (kill_receiver, 8), (kill_sender, 6), (kill_both, 2), (terminate_receiver, 2), (power_cut_receiver, 4),
    (power_cut_sender, 3), (disk_full, 2), (failed_sync, 2), (killed_at_a_call, 4), (frozen_partner, 1),
    (bad_wire, 5), (lying_partner, 5), (no_descriptors_left, 2), (crowd, 1), (damaged_store, 8),
]
