-- From where a key is good, and the lists of people that a key reads.

-- Addresses and networks with commas between them; empty: from anywhere.
ALTER TABLE api_keys ADD COLUMN addresses TEXT NOT NULL DEFAULT '';

-- People and conversations, newest first.
CREATE INDEX contacts_account ON contacts (account_id, created_at);
CREATE INDEX conversations_account ON conversations (account_id, last_message_at);
CREATE INDEX conversations_instance ON conversations (instance_id, last_message_at);
