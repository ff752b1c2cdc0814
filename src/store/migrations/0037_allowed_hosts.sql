-- A text that an admin found honest passes with links to the hosts that it had then: apart by a space; null: as before, with
-- any.
ALTER TABLE judgements ADD COLUMN hosts TEXT;
