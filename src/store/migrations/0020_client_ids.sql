-- What the Chattu dialect calls an instance, where its callers chose an id that is no slug or one that was used before;
-- null: its slug.
ALTER TABLE instances ADD COLUMN client_id TEXT;
CREATE INDEX instances_client_id ON instances (client_id) WHERE client_id IS NOT NULL;
