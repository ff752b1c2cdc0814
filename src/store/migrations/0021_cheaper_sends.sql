-- What each send paid for without need.

-- For a list of three in an index's condition SQLite fills a table of its own, twice for each change of a message's state.
-- And a single state did not find this index; now it does.
DROP INDEX messages_trouble;
CREATE INDEX messages_trouble ON messages (account_id, status, created_at)
    WHERE status = 'failed' OR status = 'unknown' OR status = 'blocked';

-- The same list in a condition on a column: the words stay what they were, only their form changes, so that no row has to
-- be written again.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql,
    'CHECK (quota IN (''none'', ''reserved'', ''counted'', ''returned''))',
    'CHECK (quota = ''none'' OR quota = ''reserved'' OR quota = ''counted'' OR quota = ''returned'')')
    WHERE type = 'table' AND name = 'messages';
UPDATE sqlite_schema SET sql = replace(sql,
    'CHECK (kind IN (''phone'', ''lid'', ''bsuid'', ''jid''))',
    'CHECK (kind = ''phone'' OR kind = ''lid'' OR kind = ''bsuid'' OR kind = ''jid'')')
    WHERE type = 'table' AND name = 'contact_identities';
UPDATE sqlite_schema SET sql = replace(sql,
    'CHECK (kind IN (''out'', ''in'', ''read'', ''group'', ''connection'', ''qr'', ''access''))',
    'CHECK (kind = ''out'' OR kind = ''in'' OR kind = ''read'' OR kind = ''group'' OR kind = ''connection''
        OR kind = ''qr'' OR kind = ''access'')')
    WHERE type = 'table' AND name = 'changes';
UPDATE sqlite_schema SET sql = replace(sql,
    'CHECK (state IN (''pending'', ''delivered'', ''given_up''))',
    'CHECK (state = ''pending'' OR state = ''delivered'' OR state = ''given_up'')')
    WHERE type = 'table' AND name = 'deliveries';
PRAGMA writable_schema = RESET;

-- As before, but it looks first: nearly no message has an echo.
DROP TRIGGER messages_echoed;
CREATE TRIGGER messages_echoed AFTER UPDATE OF provider_message_id ON messages
    WHEN NEW.provider_message_id IS NOT NULL AND NEW.provider_message_id IS NOT OLD.provider_message_id
        AND EXISTS (SELECT 1 FROM inbound_messages WHERE instance_id = NEW.instance_id
            AND provider_message_id = NEW.provider_message_id AND origin IS NOT NULL) BEGIN
    DELETE FROM inbound_messages WHERE instance_id = NEW.instance_id AND origin IS NOT NULL
        AND provider_message_id = NEW.provider_message_id;
END;
