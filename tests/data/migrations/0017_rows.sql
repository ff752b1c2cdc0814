-- What schema 17 added, beside the rows of schema 1.

INSERT INTO judgements (id, log_id, account_id, fingerprint, is_right, was_caught, lets_pass, at, actor) VALUES
    (1, 3, 1, 7, 0, 1, 1, 1780000000000, 'admin@example.com'),
    (2, NULL, 1, 8, 1, 0, 0, 1780000000001, 'cli');
