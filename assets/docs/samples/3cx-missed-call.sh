# As 3CX's own tools can send it: a form, the secret as a Bearer token, 3CX's names for things.
curl -i -X POST '{{base_url}}/integrations/3cx/webhook/INTEGRATION_ID' \
  -H 'Authorization: Bearer YOUR_3CX_SECRET' \
  --data-urlencode 'CallType=Missed' \
  --data-urlencode 'Number=+966501234567' \
  --data-urlencode 'queue=Support'
