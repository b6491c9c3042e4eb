"""What a partner says of people and clinics is its claim: shown, and without any effect on who gets what, who
may speak for whom and whether the service starts, until a person of ours confirms it."""
import copy
import json
import sqlite3

import pytest

import records
import wire
from practice import ROOT, wait_for

NPI = "1234567893"  # nobody of the sample directory
OTHER_NPI = "1245319599"
NPI_SYSTEM = "http://hl7.org/fhir/sid/us-npi"
OSEI, ALVAREZ = "9900000073", "9900000057"


@pytest.fixture
def town(make_town):
    """Willow, whose service runs, between harbor and lakeside."""
    made = make_town("willow", "harbor", "lakeside", start=False)
    made[0].start()
    return made


def resources(bundle, kind):
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def from_harbor(harbor, number=None, **more):
    return json.loads(harbor.bundles(records.referral(number, by="obrien", to="willow", **more))[0])


def name_person(bundle, npi=None, name="Dr. Rosa Claim", **more):
    """The author of BUNDLE is somebody else than O'Brien."""
    person = resources(bundle, "Practitioner")[0]
    person["identifier"] = [{"system": NPI_SYSTEM, "value": npi} if npi else {"system": "urn:x", "value": "7"}]
    person["name"] = [{"text": name}]
    person.update(more)
    return bundle


def plan_of(harbor, number):
    return json.loads(harbor.bundles(records.plan(["obrien", "alvarez"], number, by="obrien"))[0])


def add_member(bundle, number, resource):
    """One more of the team of a plan."""
    url = f"urn:uuid:00000000-0000-4000-8000-{number:012}"
    bundle["entry"].append({"fullUrl": url, "resource": {"id": f"extra-{number}", **resource}})
    resources(bundle, "CareTeam")[0]["participant"].append({"member": {"reference": url}})
    return bundle


def clinic(npi, name):
    return {"resourceType": "Organization", "name": name, "identifier": [{"system": NPI_SYSTEM, "value": npi}]}


def taken(willow, partner, bundle):
    answer = wire.post(willow, partner, bundle)
    assert (answer.status, answer.code) == (200, "ok"), answer
    return answer


def claims(willow, *more):
    return {claim["claim"]: claim for claim in willow.json("people", "list", *more)}


def filed(willow, number):
    return wait_for(lambda: willow.inbox(number), 10, f"{number} lies in records/in")


def healthy(willow):
    """What one message must never break."""
    willow.run("check", expect=None)
    willow.reload()
    willow.run("partner", "disable", "lakeside")
    willow.run("partner", "enable", "lakeside")
    assert willow.stop() == 0
    willow.start()


# ---- who wrote it ----

@pytest.mark.parametrize("npi", [OSEI, ALVAREZ, NPI])
def test_the_author_belongs_to_the_sender(town, npi):
    willow, harbor, _ = town
    taken(willow, harbor, name_person(from_harbor(harbor, "A-1"), npi))
    record = filed(willow, "A-1")
    assert record["written_by"] == f"harbor/{npi}" and record["received_from"] == "harbor"
    told = [entry for entry in record["received"] if entry["path"] == "written_by"]
    assert [entry["text"] for entry in told] == ["Dr. Rosa Claim (shown as claimed by harbor)"]
    assert willow.records(record_id="A-1")[0]["received_from"] == "harbor"
    assert claims(willow)[f"harbor/{npi}"]["name"] == "Dr. Rosa Claim"


def test_its_own_people_are_known(town):
    willow, harbor, _ = town
    taken(willow, harbor, from_harbor(harbor, "A-1"))
    assert filed(willow, "A-1")["written_by"] == "obrien"
    assert not claims(willow)


def test_a_received_record_can_be_mapped_and_its_receipt_stays_here(town):
    willow, harbor, _ = town
    taken(willow, harbor, from_harbor(harbor, "A-1"))
    record = filed(willow, "A-1")
    bundle = willow.run("map", willow.write(record)).stdout
    assert "received_from" not in bundle and '"harbor"' not in bundle.replace("harbor.example", "")


# ---- who gets what ----

