-- At least one row in every table that schema 10 added, beside the rows of the earlier schemas.

INSERT INTO digests (id, channel, recipient, language, state, attempts, due_at, created_at, last_at, last_error, sent_at) VALUES
    (1, 'mail', 'owner@shop.example', 'ar', 'sent', 2, 1780000060000, 1780000000000, 1780000060000, 'no connection', 1780000060000),
    (2, 'webhook', 'https://ops.example/notices', 'en', 'pending', 0, 1780000070000, 1780000070000, NULL, NULL, NULL);
INSERT INTO digest_notices VALUES (1, 1), (2, 2);
