-- What a provider tells besides messages: its templates, what a message costs, and news of its own.

-- The templates that the provider holds for an instance, as it last told.
CREATE TABLE templates (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id  INTEGER NOT NULL REFERENCES accounts (id),
    instance_id TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    language    TEXT    NOT NULL,
    category    TEXT,                                       -- utility, authentication, marketing, other; null: not told
    status      TEXT,                                       -- approved, paused, …; null: not told yet
    quality     TEXT,
    reason      TEXT,                                       -- of its status, in the provider's words
    body        TEXT,                                       -- its text; null: never listed
    slots       TEXT,                                       -- JSON list of its placeholders; null: never listed
    updated_at  INTEGER NOT NULL,
    UNIQUE (instance_id, name, language)
) STRICT;

-- What a provider told that is no message, receipt or call, as it came; the same thing told twice is one row.
CREATE TABLE provider_news (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id  INTEGER NOT NULL REFERENCES accounts (id),
    instance_id TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    digest      BLOB    NOT NULL,                           -- of the kind and of what came
    raw         TEXT    NOT NULL,                           -- JSON; '' when it was kept for long enough
    heard_at    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (instance_id, digest)
) STRICT;
CREATE INDEX provider_news_created ON provider_news (created_at);

-- An inbound message as it came, where it holds more than the other columns do.
ALTER TABLE inbound_messages ADD COLUMN raw TEXT;

-- What the provider said that a message costs, as JSON in its words.
ALTER TABLE messages ADD COLUMN pricing TEXT;

-- Since when a person does not use a name any more; null: it is good.
ALTER TABLE contact_identities ADD COLUMN former_at INTEGER;
