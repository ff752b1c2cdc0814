#!/bin/bash
# An assistant that is asked for the chat with an Argentine or Mexican number looks into a chat that does not exist.
#
# Package: evolution-api-mcp 1.0.0 (PyPI), `jid.normalize_chat`
# Expected: +54 9 11 2345 6789 is the chat 5491123456789@s.whatsapp.net. WhatsApp's help page on international numbers:
#   numbers of Argentina have a 9 after the 54, numbers of Mexico a 1 after the 52; the server stores chats under the id
#   that WhatsApp uses.
# Seen:
#   expected: 966501234567@s.whatsapp.net 5491123456789@s.whatsapp.net 5215512345678@s.whatsapp.net
#   seen, evolution-api-mcp 1.0.0: 966501234567@s.whatsapp.net 541123456789@s.whatsapp.net 525512345678@s.whatsapp.net
# Why it matters for a WhatsApp gateway: the 9 and the 1 are taken out, as Evolution does before it asks WhatsApp for
#   the right id when sending. For reading nobody asks, so the history is empty and the assistant says that there is
#   none. Both spellings have to be looked up, wherever a number leads to a chat.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check --no-deps evolution-api-mcp==1.0.0
venv/bin/python - <<'PY'
import sys
from evolution_api_mcp.jid import normalize_chat
seen = [normalize_chat(number) for number in ("+966 50 123 4567", "+54 9 11 2345-6789", "+52 1 55 1234 5678")]
print("expected: 966501234567@s.whatsapp.net 5491123456789@s.whatsapp.net 5215512345678@s.whatsapp.net")
print("seen, evolution-api-mcp 1.0.0: " + " ".join(seen))
sys.exit(0 if seen == ["966501234567@s.whatsapp.net", "541123456789@s.whatsapp.net", "525512345678@s.whatsapp.net"] else 1)
PY
