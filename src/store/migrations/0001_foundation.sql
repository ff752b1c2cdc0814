-- Foundation: customers and their limits, people who log in, numbers, contacts, the message log, what the guard decided.
--
-- Times are milliseconds since the Unix epoch, UTC. Days are 'YYYY-MM-DD' and months 'YYYY-MM' of the account's zone.
-- The meaning of a column never changes; a new meaning is a new column in a new migration.

-- Marks the file as ours ("WAgw"), in the same transaction as everything else.
PRAGMA application_id = 1463904119;

-- What an account may send; the three of the contract, as data.
CREATE TABLE plans (
    id      TEXT    NOT NULL PRIMARY KEY,
    name    TEXT    NOT NULL,
    daily   INTEGER NOT NULL CHECK (daily >= 0),
    monthly INTEGER NOT NULL CHECK (monthly >= 0)
) STRICT;
INSERT INTO plans (id, name, daily, monthly) VALUES
    ('starter', 'Starter', 100, 2000), ('growth', 'Growth', 500, 10000), ('scale', 'Scale', 1500, 30000);

-- A customer of the gateway. A changed zone waits in next_timezone until next_timezone_from.
CREATE TABLE accounts (
    id                 INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name               TEXT    NOT NULL,
    timezone           TEXT    NOT NULL,
    next_timezone      TEXT,
    next_timezone_from INTEGER,
    region             TEXT,                                -- default region for national numbers; null: none
    language           TEXT    NOT NULL DEFAULT 'en',
    plan               TEXT REFERENCES plans (id),          -- null: no plan
    plan_until         INTEGER,                             -- null: open end
    created_at         INTEGER NOT NULL,
    CHECK ((next_timezone IS NULL) = (next_timezone_from IS NULL))
) STRICT;

-- Modules on an account's list. Not listed: not in plan; listed and not enabled: switched off.
CREATE TABLE account_modules (
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    module     TEXT    NOT NULL CHECK (module IN ('api_access', '3cx', 'chattu')),
    enabled    INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    PRIMARY KEY (account_id, module)
) STRICT, WITHOUT ROWID;

-- Reviewed higher limits. The newest that is neither ended nor withdrawn holds; a null figure leaves the plan's.
CREATE TABLE granted_limits (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id   INTEGER NOT NULL REFERENCES accounts (id),
    daily        INTEGER CHECK (daily >= 0),
    monthly      INTEGER CHECK (monthly >= 0),
    reason       TEXT    NOT NULL,
    granted_by   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    until        INTEGER,
    withdrawn_at INTEGER
) STRICT;
CREATE INDEX granted_limits_account ON granted_limits (account_id, id);

-- People who log in. An admin runs the appliance and needs no account.
CREATE TABLE users (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id    INTEGER REFERENCES accounts (id),
    email         TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    role          TEXT    NOT NULL CHECK (role IN ('admin', 'owner', 'viewer')),
    password_hash TEXT,                                     -- PHC string of Argon2id; null: no password yet
    language      TEXT,
    created_at    INTEGER NOT NULL,
    disabled_at   INTEGER,
    CHECK (role = 'admin' OR account_id IS NOT NULL)
) STRICT;