def test_a_claim_redirects_nothing(town):
    """Harbor says that NPI works there; nothing goes there, and it is the person of ours who says where."""
    willow, harbor, lakeside = town
    harbor.start()
    lakeside.start()
    taken(willow, harbor, name_person(from_harbor(harbor, "A-1"), NPI))
    willow.send(records.consent("willow", ["harbor", "lakeside", f"npi:{NPI}"]))
    willow.send(records.referral("W-1", by="alvarez", to=f"npi:{NPI}"))
    waits = willow.tray()
    assert len(waits) == 1 and f"refgate people confirm PARTNER/{NPI}" in waits[0]["reason"], waits
    assert not willow.messages(direction="out", kind="referral")
    said, = willow.json("consent", "explain", "W-1")
    assert said["partner"] == waits[0]["reason"] and "partner add" not in said["what_to_do"]
    # The claim's own name leads nowhere either.
    said = willow.run("send", willow.write(records.referral("W-2", by="alvarez", to=f"harbor/{NPI}")), expect=1)
    assert "refgate people confirm" in said.stderr + said.stdout
    willow.run("people", "confirm", f"harbor/{NPI}", "--works-at", "lakeside", "--by", "alvarez")
    lakeside.wait_record("W-1")
    assert not harbor.records(record_id="W-1")
    assert willow.json("consent", "explain", "W-1")[0]["now"] == "sent"
    assert willow.status("W-1") in ("requested", "received")


def test_the_administrators_row_wins(town):
    willow, harbor, lakeside = town
    lakeside.start()
    taken(willow, harbor, name_person(from_harbor(harbor, "A-1"), NPI))
    willow.run("people", "confirm", f"harbor/{NPI}", "--works-at", "harbor", "--handle", "rosa")
    with open(willow.folder / "directory.csv", "a") as table:
        table.write(f"kim,person,Dr. Kim,,,,{NPI},lakeside,,,\n")
    willow.reload()
    assert '"place-left-out"' in willow.log()
    assert "left_out" in willow.json("people", "show", f"harbor/{NPI}")[0]
    willow.send(records.consent("willow", ["lakeside"]))
    willow.send(records.referral("W-1", by="alvarez", to=f"npi:{NPI}"))
    willow.send(records.referral("W-2", by="alvarez", to="rosa"))
    lakeside.wait_record("W-1")
    lakeside.wait_record("W-2")
    healthy(willow)


# ---- who may speak ----

def test_an_invented_clinic_is_nobodys_sender(town):
    willow, harbor, _ = town

    def send_as(number):
        bundle = from_harbor(harbor, number)
        for organization in resources(bundle, "Organization"):
            for identifier in organization.get("identifier", []):
                if identifier.get("value") == "9900000040":
                    identifier["value"] = NPI
                    organization["name"] = "Invented Clinic"
        return wire.post(willow, harbor, json.loads(json.dumps(bundle).replace("/sid/9900000040/", f"/sid/{NPI}/")))

    taken(willow, harbor, add_member(plan_of(harbor, "P-1"), 1, clinic(NPI, "Invented Clinic")))
    assert claims(willow)[f"harbor/{NPI}"]["kind"] == "clinic"
    willow.reload()
    assert send_as("A-2").status == 403
    # Known, but served by no partner: still nobody speaks for it.
    willow.run("people", "confirm", f"harbor/{NPI}")
    wait_for(lambda: willow.json("people", "show", f"harbor/{NPI}")[0]["state"] == "confirmed", 5, "confirmed")
    assert send_as("A-3").status == 403
    before = willow.log().count('"reloaded"')
    willow.run("people", "confirm", f"harbor/{NPI}", "--partner", "harbor")
    wait_for(lambda: willow.log().count('"reloaded"') > before, 10, "the service has it")
    answer = send_as("A-4")
    assert (answer.status, answer.code) == (200, "ok"), answer


# ---- what a message cannot break ----

HOSTILE = {
    "blank name": lambda bundle: name_person(bundle, NPI, "   "),
    "odd name": lambda bundle: name_person(bundle, NPI, "=cmd|'/c calc'!A0 \"\r\n,;\x1b[2J\u202e\ufeff"),
    "no name": lambda bundle: name_person(bundle, NPI, None),
    "a long name": lambda bundle: name_person(bundle, NPI, "\u00e9\u674e" * 200_000),
}


def test_no_claim_bricks_the_gateway(town):
    willow, harbor, _ = town
    taken(willow, harbor, name_person(from_harbor(harbor, "A-0"), OTHER_NPI))
    for number, (what, change) in enumerate(HOSTILE.items(), 1):
        bundle = change(from_harbor(harbor, f"A-{number}"))
        if what == "no name":
            del resources(bundle, "Practitioner")[0]["name"]
        answer = wire.post(willow, harbor, bundle)
        assert answer.status in (200, 400), (what, answer)
        willow.reload()
    taken(willow, harbor, add_member(plan_of(harbor, "P-1"), 1, clinic(OTHER_NPI, "Was A Person")))
    assert willow.log().count('"claims-dropped"') == 2, willow.log()
    assert claims(willow)[f"harbor/{OTHER_NPI}"]["kind"] == "person"
    for claim in claims(willow).values():
        assert len(claim["name"].encode()) <= 200 and claim["name"].strip() and claim["name"].isprintable()
    healthy(willow)


