-- At least one row in every table that schema 6 added, beside the rows of schema 2, and every column that it added.

INSERT INTO endpoints (id, account_id, instance_id, url, events, secret, created_at, format, sms_number, headers, managed_by, module) VALUES
    (3, 1, 'shop-line', 'https://pbx.example/sms', '["message.received"]', x'04', 1780000000000, 'sms', '+966112345678', x'05', '3cx:tcx_abc', '3cx');
INSERT INTO threecx_integrations (id, account_id, instance_id, name, secret, signing_secret, previous_secret, previous_signing, previous_until, enabled, inbound_enabled, outbound_enabled, call_events_enabled, signing_enabled, facade_while_signing, strict_mode, window_hours, allowlist, business_name, mode, destination_url, trunk_number, endpoint_id, created_at) VALUES
    ('tcx_abc', 1, 'shop-line', 'PBX', x'06', x'07', x'08', x'09', 1780086400000, 1, 1, 1, 1, 0, 0, 1, 24, '["192.0.2.0/24","2001:db8::/32"]', 'The Shop', 'sms', 'https://pbx.example/sms', '+966112345678', 3, 1780000000000);
INSERT INTO threecx_templates VALUES ('tcx_abc', 'missed_call', 1, 'We missed your call, {{customer_phone}}.');
INSERT INTO threecx_cooldowns VALUES ('tcx_abc', 'missed_call', '+966501234567', 1780000900000);
INSERT INTO threecx_signatures VALUES (x'0a0b', 1780000300000);
INSERT INTO threecx_requests (integration_id, at, via, event_type, outcome, reason, phone, conversation_id, agent_extension, log_id, request_id, repeats) VALUES
    ('tcx_abc', 1780000000000, 'webhook', 'missed_call', 'skipped', 'cooldown', '+9665****567', '3cx-chat-123', '101', 1, 'req_1', 2);
INSERT INTO threecx_counters VALUES ('tcx_abc', 'skipped', 3, 1780000000000);
