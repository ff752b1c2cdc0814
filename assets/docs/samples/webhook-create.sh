wa-gateway webhook create --account 1 --instance {{instance_id}} \
  --url https://shop.example.com/whatsapp-events \
  --events message.received,message.status_updated,recipient.opted_out
