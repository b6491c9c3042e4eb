-- Schema version 6. Partners are rows: other tables hold their ids, so a new name changes one row,
-- and a name that is used again after its partner was removed is another row. The ledger's keys are
-- made anew, of ids.
CREATE TABLE partner (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL,
  retired_ms INTEGER);                                            -- NULL: its name is in use
CREATE UNIQUE INDEX partner_name ON partner (name) WHERE retired_ms IS NULL;
INSERT INTO partner (name)
  SELECT partner FROM message UNION SELECT partner FROM referral WHERE partner<>''
  UNION SELECT partner FROM release WHERE partner<>'' UNION SELECT partner FROM early_cancel
  UNION SELECT origin FROM record WHERE origin<>'own';

-- NULL: one of our own.
ALTER TABLE record ADD COLUMN origin_row INTEGER REFERENCES partner (id);
UPDATE record SET origin_row=(SELECT p.id FROM partner AS p
  WHERE p.retired_ms IS NULL AND p.name=record.origin) WHERE origin<>'own';
ALTER TABLE record DROP COLUMN origin;
ALTER TABLE record RENAME COLUMN origin_row TO origin;

-- NULL: it has not left yet.
ALTER TABLE referral ADD COLUMN partner_row INTEGER REFERENCES partner (id);
UPDATE referral SET partner_row=(SELECT p.id FROM partner AS p
  WHERE p.retired_ms IS NULL AND p.name=referral.partner);
ALTER TABLE referral DROP COLUMN partner;
ALTER TABLE referral RENAME COLUMN partner_row TO partner;

DROP INDEX message_waiting;
DROP INDEX message_due;
ALTER TABLE message ADD COLUMN partner_row INTEGER NOT NULL DEFAULT 0;
UPDATE message SET partner_row=(SELECT p.id FROM partner AS p
  WHERE p.retired_ms IS NULL AND p.name=message.partner);
ALTER TABLE message DROP COLUMN partner;
ALTER TABLE message RENAME COLUMN partner_row TO partner;
CREATE INDEX message_waiting ON message (partner, state, due_ms, created_ms)
  WHERE state = 'queued' OR state = 'sending' OR state = 'held' OR state = 'parked';
CREATE INDEX message_due ON message (partner, due_ms) WHERE state = 'queued' AND behind = 0;

-- NULL: not decided yet.
ALTER TABLE release ADD COLUMN partner_row INTEGER REFERENCES partner (id);
UPDATE release SET partner_row=(SELECT p.id FROM partner AS p
  WHERE p.retired_ms IS NULL AND p.name=release.partner);
ALTER TABLE release DROP COLUMN partner;
ALTER TABLE release RENAME COLUMN partner_row TO partner;

CREATE TABLE early_cancel_rows (
  partner INTEGER NOT NULL REFERENCES partner (id),
  placer TEXT NOT NULL, number TEXT NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (partner, placer, number)) WITHOUT ROWID;
INSERT INTO early_cancel_rows SELECT (SELECT p.id FROM partner AS p
  WHERE p.retired_ms IS NULL AND p.name=early_cancel.partner), placer, number, at_ms
  FROM early_cancel;
DROP TABLE early_cancel;
ALTER TABLE early_cancel_rows RENAME TO early_cancel;
CREATE INDEX early_cancel_age ON early_cancel (at_ms);

DELETE FROM key_page WHERE run IN (SELECT run FROM key_run WHERE family=0);
DELETE FROM key_run WHERE family=0;
