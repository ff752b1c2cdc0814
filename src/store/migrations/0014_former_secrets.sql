-- Secrets of customers' endpoints that were replaced more than once within a day: those before endpoints.previous_secret.
-- Each signs beside the newer ones until its own end; ended ones go at the next rotation.
CREATE TABLE endpoint_former_secrets (
    endpoint_id INTEGER NOT NULL REFERENCES endpoints (id),
    secret      BLOB    NOT NULL,                           -- sealed
    until       INTEGER NOT NULL
) STRICT;
CREATE INDEX endpoint_former_secrets_endpoint ON endpoint_former_secrets (endpoint_id);
