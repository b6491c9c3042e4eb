-- Schema version 17. What a partner says about a referral (accepted, declined, ...) becomes a file in
-- records/in. seq counts within a referral and stands in the file's name, so a file that is made again
-- has the same name. exported 0: records/in lacks its file.
CREATE TABLE answer (
  id INTEGER PRIMARY KEY,
  referral INTEGER NOT NULL, seq INTEGER NOT NULL,
  clinic TEXT NOT NULL, move TEXT NOT NULL,                       -- of track.def
  by TEXT, code TEXT, reason TEXT,
  visits_done INTEGER NOT NULL, visits_total INTEGER NOT NULL,
  at_ms INTEGER NOT NULL, exported INTEGER NOT NULL DEFAULT 0,
  UNIQUE (referral, seq));
CREATE INDEX answer_unexported ON answer (id) WHERE exported = 0;

-- Refused messages are listed until a person has seen them.
CREATE INDEX message_rejected ON message (id) WHERE state = 'rejected';
