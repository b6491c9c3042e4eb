-- Schema version 19. Rows of before lived time was kept (013) count from this upgrade on, and not by
-- the wall clock: one that is far ahead gave up and removed all of them at once.
UPDATE message SET lived_ms = coalesce(
    (SELECT CAST(substr(value, 1, instr(value, ' ')) AS INTEGER) FROM meta WHERE key = 'lived'),
    CAST(strftime('%s', 'now') AS INTEGER) * 1000)
  WHERE lived_ms = 0;
UPDATE record SET lived_ms = coalesce(
    (SELECT CAST(substr(value, 1, instr(value, ' ')) AS INTEGER) FROM meta WHERE key = 'lived'),
    CAST(strftime('%s', 'now') AS INTEGER) * 1000)
  WHERE lived_ms = 0;
