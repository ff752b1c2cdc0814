#!/bin/bash
# A message handler that asks for no context is never called: each message that it matches raises instead.
#
# Package: python-whatsapp-bot 2.0.3 (PyPI)
# Expected: `on_message(context=False)` calls the function with the update alone; the parameter is part of the public
#   decorator's signature (`regex`, `func`, `context`, `persistent`), and the dispatcher has a branch for it.
# Seen:
#   expected: called with context=True, called with context=False
#   seen, python-whatsapp-bot 2.0.3: called with context=True, UnboundLocalError with context=False
# Why it matters for a WhatsApp gateway: the error comes out of `process_update`, so the bot's web server answers 500. A
#   sender that repeats failed calls, as Meta and this gateway do, brings the same message again for hours; the cause is
#   the receiver, not the call.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check python-whatsapp-bot==2.0.3
venv/bin/python - <<'PY'
import sys
from python_whatsapp_bot import Whatsapp

CALL = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
    "messaging_product": "whatsapp",
    "metadata": {"display_phone_number": "15550001111", "phone_number_id": "1001"},
    "contacts": [{"wa_id": "966501234567", "profile": {"name": "Noor"}}],
    "messages": [{"from": "966501234567", "id": "wamid.1", "timestamp": "1790000000", "type": "text", "text": {"body": "hi"}}],
}}]}]}

def run(context):
    bot, got = Whatsapp("1001", "t", mark_as_read=False), []
    @bot.on_message(context=context)
    def heard(update, *rest):
        got.append("called")
    try:
        bot.process_update(CALL)
    except Exception as error:
        got.append(type(error).__name__)
    return ",".join(got)

with_context, without = run(True), run(False)
print("expected: called with context=True, called with context=False")
print(f"seen, python-whatsapp-bot 2.0.3: {with_context} with context=True, {without} with context=False")
sys.exit(0 if (with_context, without) == ("called", "UnboundLocalError") else 1)
PY
