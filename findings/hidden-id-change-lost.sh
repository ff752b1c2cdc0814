#!/bin/bash
# "This person's hidden id has changed": one library drops the message, another makes an event of it without any id.
#
# Packages: pywa 4.5.0 (`on_phone_number_change`), kapso-whatsapp-cloud-api 0.3.0 (`normalize_webhook`,
#   `IdentityChangeEvent`), PyPI
# Expected: an event with the old and the new id. Meta, system messages webhook reference (August 2026): a message of
#   type "system" whose `system.type` is "user_changed_user_id" carries `system.user_id` and `system.previous_user_id`,
#   often without `from` and without contacts. Both libraries know the type by name.
# Seen:
#   expected: 1 event with SA.111111111111111 and SA.222222222222222
#   seen, kapso-whatsapp-cloud-api 0.3.0: 1 event with [(None, None, None)]
#   seen, pywa 4.5.0: 0 events, answered 200, log: Failed to construct update (field=messages): KeyError 'from'
# Why it matters for a WhatsApp gateway: the event is there so that one reconciles instead of creating a new contact.
#   Without the ids every receiver creates a new one, and the opt-out of the old one is gone. The person stays one only
#   if the gateway joins the two ids before it hands on the next message.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pywa==4.5.0 kapso-whatsapp-cloud-api==0.3.0
venv/bin/python - <<'PY'
import json, logging, sys
from kapso_whatsapp.webhooks.normalize import normalize_webhook
from pywa import WhatsApp

CALL = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
    "messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001111", "phone_number_id": "1001"},
    "messages": [{"id": "wamid.1", "timestamp": "1790000000", "type": "system", "system": {
        "type": "user_changed_user_id", "body": "User changed", "previous_user_id": "SA.111111111111111", "user_id": "SA.222222222222222"}}]}}]}]}
events = normalize_webhook(CALL).identity_events
kapso = [(e.previous_wa_id, e.new_wa_id, e.business_scoped_user_id) for e in events]

class Errors(logging.Handler):
    def emit(self, record):
        told.append(f"{record.getMessage().split('] ')[-1]}: {record.exc_info[0].__name__} {record.exc_info[1]}")
told, got = [], []
logging.getLogger("pywa").addHandler(Errors(level=logging.ERROR))
api = WhatsApp(phone_id="1001", token="t", server=None, verify_token="v", validate_updates=False)
@api.on_phone_number_change
def changed(_, update):
    got.append(update)
status = api.webhook_update_handler(json.dumps(CALL).encode())[1]
print("expected: 1 event with SA.111111111111111 and SA.222222222222222")
print(f"seen, kapso-whatsapp-cloud-api 0.3.0: {len(kapso)} event with {kapso}")
print(f"seen, pywa 4.5.0: {len(got)} events, answered {status}, log: {told[0] if told else 'nothing'}")
sys.exit(0 if kapso == [(None, None, None)] and not got and status == 200 else 1)
PY
