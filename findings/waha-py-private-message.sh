#!/bin/bash
# The model of a message cannot read a message of a private chat, only one of a group that was sent by oneself.
#
# Package: waha-py 2026.9.2 (PyPI), `waha.generated.models.WAMessage`
# Expected: a message that comes in from one person is read. The model's own descriptions: `participant` "For groups",
#   `source` available in events of one's own messages only, `mediaUrl` deprecated.
# Seen:
#   expected: read, nothing missing
#   seen, waha-py 2026.9.2: refused, missing mediaUrl,participant,source
# Why it matters for a WhatsApp gateway: all of these are required, because the OpenAPI description of the server says
#   so. It is what happens to every client generated from a description that was never checked against real answers: a
#   gateway's own has to be, with `required` for what is always there and nothing else.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check waha-py==2026.9.2
venv/bin/python - <<'PY'
import sys
from pydantic import ValidationError
from waha.generated.models import WAMessage

private = {"id": "false_966501234567@c.us_AAAA", "timestamp": 1790000000, "from": "966501234567@c.us", "fromMe": False,
           "to": "15550001111@c.us", "body": "hi", "hasMedia": False, "ack": 1, "ackName": "SERVER", "vCards": []}
try:
    WAMessage.model_validate(private)
    missing = "nothing"
except ValidationError as error:
    missing = ",".join(sorted(str(one["loc"][0]) for one in error.errors()))
print("expected: read, nothing missing")
print(f"seen, waha-py 2026.9.2: refused, missing {missing}")
sys.exit(0 if missing == "mediaUrl,participant,source" else 1)
PY
