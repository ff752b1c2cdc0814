#!/bin/bash
# Messages and receipts in the shape that Meta used until 2026 are acknowledged with 200 and dropped.
#
# Package: pywa 4.5.0 (PyPI)
# Expected: they are read; the hidden id (`contacts[].user_id`) is one of three identifiers in pywa's own model of a
#   user, next to `wa_id`. Meta's published examples of the WhatsApp Business Platform (Postman collection, MIT licence)
#   have contacts of `profile` and `wa_id` only; receipts had no `contacts` at all before 2026.
# Seen:
#   expected: all four 200 handler called
#   seen, pywa 4.5.0: message with hidden id: 200 handler called; message without: 200 dropped; receipt with contacts: 200 handler called; receipt without: 200 dropped
# Why it matters for a WhatsApp gateway: Meta's live calls carry the new fields. Whatever else speaks Meta's shape does
#   not: other providers' Meta-like webhooks, test tools, calls that were stored and are replayed, a gateway's sandbox.
#   A gateway that wants its calls to be read by pywa must put a `user_id` into each contact and a `contacts` list
#   beside each receipt.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pywa==4.5.0
venv/bin/python - <<'PY'
import json, logging, sys
from pywa import WhatsApp

logging.getLogger("pywa").addHandler(logging.NullHandler())
logging.getLogger("pywa").propagate = False
def told(contacts, **value):
    api, got = WhatsApp(phone_id="1001", token="t", server=None, verify_token="v", validate_updates=False), []
    api.on_message(lambda _, update: got.append("handler called"))
    api.on_message_status(lambda _, update: got.append("handler called"))
    if contacts:
        value["contacts"] = contacts
    call = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001111", "phone_number_id": "1001"}, **value}}]}]}
    status = api.webhook_update_handler(json.dumps(call).encode())[1]
    return f"{status} {got[0] if got else 'dropped'}"

message = {"from": "966501234567", "id": "wamid.1", "timestamp": "1790000000", "type": "text", "text": {"body": "hi"}}
receipt = {"id": "wamid.2", "status": "delivered", "timestamp": "1790000000", "recipient_id": "966501234567"}
old, new = {"wa_id": "966501234567", "profile": {"name": "Noor"}}, {"wa_id": "966501234567", "user_id": "SA.111111111111111", "profile": {"name": "Noor"}}
seen = [told([new], messages=[message]), told([old], messages=[message]), told([new], statuses=[receipt]), told(None, statuses=[receipt])]
print("expected: all four 200 handler called")
print(f"seen, pywa 4.5.0: message with hidden id: {seen[0]}; message without: {seen[1]}; receipt with contacts: {seen[2]}; receipt without: {seen[3]}")
sys.exit(0 if seen == ["200 handler called", "200 dropped", "200 handler called", "200 dropped"] else 1)
PY
