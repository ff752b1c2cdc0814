#!/bin/bash
# A customer who replies to a message of their own is taken for the business: the direction comes out as "outbound".
#
# Packages: @kapso/whatsapp-cloud-api 0.3.0 (npm), `normalizeWebhook`; kapso-whatsapp-cloud-api 0.3.0 (PyPI),
#   `normalize_webhook`
# Expected: "inbound": what comes in the array `messages` was sent by the customer (`from`); only `message_echoes` are
#   ours. Meta, messages webhook reference, `context.from`: who sent the quoted message, which may be either side. The
#   package's README says that `kapso.direction` is inbound or outbound and that echoes are marked.
# Seen:
#   messages: plain, a reply to the business, a reply to oneself
#   expected: inbound, inbound, inbound
#   seen, @kapso/whatsapp-cloud-api 0.3.0: inbound, inbound, outbound
#   seen, kapso-whatsapp-cloud-api 0.3.0: inbound, inbound, outbound
# Why it matters for a WhatsApp gateway: a program behind the gateway drops the message as its own echo. "STOP", written
#   as a reply to one's own earlier question, is then not heard. Quoting oneself is common ("as I asked above").
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund @kapso/whatsapp-cloud-api@0.3.0 >/dev/null
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check kapso-whatsapp-cloud-api==0.3.0
cat > call.json <<'JSON'
{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",
 "metadata":{"display_phone_number":"15550001111","phone_number_id":"1001"},
 "contacts":[{"wa_id":"966501234567","profile":{"name":"Noor"}}],
 "messages":[
  {"from":"966501234567","id":"wamid.2","timestamp":"1790000000","type":"text","text":{"body":"STOP"}},
  {"from":"966501234567","id":"wamid.3","timestamp":"1790000000","type":"text","text":{"body":"STOP"},"context":{"from":"15550001111","id":"wamid.0"}},
  {"from":"966501234567","id":"wamid.4","timestamp":"1790000000","type":"text","text":{"body":"STOP"},"context":{"from":"966501234567","id":"wamid.1"}}]}}]}]}
JSON
js=$(node --input-type=module -e '
  import { readFileSync } from "node:fs";
  import { normalizeWebhook } from "@kapso/whatsapp-cloud-api/server";
  console.log(normalizeWebhook(JSON.parse(readFileSync("call.json", "utf8"))).messages.map((one) => one.kapso.direction).join(", "));')
py=$(venv/bin/python -c '
import json
from kapso_whatsapp.webhooks.normalize import normalize_webhook
print(", ".join(one["kapso"]["direction"] for one in normalize_webhook(json.load(open("call.json"))).messages))')
echo "messages: plain, a reply to the business, a reply to oneself"
echo "expected: inbound, inbound, inbound"
echo "seen, @kapso/whatsapp-cloud-api 0.3.0: $js"
echo "seen, kapso-whatsapp-cloud-api 0.3.0: $py"
[ "$js" = "inbound, inbound, outbound" ] && [ "$py" = "inbound, inbound, outbound" ]
