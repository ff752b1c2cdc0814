-- A template is shown before it is sent, and not its text alone.

-- What stands around its text, as JSON: the line above, the small line below, the buttons, and what it needs that nobody
-- can give it; null: not listed since.
ALTER TABLE templates ADD COLUMN frame TEXT;
