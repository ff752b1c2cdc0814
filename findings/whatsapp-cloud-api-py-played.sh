#!/bin/bash
# A voice message that was played, or any status that is newer than the library, is told as "sent".
#
# Package: whatsapp-cloud-api-py 0.3.0 (PyPI), `dispatch_webhook`
# Expected: a status that the library does not know is not told as one it knows: no event, or one of its own, as it does
#   for messages (`UnknownMessageReceived`). Meta's statuses are sent, delivered, read, played and failed (pywa 4.5.0
#   lists "played" as the first time that a voice message is played on the person's device).
# Seen:
#   expected: MessageSent MessageDelivered MessageRead, and no MessageSent for played
#   seen, whatsapp-cloud-api-py 0.3.0: MessageSent MessageDelivered MessageRead MessageSent
# Why it matters for a WhatsApp gateway: a message that was read goes back to "sent" in the receiver's records. Programs
#   must never take a step back on a status, and a gateway must not hand on a status word that receivers of its shape do
#   not know.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check whatsapp-cloud-api-py==0.3.0
venv/bin/python - <<'PY'
import sys
from whatsapp_cloud_api.events.dispatcher import dispatch_webhook
from whatsapp_cloud_api.webhooks import normalize_webhook

class Emitter:
    def __init__(self): self.names = []
    def emit(self, event): self.names.append(type(event).__name__)

emitter = Emitter()
for status in ("sent", "delivered", "read", "played"):
    dispatch_webhook(normalize_webhook({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001111", "phone_number_id": "1001"},
        "statuses": [{"id": "wamid.1", "status": status, "timestamp": "1790000000", "recipient_id": "966501234567"}]}}]}]}), emitter)
print("expected: MessageSent MessageDelivered MessageRead, and no MessageSent for played")
print("seen, whatsapp-cloud-api-py 0.3.0: " + " ".join(emitter.names))
sys.exit(0 if emitter.names == ["MessageSent", "MessageDelivered", "MessageRead", "MessageSent"] else 1)
PY
