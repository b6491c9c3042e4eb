-- Schema version 12. What partners say of people and clinics, and which of it a person of ours
-- confirmed. A claim decides nothing. Names are at most 200 bytes.
CREATE TABLE claim (
  id INTEGER PRIMARY KEY,
  partner INTEGER NOT NULL REFERENCES partner (id),
  key TEXT NOT NULL,                                              -- shown as PARTNER/key
  kind TEXT NOT NULL CHECK (kind IN ('person', 'clinic')),
  name TEXT NOT NULL, npi TEXT, profession TEXT, works_at TEXT,   -- as claimed
  first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('new', 'confirmed', 'ignored', 'merged')),
  handle TEXT,                                                    -- whom we take it for
  by TEXT, decided_ms INTEGER,
  UNIQUE (partner, key));
-- Of the new ones the oldest go first, of one partner and of all.
CREATE INDEX claim_partner_age ON claim (partner, last_ms, id) WHERE state = 'new';
CREATE INDEX claim_age ON claim (last_ms, id) WHERE state = 'new';

-- Confirmed people and clinics: they stand behind directory.csv, which wins.
CREATE TABLE place (
  handle TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('person', 'clinic')),
  name TEXT NOT NULL, npi TEXT, profession TEXT,
  works_at TEXT, partner INTEGER REFERENCES partner (id),         -- ours to say, never a partner's
  by TEXT, decided_ms INTEGER NOT NULL) WITHOUT ROWID;

-- Who was in directory.received.csv until now; who said so stands only in a handle's first half.
CREATE TEMP TABLE said AS
  SELECT
    CASE WHEN handle LIKE 'npi:%' THEN coalesce(json_extract(row, '$.partner'), 'earlier')
      ELSE substr(handle, 1, instr(handle, '/') - 1) END AS partner,
    CASE WHEN handle LIKE 'npi:%' THEN substr(handle, 5)
      ELSE substr(handle, instr(handle, '/') + 1) END AS key,
    json_extract(row, '$.kind') AS kind, substr(json_extract(row, '$.name'), 1, 50) AS name,
    json_extract(row, '$.npi') AS npi, substr(json_extract(row, '$.works_at'), 1, 64) AS works_at
  FROM received_person
  WHERE json_valid(row) AND json_extract(row, '$.kind') IN ('person', 'clinic')
    AND trim(coalesce(json_extract(row, '$.name'), '')) <> ''
    AND (handle LIKE 'npi:%' OR instr(handle, '/') > 1)
  ORDER BY handle LIMIT 20000;
INSERT INTO partner (name) SELECT DISTINCT partner FROM said
  WHERE partner NOT IN (SELECT name FROM partner WHERE retired_ms IS NULL);
INSERT OR IGNORE INTO claim (partner, key, kind, name, npi, works_at, first_ms, last_ms, state)
  SELECT p.id, key, kind, said.name, npi, works_at, 1, 1, 'new'
  FROM said JOIN partner AS p ON p.name=said.partner AND p.retired_ms IS NULL;
DROP TABLE said;
DROP TABLE received_person;
