-- Schema version 10. Every group of changes that is promised takes the next tick, as its last statement:
-- the time of its commit in milliseconds, or one more than the tick before where that is later. So
-- ticks only rise, in the order of the commits, and are the times of last change too. Rows that are
-- read in this order hold the tick they were last changed at; 0: before ticks were counted.
INSERT INTO meta (key, value) VALUES ('tick', 0);
ALTER TABLE referral ADD COLUMN tick INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN tick INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN tick INTEGER NOT NULL DEFAULT 0;

-- The audit says who did it, what for, and about whom. A row with a tick is hashed with these and
-- with its partner's row; one without, as it was before, with the name that it names.
ALTER TABLE audit RENAME COLUMN partner TO partner_name;
ALTER TABLE audit ADD COLUMN tick INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN partner INTEGER REFERENCES partner (id);
ALTER TABLE audit ADD COLUMN actor TEXT;                          -- a handle, user:NAME, os:NAME; NULL: the gateway
ALTER TABLE audit ADD COLUMN purpose TEXT;                        -- treatment, care-coordination
ALTER TABLE audit ADD COLUMN client INTEGER;
