-- Settings of a connector that are secrets (tokens, signing keys), sealed; see store/vault.rs.
CREATE TABLE instance_secrets (
    instance_id TEXT NOT NULL REFERENCES instances (id),
    name        TEXT NOT NULL,
    sealed      BLOB NOT NULL,
    PRIMARY KEY (instance_id, name)
) STRICT, WITHOUT ROWID;
