-- The newest of the changes is always kept, so that its number alone says which is the next: no commit writes a counter for
-- it beside it.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT', 'INTEGER NOT NULL PRIMARY KEY')
    WHERE type = 'table' AND name = 'changes';
PRAGMA writable_schema = RESET;
DELETE FROM sqlite_sequence WHERE name = 'changes';
