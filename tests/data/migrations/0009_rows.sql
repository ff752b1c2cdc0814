-- At least one row in every table that schema 9 added, beside the rows of schema 8, and every column that it added.

INSERT INTO templates (account_id, instance_id, name, language, category, status, quality, reason, body, slots, updated_at) VALUES
    (1, 'shop-line', 'order_ready', 'en_US', 'utility', 'paused', 'yellow', 'low quality', 'Ready', '[{"place":"body","name":null}]', 1780000000000),
    (1, 'shop-line', 'hello', 'he', NULL, NULL, NULL, NULL, NULL, NULL, 1780000000001);
INSERT INTO provider_news (account_id, instance_id, kind, digest, raw, heard_at, created_at) VALUES
    (1, 'shop-line', 'account_update', x'0f10', '{"event":"DISABLED_UPDATE"}', 1780000000000, 1780000000001);
UPDATE inbound_messages SET raw = '{"type":"location"}' WHERE id = 1;
UPDATE messages SET pricing = '{"billable":true,"category":"utility"}' WHERE id = 1;
UPDATE contact_identities SET former_at = 1780000000002;
