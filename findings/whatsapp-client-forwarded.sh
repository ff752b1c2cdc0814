#!/bin/bash
# A forwarded message, or a reaction that is taken back, makes the whole call fail, with everything else that is in it.
#
# Package: whatsapp-client 0.2.0 (PyPI), `WebhookHandler`
# Expected: both are read. Meta, messages webhook reference: `context` of a forwarded message has `forwarded` and no
#   `from` or `id`; a reaction that was removed comes without `emoji`. pywa 4.5.0 reads both.
# Seen:
#   expected: plain | plain forwarded | plain removed
#   seen, whatsapp-client 0.2.0: plain | KeyError 'from' | KeyError 'emoji'
# Why it matters for a WhatsApp gateway: the handler raises, the receiver answers 500, and the call comes again for
#   hours; the other messages of the call are never seen. Forwarding is what people do most with offers. A gateway that
#   puts one message into each call keeps the damage to one message.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check whatsapp-client==0.2.0
venv/bin/python - <<'PY'
import asyncio, hashlib, hmac, json, sys
from whatsapp_client import WebhookHandler

def heard(*messages):
    got = []
    async def on_message(client, notification, message):
        got.append(message.id)
    handler = WebhookHandler(app_secret="secret", client=None, on_message=on_message)
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001111", "phone_number_id": "1001"},
        "contacts": [{"wa_id": "966501234567", "profile": {"name": "Noor"}}], "messages": list(messages)}}]}]}).encode()
    try:
        asyncio.run(handler.handle(body=body, signature="sha256=" + hmac.new(b"secret", body, hashlib.sha256).hexdigest()))
    except Exception as error:
        got.append(f"{type(error).__name__} {error}")
    return " ".join(got)

base = {"from": "966501234567", "timestamp": "1790000000"}
plain = {**base, "id": "plain", "type": "text", "text": {"body": "hi"}}
forwarded = {**base, "id": "forwarded", "type": "text", "text": {"body": "look"}, "context": {"forwarded": True}}
removed = {**base, "id": "removed", "type": "reaction", "reaction": {"message_id": "wamid.0"}}
seen = [heard(plain), heard(plain, forwarded), heard(plain, removed)]
print("expected: plain | plain forwarded | plain removed")
print("seen, whatsapp-client 0.2.0: " + " | ".join(seen))
sys.exit(0 if seen == ["plain", "KeyError 'from'", "KeyError 'emoji'"] else 1)
PY
