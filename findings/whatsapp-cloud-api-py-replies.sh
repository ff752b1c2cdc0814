#!/bin/bash
# A press of a template's button is an unknown message, an order comes without the customer's note, a form without its token.
#
# Package: whatsapp-cloud-api-py 0.3.0 (PyPI), `dispatch_webhook`
# Expected: `ButtonReply` for a message of type "button" (Meta, messages webhook reference, "Button": `button.payload`
#   and `button.text`, sent for a template's quick reply), `OrderReceived.order_text` from `order.text` ("Order"), and
#   `FlowResponse.flow_token` from the `flow_token` within `nfm_reply.response_json` (WhatsApp Flows, "Receive
#   responses").
# Seen:
#   expected: ButtonReply, order's note 'no onions', form's token 't7'
#   seen, whatsapp-cloud-api-py 0.3.0: UnknownMessageReceived, order's note None, form's token None
# Why it matters for a WhatsApp gateway: the "Stop promotions" button of a marketing template is such a button; a
#   program that listens for `ButtonReply` never hears the opt-out. The note on an order ("no onions") is lost without a
#   trace.
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
    def emit(self, event): self.event = event

def event_of(message):
    emitter = Emitter()
    dispatch_webhook(normalize_webhook({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001111", "phone_number_id": "1001"},
        "contacts": [{"wa_id": "966501234567", "profile": {"name": "Noor"}}],
        "messages": [{"from": "966501234567", "id": "wamid.1", "timestamp": "1790000000", **message}]}}]}]}), emitter)
    return emitter.event

button = event_of({"type": "button", "context": {"from": "15550001111", "id": "wamid.0"}, "button": {"payload": "STOP", "text": "Stop promotions"}})
order = event_of({"type": "order", "order": {"catalog_id": "7", "text": "no onions", "product_items": [
    {"product_retailer_id": "a1", "quantity": 2, "item_price": 5, "currency": "SAR"}]}})
form = event_of({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {
    "name": "flow", "body": "Sent", "response_json": "{\"flow_token\":\"t7\",\"size\":\"L\"}"}}})
seen = (type(button).__name__, order.order_text, form.flow_token)
print("expected: ButtonReply, order's note 'no onions', form's token 't7'")
print(f"seen, whatsapp-cloud-api-py 0.3.0: {seen[0]}, order's note {seen[1]!r}, form's token {seen[2]!r}")
sys.exit(0 if seen == ("UnknownMessageReceived", None, None) else 1)
PY
