"""What a person at the desk reads: names instead of numbers, local times, what became of each record, and filters that
say which words they know."""
import json
import re

import pytest

import records
from practice import json_lines, wait_for

NAME = f"{records.FAMILY}, {records.GIVEN}"
CAUTION = {"text": "Takes a blood thinner", "level": "caution"}


@pytest.fixture
def pair(make_town):
    """A referral that was taken up and noted, and one that waits."""
    lakeside, willow = make_town("lakeside", "willow", time_zone="America/New_York")
    lakeside.send(records.consent("lakeside", ["willow"], "K-1"))
    willow.send(records.consent("willow", ["lakeside"]))
    lakeside.send(records.referral("R-1", priority="urgent", precautions=[CAUTION]))
    lakeside.send(records.referral("R-2", to="harbor"))
    lakeside.wait_status("R-1", "received")
    willow.move("accept", "R-1")
    willow.send(records.note("R-1", "W-1b"))
    lakeside.wait_record("W-1b")
    willow.wait_settled()
    return lakeside, willow


def row(gateway, *words):
    """The cells of the only row of a list that holds WORDS[-1]."""
    line, = (line for line in gateway.run(*words[:-1]).stdout.splitlines()[1:] if words[-1] in line)
    return re.split(r"  +", line)


def test_lists_name_the_client_and_say_the_zone_once(pair):
    lakeside, willow = pair
    for here in (lakeside, willow):
        table = here.run("referrals", "list").stdout
        assert table.count("America/New_York") == 1 and "(America/New_York)" in table.splitlines()[0]
        cells = row(here, "referrals", "list", "R-1 ")
        assert cells[:4] == ["R-1", f"{NAME} (C-1)", records.BORN, "urgent"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", cells[-3])
        assert cells[-2:] == [records.REASON, "Takes a blood thinner (caution)"]
    assert row(lakeside, "tray", "list", "R-2")[1:5] == ["referral R-2", "harbor", f"{NAME} (C-1)", records.BORN]
    told, = (one for one in lakeside.json("referrals", "list") if one["referral"] == "R-1")
    assert (told["client_id"], told["client_name"], told["client_birth_date"]) == ("C-1", NAME, records.BORN)
    assert told["referred_for"] == records.REASON and told["precautions"] == [CAUTION]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[45]:00", told["changed"])


def test_what_became_of_a_record_is_told_by_its_number(pair):
    lakeside, willow = pair
    assert row(willow, "records", "list", "W-1b")[-1] == "delivered to lakeside, Dr. Ama Osei"
    assert row(lakeside, "records", "list", "R-2")[-1].startswith("waits for harbor: no consent")
    assert row(lakeside, "records", "list", "K-1 ")[-1] == "kept here; it goes to nobody"
    assert row(lakeside, "records", "list", "W-1b")[-1] == "received"
    assert "-" not in [re.split(r"  +", line)[-1] for line in lakeside.run("records", "list").stdout.splitlines()]
    track = willow.run("referrals", "show", "R-1").stdout
    assert "progress-note W-1b delivered to lakeside, Dr. Ama Osei" in track
    assert "precautions   Takes a blood thinner (caution)" in track and f"{NAME} (C-1)" in track
    sent = row(willow, "messages", "list", "W-1b")
    assert sent[1:3] == ["progress-note W-1b", "to lakeside, Dr. Ama Osei"] and "delivered" in sent
    assert row(lakeside, "messages", "list", "W-1b")[1:3] == ["progress-note W-1b", "from willow"]


def test_the_records_of_one_client(pair):
    lakeside, willow = pair
    willow.send(records.note("R-1", "W-2", client_id="C-2", client_family_name="Other", client_given_names="Ann"))
    both = [one["record_id"] for one in willow.json("records", "list")]
    assert "W-1b" in both and "W-2" in both
    own = [one["record_id"] for one in willow.json("records", "list", "--client", "C-1")]
    assert {"R-1", "W-1b"} <= set(own) and "W-2" not in own
    assert willow.json("records", "list", "--client", "C-9") == []


def test_a_correction_is_shown_beside_what_it_corrects(pair):
    _, willow = pair
    willow.send(records.note("R-1", "W-1c", replaces_record_id="W-1b"))
    willow.wait_settled()
    assert row(willow, "records", "list", "W-1b ")[-1].startswith("corrected by W-1c; delivered to lakeside")


def test_a_record_in_words(pair):
    lakeside, willow = pair
    shown = lakeside.run("records", "show", "W-1b").stdout
    assert shown.startswith("progress-note W-1b of willow\nreceived from willow ")
    assert re.search(r"^Measurements +pain-now, 7 /10", shown, re.M)
    assert re.search(r"^Written by +Inés Álvarez, LMT \(alvarez\)$", shown, re.M)
    assert re.search(r"^Visit at +\d{4}-\d\d-\d\d \d\d:\d\d$", shown, re.M)
    as_json = json.loads(lakeside.run("records", "show", "W-1b", "--json").stdout)
    assert as_json["record_id"] == "W-1b" and as_json["visit_number"] == 1
    for spelled in ("willow:W-1b", "progress-note:W-1b"):
        assert json.loads(willow.run("records", "show", spelled, "--json").stdout)["record_id"] == "W-1b"
    lakeside.send(records.conference(["osei", "alvarez"], "R-1", by="osei"))
    assert "found several records R-1" in lakeside.run("records", "show", "R-1", expect=2).stderr
    assert lakeside.run("records", "show", "referral:R-1").stdout.startswith("referral R-1 of lakeside")
    assert "found no record N-0" in lakeside.run("records", "show", "N-0", expect=3).stderr


@pytest.mark.parametrize("words, expected", [
    (("referrals", "list", "--list", "to anser"), 'did you mean "to answer"?'),
    (("referrals", "list", "--list", "open"), "expected to answer, waiting for an answer"),
    (("messages", "list", "--state", "delivered"), "expected queued, sending, held, parked, sent"),
    (("messages", "list", "--direction", "both"), "expected in or out"),
    (("people", "list", "--state", "old"), "expected new, confirmed, merged"),
    (("people", "list", "--partner", "lakesid"), 'did you mean "lakeside"?'),
    (("referrals", "list", "--limit", "0"), "expected a number from 1"),
    (("audit", "list", "--after", "x"), "expected a number")])
def test_a_filter_word_that_does_not_exist_is_named(make_town, words, expected):
    willow, _ = make_town("willow", "lakeside", start=False)
    said = willow.run(*words, expect=2)
    assert expected in said.stderr and said.stdout == "", said


def test_the_newest_are_shown_and_the_cut_is_told(make_town):
    lakeside, = make_town("lakeside", start=False)
    for i in range(5):
        lakeside.send(records.referral(f"R-{i}"))
    for words, first in ((("referrals", "list"), "R-3"), (("records", "list"), "R-3"), (("messages", "list"), None)):
        done = lakeside.run(*words, "--limit", "2")
        lines = done.stdout.splitlines()[1:]
        if first:
            assert [line.split()[0] for line in lines] == ["R-3", "R-4"] and "only the newest 2" in done.stderr
    closed = lakeside.run("referrals", "list", "--list", "not sent yet", "--limit", "5")
    assert len(closed.stdout.splitlines()) == 6 and closed.stderr == ""
    assert len(json_lines(lakeside.run("records", "list", "--json").stdout)) == 5


def test_a_consent_is_shown_as_what_it_is_worth_today(make_town):
    lakeside, = make_town("lakeside", start=False)

    def states():
        return {one["record_id"]: one["state"] for one in lakeside.json("consent", "list")}

    lakeside.send(records.consent("lakeside", ["willow", "harbor"], "K-1"))
    lakeside.send(records.consent("lakeside", ["willow"], "K-over", client="C-2", valid_from=records.today(-90),
                                  valid_until=records.today(-1)))
    lakeside.send(records.consent("lakeside", ["willow"], "K-no", client="C-3", decision="refuse"))
    assert states() == {"K-1": "in force", "K-over": "over", "K-no": "refuses"}
    lakeside.send(records.consent("lakeside", ["willow"], "K-2", status="revoked", revoked_at=records.moment()))
    assert states()["K-1"] == "in force for harbor; else withdrawn by K-2"
    lakeside.send(records.consent("lakeside", ["willow", "harbor"], "K-3", status="revoked",
                                  revoked_at=records.moment()))
    assert states()["K-1"].startswith("withdrawn by K-") and states()["K-2"] == "a withdrawal"
    assert row(lakeside, "consent", "list", "K-1 ")[1:4] == [f"{NAME} (C-1)", records.BORN, states()["K-1"]]
    assert "\ntoday: withdrawn by K-" in lakeside.run("consent", "show", "K-1").stdout
    assert "\ntoday: withdrawn by K-" in lakeside.run("records", "show", "consent:K-1").stdout
    assert "state" not in json.loads(lakeside.run("consent", "show", "K-1", "--json").stdout)


def test_a_refused_message_is_listed_until_it_was_seen(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    willow.partner_settings("lakeside", receive="[progress-note]")
    willow.reload()
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(records.referral("R-1"))
    refused = wait_for(lambda: lakeside.messages(state="rejected") or lakeside.messages(state="parked"), 15,
                       lambda: lakeside.messages())[0]
    number = refused["number"]
    assert number in [one["number"] for one in lakeside.json("queue", "list")]
    if refused["state"] == "rejected":
        assert "is now dropped" in lakeside.run("queue", "dismiss", number).stdout
        assert lakeside.json("queue", "list") == []
        assert "seen, and put aside" in lakeside.messages(number=number)[0]["reason"]
    else:
        lakeside.run("queue", "dismiss", number, expect=4)


def test_a_consent_is_withdrawn_by_command(make_town):
    lakeside, = make_town("lakeside", start=False)
    both = ["willow", "harbor"]
    lakeside.send(records.consent("lakeside", both, "K-1", valid_until=records.today(30), notes="on paper"))
    withdraw = ("consent", "withdraw", "K-1")
    assert "expected who takes the withdrawal down, a person of lakeside" in lakeside.run(*withdraw, expect=2).stderr
    assert "expected one whom consent K-1 names" in lakeside.run(*withdraw, "--by", "osei", "--for", "alvarez",
                                                                 expect=2).stderr
    said = lakeside.run(*withdraw, "--by", "osei", "--for", "harbor").stdout
    assert f"consent K-1 of {NAME} (C-1) is withdrawn for harbor (record K-1-withdrawn)" in said
    assert "still in force for this client: K-1" in said
    said = lakeside.run(*withdraw, "--by", "osei").stdout
    assert "is withdrawn for willow, harbor (record K-1-withdrawn-2)" in said and "still in force" not in said
    made = json.loads(lakeside.run("consent", "show", "K-1-withdrawn-2", "--json").stdout)
    assert (made["status"], made["written_by"], made["share_with"]) == ("revoked", "osei", both)
    assert "valid_until" not in made and "notes" not in made and made["revoked_at"] == made["written_at"]
    lakeside.send(records.referral("R-1"))
    assert "R-1" in lakeside.run("tray", "list").stdout, "nothing leaves by it any more"
    for number, why in (("K-1", "is withdrawn already, by K-1-withdrawn"), ("K-1-withdrawn", "is a withdrawal itself"),
                        ("K-9", "found no consent K-9")):
        assert why in lakeside.run("consent", "withdraw", number, "--by", "osei", expect=None).stderr
    rows = [one["record_id"] for one in lakeside.json("consent", "list", "--client", "C-1")]
    assert rows == ["K-1", "K-1-withdrawn", "K-1-withdrawn-2"] and lakeside.json("consent", "list", "--client", "C") == []


@pytest.mark.parametrize("fields, warned", [
    ({}, None),
    ({"client_id": "C-7", "client_birth_date": "1990-01-01", "client_family_name": "New"}, None),
    ({"client_id": "C-11"}, "found C-11, a number that no other record here has; .*perhaps .* \\(C-1\\) is meant"),
    ({"client_birth_date": "1990-01-01"}, "found C-1, which is the number of .* here; .*opens nothing for the other"),
    ({"client_id": "C-11", "status": "revoked"}, "C-11, of whom no consent is held: this withdrawal ends nothing; .*C-1"),
    ({"client_id": "C-2", "client_birth_date": "1990-01-01", "status": "revoked"}, "ends nothing; .*\\(C-1\\) is meant"),
    ({"client_birth_date": "1990-01-01", "status": "revoked"}, "this one has ended what .* had allowed"),
    ({"status": "revoked"}, None)])
def test_a_mistyped_client_number_of_a_consent_is_told(make_town, fields, warned):
    lakeside, = make_town("lakeside", start=False)
    lakeside.send(records.consent("lakeside", ["willow"], "K-1"))
    lakeside.send(records.referral("R-1"))
    if fields.get("status") == "revoked":
        fields = fields | {"revoked_at": records.moment()}
    taken, = lakeside.send(records.consent("lakeside", ["willow"], "K-2", **fields))
    told = [f"found {one['found']}; expected {one['expected']}" for one in taken.get("warnings", [])
            if one["path"] == "client_id"]
    assert taken["answer"] == "taken"
    assert re.search(warned, *told) if warned else told == [], taken
