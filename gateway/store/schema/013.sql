-- Schema version 13: order after a refusal, epochs, and lived time.
--
-- lived_ms: when the row got its present state, by the store's own lived time (store_lived_ms), which
-- no setting of the wall clock moves; 0: an older row, for which the wall clock counts.
-- moved_from: of a move of ours, the Task state (and abort state) it was made in, so that giving the
-- move up can put the referral back. refusals: how often the partner answered that this message came
-- too early. answer_mark: enters the ids of our answer; NULL for the first judgement before any
-- restore.
ALTER TABLE message ADD COLUMN lived_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN moved_from TEXT;
ALTER TABLE message ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN answer_mark TEXT;
ALTER TABLE record ADD COLUMN lived_ms INTEGER NOT NULL DEFAULT 0;

-- Refused because something that belongs before it had not come: judged anew when it comes again.
UPDATE message SET state = 'early'
  WHERE direction = 'in' AND state = 'refused'
    AND (response_issues LIKE '%"code":"not-found"%'
         OR response_issues LIKE '%"code":"business-rule"%');

-- A parked message is not settled: what follows it waits.
UPDATE message SET behind = 1
  WHERE (state = 'queued' OR state = 'sending' OR state = 'held' OR state = 'parked')
    AND referral IS NOT NULL
    AND EXISTS (SELECT 1 FROM message AS e WHERE e.referral = message.referral
      AND e.partner = message.partner AND e.id < message.id
      AND (e.state = 'queued' OR e.state = 'sending' OR e.state = 'held' OR e.state = 'parked'));
