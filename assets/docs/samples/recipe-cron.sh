#!/bin/sh
# Say it when the backup of the shop failed: a line of crontab calls this each morning. The key names the day, so that a
# second run of the same day says nothing again.
if ! find "${BACKUPS:-/var/backups/shop}" -name '*.tar.gz' -mtime -1 2>/dev/null | grep -q .; then
  curl -sS --retry 5 -X POST {{base_url}}/api/send-message \
    -H 'Authorization: Bearer {{api_key}}' \
    -H 'Content-Type: application/json' \
    -H "Idempotency-Key: backup-$(date +%F)" \
    -d '{"instance_id":"{{instance_id}}","phone":"+966501234567","message":"The backup of last night is missing.","message_purpose":"internal_team"}'
fi
