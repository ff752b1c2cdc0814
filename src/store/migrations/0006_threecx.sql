-- The 3CX middleware: integrations, their templates, cooldowns, seen signatures, the request log; and endpoints that a
-- part of the gateway manages for its owner.

-- What else an endpoint may be than a customer's own: its bytes can have another format, further headers can go with
-- them, and a part of the gateway can own it.
ALTER TABLE endpoints ADD COLUMN format TEXT NOT NULL DEFAULT 'event' CHECK (format IN ('event', 'sms', 'chattu'));
ALTER TABLE endpoints ADD COLUMN sms_number TEXT;          -- format sms: the number that people wrote to
ALTER TABLE endpoints ADD COLUMN headers BLOB;             -- sealed JSON object of further headers; null: none
ALTER TABLE endpoints ADD COLUMN managed_by TEXT;          -- '3cx:' and the integration; null: the customer himself
ALTER TABLE endpoints ADD COLUMN module TEXT;              -- gets nothing while the account lacks it; null: always

-- A telephone system that is tied to an instance. Secrets are sealed; rotated ones are good until previous_until.
CREATE TABLE threecx_integrations (
    id                  TEXT    NOT NULL PRIMARY KEY,      -- stands in its addresses; nobody can guess it
    account_id          INTEGER NOT NULL REFERENCES accounts (id),
    instance_id         TEXT    NOT NULL REFERENCES instances (id),
    name                TEXT    NOT NULL,
    secret              BLOB    NOT NULL,
    signing_secret      BLOB    NOT NULL,
    previous_secret     BLOB,
    previous_signing    BLOB,
    previous_until      INTEGER,
    enabled             INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    inbound_enabled     INTEGER NOT NULL CHECK (inbound_enabled IN (0, 1)),
    outbound_enabled    INTEGER NOT NULL CHECK (outbound_enabled IN (0, 1)),
    call_events_enabled INTEGER NOT NULL CHECK (call_events_enabled IN (0, 1)),
    signing_enabled     INTEGER NOT NULL CHECK (signing_enabled IN (0, 1)),
    facade_while_signing INTEGER NOT NULL CHECK (facade_while_signing IN (0, 1)),
    strict_mode         INTEGER NOT NULL CHECK (strict_mode IN (0, 1)),
    window_hours        INTEGER NOT NULL CHECK (window_hours BETWEEN 1 AND 168),
    allowlist           TEXT    NOT NULL,                  -- JSON list of networks; empty: from anywhere
    business_name       TEXT    NOT NULL,
    mode                TEXT    NOT NULL CHECK (mode IN ('event', 'sms')),
    destination_url     TEXT,                              -- where inbound messages go; null: nowhere
    trunk_number        TEXT,                              -- mode sms: E.164
    endpoint_id         INTEGER REFERENCES endpoints (id), -- null: nothing is forwarded
    created_at          INTEGER NOT NULL
) STRICT;
CREATE INDEX threecx_integrations_account ON threecx_integrations (account_id);

-- What a call event sends. No row: off, with the built-in text.
CREATE TABLE threecx_templates (
    integration_id TEXT    NOT NULL REFERENCES threecx_integrations (id),
    event_type     TEXT    NOT NULL,
    enabled        INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    text           TEXT    NOT NULL,
    PRIMARY KEY (integration_id, event_type)
) STRICT, WITHOUT ROWID;

-- Whom a call event wrote to lately. Claimed before the message goes out, given back when it certainly did not.
CREATE TABLE threecx_cooldowns (
    integration_id TEXT    NOT NULL REFERENCES threecx_integrations (id),
    event_type     TEXT    NOT NULL,
    recipient      TEXT    NOT NULL,
    until          INTEGER NOT NULL,
    PRIMARY KEY (integration_id, event_type, recipient)
) STRICT, WITHOUT ROWID;

-- Signatures that were used, until they would be stale anyway.
CREATE TABLE threecx_signatures (
    signature BLOB    NOT NULL PRIMARY KEY,
    until     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX threecx_signatures_until ON threecx_signatures (until);

-- Authenticated requests, the last hundred of each integration. No secret, no text, no whole number.
CREATE TABLE threecx_requests (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    integration_id  TEXT    NOT NULL REFERENCES threecx_integrations (id),
    at              INTEGER NOT NULL,
    via             TEXT    NOT NULL CHECK (via IN ('webhook', 'sms')),
    event_type      TEXT    NOT NULL,                      -- '' where it could not be read
    outcome         TEXT    NOT NULL,                      -- sent, accepted, recorded, skipped, ok, or the refusal's code
    reason          TEXT,
    phone           TEXT,                                  -- masked
    conversation_id TEXT,
    agent_extension TEXT,
    log_id          INTEGER,
    request_id      TEXT    NOT NULL,
    repeats         INTEGER NOT NULL DEFAULT 0             -- further ones with the same outcome, one after the other
) STRICT;
CREATE INDEX threecx_requests_integration ON threecx_requests (integration_id, id);

-- How often which outcome.
CREATE TABLE threecx_counters (
    integration_id TEXT    NOT NULL REFERENCES threecx_integrations (id),
    outcome        TEXT    NOT NULL,
    count          INTEGER NOT NULL,
    last_at        INTEGER NOT NULL,
    PRIMARY KEY (integration_id, outcome)
) STRICT, WITHOUT ROWID;
