-- What schema 22 added.

INSERT INTO policy_phrases (account_id, phrase, rule_group, weight, added_by, added_at)
    SELECT min(id), 'golden ticket', 'prize', 40, 'admin@shop.example', 1780000000000 FROM accounts;
