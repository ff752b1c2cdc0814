-- At least one row in every table that schema 2 added, beside the rows of schema 1.

INSERT INTO conversations (id, account_id, instance_id, contact_id, unread_count, sequence, last_message_at, last_inbound_at, created_at) VALUES
    (1, 1, 'shop-line', 1, 2, 5, 1780000000050, 1780000000020, 1780000000000),
    (2, 1, 'shop-line', 2, 0, 0, 1780000000050, NULL, 1780000000000);
INSERT INTO inbound_messages (account_id, instance_id, chat, provider_message_id, contact_id, conversation_id, group_id, sequence, kind, body, reply_to, heard_at, created_at) VALUES
    (1, 'shop-line', 'contact:1', 'in_1', 1, 1, NULL, 5, 'text', 'Thanks!', 'sbx_1', 1780000000020, 1780000000021),
    (1, 'shop-line', '120363000000000001@g.us', 'in_1', NULL, NULL, '120363000000000001@g.us', NULL, 'text', 'Hello all', NULL, 1780000000020, 1780000000021);
INSERT INTO groups VALUES ('shop-line', '120363000000000001@g.us', 'Neighbours', 1780000000020);
INSERT INTO calls (account_id, instance_id, call_id, contact_id, is_video, missed, started_at, ended_at) VALUES
    (1, 'shop-line', 'call_1', 1, 0, 1, 1780000000000, 1780000000030);
INSERT INTO endpoints (id, account_id, instance_id, url, events, secret, previous_secret, previous_until, created_at, disabled_at, disabled_reason, failing_since, deleted_at) VALUES
    (1, 1, 'shop-line', 'https://shop.example/hook', '["message.received"]', x'01', x'02', 1780086400000, 1780000000000, NULL, NULL, NULL, NULL),
    (2, 1, NULL, 'https://old.example/hook', '["*"]', x'03', NULL, NULL, 1780000000000, 1780000000001, 'gone (410)', 1780000000000, 1780000000002);
INSERT INTO events (id, event_id, account_id, instance_id, name, body, created_at) VALUES
    (1, 'evt_1', 1, 'shop-line', 'message.received', '{"text":"Thanks!"}', 1780000000021);
INSERT INTO deliveries (id, event_id, endpoint_id, state, attempts, due_at, last_status, last_error, last_at, delivered_at) VALUES
    (1, 1, 1, 'delivered', 2, 1780000000021, 200, NULL, 1780000005000, 1780000005000),
    (2, 1, 2, 'given_up', 1, 1780000000021, NULL, 'connection refused', 1780000001000, NULL);
INSERT INTO attempts (delivery_id, at, took_ms, status, error, answer) VALUES
    (1, 1780000001000, 12, 503, NULL, 'busy'), (2, 1780000001000, 3, NULL, 'connection refused', '');
