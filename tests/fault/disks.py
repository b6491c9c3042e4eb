"""Disks: the power is cut, the disk is full, has no more names, takes no more writes; bytes of the store are damaged.
Power cuts are of an ext4 image on a disk with a write cache, shut down by its own ioctl: what was not synced is gone,
which kill -9 cannot show."""
import os
import shutil

import disk
import load
import practice
import wire
from calls import BROKEN, make_shim
from practice import wait_for
from room import NotRun, Result
from shim import FOREVER, SKIP, SYNCS
from traffic import open_to, receiving, sending


DISK_KB, ROOM_KB = 3000, 3000  # more than a fresh data folder needs, and what each round adds
# No alarm and no refusal before the disk is really full.
TO_THE_END = {"disk_low_bytes": 0, "disk_low_percent": 0, "disk_stop_bytes": 0}


def _image(room):
    why = disk.why_not()
    if why:
        raise NotRun(why)
    try:
        return room.closing(disk.Image(room.folder / "image"))
    except OSError as fault:
        raise NotRun(str(fault)) from fault


def _on_image(room, name, other):
    """(NAME's practice on a disk of its own, OTHER's, the disk)"""
    image = _image(room)
    there, = room.make(other)
    here, = room.make(name, root=image.root, **TO_THE_END)
    practice.introduce(there, here)
    practice.introduce(here, there)
    os.sync()
    return here, there, image


def _leave(room, one):
    """Ends a practice before its disk goes."""
    assert one.stop() == 0
    room.town.remove(one)


def power_cut_receiver(room):
    """power cut of a gateway that is receiving"""
    willow, lakeside, image = _on_image(room, "willow", "lakeside")
    with receiving(room, willow, lakeside) as (result, sender):
        for _ in room.rounds():
            sender.wait_accepted(room.dice.randrange(3, 40))
            room.moment(0.05)
            with result.recovery():
                image.cut()
                willow.kill()
                image.power_on()
                willow.start()
                sender.wait_accepted(1)
            result.tried += 1
    _leave(room, willow)
    return result


def power_cut_after_failed_sync(room):
    """syncs fail with EIO, then the power is cut: nothing was promised meanwhile"""
    shim = make_shim(room, "willow")
    willow, lakeside, image = _on_image(room, "willow", "lakeside")
    with receiving(room, willow, lakeside, env=shim.environment) as (result, sender):
        for _ in room.rounds():
            sender.wait_accepted(room.dice.randrange(3, 40))
            shim.order(SYNCS, after=room.dice.randrange(10), times=FOREVER)
            assert willow.wait_exit(60) == BROKEN, willow.log()[-2000:]
            with result.recovery():
                image.cut()
                image.power_on()
                shim.clear()
                willow.start(env=shim.environment)
                sender.wait_accepted(1)
            result.tried += 1
    _leave(room, willow)
    return result


def lying_disk(room):
    """Not of the catalogue: a disk that says "synced" and is not. The oracle must see a loss, or the store must: else
    power cuts prove nothing. True when seen. The kernel may write all of it out of its own accord just before a cut, the
    more so when others fill their disks beside us: hence several cuts."""
    shim = make_shim(room, "willow")
    willow, lakeside, image = _on_image(room, "willow", "lakeside")
    for _ in range(20):
        sender = load.Load(willow.start(env=shim.environment), lakeside, seed=room.dice.random()).start()
        sender.wait_accepted(5)
        shim.order(SYNCS, deed=SKIP, times=FOREVER)
        sender.wait_accepted(50)
        image.cut()
        willow.kill()
        sender.stop(now=True)
        image.power_on()
        shim.clear()
        try:
            willow.start()
        except AssertionError:
            willow.service = None
            room.town.remove(willow)
            return True
        seen = len(load.lost(willow, sender.accepted)) > 0
        assert willow.stop() == 0
        if seen:
            break
    room.town.remove(willow)
    return seen


def power_cut_sender(room):
    """power cut of a gateway that is sending"""
    lakeside, willow, image = _on_image(room, "lakeside", "willow")
    willow.start()
    open_to(lakeside, willow)
    with sending(lakeside, willow) as (result, numbers):
        for i in room.rounds():
            numbers += load.feed(lakeside, 10, f"P{i}")
            room.moment(0.05)
            with result.recovery():
                image.cut()
                lakeside.kill()
                image.power_on()
                lakeside.start()
            result.tried += 1
    _leave(room, lakeside)
    return result


def _memory(room, kilobytes, names=None):
    why = disk.why_no_memory_disk()
    if why:
        raise NotRun(why)
    try:
        return room.closing(disk.Memory(room.folder / "memory", kilobytes, names))
    except OSError as fault:
        raise NotRun(str(fault)) from fault


