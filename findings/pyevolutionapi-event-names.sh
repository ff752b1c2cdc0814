#!/bin/bash
# The client's own model for webhook calls refuses the calls that the server makes.
#
# Package: pyevolutionapi 0.1.1 (PyPI), `models.webhook.EventPayload`
# Expected: the model reads a call of Evolution API v2. The server names events with dots and in small letters in the
#   call ("messages.upsert") and with underscores in capitals in the configuration (MESSAGES_UPSERT); evolution-whatsapp
#   0.1.1, another client, documents both spellings and reads both. Event handling is among the features that its README
#   lists.
# Seen:
#   expected: messages.upsert read, by both clients
#   seen, pyevolutionapi 0.1.1: messages.upsert ValidationError, MESSAGES_UPSERT read
#   seen, evolution-whatsapp 0.1.1: messages.upsert read, MESSAGES_UPSERT read
# Why it matters for a WhatsApp gateway: no call of a real server or of a gateway that imitates one gets through this
#   model; programs built on it read the raw JSON. A gateway must not "correct" the spelling for them: the other clients
#   rely on it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pyevolutionapi==0.1.1 evolution-whatsapp==0.1.1
venv/bin/python - <<'PY'
import sys
from evolution_api.webhooks import parse_webhook
from pyevolutionapi.models.webhook import EventPayload

def call(event):
    return {"event": event, "instance": "shop", "destination": "http://127.0.0.1/hook", "date_time": "2026-11-29T10:00:00.000Z",
            "sender": "15550001111@s.whatsapp.net", "server_url": "http://127.0.0.1:8080",
            "data": {"key": {"remoteJid": "966501234567@s.whatsapp.net", "fromMe": False, "id": "3EB0A1"},
                     "pushName": "Noor", "message": {"conversation": "hi"}, "messageType": "conversation", "messageTimestamp": 1790000000}}

def read(reader, event):
    try:
        reader(call(event))
        return "read"
    except Exception as error:
        return type(error).__name__

seen = [(name, read(reader, "messages.upsert"), read(reader, "MESSAGES_UPSERT"))
        for name, reader in (("pyevolutionapi 0.1.1", EventPayload.model_validate), ("evolution-whatsapp 0.1.1", parse_webhook))]
print("expected: messages.upsert read, by both clients")
for name, dotted, capitals in seen:
    print(f"seen, {name}: messages.upsert {dotted}, MESSAGES_UPSERT {capitals}")
sys.exit(0 if [line[1:] for line in seen] == [("ValidationError", "read"), ("read", "read")] else 1)
PY
