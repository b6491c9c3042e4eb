-- Schema version 21. A consent under a number that no other record has may be of somebody whom we
-- know by another: those born on that day are looked at.
CREATE INDEX client_born ON client (birth_date) WHERE birth_date IS NOT NULL;
