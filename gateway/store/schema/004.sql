-- Schema version 4. A partner's cancel of a referral that never came: when it comes yet (a copy that
-- was long on its way), it is taken as cancelled. Retention lets go of these as of message ids.
CREATE TABLE early_cancel (
  partner TEXT NOT NULL, placer TEXT NOT NULL, number TEXT NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (partner, placer, number)) WITHOUT ROWID;
CREATE INDEX early_cancel_age ON early_cancel (at_ms);
