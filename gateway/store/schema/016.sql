-- Schema version 16. What is compared of a referral's client (fhir/client/match.h), as JSON: its name,
-- birth date and numbers, as the placer wrote them last. NULL: the referral is older, and its record
-- is read.
ALTER TABLE referral ADD COLUMN client_facts TEXT;
