-- Schema version 18. `replaces`: the number of the record that one of ours takes the place of, ''
-- for none; NULL: the record is older or not ours, and its text is read. A retraction waits for no
-- other message of its referral any more. `settled_by` and the two behind it: a person has seen to a
-- difference that a partner told of.
ALTER TABLE record ADD COLUMN replaces TEXT;
CREATE INDEX record_replaces ON record (client, replaces) WHERE replaces <> '';
CREATE INDEX record_older ON record (client) WHERE origin IS NULL AND replaces IS NULL;
UPDATE message SET behind = 0 WHERE kind = 'retraction' AND behind = 1;
ALTER TABLE told ADD COLUMN settled_by TEXT;
ALTER TABLE told ADD COLUMN settled_ms INTEGER;
ALTER TABLE told ADD COLUMN settled_why TEXT;
