-- Schema version 20. `cause`: why a message stands in its state, where that decides something: a
-- word of store.h (STORE_CAUSE_...). It stood in the sentence for people only. One that waits to be
-- tried again learns it at its next try.
ALTER TABLE message ADD COLUMN cause TEXT;
UPDATE message SET cause = 'by-hand'
  WHERE direction = 'out' AND state = 'parked' AND reason = 'park by command';
UPDATE message SET cause = 'returned'
  WHERE direction = 'out' AND state = 'rejected' AND reason LIKE 'returned by %';
