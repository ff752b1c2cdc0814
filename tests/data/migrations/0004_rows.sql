-- At least one row in every table that schema 4 added, beside the rows of the schemas before.

INSERT INTO second_factors (user_id, seed, confirmed_at, last_step) VALUES (1, x'0102', 1780000000000, 59333333);
INSERT INTO recovery_codes (user_id, hash, used_at) VALUES (1, x'0a', 1780000000000), (1, x'0b', NULL);
