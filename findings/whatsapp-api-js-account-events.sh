#!/bin/bash
# News about the account, such as a template that was approved, is answered with 500, so Meta brings it again and again.
#
# Package: whatsapp-api-js 6.3.0 (npm), its ready-made handler for node:http
# Expected: 200 for a well-signed call, even when the library has nothing to do with it. The WhatsApp Business Platform
#   sends all subscribed fields (message_template_status_update, account_update, phone_number_quality_update) to the
#   same callback address; Meta, Webhooks, "Get started": answer every notification with 200, else it is brought again.
# Seen:
#   expected: 200 for a message, 200 for an approved template
#   seen, whatsapp-api-js 6.3.0: 200 for a message, 500 for an approved template
# Why it matters for a WhatsApp gateway: only the field `messages` has `metadata.phone_number_id`; the library reads it
#   before it looks at the field. Behind a gateway that passes on account news with Meta's shape these calls fail for
#   ever and fill the retry queue; the events must be opt-in per receiver.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund whatsapp-api-js@6.3.0 >/dev/null
cat > js.mjs <<'JS'
import { createHmac } from "node:crypto";
import { createServer, request } from "node:http";
import { WhatsAppAPI } from "whatsapp-api-js/middleware/node-http";

const api = new WhatsAppAPI({ token: "t", appSecret: "secret", v: "v24.0" });
api.on.message = () => {};
const server = createServer(async (req, res) => { res.statusCode = await api.handle_post(req); res.end(); });
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));

const call = (field, value) => new Promise((done) => {
  const body = JSON.stringify({ object: "whatsapp_business_account", entry: [{ id: "1", time: 1790000000, changes: [{ field, value }] }] });
  const headers = { "content-length": Buffer.byteLength(body), "x-hub-signature-256": "sha256=" + createHmac("sha256", "secret").update(body).digest("hex") };
  request({ port: server.address().port, host: "127.0.0.1", method: "POST", headers }, (res) => { res.resume(); done(res.statusCode); }).end(body);
});
const message = await call("messages", {
  messaging_product: "whatsapp", metadata: { display_phone_number: "15550001111", phone_number_id: "1001" },
  contacts: [{ wa_id: "966501234567", profile: { name: "Noor" } }],
  messages: [{ from: "966501234567", id: "wamid.1", timestamp: "1790000000", type: "text", text: { body: "hi" } }],
});
const template = await call("message_template_status_update", {
  event: "APPROVED", message_template_id: 7, message_template_name: "order_shipped", message_template_language: "en_US", reason: "NONE",
});
server.close();
console.log("expected: 200 for a message, 200 for an approved template");
console.log(`seen, whatsapp-api-js 6.3.0: ${message} for a message, ${template} for an approved template`);
process.exit(message === 200 && template === 500 ? 0 : 1);
JS
node js.mjs
