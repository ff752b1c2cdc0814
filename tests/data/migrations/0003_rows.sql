-- At least one row in every table that schema 3 added, beside the rows of the schemas before.

INSERT INTO instance_secrets (instance_id, name, sealed) VALUES ('shop-line', 'access_token', x'0102');
