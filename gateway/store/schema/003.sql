-- Schema version 3. `behind`: an open message of the same referral to the same partner stands
-- before this one, so it is not its turn. What is due is then found by its index alone, however
-- much is queued. Kept true by store_add_message and store_set_message.
ALTER TABLE message ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;
UPDATE message SET behind = 1
  WHERE (state = 'queued' OR state = 'sending' OR state = 'held') AND referral IS NOT NULL
    AND EXISTS (SELECT 1 FROM message AS e WHERE e.referral = message.referral
      AND e.partner = message.partner AND e.id < message.id
      AND (e.state = 'queued' OR e.state = 'sending' OR e.state = 'held'));
DROP INDEX IF EXISTS message_due;
CREATE INDEX message_due ON message (partner, due_ms) WHERE state = 'queued' AND behind = 0;
