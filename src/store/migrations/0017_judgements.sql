-- What people said of the guard's verdicts. The text stays in its message, and goes with it; what stays behind is its
-- fingerprint, from which no text can be had.
CREATE TABLE judgements (
    id          INTEGER PRIMARY KEY,
    log_id      INTEGER UNIQUE REFERENCES messages (id) ON DELETE SET NULL,
    account_id  INTEGER NOT NULL REFERENCES accounts (id),
    fingerprint INTEGER NOT NULL,
    is_right    INTEGER NOT NULL CHECK (is_right IN (0, 1)),
    -- The guard had refused the text or listed it for review.
    was_caught  INTEGER NOT NULL CHECK (was_caught IN (0, 1)),
    -- An admin said that it was honest: its words are judged no more.
    lets_pass   INTEGER NOT NULL CHECK (lets_pass IN (0, 1)),
    at          INTEGER NOT NULL,
    actor       TEXT    NOT NULL
) STRICT;
CREATE INDEX judgements_passing ON judgements (account_id, fingerprint) WHERE lets_pass = 1;
