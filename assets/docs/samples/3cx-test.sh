curl -i -X POST '{{base_url}}/integrations/3cx/webhook/INTEGRATION_ID' \
  -H 'X-WhatsApp-Gateway-3CX-Secret: YOUR_3CX_SECRET' \
  -H 'Content-Type: application/json' \
  -d '{"event_type": "test"}'
