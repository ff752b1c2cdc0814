# The file is on this machine; its name and kind come along.
curl -i -X POST '{{base_url}}/api/send-message' \
  -H 'Authorization: Bearer {{api_key}}' \
  -H 'Idempotency-Key: invoice-2041' \
  -F instance_id='{{instance_id}}' \
  -F phone='+966501234567' \
  -F message='Your invoice 2041.' \
  -F message_purpose='transactional' \
  -F file=@invoice-2041.pdf
