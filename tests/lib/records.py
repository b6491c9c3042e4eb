"""Local records for tests, with dates around today, and message Bundles made unique by the thousand.

Every made-up client carries names that occur nowhere else, so that a log can be searched for them
(CANARIES). The people are those of config/examples/records/directory.csv.
"""
import datetime
import hashlib
import itertools
import re
import uuid

FAMILY, GIVEN, BORN = "Kanarienvogel-Oduya", "Zsófia Quillon", "1971-04-13"
REASON = "Schulterblattklemme beim Geigen"
STREET = "77 Kolibri Passage"
CANARIES = ["Kanarienvogel", "Quillon", BORN, "Schulterblattklemme", "Kolibri Passage", "Geheimwort"]

WRITERS = {"lakeside": "osei", "willow": "alvarez", "riverbend": "tanaka", "harbor": "obrien"}
_numbers = itertools.count(1)


def today(days=0):
    return (datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days)).isoformat()


def moment(hours=0):
    """A time with seconds and offset, HOURS from now."""
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return at.replace(microsecond=0).isoformat()


def _head(kind, writer, number, prefix, client):
    count = next(_numbers)  # each is written a second after the one before
    return {"record": kind, "record_id": number or f"{prefix}-{count:05}",
            "written_at": moment(-1 + count % 3000 / 3600), "written_by": writer,
            "client_id": client, "client_family_name": FAMILY, "client_given_names": GIVEN,
            "client_birth_date": BORN}


def referral(number=None, by="osei", to="willow", client="C-1", **more):
    return {**_head("referral", by, number, "R", client), "client_address": STREET, "referred_to": to,
            "service": "massage-therapy", "reason": REASON,
            "diagnoses": [{"code": "M54.2", "text": "Neck pain"}], "visits_requested": 6, **more}


def note(referral_id, number=None, by="alvarez", client="C-1", visit=1, **more):
    return {**_head("progress-note", by, number, "N", client), "referral_id": referral_id,
            "visit_at": moment(-2), "visit_minutes": 60, "visit_number": visit,
            "subjective": f"{REASON}, visit {visit}", "private_note": "Geheimwort",
            "measurements": [{"measure": "pain-now", "value": 7, "unit": "/10"}], **more}


def discharge(referral_id, number=None, by="alvarez", client="C-1", **more):
    return {**_head("discharge-summary", by, number, "D", client), "referral_id": referral_id,
            "first_visit_on": today(-30), "last_visit_on": today(-1), "visits_completed": 6,
            "discharge_reason": "goals-met", "outcome": f"{REASON}: better", **more}


def conference(who, number=None, by="alvarez", client="C-1", **more):
    return {**_head("case-conference", by, number, "CC", client), "held_at": moment(-3), "minutes": 30,
            "participants": [{"who": handle} for handle in who], "summary": f"{REASON}, all agree", **more}


def plan(team, number=None, by="alvarez", client="C-1", **more):
    return {**_head("treatment-plan", by, number, "P", client), "title": "Shared plan",
            "starts_on": today(-1), "team": [{"who": handle} for handle in team],
            "goals": [{"text": "Sit without pain"}],
            "steps": [{"text": "Soft tissue work", "owner": by}], **more}


def consent(share_from, share_with, number=None, client="C-1", **more):
    """An open permission of today; any field can be given otherwise."""
    return {**_head("consent", WRITERS[share_from], number, "K", client), "status": "active",
            "decision": "allow", "given_by": "client", "method": "written", "valid_from": today(-60),
            "valid_until": today(300), "share_from": share_from, "share_with": list(share_with),
            "purposes": ["treatment", "care-coordination"], "covers": ["all"], **more}


# ---- messages ----

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def renamed(bundle, seed, numbers=None):
    """The Bundle text with every UUID made anew from SEED, and NUMBERS (old: new) replaced."""
    space = uuid.UUID(hashlib.md5(str(seed).encode()).hexdigest())
    text = _UUID.sub(lambda found: str(uuid.uuid5(space, found.group())), bundle)
    for old, new in (numbers or {}).items():
        text = text.replace(old, new)
    return text


class Messages:
    """Referral messages from one template Bundle: number I differs from every other in ids and in the
    referral's number, and is the same whenever it is asked for."""

    def __init__(self, template, number, prefix="B"):
        self.template, self.number, self.prefix = template, number, prefix

    def referral_number(self, i):
        return f"{self.prefix}-{i:07}"

    def message(self, i):
        return renamed(self.template, f"{self.prefix}/{i}", {self.number: self.referral_number(i)})
