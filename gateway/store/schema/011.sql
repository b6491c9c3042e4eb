-- Schema version 11. Clients are rows, told by whose number it is: a partner's client is another than
-- ours of the same number. Other tables hold their ids. What is said of a client is what the last
-- record said that was accepted.
CREATE TABLE client (
  id INTEGER PRIMARY KEY,
  owner INTEGER REFERENCES partner (id),                          -- whose number it is; NULL: ours
  number TEXT NOT NULL,
  family_name TEXT, given_names TEXT, birth_date TEXT,
  state TEXT NOT NULL DEFAULT 'active');
INSERT INTO client (owner, number)
  SELECT origin, client FROM record
  UNION SELECT CASE role WHEN 'placer' THEN NULL ELSE partner END, client FROM referral
  UNION SELECT NULL, client FROM release UNION SELECT NULL, client FROM client_link;
CREATE INDEX client_number ON client (number);

ALTER TABLE record ADD COLUMN client_row INTEGER REFERENCES client (id);
UPDATE record SET client_row=(SELECT c.id FROM client AS c
  WHERE c.number=record.client AND c.owner IS record.origin);
ALTER TABLE record DROP COLUMN client;
ALTER TABLE record RENAME COLUMN client_row TO client;
CREATE INDEX record_client ON record (client);

ALTER TABLE referral ADD COLUMN client_row INTEGER REFERENCES client (id);
UPDATE referral SET client_row=(SELECT c.id FROM client AS c WHERE c.number=referral.client
  AND c.owner IS CASE role WHEN 'placer' THEN NULL ELSE partner END);
ALTER TABLE referral DROP COLUMN client;
ALTER TABLE referral RENAME COLUMN client_row TO client;

DROP INDEX release_client;
DROP INDEX release_waiting;
ALTER TABLE release ADD COLUMN client_row INTEGER REFERENCES client (id);
UPDATE release SET client_row=(SELECT c.id FROM client AS c
  WHERE c.number=release.client AND c.owner IS NULL);
ALTER TABLE release DROP COLUMN client;
ALTER TABLE release RENAME COLUMN client_row TO client;
CREATE INDEX release_client ON release (client);
CREATE INDEX release_waiting ON release (client) WHERE state = 'waiting';

CREATE TABLE client_link_rows (
  client INTEGER NOT NULL REFERENCES client (id), clinic TEXT NOT NULL, number TEXT NOT NULL,
  PRIMARY KEY (client, clinic, number)) WITHOUT ROWID;
INSERT INTO client_link_rows SELECT (SELECT c.id FROM client AS c
  WHERE c.number=client_link.client AND c.owner IS NULL), clinic, number FROM client_link;
DROP TABLE client_link;
ALTER TABLE client_link_rows RENAME TO client_link;

-- Looked up by keys from now on (gateway/store/journal/keys.h).
DROP INDEX client_number;
