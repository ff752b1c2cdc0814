-- One person, one contact, under every name. The merging itself is done by one_person.rs, in the same transaction.

-- 1: the other form of a number that has two, put there so that either finds the person; nobody has used it yet.
ALTER TABLE contact_identities ADD COLUMN is_variant INTEGER NOT NULL DEFAULT 0 CHECK (is_variant IN (0, 1));

-- A call opens the conversation window, as a message does.
CREATE INDEX calls_contact ON calls (contact_id, instance_id, started_at);
