"""System calls that fail, end early, come late or are the last that a process makes (tests/fault/shim.c), under load on
either side. What a gateway says when its store fails is exit code 8; nothing else may end it."""
import errno
import itertools
import time

import load
import shim as shims
from practice import PATIENCE, wait_for
from room import NotRun
from shim import (FOREVER, GROWS, HALF, KILL_AFTER, KILL_BEFORE, BE_LATE, READS, RECEIVES, SENDS, SYNCS, WRITES, Shim)
from traffic import open_to, receiving, sending

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


def _begin_again(practice, shim, codes):
    """PRACTICE, which has ended with one of CODES or is about to, runs again, and nothing is struck."""
    code = practice.service.wait()
    assert code in codes, f"exit {code}, expected {codes or 'none'}\n{practice.log()[-3000:]}"
    practice.service = None
    shim.clear()
    practice.start(env=shim.environment)


def _struck_receiver(room, order, codes=()):
    """Load on Willow; ORDER(shim) each round. CODES: with what the process may end by itself."""
    shim = make_shim(room, "willow")
    lakeside, willow = room.make("lakeside", "willow", loops=room.dice.choice((1, 2)))
    with receiving(room, willow, lakeside, env=shim.environment, first=5) as (result, sender):
        for _ in room.rounds():
            room.moment(0.03)
            order(shim)
            result.tried += _until_struck(shim, willow.service, 5)
            with result.recovery():
                while not _goes_on(sender, willow):
                    _begin_again(willow, shim, codes)
                shim.clear()
                while not _goes_on(sender, willow):
                    _begin_again(willow, shim, codes)
    return result


def _struck_sender(room, order, codes=()):
    """Lakeside sends to Willow; ORDER(shim) each round. CODES: with what it may end by itself."""
    shim = make_shim(room, "lakeside")
    lakeside, willow = room.make("lakeside", "willow")
    willow.start()
    open_to(lakeside, willow, env=shim.environment)
    with sending(lakeside, willow) as (result, numbers):
        for i in room.rounds():
            order(shim)
            numbers += load.feed(lakeside, 5, f"S{i}")
            result.tried += _until_struck(shim, lakeside.service, 0.5)
            room.moment(0.2)
            shim.clear()
            with result.recovery():
                if lakeside.service.poll() is not None:
                    _begin_again(lakeside, shim, codes)
        if not _settles(lakeside):
            _begin_again(lakeside, shim, codes)
            assert _settles(lakeside)
    return result


def _settles(practice):
    """True when all is delivered, False when the process ended before."""
    return wait_for(lambda: practice.service.poll() is not None and "ended" or not practice.query(
        "SELECT 1 FROM message WHERE direction='out' AND state IN ('queued','sending') LIMIT 1") and "settled", 60,
        lambda: practice.messages(direction="out")) == "settled"


# ---- the catalogue ----

def no_space(room):
    """ENOSPC at a write or a reservation of a receiver, some times"""
    return _struck_receiver(room, lambda shim: shim.order(
        WRITES | GROWS, error=errno.ENOSPC, after=room.dice.randrange(60), times=room.dice.randrange(1, 40)))


def failed_sync(room):
    """EIO at an fsync of a receiver, once or from then on"""
    return _struck_receiver(room, lambda shim: shim.order(
        SYNCS, error=errno.EIO, after=room.dice.randrange(40), times=room.dice.choice((1, 3, FOREVER))), (BROKEN,))


def failed_write(room):
    """EIO at a write of a receiver, once or more"""
    return _struck_receiver(room, lambda shim: shim.order(
        WRITES | GROWS, error=errno.EIO, after=room.dice.randrange(60), times=room.dice.choice((1, 3))), (BROKEN,))


def failed_read(room):
    """EIO at a read of a receiver's store"""
    return _struck_receiver(room, lambda shim: shim.order(
        READS, error=errno.EIO, after=room.dice.randrange(30), times=1), (BROKEN,))


def interrupted_calls(room):
    """EINTR and half-done calls on files and sockets: nobody may notice"""
    def order(shim):
        kinds = room.dice.choice((WRITES, SENDS, RECEIVES, WRITES | SENDS | RECEIVES))
        if room.dice.random() < 0.5:
            shim.order(kinds, error=errno.EINTR, times=200, every=3)
        else:
            shim.order(kinds, deed=HALF, times=200, every=2)
    return _struck_receiver(room, order)


def interrupted_sync(room):
    """EINTR at an fsync of a receiver"""
    return _struck_receiver(room, lambda shim: shim.order(
        SYNCS, error=errno.EINTR, after=room.dice.randrange(30), times=1), (BROKEN,))


def slow_disk(room):
    """a disk that takes up to a second for a sync"""
    return _struck_receiver(room, lambda shim: shim.order(
        SYNCS, deed=BE_LATE, late_ms=room.dice.randrange(100, 1000), times=room.dice.randrange(1, 4)))


def _call_by_call():
    """Each order strikes another call: before or behind the n-th write, sync or send, n by n."""
    count = itertools.count()

    def order(shim):
        i = next(count)
        shim.order((SYNCS, WRITES, SENDS, WRITES | SYNCS | GROWS)[i % 4], (KILL_BEFORE, KILL_AFTER)[i // 4 % 2],
                   after=i // 8 % 60)
    return order


def killed_at_a_call(room):
    """killed before or behind the n-th write, sync or send of a receiver, n by n"""
    return _struck_receiver(room, _call_by_call(), (KILLED,))


def sender_killed_at_a_call(room):
    """killed before or behind the n-th write, sync or send of a sender, n by n"""
    return _struck_sender(room, _call_by_call(), (KILLED,))


def sender_disk_fails(room):
    """EIO or ENOSPC at a write or sync of a sender"""
    return _struck_sender(room, lambda shim: shim.order(
        room.dice.choice((WRITES, SYNCS, WRITES | GROWS)), error=room.dice.choice((errno.EIO, errno.ENOSPC)),
        after=room.dice.randrange(40), times=room.dice.choice((1, 5))), (BROKEN,))
