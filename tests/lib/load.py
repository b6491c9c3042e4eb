"""A sender under load with a ledger, and the oracle: every message that was answered 2xx stands in the receiver's
store exactly once, every other at most once."""
import itertools
import json
import random
import threading
import time

import records
import wire
from practice import PATIENCE


class Load:
    """Workers that send unique referrals of AS_WHOM to PRACTICE until stop(), each again and again with the same ids
    until it is answered, as a partner's gateway does."""

    def __init__(self, practice, as_whom, workers=4, prefix="L", seed=1, again=0.05):
        self.practice, self.as_whom = practice, as_whom
        template = records.referral("R-TEMPLATE", to=practice.name)
        self.messages = records.Messages(as_whom.bundles(template)[0], "R-TEMPLATE", prefix)
        self.numbers = itertools.count()
        self.dice = random.Random(seed)
        self.again = again  # how often an answered message is sent once more
        self.lock = threading.Lock()
        self.accepted = {}  # number -> bytes of the answer
        self.started = set()
        self.statuses = {}
        self.broken = 0  # exchanges without an answer
        self.faults = []  # answers that differ from the first
        self.is_ending = False
        self.ends_now = False
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def stop(self, seconds=60, now=False):
        """Lets every worker bring its message to an answer; NOW: gives up what is not answered yet."""
        self.is_ending = True
        self.ends_now = now
        for thread in self.threads:
            thread.join(seconds)
            assert not thread.is_alive(), f"a worker is stuck; answers so far: {self.statuses}"

    def wait_accepted(self, more, seconds=30):
        """Waits until MORE further messages were accepted; how long it took."""
        began = time.monotonic()
        wanted = len(self.accepted) + more
        while len(self.accepted) < wanted:
            assert time.monotonic() - began < seconds, (
                f"{more} further messages in {seconds} s; answers so far: {self.statuses}, {self.broken} broken\n"
                f"{self.practice.log()[-2000:]}")
            time.sleep(0.002)
        return time.monotonic() - began

    def _work(self):
        line = None
        while not self.is_ending:
            with self.lock:
                i = next(self.numbers)
                repeats = 1 if self.dice.random() < self.again else 0
            number, body = self.messages.referral_number(i), self.messages.message(i)
            self.started.add(number)
            while not self.ends_now:
                try:
                    line = line or wire.Wire(self.practice, self.as_whom, timeout=20)
                    answer = line.post(body)
                except Exception:
                    if line is not None:
                        line.close()
                    line = None
                    self.broken += 1
                    time.sleep(0.01)
                    continue
                self._note(number, answer)
                if answer.status != 200:
                    time.sleep(0.02)
                elif repeats > 0:
                    repeats -= 1
                else:
                    break
        if line is not None:
            line.close()

    def _note(self, number, answer):
        with self.lock:
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            if answer.status != 200:
                if answer.status not in (503, 507):
                    self.faults.append(repr(answer))
            elif number not in self.accepted:
                self.accepted[number] = answer.body
                if answer.code != "ok":
                    self.faults.append(repr(answer))
            elif self.accepted[number] != answer.body:
                self.faults.append(f"another answer to {number}: {answer!r}")


def doubled(practice):
    """How many messages, records, referrals or arrivals stand more than once in a store."""
    return sum(practice.query(f"SELECT count(*) FROM (SELECT 1 FROM {rows} HAVING count(*) > 1)")[0][0] for rows in (
        "message WHERE direction='in' GROUP BY partner, message_id",
        "message WHERE direction='in' GROUP BY partner, bundle_id",
        "record GROUP BY clinic, kind, number", "referral GROUP BY placer, number",
        "event WHERE what LIKE 'referral % received' GROUP BY referral"))


def lost(practice, accepted):
    """Those of ACCEPTED whose effect is not whole: referral, record, message row with its bytes, line in the track. What
    a service has promised it shows soon, if not at once."""
    def missing():
        return set(accepted) - {number for number, payload in practice.query(
            "SELECT DISTINCT referral.number, message.payload FROM referral "
            "JOIN record ON record.referral=referral.id AND record.kind='referral' "
            "JOIN message ON message.referral=referral.id AND message.direction='in' "
            "JOIN event ON event.referral=referral.id") if number.encode() in (practice.payload(payload) or b"")}
    end = time.monotonic() + 5 * PATIENCE
    found = missing()
    while found and practice.service is not None and time.monotonic() < end:
        time.sleep(0.05)
        found = missing()
    return found


def replayed(practice, load, count=25):
    """COUNT messages that were accepted are sent again, in other white space, which only the stored message tells from
    another one: each gets the answer of the first time."""
    numbers = sorted(load.accepted)
    for number in load.dice.sample(numbers, min(count, len(numbers))):
        again = json.dumps(json.loads(load.messages.message(int(number.rsplit("-", 1)[1])), parse_float=str), indent=1)
        answer = wire.post(practice, load.as_whom, again)
        assert answer.status == 200 and answer.body == load.accepted[number], f"{number}: {answer!r}"


def look_whole(practice):
    """The store is whole, by the clock of the service. 9: a partner is not to be reached from here,
    outside the network of the test, or something else waits for a person."""
    done = practice.run("check", env=practice.environment, expect=None)
    assert done.returncode in (0, 9), done.stdout + done.stderr


def check(practice, load, others=()):
    """(lost, doubled); anything else that is wrong with the store or the answers fails here. OTHERS: numbers of
    referrals that came beside the load."""
    assert not load.faults, load.faults[:5]
    missing = lost(practice, load.accepted)
    present = {number for number, in practice.query("SELECT number FROM referral")}
    assert present <= load.started | {"R-TEMPLATE", *others}, "only what was sent is there"
    look_whole(practice)
    if practice.service is not None and not missing:
        replayed(practice, load)
    return len(missing), doubled(practice)


def delivered(sender, receiver, numbers):
    """(lost, doubled) of referrals that SENDER accepted, after everything was delivered."""
    there = {number for number, in receiver.query("SELECT number FROM referral")}
    states = dict(sender.query("SELECT referral.number, message.state FROM message JOIN referral ON "
                               "referral.id=message.referral WHERE message.kind='referral' AND direction='out'"))
    assert all(states.get(number) == "sent" for number in numbers), states
    for practice in (sender, receiver):
        look_whole(practice)
    return len(set(numbers) - there), doubled(receiver)


def feed(practice, count, prefix, to="willow", by="osei", tries=200):
    """Hands COUNT referrals over by `send`, again while the service is away; their numbers."""
    made = [records.referral(f"{prefix}-{i:05}", to=to, by=by) for i in range(count)]
    path = practice.write(*made)
    for _ in range(tries):
        done = practice.run("send", path, "--json", expect=None)
        if done.returncode == 0:
            return [json.loads(line)["record_id"] for line in done.stdout.splitlines()]
        assert done.returncode in (6, 7, 8), done
        time.sleep(0.02)
    raise AssertionError(f"{practice.name} never took the records: {done.stderr}")
