-- What schema 16 added, beside the rows of schema 8.

INSERT INTO key_check (id, value) VALUES (1, x'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff');