-- One-time links: set-up, first password, login. Only the hash of the token is kept.
CREATE TABLE login_links (
    token_hash BLOB    NOT NULL PRIMARY KEY,
    user_id    INTEGER REFERENCES users (id),               -- null: the set-up link, before there is a user
    purpose    TEXT    NOT NULL CHECK (purpose IN ('setup', 'password', 'login')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT, WITHOUT ROWID;

-- Sessions of the portal. Only the hash of the cookie is kept.
CREATE TABLE sessions (
    token_hash   BLOB    NOT NULL PRIMARY KEY,
    user_id      INTEGER NOT NULL REFERENCES users (id),
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,                          -- absolute end, whatever the use
    user_agent   TEXT    NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user_id);

-- API keys. The key itself is never kept: SHA-256 of its text, and its first characters for people to tell it by.
CREATE TABLE api_keys (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id   INTEGER NOT NULL REFERENCES accounts (id),
    name         TEXT    NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('bearer', 'chattu')),
    is_test      INTEGER NOT NULL CHECK (is_test IN (0, 1)),
    prefix       TEXT    NOT NULL,
    hash         BLOB    NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER                                    -- written at most once a minute
) STRICT;
CREATE INDEX api_keys_account ON api_keys (account_id);

-- The instances that a key may use; no row: all of its account.
CREATE TABLE api_key_instances (
    key_id      INTEGER NOT NULL REFERENCES api_keys (id),
    instance_id TEXT    NOT NULL,
    PRIMARY KEY (key_id, instance_id)
) STRICT, WITHOUT ROWID;

-- WhatsApp numbers. The id stays taken after deletion, because the log speaks of it.
CREATE TABLE instances (
    id           TEXT    NOT NULL PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES accounts (id),
    name         TEXT    NOT NULL,
    connector    TEXT    NOT NULL,
    settings     TEXT    NOT NULL DEFAULT '{}',             -- JSON object of text to text; no secrets
    state        TEXT    NOT NULL,
    state_reason TEXT,
    health       TEXT    NOT NULL DEFAULT 'ok',
    phone        TEXT,
    paused_at    INTEGER,
    pause_reason TEXT,
    created_at   INTEGER NOT NULL,
    deleted_at   INTEGER
) STRICT;
CREATE INDEX instances_account ON instances (account_id);

-- One row for each pause for review: the evidence, and how it ended.
CREATE TABLE reviews (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT    NOT NULL REFERENCES instances (id),
    opened_at   INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    evidence    TEXT    NOT NULL DEFAULT '[]',              -- JSON list of log ids
    closed_at   INTEGER,
    note        TEXT,
    closed_by   TEXT
) STRICT;
CREATE INDEX reviews_instance ON reviews (instance_id, opened_at);

-- Policy violations, for the pause after several within an hour.
CREATE TABLE strikes (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT    NOT NULL REFERENCES instances (id),
    at          INTEGER NOT NULL,
    recipient   TEXT    NOT NULL,
    fingerprint INTEGER NOT NULL,
    log_id      INTEGER NOT NULL
) STRICT;
CREATE INDEX strikes_instance ON strikes (instance_id, at);

-- People on the other side, per account. The phone is not the key: see contact_identities.
CREATE TABLE contacts (
    id                INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id        INTEGER NOT NULL REFERENCES accounts (id),
    name              TEXT,
    imported_at       INTEGER,                              -- brought in by the account as an existing customer
    first_outbound_at INTEGER,
    last_inbound_at   INTEGER,                              -- opens the conversation window
    created_at        INTEGER NOT NULL
) STRICT;

-- By what a person is known. One person has several of them over time.
CREATE TABLE contact_identities (
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    kind       TEXT    NOT NULL CHECK (kind IN ('phone', 'lid', 'bsuid', 'jid')),
    value      TEXT    NOT NULL,
    contact_id INTEGER NOT NULL REFERENCES contacts (id),
    PRIMARY KEY (account_id, kind, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_identities_contact ON contact_identities (contact_id);

-- The message log: every request that named a valid key, and every message that any part of the gateway sent.
CREATE TABLE messages (
    id                  INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,   -- log_id
    message_id          TEXT    NOT NULL,
    account_id          INTEGER NOT NULL,
    key_id              INTEGER,                            -- null: not by an API key
    source              TEXT    NOT NULL,                   -- api, cli, demo, portal, 3cx, chattu, schedule, auto_reply
    request_id          TEXT,
    instance_id         TEXT    NOT NULL,                   -- as the caller named it; '' when it could not be read
    contact_id          INTEGER,                            -- null: refused before a person was known
    recipient           TEXT    NOT NULL,                   -- E.164, or the hidden id; '' when it could not be read
    purpose             TEXT    NOT NULL,                   -- as the caller named it; '' when missing
    kind                TEXT    NOT NULL,                   -- text, template, image, video, audio, document
    body                TEXT    NOT NULL,
    content             TEXT,                               -- JSON of what a text alone does not hold
    reference           TEXT,
    reply_to            TEXT,
    fingerprint         INTEGER NOT NULL,                   -- of the normalised text; 0: none
    status              TEXT    NOT NULL,
    reason              TEXT,                               -- refusal code, or why it failed, in plain words
    provider_code       TEXT,
    provider_message_id TEXT,
    recipient_fault     INTEGER NOT NULL DEFAULT 0 CHECK (recipient_fault IN (0, 1)),
    quota               TEXT    NOT NULL CHECK (quota IN ('none', 'reserved', 'counted', 'returned')),
    day                 TEXT    NOT NULL,                   -- the periods that the quota was taken from
    month               TEXT    NOT NULL,
    repeats             INTEGER NOT NULL DEFAULT 0,         -- further refusals of the same kind on this row
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    expires_at          INTEGER,
    sending_at          INTEGER,
    sent_at             INTEGER,
    delivered_at        INTEGER,
    read_at             INTEGER,
    failed_at           INTEGER
) STRICT;
CREATE UNIQUE INDEX messages_message_id ON messages (message_id);
CREATE INDEX messages_instance ON messages (instance_id, created_at);
CREATE INDEX messages_provider ON messages (provider_message_id) WHERE provider_message_id IS NOT NULL;
CREATE INDEX messages_in_flight ON messages (status) WHERE status IN ('accepted', 'sending');

-- What the guard decided about a message, and by which figures.
CREATE TABLE policy_decisions (
    log_id  INTEGER NOT NULL PRIMARY KEY REFERENCES messages (id),
    verdict TEXT    NOT NULL CHECK (verdict IN ('pass', 'refuse')),
    gate    TEXT,                                           -- the gate that refused; null: all passed
    action  TEXT,                                           -- block, throttle, pause_instance
    score   INTEGER NOT NULL CHECK (score BETWEEN 0 AND 100),
    signals TEXT    NOT NULL,                               -- JSON list of {id, weight, reason}
    figures TEXT    NOT NULL                                -- JSON object: what each gate saw
) STRICT;

-- What was used per local day; reserved: accepted and not yet known. A new day needs no reset to be right.
CREATE TABLE usage_days (
    account_id INTEGER NOT NULL,
    day        TEXT    NOT NULL,
    counted    INTEGER NOT NULL CHECK (counted >= 0),
    reserved   INTEGER NOT NULL CHECK (reserved >= 0),
    PRIMARY KEY (account_id, day)
) STRICT, WITHOUT ROWID;

-- The same per local month.
CREATE TABLE usage_months (
    account_id INTEGER NOT NULL,
    month      TEXT    NOT NULL,
    counted    INTEGER NOT NULL CHECK (counted >= 0),
    reserved   INTEGER NOT NULL CHECK (reserved >= 0),
    PRIMARY KEY (account_id, month)
) STRICT, WITHOUT ROWID;

-- Closed days and months, with the limits that held at their end: for people to read, never for judging.
CREATE TABLE usage_history (
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    period     TEXT    NOT NULL,                            -- a day or a month
    used       INTEGER NOT NULL,
    max_used   INTEGER NOT NULL,                            -- the limit
    closed_at  INTEGER NOT NULL,
    PRIMARY KEY (account_id, period)
) STRICT, WITHOUT ROWID;

-- Who is not to be written to. A lifted row stays, for proof.
CREATE TABLE suppressions (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id  INTEGER NOT NULL REFERENCES accounts (id),
    contact_id  INTEGER NOT NULL REFERENCES contacts (id),
    source      TEXT    NOT NULL CHECK (source IN ('recipient', 'manual')),
    reason      TEXT    NOT NULL,
    instance_id TEXT,                                       -- where the recipient said so
    since       INTEGER NOT NULL,
    lifted_at   INTEGER,
    lifted_by   TEXT
) STRICT;
CREATE UNIQUE INDEX suppressions_active ON suppressions (contact_id, source) WHERE lifted_at IS NULL;
CREATE INDEX suppressions_account ON suppressions (account_id, since);
CREATE INDEX suppressions_instance ON suppressions (instance_id, since) WHERE instance_id IS NOT NULL;

-- Idempotency keys, for 24 hours. answer: null while under way, else sent, accepted or unknown.
CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT    NOT NULL,
    request_hash BLOB    NOT NULL,
    log_id       INTEGER NOT NULL,
    answer       TEXT CHECK (answer IN ('sent', 'accepted', 'unknown')),
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_log ON idempotency (log_id);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

-- Who changed what. Values are text for people; never a secret.
CREATE TABLE audit (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    account_id INTEGER,
    action     TEXT    NOT NULL,
    target     TEXT    NOT NULL,
    before     TEXT,
    after      TEXT
) STRICT;
CREATE INDEX audit_account ON audit (account_id, at);

-- Background work: when each job is due next. The scheduler ticks, this table decides.
CREATE TABLE jobs (
    name        TEXT    NOT NULL PRIMARY KEY,
    due_at      INTEGER NOT NULL,
    last_run_at INTEGER,
    last_error  TEXT
) STRICT, WITHOUT ROWID;
