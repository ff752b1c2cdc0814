-- Notices that go to people by mail and to a program by webhook; and counts of messages by day.

-- One letter to one recipient, about one notice or several. pending: due_at says when it is tried (again).
CREATE TABLE digests (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    channel    TEXT    NOT NULL CHECK (channel IN ('mail', 'webhook')),
    recipient  TEXT    NOT NULL,                            -- an e-mail address, or the webhook's
    language   TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('pending', 'sent', 'failed')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    due_at     INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_at    INTEGER,                                     -- of the last attempt
    last_error TEXT,
    sent_at    INTEGER
) STRICT;
CREATE INDEX digests_due ON digests (due_at) WHERE state = 'pending';
CREATE INDEX digests_recipient ON digests (channel, recipient, created_at);

-- What a letter is about.
CREATE TABLE digest_notices (
    digest_id INTEGER NOT NULL REFERENCES digests (id) ON DELETE CASCADE,
    notice_id INTEGER NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
    PRIMARY KEY (digest_id, notice_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX digest_notices_notice ON digest_notices (notice_id);

-- How many messages of a day stand in which state, for pages that are looked at often: no page counts the log. Kept by
-- the triggers below, in the transaction of each change; what retention takes out of the log stays counted here.
CREATE TABLE message_counts (
    account_id INTEGER NOT NULL,
    day        TEXT    NOT NULL,                            -- messages.day
    key_id     INTEGER NOT NULL,                            -- 0: not by an API key
    status     TEXT    NOT NULL,
    reason     TEXT    NOT NULL,                            -- the code of a refusal; else ''
    n          INTEGER NOT NULL,                            -- repeats included
    PRIMARY KEY (account_id, day, key_id, status, reason)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_counts_day ON message_counts (day);
INSERT INTO message_counts (account_id, day, key_id, status, reason, n)
    SELECT account_id, day, coalesce(key_id, 0), status, CASE status WHEN 'blocked' THEN coalesce(reason, '') ELSE '' END,
           sum(1 + repeats)
    FROM messages GROUP BY 1, 2, 3, 4, 5;
CREATE TRIGGER message_counts_new AFTER INSERT ON messages BEGIN
    INSERT INTO message_counts (account_id, day, key_id, status, reason, n)
    VALUES (NEW.account_id, NEW.day, coalesce(NEW.key_id, 0), NEW.status,
            CASE NEW.status WHEN 'blocked' THEN coalesce(NEW.reason, '') ELSE '' END, 1 + NEW.repeats)
    ON CONFLICT DO UPDATE SET n = n + excluded.n;
END;
CREATE TRIGGER message_counts_changed AFTER UPDATE OF status, repeats ON messages
WHEN OLD.status <> NEW.status OR OLD.repeats <> NEW.repeats BEGIN
    UPDATE message_counts SET n = n - 1 - OLD.repeats
    WHERE account_id = OLD.account_id AND day = OLD.day AND key_id = coalesce(OLD.key_id, 0) AND status = OLD.status
      AND reason = CASE OLD.status WHEN 'blocked' THEN coalesce(OLD.reason, '') ELSE '' END;
    INSERT INTO message_counts (account_id, day, key_id, status, reason, n)
    VALUES (NEW.account_id, NEW.day, coalesce(NEW.key_id, 0), NEW.status,
            CASE NEW.status WHEN 'blocked' THEN coalesce(NEW.reason, '') ELSE '' END, 1 + NEW.repeats)
    ON CONFLICT DO UPDATE SET n = n + excluded.n;
END;
