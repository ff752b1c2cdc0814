-- Secrets of customers' endpoints that were replaced. Each signs beside the newer ones until its own end, however often
-- the secret is rotated meanwhile; ended ones go at the next rotation.
CREATE TABLE endpoint_former_secrets (
    endpoint_id INTEGER NOT NULL REFERENCES endpoints (id),
    secret      BLOB    NOT NULL,                           -- sealed
    until       INTEGER NOT NULL
) STRICT;
CREATE INDEX endpoint_former_secrets_endpoint ON endpoint_former_secrets (endpoint_id);
INSERT INTO endpoint_former_secrets (endpoint_id, secret, until)
    SELECT id, previous_secret, previous_until FROM endpoints
    WHERE previous_secret IS NOT NULL AND previous_until IS NOT NULL;
ALTER TABLE endpoints DROP COLUMN previous_secret;
ALTER TABLE endpoints DROP COLUMN previous_until;
