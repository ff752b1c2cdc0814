-- What the portal's message log asks for: an account's rows by time, by recipient, by reference, and the few that need a
-- look, each newest first.
CREATE INDEX messages_account ON messages (account_id, created_at);
CREATE INDEX messages_recipient ON messages (account_id, recipient, created_at);
CREATE INDEX messages_reference ON messages (account_id, reference) WHERE reference IS NOT NULL;
CREATE INDEX messages_trouble ON messages (account_id, status, created_at) WHERE status IN ('failed', 'unknown', 'blocked');
CREATE INDEX inbound_messages_account ON inbound_messages (account_id, created_at);
