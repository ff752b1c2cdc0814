-- What schema 18 added, beside the rows of schema 8.

UPDATE api_keys SET scopes = 'send,read' WHERE id = (SELECT min(id) FROM api_keys);
