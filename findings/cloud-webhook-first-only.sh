#!/bin/bash
# A webhook call of Meta that brings several messages is read only in part: the first one counts, the others vanish.
#
# Packages: pywa 4.5.0, python-whatsapp-bot 2.0.3 (PyPI), whatsapp-api-js 6.3.0 (npm)
# Expected: every message of a call is handed on. Meta, Webhooks, "Get started", section on event notifications: several
#   changes are put together into one call, up to 1,000, and `entry`, `changes`, `messages` and `statuses` are arrays.
# Seen:
#   expected of each: one,two,STOP
#   seen, pywa 4.5.0: one
#   seen, whatsapp-api-js 6.3.0: one
#   seen, python-whatsapp-bot 2.0.3: one
# Why it matters for a WhatsApp gateway: whoever stands behind one of these libraries and is sent (or forwards) Meta's
#   calls as they come loses customers' messages, a STOP among them, and the call is acknowledged, so Meta does not
#   bring it again. A gateway that passes calls on must send one message per call to such a receiver.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund whatsapp-api-js@6.3.0 >/dev/null
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pywa==4.5.0 python-whatsapp-bot==2.0.3

cat > call.json <<'JSON'
{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[
 {"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550001111","phone_number_id":"1001"},
  "contacts":[{"wa_id":"966501234567","user_id":"SA.111111111111111","profile":{"name":"Noor"}}],
  "messages":[{"from":"966501234567","from_user_id":"SA.111111111111111","id":"wamid.1","timestamp":"1790000000","type":"text","text":{"body":"one"}},
              {"from":"966501234567","from_user_id":"SA.111111111111111","id":"wamid.2","timestamp":"1790000001","type":"text","text":{"body":"two"}}]}},
 {"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550001111","phone_number_id":"1001"},
  "contacts":[{"wa_id":"966501234567","user_id":"SA.111111111111111","profile":{"name":"Noor"}}],
  "messages":[{"from":"966501234567","from_user_id":"SA.111111111111111","id":"wamid.3","timestamp":"1790000002","type":"text","text":{"body":"STOP"}}]}}]}]}
JSON

cat > js.mjs <<'JS'
import { readFileSync } from "node:fs";
import { WhatsAppAPI } from "whatsapp-api-js";
const api = new WhatsAppAPI({ token: "t", v: "v24.0", secure: false });
const got = [];
api.on.message = ({ message }) => { got.push(message.text.body); };
await api.post(JSON.parse(readFileSync("call.json", "utf8")));
console.log(got.join(","));
JS
js=$(node js.mjs)

bot=$(venv/bin/python - <<'PY'
import json
from python_whatsapp_bot import Whatsapp
bot = Whatsapp("1001", "t", mark_as_read=False)
got = []
@bot.on_message()
def on_text(update, context):
    got.append(update.value["messages"][0]["text"]["body"])
bot.process_update(json.load(open("call.json")))
print(",".join(got))
PY
)

pywa=$(venv/bin/python - <<'PY'
from pywa import WhatsApp
api = WhatsApp(phone_id="1001", token="t", server=None, verify_token="v", validate_updates=False)
got = []
@api.on_message
def on_text(_, message):
    got.append(message.text)
api.webhook_update_handler(open("call.json", "rb").read())
print(",".join(got))
PY
)

echo "expected of each: one,two,STOP"
echo "seen, pywa 4.5.0: $pywa"
echo "seen, whatsapp-api-js 6.3.0: $js"
echo "seen, python-whatsapp-bot 2.0.3: $bot"
[ "$pywa" = one ] && [ "$js" = one ] && [ "$bot" = one ]
