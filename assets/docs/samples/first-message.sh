curl -i -X POST '{{base_url}}/api/send-message' \
  -H 'Authorization: Bearer {{api_key}}' \
  -H 'Content-Type: application/json' \
  -d '{
    "instance_id": "{{instance_id}}",
    "phone": "+966501234567",
    "message": "Your order 2041 has been shipped.",
    "message_purpose": "transactional"
  }'
