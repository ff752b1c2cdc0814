#!/bin/bash
# A filter for the command "order" also takes "/orders" and "/orderly".
#
# Package: pywa 4.5.0 (PyPI), `filters.command`
# Expected: only "/order", alone or followed by white space. The documentation: a filter for text messages that are
#   commands, given the commands to filter for; `filters.startswith` is there for beginnings. python-telegram-bot's
#   `CommandHandler` compares the whole first word.
# Seen:
#   expected: /order 7
#   seen, pywa 4.5.0: /order 7, /orders, /orderly
# Why it matters for a WhatsApp gateway: of two handlers, for "order" and for "orders", the one that was defined first
#   gets both. A bot's "/stop" handler (an opt-out) also fires on "/stopwatch". Programs behind the gateway that listen
#   for words need the whole word compared; the gateway's own opt-out words must be, too.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pywa==4.5.0
venv/bin/python - <<'PY'
import json, sys
from pywa import WhatsApp, filters

api, got = WhatsApp(phone_id="1001", token="t", server=None, verify_token="v", validate_updates=False), []
@api.on_message(filters.command("order"))
def order(_, message):
    got.append(message.text)
for number, text in enumerate(("/order 7", "/orders", "/orderly", "order 7")):
    api.webhook_update_handler(json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001111", "phone_number_id": "1001"},
        "contacts": [{"wa_id": "966501234567", "user_id": "SA.111111111111111", "profile": {"name": "Noor"}}],
        "messages": [{"from": "966501234567", "from_user_id": "SA.111111111111111", "id": f"wamid.{number}", "timestamp": "1790000000", "type": "text", "text": {"body": text}}]}}]}]}).encode())
print("expected: /order 7")
print("seen, pywa 4.5.0: " + ", ".join(got))
sys.exit(0 if got == ["/order 7", "/orders", "/orderly"] else 1)
PY
