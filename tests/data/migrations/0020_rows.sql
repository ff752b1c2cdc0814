-- What schema 20 added, beside the rows of schema 8.

UPDATE instances SET client_id = 'My Client' WHERE id = (SELECT min(id) FROM instances);
