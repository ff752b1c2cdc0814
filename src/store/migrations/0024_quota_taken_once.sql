-- A message's quota is taken with its row and given back if the provider did not take it: nothing is moved from one column
-- to another in between.
UPDATE usage_days SET counted = counted + reserved;
ALTER TABLE usage_days DROP COLUMN reserved;
UPDATE usage_months SET counted = counted + reserved;
ALTER TABLE usage_months DROP COLUMN reserved;
