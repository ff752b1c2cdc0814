-- A mail server that was set up on a page.
INSERT INTO appliance_settings (part, value, secret, changed_at) VALUES
  ('mail', '{"host":"mail.example","port":587,"tls":"starttls","user":"gateway","from":"gateway@shop.example","to":["boss@shop.example"],"to_owners":true}', x'00', 1780300800000);
