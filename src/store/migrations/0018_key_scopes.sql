-- What a key is good for: words with commas between them. The keys that are there could send, and nothing else.
ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT 'send';
