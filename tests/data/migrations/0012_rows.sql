-- At least one row in every table that schema 12 added, beside the rows of schema 8.

INSERT INTO changes (account_id, instance_id, kind, row, name) VALUES
    (1, 'shop-line', 'in', 1, NULL), (1, 'shop-line', 'group', NULL, '120363000000000001@g.us'), (NULL, NULL, 'access', NULL, NULL);
