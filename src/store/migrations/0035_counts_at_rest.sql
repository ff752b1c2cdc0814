-- A message is counted when it comes to rest: what is on its way will be something else in a moment, and no page asks for
-- it. Each sent message thus writes one count and not three. An upsert in a trigger has SQLite keep a copy of each page
-- that the statement changes; so most statements that insert have none.
DROP TRIGGER message_counts_new;
DROP TRIGGER message_counts_changed;
DELETE FROM message_counts WHERE status = 'accepted' OR status = 'sending';
CREATE TRIGGER message_counts_new AFTER INSERT ON messages
WHEN NEW.status <> 'sending' AND NEW.status <> 'accepted' BEGIN
    INSERT INTO message_counts (account_id, day, key_id, status, reason, n)
    SELECT NEW.account_id, NEW.day, coalesce(NEW.key_id, 0), NEW.status,
           CASE NEW.status WHEN 'blocked' THEN coalesce(NEW.reason, '') ELSE '' END, 0
    WHERE NOT EXISTS (SELECT 1 FROM message_counts
        WHERE account_id = NEW.account_id AND day = NEW.day AND key_id = coalesce(NEW.key_id, 0) AND status = NEW.status
          AND reason = CASE NEW.status WHEN 'blocked' THEN coalesce(NEW.reason, '') ELSE '' END);
    UPDATE message_counts SET n = n + 1 + NEW.repeats
    WHERE account_id = NEW.account_id AND day = NEW.day AND key_id = coalesce(NEW.key_id, 0) AND status = NEW.status
      AND reason = CASE NEW.status WHEN 'blocked' THEN coalesce(NEW.reason, '') ELSE '' END;
END;
CREATE TRIGGER message_counts_left AFTER UPDATE OF status, repeats, day ON messages
WHEN OLD.status <> 'sending' AND OLD.status <> 'accepted'
    AND (OLD.status <> NEW.status OR OLD.repeats <> NEW.repeats OR OLD.day <> NEW.day) BEGIN
    UPDATE message_counts SET n = n - 1 - OLD.repeats
    WHERE account_id = OLD.account_id AND day = OLD.day AND key_id = coalesce(OLD.key_id, 0) AND status = OLD.status
      AND reason = CASE OLD.status WHEN 'blocked' THEN coalesce(OLD.reason, '') ELSE '' END;
END;
CREATE TRIGGER message_counts_came AFTER UPDATE OF status, repeats, day ON messages
WHEN NEW.status <> 'sending' AND NEW.status <> 'accepted'
    AND (OLD.status <> NEW.status OR OLD.repeats <> NEW.repeats OR OLD.day <> NEW.day) BEGIN
    INSERT INTO message_counts (account_id, day, key_id, status, reason, n)
    VALUES (NEW.account_id, NEW.day, coalesce(NEW.key_id, 0), NEW.status,
            CASE NEW.status WHEN 'blocked' THEN coalesce(NEW.reason, '') ELSE '' END, 1 + NEW.repeats)
    ON CONFLICT DO UPDATE SET n = n + excluded.n;
END;
