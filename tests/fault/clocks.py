"""Clocks that are wrong and are set: the wall clock jumps under a running gateway (tests/fault/shim.c); the monotonic
clock goes on."""
import load
from calls import make_shim
from traffic import open_to, sending

HOUR, DAY = 3600, 86400
# Behind the making of the certificates no handshake would do; a clock starts two hours late.
START = 2 * HOUR
JUMPS = [START - HOUR, START + 20 * DAY, START - 30, START + DAY, START + HOUR, START - 2 * HOUR + 60]


def jumping_clock(room):
    """the clocks of both sides jump, back by hours and ahead by weeks"""
    shims = {name: make_shim(room, name) for name in ("lakeside", "willow")}
    lakeside, willow = room.make("lakeside", "willow")
    for one, other in ((lakeside, willow), (willow, lakeside)):
        shims[one.name].move_clock(START)
        open_to(one, other, env=shims[one.name].environment, valid_from="2020-01-01", valid_until="2099-01-01")
    with sending(lakeside, willow) as (result, numbers):
        for i in room.rounds():
            willow.stop()
            numbers += load.feed(lakeside, 5, f"J{i}")
            room.moment(0.3)
            shims["lakeside"].move_clock(JUMPS[i % len(JUMPS)])
            shims["willow"].move_clock(room.dice.choice(JUMPS))
            willow.start(env=shims["willow"].environment)
            with result.recovery():
                lakeside.wait_settled(30)
                for number in numbers[-5:]:
                    willow.move("accept", number)
                shims["willow"].move_clock(room.dice.choice(JUMPS))
                willow.wait_settled(30)
            result.tried += 3
        for shim in shims.values():
            shim.move_clock(max(JUMPS) + HOUR)  # `check` names a clock that stands before the store's
    states = dict(lakeside.query("SELECT number, task_status FROM referral"))
    result.lost += sum(states[number] != "accepted" for number in numbers)
    return result
