-- What schema 25 added, beside the rows of schema 8.

UPDATE schedules SET request = '{"message":"later"}' WHERE id = (SELECT min(id) FROM schedules);
