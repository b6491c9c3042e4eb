-- Schema version 14. After a restore partners are asked for what the backup lacked (gateway/referral/recall.h).
-- recalled: whose restore we answered last, and from when (lived time) we answer another one. told:
-- where a partner says that a referral stands, which stands elsewhere here (`ours`, then) or is not
-- here at all (NULL).
CREATE TABLE recalled (
  partner INTEGER PRIMARY KEY REFERENCES partner (id), epoch TEXT NOT NULL, again_ms INTEGER NOT NULL);
CREATE TABLE told (
  partner INTEGER NOT NULL REFERENCES partner (id),
  placer TEXT NOT NULL, number TEXT NOT NULL, status TEXT NOT NULL, ours TEXT, at_ms INTEGER NOT NULL,
  PRIMARY KEY (partner, placer, number)) WITHOUT ROWID;
