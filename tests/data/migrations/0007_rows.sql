-- At least one row in every table that schema 7 added, beside the rows of the earlier schemas.

INSERT INTO media (id, account_id, instance_id, inbound_id, log_id, kind, declared_type, sniffed_type, file_name, size, sha256, state, path, handle, attempts, due_at, problem, created_at, removed_at) VALUES
    (1, 1, 'shop-line', 1, NULL, 'image', 'image/jpeg', 'image/png', 'photo.png', 68, x'ab', 'stored', 'ab/abcdef', NULL, 0, NULL, NULL, 1780000000021, NULL),
    (2, 1, 'shop-line', NULL, NULL, 'video', 'video/mp4', NULL, NULL, NULL, NULL, 'pending', NULL, 'wamid.1', 2, 1780000005000, NULL, 1780000000021, NULL),
    (3, 1, 'shop-line', NULL, 2, 'document', 'application/pdf', 'application/pdf', 'a.pdf', 9, x'ac', 'removed', NULL, NULL, 1, NULL, 'too old', 1780000000021, 1780000009000);
INSERT INTO notices (id, account_id, kind, subject, parameters, created_at, seen_at, cleared_at) VALUES
    (1, 1, 'endpoint_disabled', '2', '{"url":"https://old.example/hook"}', 1780000000001, 1780000000002, 1780000000003),
    (2, NULL, 'instance_paused', 'shop-line', '{}', 1780000000001, NULL, NULL);
INSERT INTO erased_suppressions VALUES (1, x'0f', 'recipient', 1780000000000);
