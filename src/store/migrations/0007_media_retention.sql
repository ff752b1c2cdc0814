-- Files that came in or go out, notices for people, and what is left of people who were erased.

-- One file. Either inbound_id or log_id names its message; both are null once that row is gone.
CREATE TABLE media (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id    INTEGER NOT NULL,
    instance_id   TEXT    NOT NULL,
    inbound_id    INTEGER REFERENCES inbound_messages (id) ON DELETE SET NULL,
    log_id        INTEGER REFERENCES messages (id) ON DELETE SET NULL,
    kind          TEXT    NOT NULL,                         -- image, video, audio, document, sticker
    declared_type TEXT    NOT NULL,                         -- as the sender or the provider said; not believed
    sniffed_type  TEXT,                                     -- what its first bytes say; null: unknown, or not here yet
    file_name     TEXT,                                     -- cleaned
    size          INTEGER,                                  -- bytes; null: not known yet
    sha256        BLOB,
    state         TEXT    NOT NULL CHECK (state IN ('stored', 'pending', 'failed', 'removed')),
    path          TEXT,                                     -- below media/; set while it is stored
    handle        TEXT,                                     -- the provider's; set while it is pending
    attempts      INTEGER NOT NULL DEFAULT 0,
    due_at        INTEGER,                                  -- of a pending one's next try
    problem       TEXT,                                     -- why it failed, in plain words
    created_at    INTEGER NOT NULL,
    removed_at    INTEGER
) STRICT;
CREATE INDEX media_inbound ON media (inbound_id) WHERE inbound_id IS NOT NULL;
CREATE INDEX media_log ON media (log_id) WHERE log_id IS NOT NULL;
CREATE INDEX media_due ON media (due_at) WHERE state = 'pending';
CREATE UNIQUE INDEX media_path ON media (path) WHERE path IS NOT NULL;
CREATE INDEX media_age ON media (created_at) WHERE state = 'stored';

-- What owner or admin should know. At most one of a kind and subject is open.
CREATE TABLE notices (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER REFERENCES accounts (id),            -- null: for admins alone
    kind       TEXT    NOT NULL,                            -- also the key of its text
    subject    TEXT    NOT NULL,                            -- which instance, endpoint, period
    parameters TEXT    NOT NULL,                            -- JSON object: what the text in the reader's language needs
    created_at INTEGER NOT NULL,
    seen_at    INTEGER,
    cleared_at INTEGER
) STRICT;
CREATE UNIQUE INDEX notices_open ON notices (coalesce(account_id, 0), kind, subject) WHERE cleared_at IS NULL;
CREATE INDEX notices_account ON notices (account_id, kind, subject);

-- Suppressions of erased people: a keyed hash of the number, which still hits when somebody writes to it.
CREATE TABLE erased_suppressions (
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    hash       BLOB    NOT NULL,
    source     TEXT    NOT NULL CHECK (source IN ('recipient', 'manual')),
    since      INTEGER NOT NULL,
    PRIMARY KEY (account_id, hash, source)
) STRICT, WITHOUT ROWID;
