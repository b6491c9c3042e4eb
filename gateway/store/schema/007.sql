-- Schema version 7. A record may be retracted by the clinic that wrote it: the code of
-- fhir/codes/reasons.csv, and when. It is never deleted. A retraction of a record that is not here
-- is remembered, because a copy of that record may still be on its way; `kind` is '' when the
-- sender did not say it. Retention lets go of these as of message ids.
ALTER TABLE record ADD COLUMN retracted TEXT;
ALTER TABLE record ADD COLUMN retracted_ms INTEGER NOT NULL DEFAULT 0;
CREATE TABLE early_retraction (
  clinic TEXT NOT NULL, number TEXT NOT NULL, kind TEXT NOT NULL, code TEXT NOT NULL,
  at_ms INTEGER NOT NULL, PRIMARY KEY (clinic, number, kind)) WITHOUT ROWID;
CREATE INDEX early_retraction_age ON early_retraction (at_ms);
