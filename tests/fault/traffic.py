"""What goes on while something breaks, and what the oracle says of it: a load on a practice that receives, or records
that a practice sends. The body of the `with` makes the fault, as often as the room says."""
import contextlib

import load
import records
from room import Result


def open_to(one, *others, env=None, under=(), **terms):
    """ONE runs, and its client agrees on TERMS that OTHERS are sent records."""
    one.start(under=under, env=env)
    one.send(records.consent(one.name, [other.name for other in others], **terms))


@contextlib.contextmanager
def receiving(room, receiver, as_whom, env=None, workers=4, first=0):
    """RECEIVER runs under a load by AS_WHOM, of which FIRST messages have been accepted: (result, sender)."""
    result = Result()
    sender = load.Load(receiver.start(env=env), as_whom, workers=workers, seed=room.dice.random()).start()
    sender.wait_accepted(first)
    yield result, sender
    sender.stop()
    result.accepted = len(sender.accepted)
    result.add(load.check(receiver, sender))


@contextlib.contextmanager
def sending(sender, *receivers):
    """SENDER, which runs, is fed by the body: (result, numbers for the first receiver, numbers for the second...)."""
    result, numbers = Result(), [[] for _ in receivers]
    yield result, *numbers
    sender.wait_settled(60)
    for receiver, sent in zip(receivers, numbers):
        result.accepted += len(sent)
        result.add(load.delivered(sender, receiver, sent))
