PRAGMA user_version=4;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES('audits',5);
INSERT INTO meta VALUES('journal','a78e7631e9f4daac 1 2088 f73d8ea93f439e22 32');
INSERT INTO meta VALUES('secret',X'e01bf4ee99acaa620f60ec57843b5054');
CREATE TABLE key_run (
  run INTEGER PRIMARY KEY, family INTEGER NOT NULL,
  upto INTEGER NOT NULL, upto_other INTEGER NOT NULL,             -- last rows whose keys are in runs
  filter BLOB NOT NULL);
CREATE TABLE key_page (
  run INTEGER NOT NULL, first INTEGER NOT NULL, first_row INTEGER NOT NULL, entries BLOB NOT NULL,
  PRIMARY KEY (run, first, first_row)) WITHOUT ROWID;
CREATE TABLE payload (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
INSERT INTO payload VALUES(1,X'7b227265636f7264223a22726566657272616c222c227265636f72645f6964223a22522d31222c22636c69656e745f6964223a22432d31222c22636c69656e745f66616d696c795f6e616d65223a224b616e617269656e766f67656c222c22636c69656e745f676976656e5f6e616d6573223a5b224d697261225d2c22636c69656e745f62697274685f64617465223a22313938342d30332d3039227d');
INSERT INTO payload VALUES(2,X'7b227265636f7264223a22636f6e73656e74222c227265636f72645f6964223a22434f4e2d31222c22636c69656e745f6964223a22432d31222c22636c69656e745f66616d696c795f6e616d65223a224b616e617269656e766f67656c222c22636c69656e745f676976656e5f6e616d6573223a5b224d697261225d2c22636c69656e745f62697274685f64617465223a22313938342d30332d3039227d');
INSERT INTO payload VALUES(3,X'626f6479206f662031');
INSERT INTO payload VALUES(4,X'7b227265636f7264223a22726566657272616c222c227265636f72645f6964223a22522d32222c22636c69656e745f6964223a22432d32222c22636c69656e745f66616d696c795f6e616d65223a224b616e617269656e766f67656c222c22636c69656e745f676976656e5f6e616d6573223a5b224d697261225d2c22636c69656e745f62697274685f64617465223a22313938342d30332d3039227d');
CREATE TABLE record (
  id INTEGER PRIMARY KEY,
  clinic TEXT NOT NULL, kind TEXT NOT NULL, number TEXT NOT NULL, -- the identity of a record
  origin TEXT NOT NULL,                                           -- 'own', or the partner
  hash BLOB NOT NULL,                                             -- SHA-256 of the canonical text
  client TEXT NOT NULL, referral INTEGER REFERENCES referral (id),
  accepted_ms INTEGER NOT NULL, payload INTEGER NOT NULL,
  attachments INTEGER,                                            -- a payload: a JSON list, as sent
  exported INTEGER NOT NULL DEFAULT 1);
INSERT INTO record VALUES(1,'willow','referral','R-1','own',X'0000000000000000000000000000000000000000000000000000000000000000','C-1',1,1000,1,NULL,1);
INSERT INTO record VALUES(2,'willow','consent','CON-1','own',X'0000000000000000000000000000000000000000000000000000000000000000','C-1',NULL,1000,2,NULL,1);
INSERT INTO record VALUES(3,'willow','referral','R-2','own',X'0000000000000000000000000000000000000000000000000000000000000000','C-2',2,1000,4,NULL,1);
INSERT INTO record VALUES(4,'harbor','referral','H-1','harbor',X'0000000000000000000000000000000000000000000000000000000000000000','HC-9',3,1000,4294967360,NULL,0);
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
INSERT INTO referral VALUES(1,'willow','R-1','lakeside',NULL,'placer','lakeside','C-1','massage-therapy',NULL,'requested',NULL,NULL,NULL,0,0,NULL,NULL,1000,1000);
INSERT INTO referral VALUES(2,'willow','R-2','riverbend',NULL,'placer','','C-2','massage-therapy',NULL,'draft',NULL,NULL,NULL,0,0,NULL,NULL,1000,1000);
INSERT INTO referral VALUES(3,'harbor','H-1','willow','willow-F-3','filler','harbor','HC-9','massage-therapy',NULL,'requested',NULL,NULL,NULL,0,0,NULL,NULL,1000,1000);
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
  payload INTEGER NOT NULL, behind INTEGER NOT NULL DEFAULT 0);
