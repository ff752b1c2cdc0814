#!/bin/bash
# Libraries do not agree on what Meta's webhook signature is computed over once a text is not ASCII.
#
# Packages: whatsapp-api-js 6.3.0, @kapso/whatsapp-cloud-api 0.3.0 (npm), pywa 4.5.0, whatsapp-cloud-api-py 0.3.0 (PyPI)
# Expected: one rule. Meta, Webhooks, "Get started", "Validating payloads": the signature is made over the payload with
#   its characters escaped (an "a" with two dots becomes \u00e4, small hex digits), not over the decoded bytes. Meta
#   sends its JSON escaped, so there both readings give the same; they part as soon as somebody in between writes the
#   JSON in UTF-8.
# Seen:
#   expected: the four agree in every line
#   seen, plain body, signed as sent: whatsapp-api-js refused, kapso taken, pywa taken, whatsapp-cloud-api-py taken
#   seen, plain body, signed escaped: whatsapp-api-js taken, kapso refused, pywa refused, whatsapp-cloud-api-py refused
#   seen, escaped body: whatsapp-api-js taken, kapso taken, pywa taken, whatsapp-cloud-api-py taken
# Why it matters for a WhatsApp gateway: a gateway or test tool that sends Meta-shaped calls in plain UTF-8 is refused
#   by half of the receivers, whichever way it signs, and only when the text has an accent, Arabic, Hebrew or an emoji.
#   The one body that all four take is an escaped one: write Meta-shaped JSON with \u escapes and sign those bytes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund whatsapp-api-js@6.3.0 @kapso/whatsapp-cloud-api@0.3.0 >/dev/null
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pywa==4.5.0
venv/bin/pip install -q --disable-pip-version-check whatsapp-cloud-api-py==0.3.0

cat > js.mjs <<'JS'
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { WhatsAppAPI } from "whatsapp-api-js";
import { verifySignature } from "@kapso/whatsapp-cloud-api/server";

const plain = JSON.stringify({ object: "whatsapp_business_account", entry: [{ id: "1", changes: [{ field: "messages", value: { text: "\u0645\u0631\u062d\u0628\u0627" } }] }] });
const escaped = plain.replace(/[\u0080-\uffff]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
const sign = (text) => createHmac("sha256", "secret").update(text).digest("hex");
const api = new WhatsAppAPI({ token: "t", appSecret: "secret", v: "v24.0" });
const cases = [["plain body, signed as sent", plain, sign(plain)], ["plain body, signed escaped", plain, sign(escaped)], ["escaped body", escaped, sign(escaped)]];
const lines = [];
for (const [name, body, signature] of cases) {
  const js = await api.verifyRequestSignature(body, "sha256=" + signature);
  const kapso = verifySignature({ appSecret: "secret", rawBody: body, signatureHeader: "sha256=" + signature });
  lines.push({ name, body, signature, js, kapso });
}
writeFileSync("cases.json", JSON.stringify(lines));
JS
node js.mjs
venv/bin/python - <<'PY'
import json, sys
from pywa.utils import webhook_updates_validator
from whatsapp_cloud_api.webhooks import verify_signature

print("expected: the four agree in every line")
seen = []
for case in json.load(open("cases.json")):
    body, signature = case["body"].encode(), case["signature"]
    pywa = webhook_updates_validator("secret", body, "sha256=" + signature)
    py = verify_signature(app_secret="secret", raw_body=body, signature_header="sha256=" + signature)
    row = [case["js"], case["kapso"], pywa, py]
    words = ["taken" if one else "refused" for one in row]
    seen.append(row)
    print(f"seen, {case['name']}: whatsapp-api-js {words[0]}, kapso {words[1]}, pywa {words[2]}, whatsapp-cloud-api-py {words[3]}")
sys.exit(0 if seen == [[False, True, True, True], [True, False, False, False], [True, True, True, True]] else 1)
PY
