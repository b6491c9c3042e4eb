"""Where a fault happens and what came of it. A fault is a function of a Room: it makes practices, loads them, breaks
something as often as the room says, and returns what the oracle found."""
import contextlib
import dataclasses
import pathlib
import random
import shutil
import time

import practice


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

    @contextlib.contextmanager
    def recovery(self):
        """The body ends when work goes on."""
        began = time.monotonic()
        yield
        self.note(time.monotonic() - began)

    def add(self, lost_and_doubled):
        self.lost += lost_and_doubled[0]
        self.doubled += lost_and_doubled[1]


class Room:
    """Where one fault happens: a folder, dice, and how many rounds."""

    def __init__(self, folder, seed, rounds, seconds, least, crowd):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.dice = random.Random(seed)
        self.limit = rounds
        self.crowd = crowd  # how many make a crowd
        self.least = least  # rounds, however long they take
        self.end = None if seconds is None else time.monotonic() + seconds
        self.town, self.closers = [], []

    def rounds(self):
        count = 0
        while (self.limit is None or count < self.limit) and (self.end is None or count < self.least
                                                              or time.monotonic() < self.end):
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


def run(fault, folder, seed, rounds=None, seconds=None, least=1, crowd=10000):
    room = Room(folder, seed, rounds, seconds, least, crowd)
    try:
        return fault(room)
    finally:
        room.close()
