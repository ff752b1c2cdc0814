-- How many chats wait to be read stands beside every page.

-- Only conversations with something unread are in it, so counting them costs as much as there are.
CREATE INDEX conversations_unread ON conversations (instance_id) WHERE unread_count > 0;
