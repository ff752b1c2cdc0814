-- Messages of the guarded API that wait for their time, or until the guard lets them pass: their row in the log is there
-- from the beginning (accepted, without a quota), and what is to be sent stands in the schedule.

-- The request as JSON, with everything that it asks for; null: body and media say all of it.
ALTER TABLE schedules ADD COLUMN request TEXT;

-- Such a message counts for the day on which it is sent: the counts of messages by day move with it.
DROP TRIGGER message_counts_changed;
CREATE TRIGGER message_counts_changed AFTER UPDATE OF status, repeats, day ON messages
WHEN OLD.status <> NEW.status OR OLD.repeats <> NEW.repeats OR OLD.day <> NEW.day BEGIN
    UPDATE message_counts SET n = n - 1 - OLD.repeats
    WHERE account_id = OLD.account_id AND day = OLD.day AND key_id = coalesce(OLD.key_id, 0) AND status = OLD.status
      AND reason = CASE OLD.status WHEN 'blocked' THEN coalesce(OLD.reason, '') ELSE '' END;
    INSERT INTO message_counts (account_id, day, key_id, status, reason, n)
    VALUES (NEW.account_id, NEW.day, coalesce(NEW.key_id, 0), NEW.status,
            CASE NEW.status WHEN 'blocked' THEN coalesce(NEW.reason, '') ELSE '' END, 1 + NEW.repeats)
    ON CONFLICT DO UPDATE SET n = n + excluded.n;
END;
