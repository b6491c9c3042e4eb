"""Networks: a wire that misbehaves (a proxy that sees what TLS lets a wire see), and two network namespaces with a cable
between them that loses packets, crawls, or is pulled."""
import chaos
import load
import net
from practice import wait_for
from room import NotRun, Result
from traffic import open_to

MODES = [("refuse", {}), ("blackhole", {}), ("cut", {"bytes": 4000}), ("cut", {"bytes": 9000}), ("deaf", {}),
         ("delay", {"seconds": 0.2}), ("flip", {}), ("slow", {"bytes": 8000})]


def _bring_to_end(willow):
    """Willow does what it was asked for."""
    for number, in willow.query("SELECT number FROM referral WHERE task_status='requested'"):
        for word in ("accept", "start", "complete"):
            willow.move(word, number)


def _judge(result, lakeside, willow, numbers):
    """Both sides agree on the end of every referral, each step of it once and in order."""
    wait_for(lambda: set(numbers) <= {number for number, in willow.query("SELECT number FROM referral")}, 30, "arrived")
    _bring_to_end(willow)
    willow.wait_settled(90)
    result.accepted = len(numbers)
    result.add(load.delivered(lakeside, willow, numbers))
    states = dict(lakeside.query("SELECT number, task_status FROM referral"))
    result.lost += sum(states[number] != "completed" for number in numbers)
    for number in numbers[:20]:
        steps = [step for step in lakeside.track(number) if step in ("accepted", "started", "completed")]
        assert steps == ["accepted", "started", "completed"], "in order, each once"
    return result


# ---- by proxy ----

def _wired(room):
    lakeside, willow = room.make("lakeside", "willow", request_deadline_ms=1000, connect_deadline_ms=500)
    wires = {one.name: room.closing(chaos.Proxy(one.port, seed=room.dice.random())) for one in (willow, lakeside)}
    lakeside.partner_settings("willow", url=f"https://127.0.0.1:{wires['willow'].port}/fhir")
    willow.partner_settings("lakeside", url=f"https://127.0.0.1:{wires['lakeside'].port}/fhir")
    open_to(lakeside, willow)
    open_to(willow, lakeside)
    return lakeside, willow, wires


def bad_wire(room):
    """a wire that refuses, swallows, cuts, delays, flips bits and loses answers"""
    lakeside, willow, wires = _wired(room)
    result, numbers = Result(), []
    for i in room.rounds():
        mode, options = MODES[i % len(MODES)] if i < len(MODES) else room.dice.choice(MODES)
        wires["willow"].set(mode, **options)
        numbers += load.feed(lakeside, 4, f"W{i}")
        room.moment(0.8)
        wires["lakeside"].set(mode, **options)
        _bring_to_end(willow)
        room.moment(0.8)
        for one in wires.values():
            one.set("ok")
        with result.recovery():
            lakeside.wait_settled(60)
        result.tried += 1
    return _judge(result, lakeside, willow, numbers)


def half_open(room):
    """connections that one side has lost and the other takes for open"""
    lakeside, willow, wires = _wired(room)
    result, numbers = Result(), []
    for i in room.rounds():
        numbers += load.feed(lakeside, 3, f"H{i}a")
        lakeside.wait_settled(60)  # the connection is kept alive
        for one in wires.values():
            one.forget()
        if room.dice.random() < 0.5:
            willow.kill()
            willow.start()
        with result.recovery():
            numbers += load.feed(lakeside, 3, f"H{i}b")
            lakeside.wait_settled(60)
        result.tried += 1
    return _judge(result, lakeside, willow, numbers)


# ---- by namespaces ----

def _apart(room):
    why = net.why_not()
    if why:
        raise NotRun(why)
    try:
        cable = room.closing(net.Cable())
    except OSError as fault:
        raise NotRun(str(fault)) from fault
    lakeside, willow = town = room.make("lakeside", "willow", request_deadline_ms=2000, connect_deadline_ms=1000)
    for end, one in enumerate(town):
        one.settings(listen=f"{cable.addresses[end]}:{one.port}")
        other = town[1 - end]
        one.partner_settings(other.name, url=f"https://{cable.addresses[1 - end]}:{other.port}/fhir")
    for end, (one, other) in enumerate(((lakeside, willow), (willow, lakeside))):
        open_to(one, other, under=cable.under(end))
    return cable, lakeside, willow


def _through(room, cable, lakeside, willow, happen, stays_up=False):
    result, numbers = Result(), []
    for i in room.rounds():
        happen(i)
        numbers += load.feed(lakeside, 5, f"P{i}")
        _bring_to_end(willow)
        if not stays_up:
            room.moment(2.5)
            cable.mend()
        with result.recovery():
            lakeside.wait_settled(60)
        result.tried += 1
    cable.mend()
    return _judge(result, lakeside, willow, numbers)


def partition(room):
    """a partition of either or both directions, or a pulled cable, that heals"""
    cable, lakeside, willow = _apart(room)

    def happen(i):
        what = i % 4
        if what == 0:
            cable.part()
        elif what == 1:
            cable.deaf(0)
        elif what == 2:
            cable.deaf(1)
        else:
            cable.unplug(room.dice.randrange(2))
    return _through(room, cable, lakeside, willow, happen)


def packet_loss(room):
    """one packet of five is lost on the way, in both directions"""
    cable, lakeside, willow = _apart(room)
    return _through(room, cable, lakeside, willow, lambda i: cable.lose(20), stays_up=True)


def crawling_line(room):
    """a line of 256 kbit/s with a short queue"""
    cable, lakeside, willow = _apart(room)
    return _through(room, cable, lakeside, willow, lambda i: cable.crawl(), stays_up=True)