def test_a_renamed_clinic_takes_nothing_with_it(town):
    willow, harbor, lakeside = town
    taken(willow, harbor, name_person(from_harbor(harbor, "A-1"), NPI))
    willow.run("people", "confirm", f"harbor/{NPI}", "--works-at", "harbor", "--handle", "rosa")
    table = willow.folder / "directory.csv"
    table.write_text(table.read_text().replace("harbor,clinic", "seaside,clinic").replace(",harbor,", ",seaside,"))
    healthy(willow)
    assert "clinic is not in directory.csv any more" in willow.log()


def test_thousands_of_people_stay_within_the_ceilings(town):
    """Each is named once; the claims are few, the memory is what it was."""
    willow, harbor, _ = town
    template = plan_of(harbor, "A-0")
    taken(willow, harbor, copy.deepcopy(template))
    before = willow.resident_kb()
    with wire.Wire(willow, harbor) as line:
        for i in range(60):
            bundle = json.loads(records.renamed(json.dumps(template), i, {"A-0": f"B-{i}"}))
            for k in range(100):
                add_member(bundle, i * 100 + k, {"resourceType": "Practitioner", "name": [{"text": f"Nobody {i} {k}"}]})
            answer = line.post(bundle)
            assert (answer.status, answer.code) == (200, "ok"), answer
    assert willow.resident_kb() - before < 30_000
    assert 500 < willow.query("SELECT count(*) FROM claim")[0][0] <= 1000
    assert len(filed(willow, "B-59")["received"]) < 200
    healthy(willow)


def test_what_an_earlier_refgate_made_is_put_aside(town):
    """The file is not read, whatever it holds; the table it was made of becomes claims."""
    willow, _, _ = town
    willow.stop()
    (willow.folder / "directory.received.csv").write_text(
        f'handle,kind,name,npi,works_at\nnpi:{NPI},person,Dr. Old,{NPI},harbor\n"lakeside/x,person,,\n')
    willow.start()
    assert willow.log().count('"directory-received"') == 1
    assert not (willow.folder / "directory.received.csv").exists()
    willow.send(records.consent("willow", ["harbor", f"npi:{NPI}"]))
    willow.send(records.referral("W-1", by="alvarez", to=f"npi:{NPI}"))
    assert len(willow.tray()) == 1
    healthy(willow)
    assert willow.log().count('"directory-received"') == 1


# ---- the commands ----

def test_the_commands(town):
    willow, harbor, _ = town
    taken(willow, harbor, name_person(from_harbor(harbor, "A-1"), NPI))
    taken(willow, harbor, name_person(from_harbor(harbor, "A-2"), None, "Jos\u00e9 Ruiz"))
    taken(willow, harbor, name_person(from_harbor(harbor, "A-3"), None, "Jose Ruiz"))
    found = claims(willow)
    assert len(found) == 3, found
    ruiz = sorted(claim for claim in found if "ruiz" in claim)
    shown = willow.json("people", "show", f"harbor/{NPI}")[0]
    assert (shown["state"], shown["kind"], shown["npi"]) == ("new", "person", NPI)
    assert "Dr. Rosa Claim" in willow.run("people", "list").stdout

    assert "people list" in willow.run("people", "show", "harbor/nobody", expect=3).stderr
    assert "people list" in willow.run("people", "confirm", "nonsense", expect=3).stderr
    assert "did you mean harbor" in willow.run("people", "confirm", f"harbor/{NPI}", "--works-at", "harbr",
                                                expect=2).stderr
    assert "--works-at" in willow.run("people", "confirm", f"harbor/{NPI}", "--partner", "harbor", expect=2).stderr
    assert "people merge" in willow.run("people", "confirm", f"harbor/{NPI}", "--handle", "osei", expect=4).stderr
    willow.run("people", "confirm", f"harbor/{NPI}", "--handle", "o sei", expect=2)
    willow.run("people", "confirm", f"harbor/{NPI}", "--by", "nobody", expect=2)
    willow.run("people", "list", "--state", "old", expect=2)

    said = willow.run("people", "confirm", f"harbor/{NPI}", "--works-at", "harbor", "--by", "alvarez").stdout
    assert "dr-rosa-claim" in said
    again = willow.json("people", "confirm", f"harbor/{NPI}", "--works-at", "lakeside")[0]
    assert (again["state"], again["handle"]) == ("confirmed", "dr-rosa-claim")
    assert willow.json("people", "show", f"harbor/{NPI}")[0]["works_at"] == "lakeside"
    willow.run("people", "merge", ruiz[0], "lakeside", expect=4)
    willow.run("people", "merge", ruiz[0], "nobody", expect=3)
    before = willow.log().count('"reloaded"')
    willow.run("people", "merge", ruiz[0], "obrien", "--by", "user:eve")
    willow.run("people", "ignore", ruiz[1])
    wait_for(lambda: willow.log().count('"reloaded"') > before, 10, "the service has it")
    assert ruiz[1] not in claims(willow) and ruiz[1] in claims(willow, "--state", "ignored")
    assert claims(willow, "--state", "merged")[ruiz[0]]["handle"] == "obrien"
    # Merged with somebody of the sender's clinic: the next message is by them.
    for number, name in (("A-4", "Jos\u00e9 Ruiz"), ("A-5", "Jose Ruiz")):
        taken(willow, harbor, name_person(from_harbor(harbor, number), None, name))
    assert sorted(filed(willow, number)["written_by"] for number in ("A-4", "A-5")) == sorted([ruiz[1], "obrien"])
    assert [row[0] for row in willow.query("SELECT what FROM audit WHERE what LIKE 'claim-%' ORDER BY seq")] == [
        "claim-confirmed", "claim-confirmed", "claim-merged", "claim-ignored"]


