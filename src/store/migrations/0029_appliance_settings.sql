-- What an administrator set up on a page instead of in the configuration: one row for each part.
CREATE TABLE appliance_settings (
  part TEXT PRIMARY KEY,        -- mail, backups
  value TEXT NOT NULL,          -- JSON, without secrets
  secret BLOB,                  -- the part's password or passphrase, sealed; null: it has none
  changed_at INTEGER NOT NULL
) STRICT;
