nats stream add SHOP --subjects 'shop.>' --defaults
wa-gateway webhook create --account 1 \
  --url 'nats://gateway:secret@nats.shop.example:4222/shop.{instance}.{event}' \
  --events message.received,message.status_updated,recipient.opted_out
