"""Crashes: kill -9, SIGTERM and the end of memory, of either side, under load."""
import random
import resource
import threading
import time

import load
from practice import PATIENCE, wait_for
from room import Result
from traffic import open_to, receiving, sending


def kill_receiver(room):
    """kill -9 of a gateway that is receiving"""
    lakeside, willow = room.make("lakeside", "willow")
    with receiving(room, willow, lakeside, first=5) as (result, sender):
        for _ in room.rounds():
            room.moment()
            willow.kill()
            willow.start()
            result.note(sender.wait_accepted(3))
            result.tried += 1
    return result


def kill_sender(room):
    """kill -9 of a gateway that is sending"""
    lakeside, willow = room.make("lakeside", "willow")
    willow.start()
    open_to(lakeside, willow)
    with sending(lakeside, willow) as (result, numbers):
        for i in room.rounds():
            numbers += load.feed(lakeside, 15, f"S{i}")
            room.moment(0.1)
            lakeside.kill()
            with result.recovery():
                lakeside.start()
            result.tried += 1
    return result


def kill_both(room):
    """kill -9 of either side while records and moves go to and fro"""
    lakeside, willow = room.make("lakeside", "willow")
    open_to(lakeside, willow)
    open_to(willow, lakeside)
    result, numbers, is_ending = Result(), [], threading.Event()

    def killer():
        dice = random.Random(room.dice.random())
        while not is_ending.is_set():
            time.sleep(dice.uniform(0, 0.4))
            victim = dice.choice((lakeside, willow))
            victim.kill()
            with result.recovery():
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
    result.add(load.delivered(lakeside, willow, numbers))
    result.lost += sum(states[number] != "completed" for number in numbers)
    result.doubled += lakeside.query("SELECT count(*) FROM (SELECT 1 FROM event WHERE what IN ('accepted', 'started', "
                                     "'completed') GROUP BY referral, what HAVING count(*) > 1)")[0][0]
    return result


def terminate_receiver(room):
    """SIGTERM under load"""
    lakeside, willow = room.make("lakeside", "willow")
    with receiving(room, willow, lakeside, first=5) as (result, sender):
        for _ in room.rounds():
            room.moment()
            began = time.monotonic()
            assert willow.stop() == 0, willow.log()[-2000:]
            assert time.monotonic() - began < 10 * PATIENCE
            willow.start()
            result.note(sender.wait_accepted(3))
            result.tried += 1
    return result


def little_memory(room):
    """memory runs out: the process ends as if killed"""
    lakeside, willow = room.make("lakeside", "willow")
    with receiving(room, willow, lakeside, first=5) as (result, sender):
        for _ in room.rounds():
            with open(f"/proc/{willow.service.pid}/statm") as sizes:
                now = int(sizes.read().split()[0]) * resource.getpagesize()
            resource.prlimit(willow.service.pid, resource.RLIMIT_AS, (now + room.dice.randrange(1 << 20), -1))
            room.moment(1.5)
            if willow.service.poll() is not None:
                willow.service = None
            else:
                willow.kill()
            with result.recovery():
                willow.start()
                sender.wait_accepted(3)
            result.tried += 1
    return result
