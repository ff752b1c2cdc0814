#!/bin/bash
# "This person's hidden id has changed" is recognised, but neither the old nor the new id is in the event.
#
# Package: kapso-whatsapp-cloud-api 0.3.0 (PyPI), `normalize_webhook`, `IdentityChangeEvent`
# Expected: both ids. Meta, system messages webhook reference (August 2026): a message of type "system" whose `system.type` is
#   "user_changed_user_id" carries `system.user_id` and `system.previous_user_id`, often without `from` and without contacts.
# Seen:
#   expected: 1 event with SA.111111111111111 and SA.222222222222222
#   seen, kapso-whatsapp-cloud-api 0.3.0: 1 event; previous_wa_id, new_wa_id, business_scoped_user_id: [None, None, None]
# Why it matters for a WhatsApp gateway: the event's purpose, says its description, is that one reconciles instead of creating a new
#   contact. With empty fields every receiver creates a new one, and the opt-out of the old one is gone. The ids are in
#   `event.raw`.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check kapso-whatsapp-cloud-api==0.3.0
venv/bin/python - <<'PY'
import sys
from kapso_whatsapp.webhooks.normalize import normalize_webhook

events = normalize_webhook({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
    "messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001111", "phone_number_id": "1001"},
    "messages": [{"id": "wamid.1", "timestamp": "1790000000", "type": "system", "system": {
        "type": "user_changed_user_id", "body": "User changed", "previous_user_id": "SA.111111111111111", "user_id": "SA.222222222222222"}}]}}]}]}).identity_events
event = events[0]
seen = [event.previous_wa_id, event.new_wa_id, event.business_scoped_user_id]
print("expected: 1 event with SA.111111111111111 and SA.222222222222222")
print(f"seen, kapso-whatsapp-cloud-api 0.3.0: {len(events)} event; previous_wa_id, new_wa_id, business_scoped_user_id: {seen}")
sys.exit(0 if len(events) == 1 and seen == [None, None, None] else 1)
PY
