"""System calls that fail, end early, come late or are the last that a process makes (tests/fault/shim.c), under load on
either side. What a gateway says when its store fails is exit code 8; nothing else may end it."""
import errno
import time

import load
import records
import shim as shims
from practice import PATIENCE, wait_for
from room import NotRun, Result
from shim import (FOREVER, GROWS, HALF, KILL_AFTER, KILL_BEFORE, BE_LATE, READS, RECEIVES, SENDS, SYNCS, WRITES, Shim)

BROKEN, KILLED = 8, -9


def make_shim(room, name):
    why = shims.why_not()
    if why:
        raise NotRun(why)
    return room.closing(Shim(room.folder, name))


def _until_struck(shim, service, seconds):
    """Waits until a call was struck or the process has ended; how often."""
    end = time.monotonic() + seconds * PATIENCE
    while shim.made == 0 and service.poll() is None and time.monotonic() < end:
        time.sleep(0.002)
    return shim.made


def _goes_on(sender, practice, more=5, seconds=30):
    """Waits for MORE accepted messages; False when the process ended before."""
    wanted, end = len(sender.accepted) + more, time.monotonic() + seconds * PATIENCE
    while len(sender.accepted) < wanted:
        if practice.service.poll() is not None:
            return False
        assert time.monotonic() < end, f"{more} further messages; {sender.statuses}\n{practice.log()[-2000:]}"
        time.sleep(0.002)
    return True


def receiving(room, order, codes=(), **settings):
    """Load on Willow; ORDER(shim) each round. CODES: with what the process may end by itself."""
    shim = make_shim(room, "willow")
    lakeside, willow = room.make("lakeside", "willow", loops=room.dice.choice((1, 2)), **settings)
    result = Result()
    sender = load.Load(willow.start(env=shim.environment), lakeside, seed=room.dice.random()).start()
    sender.wait_accepted(5)

    def begin_again():
        code = willow.service.wait()
        assert code in codes, f"exit {code}, expected {codes or 'none'}\n{willow.log()[-3000:]}"
        willow.service = None
        shim.clear()
        willow.start(env=shim.environment)

    for _ in room.rounds():
        room.moment(0.03)
        order(shim)
        result.tried += _until_struck(shim, willow.service, 5)
        began = time.monotonic()
        while not _goes_on(sender, willow):
            begin_again()
        shim.clear()
        while not _goes_on(sender, willow):
            begin_again()
        result.note(time.monotonic() - began)
    sender.stop()
    result.accepted = len(sender.accepted)
    result.add(load.check(willow, sender))
    return result


def sending(room, order, codes=()):
    """Lakeside sends to Willow; ORDER(shim) each round. CODES: with what it may end by itself."""
    shim = make_shim(room, "lakeside")
    lakeside, willow = room.make("lakeside", "willow")
    willow.start()
    lakeside.start(env=shim.environment)
    lakeside.send(records.consent("lakeside", ["willow"]))
    result, numbers = Result(), []
    for i in room.rounds():
        order(shim)
        numbers += load.feed(lakeside, 5, f"S{i}")
        result.tried += _until_struck(shim, lakeside.service, 0.5)
        room.moment(0.2)
        shim.clear()
        began = time.monotonic()
        if lakeside.service.poll() is not None:
            assert lakeside.service.returncode in codes, f"{lakeside.service.returncode}\n{lakeside.log()[-3000:]}"
            lakeside.service = None
            lakeside.start(env=shim.environment)
        result.note(time.monotonic() - began)
    if not _settles(lakeside):
        assert lakeside.service.returncode in codes, lakeside.log()[-3000:]
        lakeside.service = None
        lakeside.start(env=shim.environment)
        assert _settles(lakeside)
    result.accepted = len(numbers)
    result.add(load.delivered(lakeside, willow, numbers))
    return result


def _settles(practice):
    """True when all is delivered, False when the process ended before."""
    return wait_for(lambda: practice.service.poll() is not None and "ended" or not practice.query(
        "SELECT 1 FROM message WHERE direction='out' AND state IN ('queued','sending') LIMIT 1") and "settled", 60,
        lambda: practice.messages(direction="out")) == "settled"


# ---- the catalogue ----

def no_space(room):
    """ENOSPC at a write or a reservation of a receiver, some times"""
    return receiving(room, lambda shim: shim.order(WRITES | GROWS, error=errno.ENOSPC, after=room.dice.randrange(60),
                                                   times=room.dice.randrange(1, 40)))


def failed_sync(room):
    """EIO at an fsync of a receiver, once or from then on"""
    return receiving(room, lambda shim: shim.order(SYNCS, error=errno.EIO, after=room.dice.randrange(40),
                                                   times=room.dice.choice((1, 3, FOREVER))), (BROKEN,))


def failed_write(room):
    """EIO at a write of a receiver, once or more"""
    return receiving(room, lambda shim: shim.order(WRITES | GROWS, error=errno.EIO, after=room.dice.randrange(60),
                                                   times=room.dice.choice((1, 3))), (BROKEN,))


def failed_read(room):
    """EIO at a read of a receiver's store"""
    return receiving(room, lambda shim: shim.order(READS, error=errno.EIO, after=room.dice.randrange(30), times=1),
                     (BROKEN,))


def interrupted_calls(room):
    """EINTR and half-done calls on files and sockets: nobody may notice"""
    def order(shim):
        kinds = room.dice.choice((WRITES, SENDS, RECEIVES, WRITES | SENDS | RECEIVES))
        if room.dice.random() < 0.5:
            shim.order(kinds, error=errno.EINTR, times=200, every=3)
        else:
            shim.order(kinds, deed=HALF, times=200, every=2)
    return receiving(room, order)


def interrupted_sync(room):
    """EINTR at an fsync of a receiver"""
    return receiving(room, lambda shim: shim.order(SYNCS, error=errno.EINTR, after=room.dice.randrange(30), times=1),
                     (BROKEN,))


def slow_disk(room):
    """a disk that takes up to a second for a sync"""
    return receiving(room, lambda shim: shim.order(SYNCS, deed=BE_LATE, late_ms=room.dice.randrange(100, 1000),
                                                   times=room.dice.randrange(1, 4)))


def killed_at_a_call(room):
    """killed before or behind the n-th write, sync or send of a receiver, n by n"""
    count = iter(range(1 << 30))

    def order(shim):
        i = next(count)
        shim.order((SYNCS, WRITES, SENDS, WRITES | SYNCS | GROWS)[i % 4], (KILL_BEFORE, KILL_AFTER)[i // 4 % 2],
                   after=i // 8 % 60)
    return receiving(room, order, (KILLED,))


def sender_killed_at_a_call(room):
    """killed before or behind the n-th write, sync or send of a sender, n by n"""
    count = iter(range(1 << 30))

    def order(shim):
        i = next(count)
        shim.order((SYNCS, WRITES, SENDS, WRITES | SYNCS | GROWS)[i % 4], (KILL_BEFORE, KILL_AFTER)[i // 4 % 2],
                   after=i // 8 % 60)
    return sending(room, order, (KILLED,))


def sender_disk_fails(room):
    """EIO or ENOSPC at a write or sync of a sender"""
    return sending(room, lambda shim: shim.order(room.dice.choice((WRITES, SYNCS, WRITES | GROWS)),
                                                 error=room.dice.choice((errno.EIO, errno.ENOSPC)),
                                                 after=room.dice.randrange(40), times=room.dice.choice((1, 5))),
                   (BROKEN,))
