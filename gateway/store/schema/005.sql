-- Schema version 5. Why a referral was declined, paused, ended or cancelled is a code of
-- fhir/codes/reasons.csv; `reason` holds the words beside "other", or what a partner said without a
-- code that is known.
ALTER TABLE referral ADD COLUMN reason_code TEXT;
