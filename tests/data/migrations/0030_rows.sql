-- An event that waits for a broker, in its conversation.
INSERT INTO endpoints (id, account_id, instance_id, url, events, secret, created_at, sealed_url) VALUES
  (30, 1, NULL, 'nats://shop:***@broker.example:4222/wa.{event}', '["message.sent"]', x'00', 1780300800000, x'00');
INSERT INTO deliveries (id, event_id, endpoint_id, state, attempts, due_at, conversation) VALUES
  (30, 1, 30, 'pending', 0, 1780300800000, 7405531990102482441);
