"""A partner under another name, and a partner that is removed: what was exchanged stays with its row."""
import json
import re

import pytest

import records
from practice import wait_for


@pytest.fixture
def pair(make_town):
    lakeside, willow = make_town("lakeside", "willow")
    lakeside.send(records.consent("lakeside", ["willow"]))
    lakeside.send(records.referral("R-1"))
    lakeside.wait_status("R-1", "received")
    return lakeside, willow


def partners(gateway):
    return [one["partner"] for one in gateway.json("partner", "list")]


def rows(gateway):
    return gateway.query("SELECT name, retired_ms IS NOT NULL FROM partner ORDER BY id")


def is_taken(gateway, name):
    """The running service has it under this name."""
    wait_for(lambda: gateway.run("partner", "state", name).stdout == "in use\n", 15, gateway.log)


def test_a_new_name_keeps_all_that_was_exchanged(pair):
    lakeside, willow = pair
    sent = next(one for one in lakeside.messages(direction="out") if one["kind"] == "referral")
    said = lakeside.run("partner", "rename", "willow", "willow-street").stdout
    assert "Partner willow is now willow-street" in said and "Changed in directory.csv: willow" in said
    assert partners(lakeside) == ["willow-street"] and rows(lakeside) == [("willow-street", 0)]
    assert ",willow-street\n" in (lakeside.folder / "directory.csv").read_text()
    assert ",self\n" in (lakeside.folder / "directory.csv.before-rename").read_text()
    assert not (lakeside.folder / "partners" / "willow.ca.crt").exists()
    is_taken(lakeside, "willow-street")

    assert lakeside.messages(number=sent["number"])[0]["partner"] == "willow-street"
    willow.move("accept", "R-1")  # the partner's certificate still carries its own name
    lakeside.wait_status("R-1", "accepted")
    lakeside.send(records.referral("R-2"))
    lakeside.wait_status("R-2", "received")
    willow.run("queue", "resend", willow.messages(kind="accept")[0]["number"])  # the ledger knows it
    willow.wait_settled()
    assert len(lakeside.messages(kind="accept")) == 1 and rows(lakeside) == [("willow-street", 0)]
    assert "partner-renamed" in lakeside.run("audit", "list").stdout


def test_without_the_service_and_what_is_refused(pair):
    lakeside, willow = pair
    lakeside.stop()
    assert "found no partner nobody" in lakeside.run("partner", "rename", "nobody", "x", expect=3).stderr
    assert "expected a partner name" in lakeside.run("partner", "rename", "willow", "a/b", expect=2).stderr
    lakeside.run("partner", "add", "harbor", "--url", "https://127.0.0.1:9/fhir", "--ca",
                 willow.folder / "keys" / "ca.crt")
    assert "found a partner harbor already" in lakeside.run("partner", "rename", "willow", "harbor", expect=4).stderr
    lakeside.run("partner", "rename", "willow", "west")
    lakeside.start()
    willow.move("accept", "R-1")
    lakeside.wait_status("R-1", "accepted")


def test_a_rename_that_was_broken_off_is_finished(pair):
    """As a kill between its steps leaves it."""
    lakeside, willow = pair
    lakeside.run("partner", "rename", "willow", "west")
    (lakeside.folder / "directory.csv").write_text(
        (lakeside.folder / "directory.csv.before-rename").read_text())  # it had not come to that yet
    assert "it is finished now" in lakeside.run("partner", "rename", "willow", "west").stdout
    assert ",west\n" in (lakeside.folder / "directory.csv").read_text() and partners(lakeside) == ["west"]


def test_a_slip_is_no_rename_that_was_broken_off(pair):
    """northside was never a partner; harbor is another one."""
    lakeside, willow = pair
    page = lakeside.folder / "directory.csv"
    page.write_text(page.read_text() + "northside,clinic,Northside,,,physical-therapy-clinic,,,,,self\n")
    before = page.read_text()
    lakeside.run("partner", "add", "harbor", "--url", "https://127.0.0.1:9/fhir", "--ca",
                 willow.folder / "keys" / "ca.crt")
    assert "found no partner northside" in lakeside.run("partner", "rename", "northside", "harbor", expect=3).stderr
    assert page.read_text() == before


