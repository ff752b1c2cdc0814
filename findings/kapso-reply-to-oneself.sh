#!/bin/bash
# A customer who replies to a message of their own is taken for the business: the direction comes out as "outbound".
#
# Package: @kapso/whatsapp-cloud-api 0.3.0 (npm), `normalizeWebhook`
# Expected: "inbound": what comes in the array `messages` was sent by the customer (`from`); only `message_echoes` are ours. Meta,
#   messages webhook reference, `context.from`: who sent the quoted message, which may be either side. The package's README says
#   that `kapso.direction` is inbound or outbound and that echoes are marked.
# Seen:
#   expected: plain inbound, reply to the business inbound, reply to oneself inbound
#   seen, @kapso/whatsapp-cloud-api 0.3.0: plain inbound, reply to the business inbound, reply to oneself outbound
# Why it matters for a WhatsApp gateway: a program behind the gateway drops the message as its own echo. "STOP", written as a
#   reply to one's own earlier question, is then not heard. Quoting oneself is common ("as I asked above").
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund @kapso/whatsapp-cloud-api@0.3.0 >/dev/null
cat > js.mjs <<'JS'
import { normalizeWebhook } from "@kapso/whatsapp-cloud-api/server";
const direction = (quoted) => normalizeWebhook({
  object: "whatsapp_business_account",
  entry: [{ id: "1", changes: [{ field: "messages", value: {
    messaging_product: "whatsapp",
    metadata: { display_phone_number: "15550001111", phone_number_id: "1001" },
    contacts: [{ wa_id: "966501234567", profile: { name: "Noor" } }],
    messages: [{ from: "966501234567", id: "wamid.2", timestamp: "1790000000", type: "text", text: { body: "STOP" }, ...quoted }],
  } }] }],
}).messages[0].kapso.direction;
const plain = direction({});
const ours = direction({ context: { from: "15550001111", id: "wamid.1" } });
const own = direction({ context: { from: "966501234567", id: "wamid.1" } });
console.log("expected: plain inbound, reply to the business inbound, reply to oneself inbound");
console.log(`seen, @kapso/whatsapp-cloud-api 0.3.0: plain ${plain}, reply to the business ${ours}, reply to oneself ${own}`);
process.exit(`${plain},${ours},${own}` === "inbound,inbound,outbound" ? 0 : 1);
JS
node js.mjs