def _until_it_hurts(sender, willow):
    """Load until the disk takes no more; meanwhile the service lives and answers what needs no disk."""
    wait_for(lambda: sender.statuses.get(503, 0) + sender.broken > 0, 60, lambda: f"the disk fills: {sender.statuses}")
    assert willow.service.poll() is None, f"the service goes on without room\n{willow.log()[-2000:]}"
    willow.run("referrals", "list")
    with wire.Wire(willow, sender.as_whom) as line:
        assert line.get("/fhir/metadata").status == 200


def _on_small_disk(room, small):
    """(lakeside, willow), the latter with its folder on SMALL"""
    lakeside, = room.make("lakeside")
    willow, = room.make("willow", root=small.root, **TO_THE_END)
    practice.introduce(lakeside, willow)
    practice.introduce(willow, lakeside)
    return lakeside, willow


def disk_full(room):
    """the disk is full, then has room again"""
    small = _memory(room, DISK_KB)
    lakeside, willow = _on_small_disk(room, small)
    with receiving(room, willow, lakeside) as (result, sender):
        for i in room.rounds():
            _until_it_hurts(sender, willow)
            small.resize(DISK_KB + ROOM_KB * (i + 1))
            result.note(sender.wait_accepted(5))
            sender.statuses.pop(503, None)
            sender.broken = 0
            result.tried += 1
        small.resize(DISK_KB + ROOM_KB * 1000)
    _leave(room, willow)
    return result


def no_names_left(room):
    """the disk takes no more files: messages are taken, their records appear when it does again"""
    small = _memory(room, 1000000, 1000)
    lakeside, willow = _on_small_disk(room, small)
    with receiving(room, willow, lakeside) as (result, sender):
        for i in room.rounds():
            sender.wait_accepted(5)
            small.leave_names(10)
            sender.wait_accepted(40)
            wait_for(lambda: '"a received record cannot be written"' in willow.log(), 20, "the log says so")
            assert "No space left on device" in willow.log()
            with result.recovery():
                small.rename(100000)
                numbers = list(sender.accepted)
                wait_for(lambda: set(numbers) <= _shown(willow), 30, lambda: set(numbers) - _shown(willow))
            result.tried += 1
    _leave(room, willow)
    return result


def _shown(practice):
    """Numbers of the records in records/in."""
    return {path.stem.split("--")[2] for path in (practice.folder / "records" / "in").glob("*.json")}


def _damage(room, path):
    """Bytes of PATH are overwritten, cut off, or the file is gone."""
    bad = bytearray(path.read_bytes())
    what = room.dice.random()
    if what < 0.15:
        del bad[room.dice.randrange(len(bad)):]
    elif what < 0.2:
        path.unlink()
        return
    for _ in range(room.dice.randrange(1, 8)) if what >= 0.2 else ():
        at = room.dice.randrange(len(bad))
        for k in range(at, min(at + room.dice.randrange(1, 600), len(bad))):
            bad[k] = room.dice.randrange(256)
    path.write_bytes(bad)


def damaged_store(room):
    """database, its log or the journal is overwritten, cut or gone: refused in words, or whole groups stand"""
    lakeside, willow = room.make("lakeside", "willow")
    sender = load.Load(willow.start(), lakeside, seed=room.dice.random()).start()
    sender.wait_accepted(60)
    sender.stop()
    willow.kill()
    result = Result(accepted=len(sender.accepted))
    good = room.folder / "good"
    shutil.copytree(willow.folder, good, ignore=shutil.ignore_patterns("*.sock"))
    for _ in room.rounds():
        files = [path for path in [willow.folder / "store.db", willow.folder / "store.db-wal",
                                   *(willow.folder / "store.journal").iterdir()] if path.exists()]
        _damage(room, room.dice.choice(files))
        done = willow.run("check", expect=None, errors="replace")  # names in it may be what was overwritten
        assert done.returncode in (0, 7, 8, 9), done
        try:
            willow.start()
        except AssertionError:
            code = willow.service.returncode
            willow.service = None
            assert code == 8 and "store" in willow.log().splitlines()[-1], f"exit {code}: {willow.log()[-2000:]}"
        if willow.service is not None:
            willow.run("referrals", "list", expect=None, errors="replace")
            assert willow.kill() in (-9, 8), willow.log()[-2000:]
        shutil.rmtree(willow.folder)
        shutil.copytree(good, willow.folder)
        result.tried += 1
    with result.recovery():
        willow.start()
    result.add(load.check(willow, sender))
    return result
