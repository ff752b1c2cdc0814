-- Whether people are told that their messages were read, as WhatsApp itself does unless somebody switches it off; and,
-- because telling that an answer is being written marks their last message as read, whether they are told of that.
ALTER TABLE instances ADD COLUMN tell_read INTEGER NOT NULL DEFAULT 1 CHECK (tell_read IN (0, 1));
