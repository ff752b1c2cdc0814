curl -i -X POST '{{base_url}}/integrations/3cx/webhook/INTEGRATION_ID' \
  -H 'X-WhatsApp-Gateway-3CX-Secret: YOUR_3CX_SECRET' \
  -H 'Content-Type: application/json' \
  -d '{
    "event_type": "outbound_message",
    "to": "+966501234567",
    "message_text": "We have found your parcel; it comes tomorrow.",
    "message_purpose": "support",
    "conversation_id": "chat-77",
    "agent_extension": "101"
  }'
