-- What open pages are told: a row for each change that somebody who looks at a page could see, in the order of commits.

-- A change: whose it is and what it is about, never what it says. Who lost a connection asks for what came after the last
-- id that he saw. Only the newest are kept.
CREATE TABLE changes (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    account_id  INTEGER,                                    -- null: everybody looks whether it concerns them
    instance_id TEXT,
    kind        TEXT    NOT NULL CHECK (kind IN ('out', 'in', 'read', 'group', 'connection', 'qr', 'access')),
    row         INTEGER,                                    -- out, in: the message's; read: the contact's
    name        TEXT                                        -- group: its id
) STRICT;

-- By triggers, so that no way of writing a message can forget it, and the row is in the transaction of its cause.
CREATE TRIGGER changes_message AFTER INSERT ON messages WHEN NEW.instance_id <> '' BEGIN
    INSERT INTO changes (account_id, instance_id, kind, row) VALUES (NEW.account_id, NEW.instance_id, 'out', NEW.id);
END;
CREATE TRIGGER changes_status AFTER UPDATE OF status ON messages WHEN NEW.status <> OLD.status BEGIN
    INSERT INTO changes (account_id, instance_id, kind, row) VALUES (NEW.account_id, NEW.instance_id, 'out', NEW.id);
END;
CREATE TRIGGER changes_inbound AFTER INSERT ON inbound_messages BEGIN
    INSERT INTO changes (account_id, instance_id, kind, row) VALUES (NEW.account_id, NEW.instance_id, 'in', NEW.id);
END;
CREATE TRIGGER changes_file AFTER UPDATE OF state ON media
    WHEN NEW.state <> OLD.state AND coalesce(NEW.inbound_id, NEW.log_id) IS NOT NULL BEGIN
    INSERT INTO changes (account_id, instance_id, kind, row) VALUES (NEW.account_id, NEW.instance_id,
        CASE WHEN NEW.inbound_id IS NULL THEN 'out' ELSE 'in' END, coalesce(NEW.inbound_id, NEW.log_id));
END;
CREATE TRIGGER changes_read AFTER UPDATE OF unread_count ON conversations
    WHEN NEW.unread_count = 0 AND OLD.unread_count <> 0 BEGIN
    INSERT INTO changes (account_id, instance_id, kind, row)
        VALUES (NEW.account_id, NEW.instance_id, 'read', NEW.contact_id);
END;
CREATE TRIGGER changes_group AFTER UPDATE OF read_at, name ON groups
    WHEN NEW.name <> OLD.name OR NEW.read_at IS NOT OLD.read_at BEGIN
    INSERT INTO changes (account_id, instance_id, kind, name)
        VALUES ((SELECT account_id FROM instances WHERE id = NEW.instance_id), NEW.instance_id, 'group', NEW.group_id);
END;
CREATE TRIGGER changes_instance AFTER UPDATE OF state, state_reason, health, phone, name, paused_at, deleted_at ON instances
    WHEN NEW.state <> OLD.state OR NEW.health <> OLD.health OR NEW.name <> OLD.name OR NEW.phone IS NOT OLD.phone
        OR NEW.state_reason IS NOT OLD.state_reason OR NEW.paused_at IS NOT OLD.paused_at
        OR NEW.deleted_at IS NOT OLD.deleted_at BEGIN
    INSERT INTO changes (account_id, instance_id, kind) VALUES (NEW.account_id, NEW.id, 'connection');
END;
CREATE TRIGGER changes_session AFTER DELETE ON sessions BEGIN
    INSERT INTO changes (kind) VALUES ('access');
END;
CREATE TRIGGER changes_user AFTER UPDATE OF role, account_id, disabled_at ON users
    WHEN NEW.role <> OLD.role OR NEW.account_id IS NOT OLD.account_id OR NEW.disabled_at IS NOT OLD.disabled_at BEGIN
    INSERT INTO changes (kind) VALUES ('access');
END;

-- A chat is read from its end upwards.
CREATE INDEX inbound_messages_chat ON inbound_messages (instance_id, chat, heard_at);

-- What people thought of a message.
CREATE INDEX inbound_messages_reactions ON inbound_messages (instance_id, chat, reply_to) WHERE kind = 'reaction';
