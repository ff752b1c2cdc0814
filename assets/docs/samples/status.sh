curl -s '{{base_url}}/api/messages/123' -H 'Authorization: Bearer {{api_key}}'
