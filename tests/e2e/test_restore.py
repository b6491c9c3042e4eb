"""After a restore on either side both gateways agree in the end: by themselves where the other side still holds what the
backup lacked, else by a person, to whom it is named."""
import records
from practice import wait_for


def town(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    for one, other in ((lakeside, willow), (willow, lakeside)):
        one.send(records.consent(one.name, [other.name]))
    return lakeside, willow


def refer(lakeside):
    made = records.referral()
    lakeside.send(made)
    lakeside.wait_status(made["record_id"], "received")
    return made


def set_back(practice, backup):
    practice.stop()
    practice.run("restore", backup, "--replace")
    practice.start()


def backup_of(practice):
    path = practice.folder.parent / f"{practice.name}.tar"
    practice.run("backup", path)
    return path


def test_a_placer_gets_the_notes_it_lost(make_town):
    lakeside, willow = town(make_town)
    number = refer(lakeside)["record_id"]
    backup = backup_of(lakeside)
    willow.move("accept", number)
    note = records.note(number)
    willow.send(note)
    lakeside.wait_record(note["record_id"])
    set_back(lakeside, backup)
    lakeside.wait_record(note["record_id"])
    for one in (lakeside, willow):
        one.wait_status(number, "in-progress")
    willow.wait_settled()


def test_a_placer_that_lost_the_referral_sends_its_record_again(make_town):
    lakeside, willow = town(make_town)
    backup = backup_of(lakeside)
    made = refer(lakeside)
    number = made["record_id"]
    willow.move("accept", number)
    lakeside.wait_status(number, "accepted")
    set_back(lakeside, backup)
    lost = wait_for(lambda: lakeside.json("referrals", "differ"), 15, "the lost referral is named")
    assert (lost[0]["referral"], lost[0]["here"], lost[0]["there"]) == (number, "not here", "accepted"), lost
    assert "send its record again" in lost[0]["do"]
    assert "referrals differ" in lakeside.run("check").stdout
    lakeside.send(made)
    for one in (lakeside, willow):
        one.wait_status(number, "accepted")
    assert lakeside.json("referrals", "differ") == []
    willow.wait_settled()


def test_a_filler_gets_the_referral_it_lost(make_town):
    lakeside, willow = town(make_town)
    backup = backup_of(willow)
    number = refer(lakeside)["record_id"]
    set_back(willow, backup)
    willow.wait_status(number, "requested")
    other = refer(lakeside)["record_id"]
    numbers = {willow.referral(one)["filler_number"] for one in (number, other)}
    assert len(numbers) == 2 and all(one.count("-") == 3 for one in numbers), numbers
    willow.move("accept", number)
    lakeside.wait_status(number, "accepted")
    assert lakeside.referral(number)["filler_number"] in numbers


def test_a_filler_that_lost_its_accept_makes_it_again(make_town):
    lakeside, willow = town(make_town)
    number = refer(lakeside)["record_id"]
    backup = backup_of(willow)
    willow.move("accept", number)
    lakeside.wait_status(number, "accepted")
    set_back(willow, backup)
    differs = wait_for(lambda: willow.json("referrals", "differ"), 15, "the difference is named")
    assert (differs[0]["here"], differs[0]["there"]) == ("requested", "accepted"), differs
    willow.move("accept", number)
    willow.wait_settled()
    note = records.note(number)
    willow.send(note)
    lakeside.wait_record(note["record_id"])
    for one in (lakeside, willow):
        one.wait_status(number, "in-progress")
    assert willow.json("referrals", "differ") == []
    assert not willow.messages(state="parked") and not willow.messages(state="rejected")


def test_two_restores_of_one_backup_do_not_meet(make_town):
    lakeside, willow = town(make_town)
    number = refer(lakeside)["record_id"]
    backup = backup_of(willow)
    for _ in range(2):
        set_back(willow, backup)
        willow.move("accept", number)
        willow.wait_settled()
        lakeside.wait_status(number, "accepted")
    epochs = {value for value, in willow.query("SELECT value FROM meta WHERE key='epoch'")}
    assert len(epochs) == 1 and not willow.messages(state="rejected")


def test_a_filler_that_lost_all_of_a_referral_makes_its_moves_again(make_town):
    lakeside, willow = town(make_town)
    backup = backup_of(willow)
    number = refer(lakeside)["record_id"]
    for word in ("accept", "start", "complete"):
        willow.move(word, number)
    lakeside.wait_status(number, "completed")
    set_back(willow, backup)
    willow.wait_status(number, "requested")
    differs = wait_for(lambda: willow.json("referrals", "differ"), 15, "the difference is named")
    assert (differs[0]["here"], differs[0]["there"]) == ("requested", "completed"), differs
    for word in ("accept", "start", "complete"):
        willow.move(word, number)
    willow.wait_settled()
    for one in (lakeside, willow):
        one.wait_status(number, "completed")
    assert willow.json("referrals", "differ") == []
    assert not willow.messages(state="parked") and not willow.messages(state="rejected")


def test_what_one_was_to_send_again_outlives_its_own_restore(make_town):
    lakeside, willow = town(make_town)
    older = backup_of(lakeside)
    made = refer(lakeside)
    number = made["record_id"]
    willow.move("accept", number)
    lakeside.wait_status(number, "accepted")
    backup = backup_of(willow)
    set_back(lakeside, older)
    wait_for(lambda: lakeside.json("referrals", "differ"), 15, "the lost referral is named")
    set_back(willow, backup)  # with it goes that lakeside lacks the accept
    lakeside.send(made)
    for one in (lakeside, willow):
        one.wait_status(number, "accepted")
    assert lakeside.json("referrals", "differ") == []


def lost_all_and_completed(make_town):
    """willow was restored to before the referral, which lakeside has as completed; it came again as requested."""
    lakeside, willow = town(make_town)
    backup = backup_of(willow)
    number = refer(lakeside)["record_id"]
    for word in ("accept", "start", "complete"):
        willow.move(word, number)
    lakeside.wait_status(number, "completed")
    set_back(willow, backup)
    willow.wait_status(number, "requested")
    wait_for(lambda: willow.json("referrals", "differ"), 15, "the difference is named")
    return lakeside, willow, number


def test_a_filler_takes_over_where_the_placer_has_it(make_town):
    lakeside, willow, number = lost_all_and_completed(make_town)
    assert "--as-there" in willow.json("referrals", "differ")[0]["do"]
    refused = willow.run("referrals", "settle", number, "--as-there", expect=None)
    assert refused.returncode == 2 and "--reason" in refused.stderr, refused.stderr
    sent = len(willow.messages(direction="out"))
    willow.run("referrals", "settle", number, "--as-there", "--by", "alvarez", "--reason", "Osei's desk has the discharge")
    willow.wait_status(number, "completed")
    assert willow.json("referrals", "differ") == []
    assert len(willow.messages(direction="out")) == sent, "nothing is sent about it"
    track = willow.json("referrals", "show", number)[0]["track"]
    assert track[-1]["what"] == "set to completed, as lakeside has it" and "alvarez" in track[-1]["by"], track
    audit = [row for row in willow.json("audit", "list") if row["what"] == "settled"]
    assert audit and "alvarez" in str(audit[0]), audit
    assert willow.run("referrals", "settle", number, "--reason", "again", expect=None).returncode != 0
    lakeside.wait_status(number, "completed")


def test_what_a_partner_invented_is_settled_and_stays_settled(make_town):
    lakeside, willow, number = lost_all_and_completed(make_town)
    willow.run("referrals", "settle", f"lakeside:{number}", "--reason", "they typed it wrong, says Osei's desk")
    assert willow.json("referrals", "differ") == []
    willow.stop()
    willow.start()
    assert willow.json("referrals", "differ") == []
    assert willow.referral(number)["status"] == "requested"
    assert "referrals differ" not in willow.run("check").stdout


def test_a_partner_added_after_the_restore_is_asked_at_once(make_town):
    lakeside, willow = town(make_town)
    number = refer(lakeside)["record_id"]
    backup = backup_of(willow)
    willow.move("accept", number)
    lakeside.wait_status(number, "accepted")
    willow.stop()
    willow.run("restore", backup, "--replace")
    file = willow.folder / "partners/lakeside.yaml"
    kept = file.read_text()
    file.unlink()
    willow.start()
    assert not [one for one in willow.messages(direction="out") if one["kind"] == "send-again"]
    file.write_text(kept)
    willow.run("reload")
    wait_for(lambda: willow.json("referrals", "differ"), 15, "what the new partner says differs")


def test_a_move_follows_its_clinic_to_another_partner(make_town):
    """lakeside's system goes by another name since directory.csv says so; what waits for it goes there."""
    lakeside, willow = town(make_town)
    number = refer(lakeside)["record_id"]
    lakeside.stop()
    willow.move("accept", number)
    file = willow.folder / "partners/lakeside.yaml"
    (willow.folder / "partners/lakeside-new.yaml").write_text(file.read_text())
    file.unlink()
    directory = willow.folder / "directory.csv"
    lines = [",".join(line.split(",")[:-1] + ["lakeside-new"]) if line.startswith("lakeside,") else line
             for line in directory.read_text().splitlines()]
    directory.write_text("\n".join(lines) + "\n")
    willow.run("reload")
    lakeside.start()
    lakeside.wait_status(number, "accepted")
    states = {(one["partner"], one["state"]) for one in willow.messages(direction="out") if one["kind"] == "accept"}
    assert states == {("lakeside", "withdrawn"), ("lakeside-new", "sent")}, states
    willow.move("start", number)
    lakeside.wait_status(number, "in-progress")
