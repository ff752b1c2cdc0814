-- Second factors of people who log in, and what was set aside for the day the phone is lost.

-- An authenticator app, one a user. confirmed_at null: the seed was shown, and no code of it was seen yet.
CREATE TABLE second_factors (
    user_id      INTEGER NOT NULL PRIMARY KEY REFERENCES users (id),
    seed         BLOB    NOT NULL,                          -- sealed
    confirmed_at INTEGER,
    last_step    INTEGER NOT NULL DEFAULT 0                 -- the newest 30 s step whose code was used: none works twice
) STRICT;

-- Recovery codes; each works once. Only hashes are kept.
CREATE TABLE recovery_codes (
    user_id INTEGER NOT NULL REFERENCES users (id),
    hash    BLOB    NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;
