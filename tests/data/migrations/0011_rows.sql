-- At least one row in every table that schema 11 added, beside the rows of schema 8, and every column that it added.

UPDATE accounts SET disabled_at = 1780000000000 WHERE id = 1;
INSERT INTO granted_limits (account_id, daily, monthly, reason, granted_by, created_at, until, withdrawn_at, withdrawn_by) VALUES
    (1, 2000, 40000, 'season', 'cli', 1780000000000, 1790000000000, 1780000001000, 'admin@shop.example');
INSERT INTO limit_requests (account_id, daily, monthly, reason, asked_by, created_at, decision, answer, decided_by, decided_at) VALUES
    (1, 2000, NULL, 'Ramadan orders', 'owner@shop.example', 1780000000000, 'granted', 'Good numbers', 'admin@shop.example', 1780000001000),
    (1, NULL, 50000, 'More shops', 'owner@shop.example', 1780000002000, NULL, NULL, NULL, NULL);
INSERT INTO reviews (id, instance_id, opened_at, reason, evidence) VALUES (90, 'shop-line', 1780000000000, 'strikes', '[1]');
INSERT INTO review_notes (review_id, at, actor, note) VALUES (90, 1780000001000, 'admin@shop.example', 'Asked the shop.');
INSERT INTO guard_settings (name, value, changed_by, changed_at) VALUES ('refuse_score', 85, 'admin@shop.example', 1780000000000);
INSERT INTO policy_phrases (phrase, rule_group, weight, added_by, added_at) VALUES
    ('golden ticket', 'prize', 40, 'admin@shop.example', 1780000000000), ('offer', NULL, NULL, 'admin@shop.example', 1780000000000);
INSERT INTO egress_entries (entry, reason, added_by, added_at) VALUES ('127.0.0.1:5678', 'n8n', 'admin@shop.example', 1780000000000);
INSERT INTO invitations (token_hash, plan, created_by, created_at, expires_at, used_at) VALUES
    (x'0102', 'growth', 'admin@shop.example', 1780000000000, 1780100000000, 1780000001000);
