#!/bin/bash
# A film, a document, a reaction or an order comes without a type: the library overwrites it with nothing.
#
# Package: whatsappcloudapi_wrapper 1.0.16 (npm), `parseMessage`
# Expected: a type that tells them apart, or at least Meta's own word. Meta, messages webhook reference: `type` is one
#   of text, image, video, audio, document, sticker, location, contacts, reaction, order, interactive, button, system
#   and others.
# Seen:
#   expected: a type for each of image, video, document, reaction
#   seen, whatsappcloudapi_wrapper 1.0.16: image: media_message, video: undefined, document: undefined, reaction: undefined
# Why it matters for a WhatsApp gateway: a bot that branches on `message.type` answers "please send a text" to an
#   invoice in PDF. In a payload for programs a gateway should keep the provider's own word beside its own.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund whatsappcloudapi_wrapper@1.0.16 >/dev/null 2>&1
cat > js.cjs <<'JS'
const Api = require("whatsappcloudapi_wrapper");
const api = new Api({ accessToken: "t", senderPhoneNumberId: "1001", WABA_ID: "77", graphAPIVersion: "v24.0" });
const parse = (message) => api.parseMessage({ object: "whatsapp_business_account", entry: [{ id: "77", changes: [{ field: "messages", value: {
  messaging_product: "whatsapp", metadata: { display_phone_number: "15550001111", phone_number_id: "1001" },
  contacts: [{ wa_id: "966501234567", profile: { name: "Noor" } }],
  messages: [{ from: "966501234567", id: "wamid.1", timestamp: "1790000000", ...message }] } }] }] }).message.type;
const file = { id: "7", mime_type: "x/y", sha256: "z" };
const seen = ["image", "video", "document", "reaction"].map((type) => `${type}: ${parse({ type, [type]: type === "reaction" ? { message_id: "wamid.0", emoji: "\u{1F44D}" } : file })}`);
console.log("expected: a type for each of image, video, document, reaction");
console.log("seen, whatsappcloudapi_wrapper 1.0.16: " + seen.join(", "));
process.exit(seen.join() === "image: media_message,video: undefined,document: undefined,reaction: undefined" ? 0 : 1);
JS
node js.cjs | sed "/graphAPIVersion/d"
