-- What schema 37 added, beside the rows of schema 17.

UPDATE judgements SET hosts = 'shop.example' WHERE id = (SELECT min(id) FROM judgements);
