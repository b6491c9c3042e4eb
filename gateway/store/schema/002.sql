-- Schema version 2: less work for each row that is added.
--
-- One index holds all that waits. Its words are told by OR, not by IN: SQLite makes a table of the
-- words of an IN for every row. Queries repeat them exactly, else the index does not serve. What
-- stands before a message of the same referral is found by message_referral.
DROP INDEX message_due;
DROP INDEX message_open;
CREATE INDEX message_waiting ON message (partner, state, due_ms, created_ms)
  WHERE state = 'queued' OR state = 'sending' OR state = 'held' OR state = 'parked';

-- How many audit rows were ever added stands in meta, written once a commit.
INSERT INTO meta (key, value)
  SELECT 'audits', coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0);
CREATE TABLE audit_rows (
  seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, what TEXT NOT NULL,
  partner TEXT, subject TEXT, detail TEXT, hash BLOB NOT NULL);
INSERT INTO audit_rows (seq, at_ms, what, partner, subject, detail, hash)
  SELECT seq, at_ms, what, partner, subject, detail, hash FROM audit;
DROP TABLE audit;
ALTER TABLE audit_rows RENAME TO audit;

-- The tray by what is asked of it: whose turn it is, and what a message was released by.
CREATE INDEX release_waiting ON release (client) WHERE state = 'waiting';
CREATE INDEX release_message ON release (message) WHERE message IS NOT NULL;
