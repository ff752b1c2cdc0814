#!/bin/bash
# Receipts are answered with 202, which Meta does not take for an answer: every receipt is brought again.
#
# Package: whatsapp-cloud-api 0.3.1 (npm), its webhook server
# Expected: 200 for a message and for a receipt. Meta, Webhooks, "Get started", event notifications: answer with 200 OK;
#   a call that fails is sent again at once and then less and less often. WhatsApp's webhook overview: anything but 200
#   counts as failed, repeats for up to seven days.
# Seen:
#   expected: message 200, receipt 200
#   seen, whatsapp-cloud-api 0.3.1: message 200, receipt 202
# Why it matters for a WhatsApp gateway: a bot on this library multiplies its own traffic, and Meta may switch its
#   webhook off. A gateway that sends to it should count any 2xx as taken, which is kinder than Meta; a program that is
#   tested against the gateway only will not notice.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund whatsapp-cloud-api@0.3.1 express@4.21.2 >/dev/null 2>&1
cat > js.cjs <<'JS'
const express = require("express");
const http = require("node:http");
const { createBot } = require("whatsapp-cloud-api");
(async () => {
  const app = express();
  await createBot("1001", "token").startExpressServer({ app, webhookVerifyToken: "v" });
  const server = app.listen(0, "127.0.0.1", async () => {
    const call = (value) => new Promise((done) => {
      const body = JSON.stringify({ object: "whatsapp_business_account", entry: [{ id: "1", changes: [{ field: "messages", value: {
        messaging_product: "whatsapp", metadata: { display_phone_number: "15550001111", phone_number_id: "1001" }, ...value } }] }] });
      http.request({ host: "127.0.0.1", port: server.address().port, path: "/webhook/whatsapp", method: "POST",
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) } }, (res) => { res.resume(); done(res.statusCode); }).end(body);
    });
    const message = await call({ contacts: [{ wa_id: "966501234567", profile: { name: "Noor" } }],
      messages: [{ from: "966501234567", id: "wamid.1", timestamp: "1790000000", type: "text", text: { body: "hi" } }] });
    const receipt = await call({ statuses: [{ id: "wamid.2", status: "delivered", timestamp: "1790000000", recipient_id: "966501234567" }] });
    console.log("expected: message 200, receipt 200");
    console.log(`seen, whatsapp-cloud-api 0.3.1: message ${message}, receipt ${receipt}`);
    process.exit(message === 200 && receipt === 202 ? 0 : 1);
  });
})();
JS
node js.cjs
