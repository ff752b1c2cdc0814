-- One row: a value derived from the key of the secrets, by which a start and the doctor see whether the key in use is
-- the one that the secrets were sealed with. The key cannot be had from it.
CREATE TABLE key_check (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    value BLOB NOT NULL
) STRICT;
