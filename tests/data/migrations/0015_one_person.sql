-- What schema 15 added: the other form of a number, which nobody has used.

INSERT INTO contact_identities (account_id, kind, value, contact_id, is_variant)
    SELECT account_id, 'phone', '+551187654321', id, 1 FROM contacts ORDER BY id LIMIT 1;
