-- The column that schema 33 added.

UPDATE templates SET frame = '{"header":"Order {{1}}","footer":"The shop","buttons":[{"kind":"url","text":"See","url":"https://shop.example/{{1}}"}],"lacks":null}'
    WHERE name = 'order_ready';