def test_a_decision_is_taken_beside_a_faulty_file(town):
    willow, harbor, _ = town
    taken(willow, harbor, name_person(from_harbor(harbor, "A-1"), NPI))
    willow.settings(first_retri_ms=5)
    before = willow.log().count('"reloaded"')
    said = willow.run("people", "confirm", f"harbor/{NPI}", "--works-at", "harbor").stderr  # done
    assert "first_retri_ms" in said and "the rest is taken" in said
    wait_for(lambda: willow.log().count('"reloaded"') > before, 10, "the service has it")
    taken(willow, harbor, name_person(from_harbor(harbor, "A-2"), NPI))
    assert filed(willow, "A-2")["written_by"] == "dr-rosa-claim"


def test_a_confirmed_person_writes_in_their_own_name(town):
    willow, harbor, _ = town
    taken(willow, harbor, name_person(from_harbor(harbor, "A-1"), NPI))
    willow.stop()
    willow.run("people", "confirm", f"harbor/{NPI}", "--works-at", "harbor", "--handle", "rosa")  # no service runs
    willow.start()
    taken(willow, harbor, name_person(from_harbor(harbor, "A-2"), NPI))
    assert filed(willow, "A-2")["written_by"] == "rosa"
    willow.run("people", "ignore", f"harbor/{NPI}")
    wait_for(lambda: willow.log().count('"reloaded"') > 0, 10, "the service has it")
    taken(willow, harbor, name_person(from_harbor(harbor, "A-3"), NPI))
    assert filed(willow, "A-3")["written_by"] == f"harbor/{NPI}"


def test_people_received_before_become_claims():
    """The step of the schema, on the table that directory.received.csv was made of."""
    schema = sorted((ROOT / "gateway" / "store" / "schema").glob("*.sql"))
    store = sqlite3.connect(":memory:")
    at = next(i for i, step in enumerate(schema) if "CREATE TABLE claim" in step.read_text())
    for step in schema[:at]:
        store.executescript(step.read_text())
    rows = {f"npi:{NPI}": {"kind": "person", "name": "\u674e" * 500, "npi": NPI, "works_at": "harbor"},
            f"npi:{OTHER_NPI}": {"kind": "clinic", "name": "Clinic", "partner": "harbor"},
            "lakeside/kim": {"kind": "person", "name": "Kim"},
            "lakeside/blank": {"kind": "person", "name": " "}, "lakeside/odd": {"kind": "dog", "name": "Rex"},
            "nobody": {"kind": "person", "name": "No Partner"}}
    for handle, row in rows.items():
        store.execute("INSERT INTO received_person VALUES (?, ?)", (handle, json.dumps({"handle": handle, **row})))
    store.execute("INSERT INTO received_person VALUES ('lakeside/broken', '{')")
    store.executescript(schema[at].read_text())
    found = store.execute("SELECT p.name || '/' || key, kind, length(CAST(c.name AS BLOB)) FROM claim AS c "
                          "JOIN partner AS p ON p.id=c.partner WHERE state='new' ORDER BY 1").fetchall()
    assert found == [(f"earlier/{NPI}", "person", 150), (f"harbor/{OTHER_NPI}", "clinic", 6),
                     ("lakeside/kim", "person", 3)]
