"""A running service takes out of its store what has had its time, by itself. Time is moved in the rows."""
import contextlib
import sqlite3

import records
from practice import wait_for

DAY_MS = 86400000


def age(practice, days):
    """As if everything there had happened so many days earlier."""
    with contextlib.closing(sqlite3.connect(practice.folder / "store.db")) as store, store:
        for table, columns in (("message", ("created_ms", "settled_ms", "lived_ms")),
                               ("record", ("accepted_ms", "lived_ms")),
                               ("referral", ("created_ms", "changed_ms"))):
            for column in columns:
                store.execute(f"UPDATE {table} SET {column}={column}-?", (days * DAY_MS,))


def test_what_has_had_its_time_goes(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False, payload_days=10, ledger_days=30)
    for one in (lakeside, willow):
        one.start()
    lakeside.send(records.consent("lakeside", ["willow"]))
    over, still_open = records.referral(), records.referral()
    for record in (over, still_open):
        lakeside.send(record)
        lakeside.wait_status(record["record_id"], "received")
    willow.move("decline", over["record_id"], "--reason", "no-capacity")
    lakeside.wait_status(over["record_id"], "rejected")
    kept = lakeside.messages(kind="referral")
    for one in (lakeside, willow):
        one.stop()
    age(lakeside, 11)
    lakeside.start()
    old, current = (message["number"] for message in kept)

    def body(number):
        return lakeside.run("messages", "show", str(number), "--body", expect=None)

    wait_for(lambda: body(old).returncode != 0, 20, "the old message's bytes have gone")
    assert "no longer kept" in body(old).stderr
    assert body(current).returncode == 0, "its referral is open"
    refused = lakeside.run("queue", "resend", str(old), expect=4)
    assert "send the record anew" in refused.stderr
    assert {message["number"] for message in lakeside.messages()} >= {old, current}
    assert len(lakeside.records(record="referral")) == 2
    lakeside.stop()
    age(lakeside, 30)
    lakeside.start()
    wait_for(lambda: old not in {message["number"] for message in lakeside.messages()}, 20, "its row has gone")
    assert body(current).returncode == 0
    assert lakeside.status(over["record_id"]) == "rejected" and lakeside.track(over["record_id"])
    lakeside.run("check")
