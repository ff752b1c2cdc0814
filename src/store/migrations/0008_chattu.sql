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
CREATE INDEX schedules_log ON schedules (log_id) WHERE log_id IS NOT NULL;

