-- Thousands that are due in one second: each turn of the worker looks at those that it claimed and at those whose time is
-- over, and not at all that wait.
CREATE INDEX schedules_claimed ON schedules (id) WHERE state = 'claimed';

-- The message's expires_at, where it has one, from when it begins to wait.
ALTER TABLE schedules ADD COLUMN expires_at INTEGER;
UPDATE schedules SET expires_at = (SELECT m.expires_at FROM messages m WHERE m.message_id = schedules.message_id)
WHERE state IN ('pending', 'claimed');
CREATE INDEX schedules_expiring ON schedules (expires_at) WHERE state = 'pending' AND expires_at IS NOT NULL;
