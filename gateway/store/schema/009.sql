-- Schema version 9: the grant is kept with its message. Which handles may receive it and which consent
-- rows say so stand in the tray's row of the message; what was queued before has none, and is
-- composed anew at its next try. `turn`: a message that was made anew goes where the first one stood
-- in its referral's order. `again_ms`: when a waiting record may be let go by itself.
ALTER TABLE release ADD COLUMN granted_to TEXT;
ALTER TABLE release ADD COLUMN consents TEXT;
ALTER TABLE release ADD COLUMN again_ms INTEGER;
ALTER TABLE message ADD COLUMN turn INTEGER;
