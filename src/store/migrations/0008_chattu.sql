-- The Chattu dialect: scheduled messages and the short queue, client keys, calls that are rejected, answers of endpoints.

-- Messages to be sent later: those that people schedule (listed), and those that wait a moment by themselves (queued).
CREATE TABLE schedules (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id  INTEGER NOT NULL REFERENCES accounts (id),
    instance_id TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('listed', 'queued')),
    source      TEXT    NOT NULL,                           -- the message's source
    module      TEXT,                                       -- the module that it needs; null: none
    key_id      INTEGER,                                    -- the key that it is sent by; null: by none
    recipient   TEXT    NOT NULL,                           -- E.164, contact:ID, or a group's id
    purpose     TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    media       TEXT,                                       -- JSON {kind, url, file_name}; null: a plain text
    reference   TEXT,
    due_at      INTEGER NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'claimed', 'fired', 'cancelled', 'missed')),
    message_id  TEXT    NOT NULL UNIQUE,                    -- the message's id, chosen beforehand: it is made once
    log_id      INTEGER REFERENCES messages (id) ON DELETE SET NULL,
    outcome     TEXT,                                       -- of a fired one: the message's status then
    reason      TEXT,
    created_by  TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    ended_at    INTEGER
) STRICT;
CREATE INDEX schedules_due ON schedules (due_at) WHERE state IN ('pending', 'claimed');
CREATE INDEX schedules_account ON schedules (account_id, id) WHERE kind = 'listed';
CREATE INDEX schedules_answers ON schedules (instance_id, recipient, created_at) WHERE source = 'auto_reply';
CREATE INDEX schedules_log ON schedules (log_id) WHERE log_id IS NOT NULL;

-- A client key is shown again where the dialect's documents show it: it is kept sealed. The purpose is that of messages
-- whose request names none.
ALTER TABLE api_keys ADD COLUMN sealed BLOB;
ALTER TABLE api_keys ADD COLUMN purpose TEXT NOT NULL DEFAULT 'transactional';

-- Calls that are rejected by themselves, and what the caller is then told; null: the dialect's own text.
ALTER TABLE instances ADD COLUMN reject_calls INTEGER NOT NULL DEFAULT 0 CHECK (reject_calls IN (0, 1));
ALTER TABLE instances ADD COLUMN reject_text TEXT;
ALTER TABLE calls ADD COLUMN rejected_at INTEGER;

-- Up to when a group was read.
ALTER TABLE groups ADD COLUMN read_at INTEGER;

-- What somebody who wrote or called is to be told: an endpoint's answer to an event, or the text for a rejected call that
-- no endpoint was asked about. One event is answered once.
CREATE TABLE endpoint_answers (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    event_row   INTEGER UNIQUE REFERENCES events (id),      -- null: no endpoint was asked
    account_id  INTEGER NOT NULL,
    instance_id TEXT    NOT NULL,
    contact_id  INTEGER NOT NULL REFERENCES contacts (id),
    is_call     INTEGER NOT NULL CHECK (is_call IN (0, 1)),
    text        TEXT,                                       -- null: nothing was answered in time
    created_at  INTEGER NOT NULL,
    done_at     INTEGER
) STRICT;
CREATE INDEX endpoint_answers_open ON endpoint_answers (id) WHERE done_at IS NULL;

-- What the event of an endpoint's answer was about: whom an answer would go to.
CREATE TABLE answerable_events (
    event_row   INTEGER NOT NULL PRIMARY KEY REFERENCES events (id),
    account_id  INTEGER NOT NULL,
    instance_id TEXT    NOT NULL,
    contact_id  INTEGER NOT NULL REFERENCES contacts (id),
    is_call     INTEGER NOT NULL CHECK (is_call IN (0, 1))
) STRICT;
