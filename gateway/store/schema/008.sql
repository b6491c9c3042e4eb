-- Schema version 8. A record about another client than its referral waits for a person.
--
-- The record that corrected a referral last: its client is the one that notes are compared with.
ALTER TABLE referral ADD COLUMN corrected_by INTEGER REFERENCES record (id);
UPDATE referral SET corrected_by = last.id
  FROM (SELECT referral, max(id) AS id FROM record WHERE kind = 'referral' AND referral IS NOT NULL
        GROUP BY referral HAVING count(*) > 1) AS last
  WHERE last.referral = referral.id;

-- Who said that a record in the tray is about the right client, and of which contradiction.
ALTER TABLE release ADD COLUMN confirmed_by TEXT;
ALTER TABLE release ADD COLUMN confirmed_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE release ADD COLUMN confirmed_what TEXT;

-- Received records that contradict the client of the referral they name. While one is not attached,
-- its row in `record` belongs to no referral.
CREATE TABLE to_match (
  record INTEGER PRIMARY KEY REFERENCES record (id),
  referral INTEGER NOT NULL REFERENCES referral (id),             -- that it names
  message INTEGER NOT NULL,                                       -- that brought it
  state TEXT NOT NULL CHECK (state IN ('to match', 'attached', 'kept apart', 'returned')),
  what TEXT NOT NULL, by TEXT, at_ms INTEGER NOT NULL, decided_ms INTEGER NOT NULL DEFAULT 0);
CREATE INDEX to_match_open ON to_match (record) WHERE state = 'to match';
