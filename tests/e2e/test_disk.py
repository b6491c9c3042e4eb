"""The disk is watched before it is full: an alarm when it gets low, and at the floor nothing more comes in while
what is there is still delivered. The limits are moved instead of the disk."""
import json

import records
import wire
from practice import wait_for

MORE_THAN_THERE_IS = 1 << 40
CALM = {"disk_low_bytes": 0, "disk_low_percent": 0, "disk_stop_bytes": 0}


def events(practice, event):
    return [line for line in practice.log().splitlines() if f'"event":"{event}"' in line]


def alarms(practice, kind):
    return [line for line in events(practice, "alarm") if json.loads(line).get("kind") == kind]


def limit(practice, **limits):
    practice.settings(**{**CALM, **limits})
    practice.reload()


def test_the_alarm_comes_once_and_ends_once(make_town):
    willow, = make_town("willow", start=False, watch_files="false", **CALM)
    willow.start()
    assert willow.run("check").returncode == 0
    limit(willow, disk_low_bytes=MORE_THAN_THERE_IS)
    wait_for(lambda: alarms(willow, "disk-low"), 10, "the alarm")
    checked = willow.run("check", expect=9)
    assert "are free where" in checked.stdout
    willow.send(records.referral(by="alvarez", to="lakeside"), expect=None)
    limit(willow, disk_low_percent=0)
    wait_for(lambda: alarms(willow, "disk-back"), 10, "the end of the alarm")
    assert len(alarms(willow, "disk-low")) == len(alarms(willow, "disk-back")) == 1
    assert not alarms(willow, "store-full")


def test_at_the_floor_nothing_comes_in_and_what_is_there_goes_out(make_town):
    lakeside, willow = make_town("lakeside", "willow", start=False, watch_files="false", **CALM)
    willow.start()
    willow.send(records.consent("willow", ["lakeside"]))
    waiting = records.referral(by="alvarez", to="lakeside")
    willow.send(waiting)
    limit(willow, disk_stop_bytes=MORE_THAN_THERE_IS)
    wait_for(lambda: alarms(willow, "store-full"), 10, "the alarm")
    bundle, = lakeside.bundles(records.referral())
    answer = wire.post(willow, lakeside, bundle)
    assert answer.status == 503 and int(answer.headers["retry-after"]) > 0, answer
    late = records.referral(by="alvarez", to="lakeside")
    refused = willow.run("send", willow.write(late), expect=8)
    assert "disk is full" in refused.stderr
    willow.drop("late.json", json.dumps(late))
    lakeside.start()
    willow.wait_status(waiting["record_id"], "received")
    assert willow.referral(late["record_id"]) is None
    assert wire.post(willow, lakeside, bundle).status == 503
    limit(willow)
    wait_for(lambda: alarms(willow, "store-back"), 10, "the end of the alarm")
    assert wire.post(willow, lakeside, bundle).status == 200
    willow.wait_status(late["record_id"], "received")
