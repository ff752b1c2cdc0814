-- What schema 27 added, beside the rows of schema 8.

UPDATE schedules SET request = '{"message":"later"}' WHERE id = (SELECT min(id) FROM schedules);
