"""All threads of a gateway at once: loops, writer, station, export, checkpoints, courier, reloads, commands, backups and
a stop, under load. `./dev test tsan` runs this under the thread sanitizer, whose reports end_town finds in the logs."""
import threading
import time

import load
import records
import wire
from practice import PATIENCE


def again_and_again(deed, until, faults):
    """DEED in a thread of its own until UNTIL is set."""
    def run():
        while not until.is_set():
            try:
                deed()
            except Exception as fault:
                faults.append(fault)
                return
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_everything_at_once(make_town, tmp_path):
    lakeside, willow = make_town("lakeside", "willow", loops=2, watch_settle_ms=0)
    for one, other in ((lakeside, "willow"), (willow, "lakeside")):
        one.send(records.consent(one.name, [other]))
    sender = load.Load(willow, lakeside, workers=6, again=0.3).start()
    sender.wait_accepted(20)
    ends, faults, copies, numbers = threading.Event(), [], iter(range(1 << 30)), []

    def travel():
        fresh = load.feed(lakeside, 3, f"T{next(copies)}")
        for number in fresh:
            willow.wait_record(number, 30)
            willow.move("accept", number)
        numbers.extend(fresh)

    def look():
        willow.run("referrals", "list", "--list", "to answer")
        willow.run("messages", "list")
        assert willow.run("check", expect=None).returncode in (0, 9)  # 9: a message waits for its next try

    def come_and_go():
        lines = [wire.Wire(willow, lakeside) for _ in range(5)]
        for line in lines:
            assert line.get("/fhir/metadata").status == 200
            line.close()

    def change():
        willow.run("reload")
        (willow.folder / "directory.csv").touch()
        time.sleep(0.1)

    def copy():
        willow.run("backup", tmp_path / f"backup-{next(copies)}")

    threads = [again_and_again(deed, ends, faults) for deed in (travel, look, come_and_go, change, copy)]
    time.sleep(2 * PATIENCE)
    ends.set()
    for thread in threads:
        thread.join(60 * PATIENCE)
    assert not faults, faults
    lakeside.wait_settled(30)
    willow.wait_settled(30)
    assert willow.stop() == 0, "SIGTERM while the load goes on"
    willow.start()
    sender.stop()
    assert load.check(willow, sender, numbers) == (0, 0)
    assert numbers and load.delivered(lakeside, willow, numbers) == (0, 0)