def test_a_ca_file_that_another_partner_names_stays(pair):
    lakeside, willow = pair
    partners_folder = lakeside.folder / "partners"
    shared = partners_folder / "willow.ca.crt"
    (partners_folder / "harbor.yaml").write_text(
        "url: https://127.0.0.1:9/fhir\nca_file: partners/willow.ca.crt\n")
    lakeside.reload()
    assert "partners/willow.ca.crt stays: partner harbor uses it" in lakeside.run(
        "partner", "rename", "willow", "west").stdout
    assert shared.exists() and (partners_folder / "west.ca.crt").exists()
    (partners_folder / "harbor.yaml").write_text(
        "url: https://127.0.0.1:9/fhir\nca_file: partners/west.ca.crt\n")
    lakeside.reload()
    lakeside.run("partner", "remove", "west", "--force")
    assert (partners_folder / "west.ca.crt").exists() and not (partners_folder / "west.yaml").exists()


def test_a_partner_in_use_is_not_removed(pair):
    lakeside, willow = pair
    refused = lakeside.run("partner", "remove", "willow", expect=4).stderr
    assert "in use: 1 referral is open (" in refused and "--force" in refused
    assert partners(lakeside) == ["willow"] and lakeside.run("partner", "state", "willow").stdout == "in use\n"
    willow.move("decline", "R-1", "--reason", "no-capacity")
    lakeside.wait_status("R-1", "rejected")
    said = lakeside.run("partner", "remove", "willow").stdout
    assert "Partner willow is removed" in said and "empty the column partner of willow" in said
    assert partners(lakeside) == [] and rows(lakeside) == [("willow", 1)]
    assert lakeside.referral("R-1")["status"] == "rejected" and lakeside.records(record_id="R-1")
    assert "partner-removed" in lakeside.run("audit", "list").stdout
    assert "found no partner willow" in lakeside.run("partner", "remove", "willow", expect=3).stderr
    assert not list((lakeside.folder / "partners").glob("willow*"))
    lakeside.run("check", expect=None)


def test_by_force_what_waits_is_parked_and_the_name_is_another_partner(pair):
    lakeside, willow = pair
    willow.stop()
    lakeside.send(records.referral("R-2"))
    wait_for(lambda: lakeside.messages(shown_as="cannot connect, retrying"), 15, lakeside.log)
    assert "2 referrals are open, 1 message waits" in lakeside.run("partner", "remove", "willow", expect=4).stderr
    lakeside.run("partner", "remove", "willow", "--force")
    parked, = lakeside.messages(state="parked")
    assert parked["reason"] == "the partner was removed" and "removed" in parked["partner"]
    assert "its record waits" in lakeside.run("queue", "resend", parked["number"]).stdout
    assert lakeside.referral("R-1")["status"] == "received"
    lakeside.run("partner", "add", "willow", "--url", f"https://127.0.0.1:{willow.port}/fhir", "--ca",
                 willow.folder / "keys" / "ca.crt")
    lakeside.reload()
    willow.start()
    lakeside.send(records.referral("R-3"))
    for number in ("R-2", "R-3"):
        lakeside.wait_status(number, "received")
    assert rows(lakeside) == [("willow", 1), ("willow", 0)]
    assert json.loads(lakeside.run("referrals", "show", "R-1", "--json").stdout)["status"] == "received"


def test_what_waited_for_a_removed_partner_goes_to_the_one_added_again(make_town):
    """Parked by `partner remove --force`; named by check, and one command sends it anew. Before the partner is there
    again, the record waits in the tray and goes by itself."""
    lakeside, willow = make_town("lakeside", "willow", start=False)
    lakeside.send(records.consent("lakeside", ["willow"]))
    for number in ("R-1", "R-2"):
        lakeside.send(records.referral(number))
    page = lakeside.folder / "partners" / "willow.yaml"
    ca = lakeside.folder.parent / "willow.ca.crt"
    ca.write_bytes((lakeside.folder / "partners" / "willow.ca.crt").read_bytes())
    url = re.search(r"^url: (\S+)", page.read_text(), re.M)[1].strip('"')
    lakeside.run("partner", "remove", "willow", "--force")
    first, second = sorted(message["number"] for message in lakeside.messages(kind="referral"))
    said = lakeside.run("queue", "resend", first).stdout
    assert "its record waits" in said
    lakeside.run("partner", "add", "willow", "--url", url, "--ca", ca)
    assert "queue resend NUMBER, which sends it to whoever serves the clinic now" in \
        lakeside.run("check", expect=9).stdout
    assert "made anew" in lakeside.run("queue", "resend", second).stdout
    willow.start(), lakeside.start()
    for number in ("R-1", "R-2"):
        lakeside.wait_status(number, "received")
    assert len(willow.json("referrals", "list")) == 2