INSERT INTO message VALUES(1,'out','lakeside','m-1','b-1',X'0000000000000000000000000000000000000000000000000000000000000000','add-service-request','referral','lakeside',1,1,'sent',NULL,1000,0,1000,NULL,NULL,NULL,NULL,3,0);
INSERT INTO message VALUES(2,'in','harbor','m-2','b-2',X'0000000000000000000000000000000000000000000000000000000000000000','add-service-request','referral',NULL,3,4,'done',NULL,1100,0,1100,NULL,NULL,NULL,NULL,4294967536,0);
CREATE TABLE attempt (
  id INTEGER PRIMARY KEY, message INTEGER NOT NULL REFERENCES message (id), at_ms INTEGER NOT NULL,
  outcome TEXT NOT NULL, status INTEGER, detail TEXT,
  connect_us INTEGER, tls_us INTEGER, first_byte_us INTEGER, total_us INTEGER);
CREATE TABLE event (
  seq INTEGER PRIMARY KEY,
  referral INTEGER REFERENCES referral (id), message INTEGER REFERENCES message (id),
  at_ms INTEGER NOT NULL, what TEXT NOT NULL, by TEXT, detail TEXT);
INSERT INTO event VALUES(1,1,NULL,1000,'requested','willow/hawthorne',NULL);
CREATE TABLE release (
  id INTEGER PRIMARY KEY, record INTEGER NOT NULL REFERENCES record (id),
  recipient TEXT NOT NULL,                                        -- clinic
  addressed_as TEXT NOT NULL,                                     -- person or clinic as written
  partner TEXT NOT NULL, client TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'dropped')), reason TEXT,
  decided_ms INTEGER NOT NULL, message INTEGER REFERENCES message (id),
  UNIQUE (record, recipient));
INSERT INTO "release" VALUES(1,1,'lakeside','lakeside','lakeside','C-1','sent',NULL,0,1);
INSERT INTO "release" VALUES(2,3,'riverbend','riverbend','','C-2','waiting','no consent',0,NULL);
CREATE TABLE received_person (handle TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO received_person VALUES('harbor/smith','{"handle":"harbor/smith"}');
CREATE TABLE client_link (
  client TEXT NOT NULL, clinic TEXT NOT NULL, number TEXT NOT NULL,
  PRIMARY KEY (client, clinic, number)) WITHOUT ROWID;
INSERT INTO client_link VALUES('C-1','lakeside','LC-5');
CREATE TABLE IF NOT EXISTS "audit" (
  seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, what TEXT NOT NULL,
  partner TEXT, subject TEXT, detail TEXT, hash BLOB NOT NULL);
INSERT INTO audit VALUES(1,1000,'queued','lakeside','m-1','CON-1',X'ccaf2f5122c497ef80c86854505b77a3ceaa1df3afc8c93ab90061b7921685f1');
INSERT INTO audit VALUES(2,1001,'sent','lakeside','m-1',NULL,X'25e139e33a2501d983dda33807f0beeb4b4f14921f3172a32eaa9a813755e13a');
INSERT INTO audit VALUES(3,1002,'withheld','riverbend','R-2','no consent',X'67c6db2cce50ce444fd000feea5b73b1e6efeed32d303d1d7fc2f5b55f9dacad');
INSERT INTO audit VALUES(4,1003,'caller-refused','','','stranger',X'50803023f6c87de3a5ee8337351d1da1f8682a7d8dcd8f58ed0591b9c706b53d');
INSERT INTO audit VALUES(5,1100,'received','harbor','m-2','referral',X'00a8f1706d58233ee32072efab08f7e39e5f4e9baac0054657c896d3c4eb10d3');
CREATE TABLE early_cancel (
  partner TEXT NOT NULL, placer TEXT NOT NULL, number TEXT NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (partner, placer, number)) WITHOUT ROWID;
INSERT INTO early_cancel VALUES('harbor','harbor','H-77',1100);
CREATE INDEX record_unexported ON record (id) WHERE exported = 0;
CREATE INDEX referral_filler ON referral (filler_number)
  WHERE filler_number IS NOT NULL AND role = 'placer';
CREATE INDEX message_record ON message (record) WHERE record IS NOT NULL;
CREATE INDEX message_referral ON message (referral) WHERE referral IS NOT NULL;
CREATE INDEX attempt_message ON attempt (message);
CREATE INDEX event_referral ON event (referral) WHERE referral IS NOT NULL;
CREATE INDEX release_client ON release (client);
CREATE INDEX message_waiting ON message (partner, state, due_ms, created_ms)
  WHERE state = 'queued' OR state = 'sending' OR state = 'held' OR state = 'parked';
CREATE INDEX release_waiting ON release (client) WHERE state = 'waiting';
CREATE INDEX release_message ON release (message) WHERE message IS NOT NULL;
CREATE INDEX message_due ON message (partner, due_ms) WHERE state = 'queued' AND behind = 0;
CREATE INDEX early_cancel_age ON early_cancel (at_ms);
COMMIT;
