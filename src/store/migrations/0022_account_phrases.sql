-- Phrases may be one account's: then they count, or do not count, in its messages only. Null: everybody's.
CREATE TABLE phrases_of_accounts (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER REFERENCES accounts (id),
    phrase     TEXT    NOT NULL,
    rule_group TEXT,
    weight     INTEGER CHECK (weight BETWEEN 1 AND 100),
    added_by   TEXT    NOT NULL,
    added_at   INTEGER NOT NULL,
    CHECK ((rule_group IS NULL) = (weight IS NULL))
) STRICT;
INSERT INTO phrases_of_accounts (id, phrase, rule_group, weight, added_by, added_at)
    SELECT id, phrase, rule_group, weight, added_by, added_at FROM policy_phrases;
DROP TABLE policy_phrases;
ALTER TABLE phrases_of_accounts RENAME TO policy_phrases;
CREATE UNIQUE INDEX policy_phrases_once ON policy_phrases (phrase, coalesce(account_id, 0));
