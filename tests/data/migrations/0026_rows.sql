-- What schema 26 added, beside the rows of schema 8.

UPDATE events SET is_told = 1 WHERE id = (SELECT max(id) FROM events);
