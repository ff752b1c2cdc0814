-- Administration in the portal: accounts that are switched off, requests for higher limits, notes of reviews, figures
-- and phrases of the guard, places that may be called, invitations.

-- Since when an account is switched off: it sends nothing, and its people cannot log in. Null: it is not.
ALTER TABLE accounts ADD COLUMN disabled_at INTEGER;

-- Who took a granted limit back.
ALTER TABLE granted_limits ADD COLUMN withdrawn_by TEXT;

-- An owner's request for a reviewed higher limit, and what was decided. A null figure asks for no change.
CREATE TABLE limit_requests (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES accounts (id),
    daily      INTEGER CHECK (daily > 0),
    monthly    INTEGER CHECK (monthly > 0),
    reason     TEXT    NOT NULL,
    asked_by   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    decision   TEXT CHECK (decision IN ('granted', 'denied')),  -- null: waits
    answer     TEXT,                                            -- what the account is told
    decided_by TEXT,
    decided_at INTEGER
) STRICT;
CREATE UNIQUE INDEX limit_requests_open ON limit_requests (account_id) WHERE decision IS NULL;

-- What people wrote while a review stayed open.
CREATE TABLE review_notes (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    review_id INTEGER NOT NULL REFERENCES reviews (id),
    at        INTEGER NOT NULL,
    actor     TEXT    NOT NULL,
    note      TEXT    NOT NULL
) STRICT;
CREATE INDEX review_notes_review ON review_notes (review_id);

-- Messages that were sent and are listed for review: few have a score at all.
CREATE INDEX policy_decisions_score ON policy_decisions (score, log_id) WHERE verdict = 'pass' AND score > 0;

-- Figures of the guard that an admin set in the portal; what is not here is the configuration's.
CREATE TABLE guard_settings (
    name       TEXT    NOT NULL PRIMARY KEY,
    value      INTEGER NOT NULL CHECK (value >= 0),
    changed_by TEXT    NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Phrases that an admin added to the content policy. Without a group: a phrase that shall not count.
CREATE TABLE policy_phrases (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    phrase     TEXT    NOT NULL UNIQUE,
    rule_group TEXT,
    weight     INTEGER CHECK (weight BETWEEN 1 AND 100),
    added_by   TEXT    NOT NULL,
    added_at   INTEGER NOT NULL,
    CHECK ((rule_group IS NULL) = (weight IS NULL))
) STRICT;

-- Private places that may be called, beside those of the configuration.
CREATE TABLE egress_entries (
    entry    TEXT    NOT NULL PRIMARY KEY,
    reason   TEXT    NOT NULL,
    added_by TEXT    NOT NULL,
    added_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One-time links by which somebody registers a new account. Only the hash of the token is kept.
CREATE TABLE invitations (
    token_hash BLOB    NOT NULL PRIMARY KEY,
    plan       TEXT REFERENCES plans (id),                      -- what the new account gets; null: no plan yet
    created_by TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT, WITHOUT ROWID;
