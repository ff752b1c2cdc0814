-- One row once a second machine stands ready: in which place the two machines meet, and in which epoch this database may
-- send. A copy of the database belongs to the epoch that it was made in, until who takes over writes the next one.
CREATE TABLE standby (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    gateway TEXT NOT NULL,                          -- the word that also stands in the place
    epoch   INTEGER NOT NULL CHECK (epoch >= 0)     -- 0: the place is just being made its own
) STRICT;
