#!/bin/sh
# Waits as long as the gateway asks (Retry-After), at most five times; never repeats what may have left.
for attempt in 1 2 3 4 5; do
  answer=$(curl -s -i -X POST '{{base_url}}/api/send-message' \
    -H 'Authorization: Bearer {{api_key}}' \
    -H 'Content-Type: application/json' \
    -H 'Idempotency-Key: order-2042-shipped' \
    -d '{"instance_id":"{{instance_id}}","phone":"+966501234567","message":"Your order 2042 has been shipped.","message_purpose":"transactional"}' |
    tr -d '\r')
  status=$(printf '%s\n' "$answer" | awk 'NR == 1 { print $2 }')
  wait=$(printf '%s\n' "$answer" | awk 'tolower($1) == "retry-after:" { print $2 }')
  case "$status" in
    409|429|503)
      # Hours: today's limit is used up. Put it into a queue of your own.
      [ "${wait:-5}" -le 300 ] || break
      echo "waiting ${wait:-5} s" >&2
      sleep "${wait:-5}" ;;
    *) break ;;
  esac
done
printf '%s\n' "$answer" | tail -n 1
