-- Headers of a customer's own beside an endpoint's signatures, and addresses whose tokens do not lie in the clear: `url` and
-- `destination_url` are what people are shown, the whole address is sealed where it holds more.
ALTER TABLE endpoints ADD COLUMN header_names TEXT;        -- JSON list of the names in `headers`, of the customer's own; null: none
ALTER TABLE endpoints ADD COLUMN sealed_url BLOB;          -- the whole address; null: url is it
ALTER TABLE threecx_integrations ADD COLUMN sealed_destination BLOB;  -- the same of destination_url
