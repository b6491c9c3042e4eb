-- Schema version 1. Times are milliseconds since 1970-01-01 UTC. States are words, so that a person
-- with the sqlite3 shell can read them. `event` is append-only; states elsewhere are a cache of it.
--
-- Random texts that are looked up (message ids, record numbers, clients) have no index: their
-- keyed hashes are in memory and, in sorted runs, in key_page (gateway/store/journal/keys.h). Unique are
-- message (partner, message_id) and (partner, bundle_id) inbound, message (message_id) outbound,
-- record (clinic, kind, number) and referral (placer, number): store_add_... looks before it adds.
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE key_run (
  run INTEGER PRIMARY KEY, family INTEGER NOT NULL,
  upto INTEGER NOT NULL, upto_other INTEGER NOT NULL,             -- last rows whose keys are in runs
  filter BLOB NOT NULL);
CREATE TABLE key_page (
  run INTEGER NOT NULL, first INTEGER NOT NULL, first_row INTEGER NOT NULL, entries BLOB NOT NULL,
  PRIMARY KEY (run, first, first_row)) WITHOUT ROWID;

-- Bytes of messages and records as they came; reached only through payload_put and payload_get.
-- Those that a service took are in the journal beside this file.
CREATE TABLE payload (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);

-- Local records: our own, and those that partners sent, in the same words.
CREATE TABLE record (
  id INTEGER PRIMARY KEY,
  clinic TEXT NOT NULL, kind TEXT NOT NULL, number TEXT NOT NULL, -- the identity of a record
  origin TEXT NOT NULL,                                           -- 'own', or the partner
  hash BLOB NOT NULL,                                             -- SHA-256 of the canonical text
  client TEXT NOT NULL, referral INTEGER REFERENCES referral (id),
  accepted_ms INTEGER NOT NULL, payload INTEGER NOT NULL,
  attachments INTEGER,                                            -- a payload: a JSON list, as sent
  exported INTEGER NOT NULL DEFAULT 1);                           -- 0: records/in lacks its file
CREATE INDEX record_unexported ON record (id) WHERE exported = 0;

-- One row a referral, on either side.
CREATE TABLE referral (
  id INTEGER PRIMARY KEY,
  placer TEXT NOT NULL, number TEXT NOT NULL, filler TEXT NOT NULL, filler_number TEXT,
  role TEXT NOT NULL CHECK (role IN ('placer', 'filler')),
  partner TEXT NOT NULL,                                          -- the system of the other side
  client TEXT NOT NULL, service TEXT, priority TEXT,
  task_status TEXT NOT NULL, business_status TEXT, reason TEXT,
  abort_status TEXT,                                              -- NULL, requested, accepted, rejected;
                                                                  -- STATE-before of a cancel not yet confirmed
  visits_done INTEGER NOT NULL DEFAULT 0, visits_total INTEGER NOT NULL DEFAULT 0,
  valid_until TEXT, authored_at TEXT, created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL);
CREATE INDEX referral_filler ON referral (filler_number)
  WHERE filler_number IS NOT NULL AND role = 'placer';

CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
  partner TEXT NOT NULL,
  message_id TEXT NOT NULL, bundle_id TEXT NOT NULL, hash BLOB NOT NULL,
  event TEXT NOT NULL, kind TEXT NOT NULL,                        -- record kind, or the move's word
  recipient TEXT,                                                 -- out: the clinic addressed
  referral INTEGER REFERENCES referral (id), record INTEGER REFERENCES record (id),
  state TEXT NOT NULL, reason TEXT,
  due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL, settled_ms INTEGER,
  response_code TEXT, response_issues TEXT,                       -- what was, or was to be, answered
  response_to TEXT,                                               -- in: endpoint to name in the answer
  payload INTEGER NOT NULL);
CREATE INDEX message_due ON message (partner, due_ms) WHERE state = 'queued';
CREATE INDEX message_open ON message (referral, partner, id)
  WHERE state IN ('queued', 'sending', 'held') AND referral IS NOT NULL;
CREATE INDEX message_record ON message (record) WHERE record IS NOT NULL;
CREATE INDEX message_referral ON message (referral) WHERE referral IS NOT NULL;

CREATE TABLE attempt (
  id INTEGER PRIMARY KEY, message INTEGER NOT NULL REFERENCES message (id), at_ms INTEGER NOT NULL,
  outcome TEXT NOT NULL, status INTEGER, detail TEXT,
  connect_us INTEGER, tls_us INTEGER, first_byte_us INTEGER, total_us INTEGER);
CREATE INDEX attempt_message ON attempt (message);

CREATE TABLE event (
  seq INTEGER PRIMARY KEY,
  referral INTEGER REFERENCES referral (id), message INTEGER REFERENCES message (id),
  at_ms INTEGER NOT NULL, what TEXT NOT NULL, by TEXT, detail TEXT);
CREATE INDEX event_referral ON event (referral) WHERE referral IS NOT NULL;

-- The tray: one row for each recipient of a record of ours, from acceptance on.
CREATE TABLE release (
  id INTEGER PRIMARY KEY, record INTEGER NOT NULL REFERENCES record (id),
  recipient TEXT NOT NULL,                                        -- clinic
  addressed_as TEXT NOT NULL,                                     -- person or clinic as written
  partner TEXT NOT NULL, client TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'dropped')), reason TEXT,
  decided_ms INTEGER NOT NULL, message INTEGER REFERENCES message (id),
  UNIQUE (record, recipient));
CREATE INDEX release_client ON release (client);

-- People whom partners named and directory.csv does not know; directory.received.csv is made of it.
CREATE TABLE received_person (handle TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;

-- Our number of a client beside a partner's, confirmed.
CREATE TABLE client_link (
  client TEXT NOT NULL, clinic TEXT NOT NULL, number TEXT NOT NULL,
  PRIMARY KEY (client, clinic, number)) WITHOUT ROWID;

-- Every disclosure, receipt and refusal; each row holds the hash of the one before it.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, what TEXT NOT NULL,
  partner TEXT, subject TEXT, detail TEXT, hash BLOB NOT NULL);
