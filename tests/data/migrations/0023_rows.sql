-- What schema 23 added, beside the rows of schema 8.

UPDATE api_keys SET addresses = '192.0.2.0/24,2001:db8::/32' WHERE id = (SELECT min(id) FROM api_keys);
