-- Events that programs read, beside those that endpoints are sent.

-- 1: kept for the readers of the account, in the documented format.
ALTER TABLE events ADD COLUMN is_told INTEGER NOT NULL DEFAULT 0 CHECK (is_told IN (0, 1));
CREATE INDEX events_told ON events (account_id, id) WHERE is_told = 1;

-- The keys that read: each event asks whether its account has one.
CREATE INDEX api_keys_readers ON api_keys (account_id) WHERE revoked_at IS NULL AND instr(scopes, 'read') > 0;
