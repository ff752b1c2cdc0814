-- At least one row in every table of schema 1, with every column filled in one row or another. The plans are the
-- migration's own rows.

INSERT INTO accounts (id, name, timezone, next_timezone, next_timezone_from, region, language, plan, plan_until, created_at) VALUES
    (1, 'Shop', 'Asia/Riyadh', 'Europe/Berlin', 1780351200000, 'SA', 'ar', 'growth', 1800000000000, 1780000000000),
    (2, 'Clinic', 'UTC', NULL, NULL, NULL, 'en', NULL, NULL, 1780000000001);
INSERT INTO account_modules VALUES (1, 'api_access', 1), (1, '3cx', 0), (2, 'chattu', 1);
INSERT INTO granted_limits (account_id, daily, monthly, reason, granted_by, created_at, until, withdrawn_at) VALUES
    (1, 800, 20000, 'festival', 'cli', 1780000000000, 1790000000000, NULL),
    (1, NULL, 15000, 'mistake', 'cli', 1780000000001, NULL, 1780000000002);
INSERT INTO users (id, account_id, email, role, password_hash, language, created_at, disabled_at) VALUES
    (1, NULL, 'admin@example.com', 'admin', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA', 'he', 1780000000000, NULL),
    (2, 1, 'Owner@Shop.example', 'owner', NULL, NULL, 1780000000000, 1780000000009);
INSERT INTO login_links VALUES (x'0102', 2, 'password', 1780000000000, 1780003600000, 1780000000500);
INSERT INTO login_links VALUES (x'0103', NULL, 'setup', 1780000000000, 1780003600000, NULL);
INSERT INTO sessions VALUES (x'0a0b', 1, 1780000000000, 1780000001000, 1782592000000, 'a browser');
INSERT INTO api_keys (id, account_id, name, kind, is_test, prefix, hash, created_at, expires_at, revoked_at, last_used_at) VALUES
    (1, 1, 'shop', 'bearer', 0, 'wg_live_AbCd', x'11', 1780000000000, 1800000000000, NULL, 1780000060000),
    (2, 2, 'clinic', 'chattu', 1, 'wg_test_AbCd', x'12', 1780000000000, NULL, 1780000000001, NULL);
INSERT INTO instances (id, account_id, name, connector, settings, state, state_reason, health, phone, paused_at, pause_reason, created_at, deleted_at) VALUES
    ('shop-line', 1, 'Shop', 'sandbox', '{"receipts":"none"}', 'open', NULL, 'ok', '+966500000001', NULL, NULL, 1780000000000, NULL),
    ('old-line', 1, 'Old', 'sandbox', '{}', 'close', 'deleted', 'ok', NULL, 1780000000003, 'complaints', 1780000000000, 1780000000004);
INSERT INTO api_key_instances VALUES (1, 'shop-line');
INSERT INTO reviews (instance_id, opened_at, reason, evidence, closed_at, note, closed_by) VALUES
    ('old-line', 1780000000003, 'complaints', '[1]', 1780000000005, 'talked to them', 'cli');
INSERT INTO contacts (id, account_id, name, imported_at, first_outbound_at, last_inbound_at, created_at) VALUES
    (1, 1, 'Amal', 1780000000000, 1780000000010, 1780000000020, 1780000000000),
    (2, 1, NULL, NULL, NULL, NULL, 1780000000000);
INSERT INTO contact_identities VALUES (1, 'phone', '+966501234567', 1), (1, 'lid', '123@lid', 1), (1, 'phone', '+966501234568', 2);
INSERT INTO messages (id, message_id, account_id, key_id, source, request_id, instance_id, contact_id, recipient, purpose, kind, body, content, reference, reply_to, fingerprint, status, reason, provider_code, provider_message_id, recipient_fault, quota, day, month, repeats, created_at, updated_at, expires_at, sending_at, sent_at, delivered_at, read_at, failed_at) VALUES
    (1, 'msg_1', 1, 1, 'api', 'req_1', 'shop-line', 1, '+966501234567', 'transactional', 'text', 'Your order has been shipped.', NULL, 'order-1', NULL, 42, 'read', NULL, NULL, 'sbx_1', 0, 'counted', '2026-05-28', '2026-05', 0, 1780000000000, 1780000000040, 1780086400000, 1780000000010, 1780000000020, 1780000000030, 1780000000040, NULL),
    (2, 'msg_2', 1, NULL, 'cli', NULL, 'shop-line', 2, '+966501234568', 'support', 'document', 'See file', '{"media_url":"https://example.com/a.pdf"}', NULL, 'msg_1', 0, 'failed', 'refused', '463', NULL, 1, 'returned', '2026-05-28', '2026-05', 0, 1780000000000, 1780000000040, NULL, 1780000000010, NULL, NULL, NULL, 1780000000040),
    (3, 'msg_3', 1, 1, 'api', 'req_3', '', NULL, '', 'marketing', 'text', 'Buy now', NULL, NULL, NULL, 7, 'blocked', 'message_purpose_not_allowed', NULL, NULL, 0, 'none', '2026-05-28', '2026-05', 4, 1780000000000, 1780000000000, NULL, NULL, NULL, NULL, NULL, 1780000000000);
INSERT INTO strikes (instance_id, at, recipient, fingerprint, log_id) VALUES ('shop-line', 1780000000000, '+966501234568', 7, 3);
INSERT INTO policy_decisions VALUES (1, 'pass', NULL, NULL, 0, '[]', '{"day":0}');
INSERT INTO policy_decisions VALUES (3, 'refuse', 'purpose', 'block', 100, '[{"id":"x","weight":1,"reason":"y"}]', '{}');
INSERT INTO usage_days VALUES (1, '2026-05-28', 1, 0);
INSERT INTO usage_months VALUES (1, '2026-05', 1, 0);
INSERT INTO usage_history VALUES (1, '2026-05-27', 12, 500, 1780000000000);
INSERT INTO suppressions (account_id, contact_id, source, reason, instance_id, since, lifted_at, lifted_by) VALUES
    (1, 1, 'recipient', 'STOP', 'shop-line', 1780000000000, 1780000000001, 'cli'),
    (1, 2, 'manual', 'asked by phone', NULL, 1780000000000, NULL, NULL);
INSERT INTO idempotency VALUES (1, 'order-1', x'ab', 1, 'sent', 1780086400000);
INSERT INTO audit (at, actor, account_id, action, target, before, after) VALUES
    (1780000000000, 'cli', 1, 'account.create', '1', NULL, 'growth'), (1780000000001, 'cli', NULL, 'x', 'y', 'a', 'b');
INSERT INTO jobs VALUES ('close_periods', 1780000060000, 1780000000000, 'the disk was full');
