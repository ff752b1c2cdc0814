-- What a message counts for, it counts for when it goes. One that waited for its time was put in long before.

-- Where those are found; most messages go at once and have no row in it.
CREATE INDEX messages_waited ON messages (instance_id, sending_at) WHERE sending_at > created_at + 60000;
