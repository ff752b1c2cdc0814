-- Inbound messages, conversations, groups and calls; customers' endpoints and the durable outbox.

-- One chat of an instance with one person. sequence numbers its inbound messages.
CREATE TABLE conversations (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id      INTEGER NOT NULL,
    instance_id     TEXT    NOT NULL,
    contact_id      INTEGER NOT NULL REFERENCES contacts (id),
    unread_count    INTEGER NOT NULL DEFAULT 0 CHECK (unread_count >= 0),
    sequence        INTEGER NOT NULL DEFAULT 0,
    last_message_at INTEGER NOT NULL,
    last_inbound_at INTEGER,
    created_at      INTEGER NOT NULL,
    UNIQUE (instance_id, contact_id)
) STRICT;
CREATE INDEX conversations_contact ON conversations (contact_id);

-- What was heard. chat is 'contact:ID' or the group's id: providers' ids are unique within a chat only.
CREATE TABLE inbound_messages (
    id                  INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id          INTEGER NOT NULL,
    instance_id         TEXT    NOT NULL,
    chat                TEXT    NOT NULL,
    provider_message_id TEXT    NOT NULL,
    contact_id          INTEGER REFERENCES contacts (id),   -- the writer; null: a group member whom nobody names
    conversation_id     INTEGER REFERENCES conversations (id),
    group_id            TEXT,
    sequence            INTEGER,                            -- within the conversation
    kind                TEXT    NOT NULL,
    body                TEXT    NOT NULL,
    reply_to            TEXT,
    heard_at            INTEGER NOT NULL,                   -- by the provider's clock
    created_at          INTEGER NOT NULL,
    UNIQUE (instance_id, chat, provider_message_id)
) STRICT;
CREATE INDEX inbound_messages_instance ON inbound_messages (instance_id, created_at);
CREATE INDEX inbound_messages_contact ON inbound_messages (contact_id);

-- Groups and channels, as far as they were heard of.
CREATE TABLE groups (
    instance_id TEXT    NOT NULL,
    group_id    TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (instance_id, group_id)
) STRICT, WITHOUT ROWID;

-- Calls that were heard of.
CREATE TABLE calls (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id  INTEGER NOT NULL,
    instance_id TEXT    NOT NULL,
    call_id     TEXT    NOT NULL,
    contact_id  INTEGER REFERENCES contacts (id),
    is_video    INTEGER NOT NULL CHECK (is_video IN (0, 1)),
    missed      INTEGER NOT NULL CHECK (missed IN (0, 1)),
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    UNIQUE (instance_id, call_id)
) STRICT;

-- Customers' endpoints. Secrets are sealed; a rotated secret's predecessor signs beside it until previous_until.
CREATE TABLE endpoints (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id      INTEGER NOT NULL REFERENCES accounts (id),
    instance_id     TEXT,                                   -- null: all instances of the account
    url             TEXT    NOT NULL,
    events          TEXT    NOT NULL,                       -- JSON list of event names
    secret          BLOB    NOT NULL,
    previous_secret BLOB,
    previous_until  INTEGER,
    created_at      INTEGER NOT NULL,
    disabled_at     INTEGER,
    disabled_reason TEXT,
    failing_since   INTEGER,                                -- nothing but failures since then
    deleted_at      INTEGER
) STRICT;
CREATE INDEX endpoints_account ON endpoints (account_id) WHERE deleted_at IS NULL;

-- The outbox: each event that some endpoint wanted, with the bytes that every attempt sends.
CREATE TABLE events (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    event_id    TEXT    NOT NULL UNIQUE,                    -- webhook-id
    account_id  INTEGER NOT NULL,
    instance_id TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

-- One event to one endpoint. pending: due_at says when; the others wait for nobody.
CREATE TABLE deliveries (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    event_id     INTEGER NOT NULL REFERENCES events (id),
    endpoint_id  INTEGER NOT NULL REFERENCES endpoints (id),
    state        TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'given_up')),
    attempts     INTEGER NOT NULL DEFAULT 0,
    due_at       INTEGER NOT NULL,
    last_status  INTEGER,                                   -- null: no answer
    last_error   TEXT,
    last_at      INTEGER,
    delivered_at INTEGER
) STRICT;
CREATE INDEX deliveries_due ON deliveries (endpoint_id, due_at) WHERE state = 'pending';
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, id);
CREATE INDEX deliveries_event ON deliveries (event_id);

-- What was tried, and what came back (the first 1 KiB of it).
CREATE TABLE attempts (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    delivery_id INTEGER NOT NULL REFERENCES deliveries (id),
    at          INTEGER NOT NULL,
    took_ms     INTEGER NOT NULL,
    status      INTEGER,
    error       TEXT,
    answer      TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX attempts_delivery ON attempts (delivery_id);
