-- At least one row with what schema 14 added, beside the rows of schema 2.

INSERT INTO endpoint_former_secrets (endpoint_id, secret, until) VALUES (1, x'04', 1780080000000);
