-- What schema 36 added, beside the rows of schema 8.

UPDATE schedules SET expires_at = 1780000000000 WHERE id = (SELECT min(id) FROM schedules);
