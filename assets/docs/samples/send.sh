# The key belongs to this one message: repeat the same line after a broken connection, and it is sent once.
curl -i -X POST '{{base_url}}/api/send-message' \
  -H 'Authorization: Bearer {{api_key}}' \
  -H 'Content-Type: application/json' \
  -H 'Idempotency-Key: order-2041-shipped' \
  -d '{
    "instance_id": "{{instance_id}}",
    "phone": "+966501234567",
    "message": "Your order 2041 has been shipped.",
    "message_purpose": "transactional",
    "reference": "order-2041"
  }'
