-- Rows of schema 2: what people wrote and called, and events on their way to endpoints.
INSERT INTO conversations (id, account_id, instance_id, contact_id, unread_count, sequence, last_message_at, last_inbound_at, created_at) VALUES
    (1, 1, 'shop-line', 1, 2, 5, 1780000000000, 1780000000000, 1780000000000),
    (2, 1, 'shop-line', 2, 0, 0, 1780000000000, NULL, 1780000000000);
INSERT INTO inbound_messages (id, account_id, instance_id, chat, provider_message_id, contact_id, conversation_id, group_id, sequence, kind, body, reply_to, heard_at, created_at) VALUES
    (1, 1, 'shop-line', 'contact:1', 'in_1', 1, 1, NULL, 5, 'text', 'When does it arrive?', 'sbx_1', 1780000000000, 1780000000001),
    (2, 1, 'shop-line', '1203@g.us', 'in_2', NULL, NULL, '1203@g.us', NULL, 'image', '', NULL, 1780000000000, 1780000000001);
INSERT INTO groups VALUES ('shop-line', '1203@g.us', 'Team', 1780000000000);
INSERT INTO calls (id, account_id, instance_id, call_id, contact_id, is_video, missed, started_at, ended_at) VALUES
    (1, 1, 'shop-line', 'call_1', 1, 0, 1, 1780000000000, 1780000000005),
    (2, 1, 'shop-line', 'call_2', NULL, 1, 0, 1780000000000, NULL);
INSERT INTO endpoints (id, account_id, instance_id, url, events, secret, previous_secret, previous_until, created_at, disabled_at, disabled_reason, failing_since, deleted_at) VALUES
    (1, 1, NULL, 'https://shop.example/hook', '["message.sent"]', x'01', NULL, NULL, 1780000000000, NULL, NULL, NULL, NULL),
    (2, 1, 'shop-line', 'https://shop.example/old', '["message.received"]', x'02', x'03', 1780086400000, 1780000000000, 1780000000001, '410 Gone', 1780000000000, 1780000000002);
INSERT INTO events (id, event_id, account_id, instance_id, name, body, created_at) VALUES
    (1, 'evt_1', 1, 'shop-line', 'message.sent', '{"event":"message.sent"}', 1780000000000);
INSERT INTO deliveries (id, event_id, endpoint_id, state, attempts, due_at, last_status, last_error, last_at, delivered_at) VALUES
    (1, 1, 1, 'delivered', 2, 1780000000000, 200, NULL, 1780000000005, 1780000000005),
    (2, 1, 2, 'pending', 1, 1780000300000, 500, 'answered 500', 1780000000000, NULL);
INSERT INTO attempts (id, delivery_id, at, took_ms, status, error, answer) VALUES
    (1, 1, 1780000000000, 15000, NULL, 'the receiver did not answer in time', ''),
    (2, 1, 1780000000005, 84, 200, NULL, 'ok'),
    (3, 2, 1780000000000, 12, 500, 'answered 500', 'oops');
