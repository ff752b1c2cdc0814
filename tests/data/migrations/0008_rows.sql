-- At least one row in every table that schema 8 added, beside the rows of schema 7, and every column that it added.

INSERT INTO schedules (account_id, instance_id, kind, source, module, key_id, recipient, purpose, body, media, reference, due_at, state, message_id, log_id, outcome, reason, created_by, created_at, ended_at) VALUES
    (1, 'shop-line', 'listed', 'schedule', 'chattu', 1, '+966501234567', 'transactional', 'Later', '{"kind":"image","url":"https://shop.example/a.png","file_name":null}', 'order-7', 1780000000000, 'fired', 'msg_s1', 1, 'failed', 'recipient_suppressed', 'key 1', 1779990000000, 1780000001000),
    (1, 'shop-line', 'queued', 'chattu', NULL, NULL, '120363000000000001@g.us', 'support', 'Hello all', NULL, NULL, 1780000002000, 'pending', 'msg_s2', NULL, NULL, NULL, 'key 1', 1780000000000, NULL);
INSERT INTO api_keys (id, account_id, name, kind, is_test, prefix, hash, created_at, sealed, purpose) VALUES
    (90, 1, 'client shop-line', 'chattu', 1, 'wg_test_abcd', x'0c0d', 1780000000000, x'0e', 'support');
UPDATE instances SET reject_calls = 1, reject_text = 'We are closed.' WHERE id = 'shop-line';
UPDATE calls SET rejected_at = 1780000000030;
UPDATE groups SET read_at = 1780000000030;
INSERT INTO endpoint_answers (event_row, account_id, instance_id, contact_id, is_call, text, created_at, done_at) VALUES
    (1, 1, 'shop-line', 1, 0, 'Thank you!', 1780000005000, 1780000006000);
INSERT INTO answerable_events VALUES (1, 1, 'shop-line', 1, 0);
