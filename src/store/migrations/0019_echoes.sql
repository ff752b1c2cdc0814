-- Both sides of a chat whose other side is written elsewhere, and messages about earlier ones.

-- What wrote a message of the instance's own that did not leave through this gateway: phone, agent. Null: somebody wrote
-- to us. contact_id is then the one to whom it went.
ALTER TABLE inbound_messages ADD COLUMN origin TEXT;
-- Of an edit some providers tell only the id of what it changes.
CREATE INDEX inbound_messages_by_id ON inbound_messages (instance_id, provider_message_id);

-- Edits and deletions, by the message that they are about.
CREATE INDEX inbound_messages_about ON inbound_messages (instance_id, chat, reply_to) WHERE kind IN ('edit', 'revoke');

-- What has the conversation now, where it is not ours: agent.
ALTER TABLE conversations ADD COLUMN held_by TEXT;

-- What turns out to be a message of ours is no message of the phone's: the answer to it came later than its echo.
CREATE TRIGGER messages_echoed AFTER UPDATE OF provider_message_id ON messages
    WHEN NEW.provider_message_id IS NOT NULL AND NEW.provider_message_id IS NOT OLD.provider_message_id BEGIN
    DELETE FROM inbound_messages WHERE instance_id = NEW.instance_id AND origin IS NOT NULL
        AND provider_message_id = NEW.provider_message_id;
END;
