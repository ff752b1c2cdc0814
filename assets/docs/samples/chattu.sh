curl -i -X POST '{{base_url}}/api/send-message' \
  -H 'x-api-key: YOUR_CHATTU_KEY' \
  -H 'Content-Type: application/json' \
  -d '{"clientId": "{{instance_id}}", "number": "+966501234567", "message": "Your order 2041 has been shipped."}'
