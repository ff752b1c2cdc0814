-- What schema 19 added, beside the rows of schema 8.

UPDATE inbound_messages SET origin = 'phone' WHERE id = (SELECT max(id) FROM inbound_messages);
UPDATE conversations SET held_by = 'agent' WHERE id = (SELECT max(id) FROM conversations);
