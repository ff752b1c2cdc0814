-- Deliveries to brokers keep the order of a conversation.

-- A number of the conversation, the same for all of its events; null: a webhook's, which keeps no order.
ALTER TABLE deliveries ADD COLUMN conversation INTEGER;
CREATE INDEX deliveries_in_order ON deliveries (endpoint_id, conversation, id)
    WHERE state = 'pending' AND conversation IS NOT NULL;
