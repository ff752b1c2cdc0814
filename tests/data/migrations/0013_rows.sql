-- At least one row with what schema 13 added, beside the rows of schema 8.

UPDATE instances SET tell_read = 0 WHERE id = 'shop-line';
