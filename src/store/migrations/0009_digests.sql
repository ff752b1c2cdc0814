-- Notices that go to people by mail and to a program by webhook.

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
