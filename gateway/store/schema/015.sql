-- Schema version 15. Bytes in table payload have a checksum (XXH64, as a whole number; NULL: of an
-- earlier build), and so have the pages and filters of look-up keys, which are made again from the
-- rows.
ALTER TABLE payload ADD COLUMN sum INTEGER;
DELETE FROM key_page;
DELETE FROM key_run;
