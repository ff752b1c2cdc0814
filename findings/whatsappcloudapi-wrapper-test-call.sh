#!/bin/bash
# Meta's own test call, from the button in the dashboard, ends in a ReferenceError where a warning was meant.
#
# Package: whatsappcloudapi_wrapper 1.0.16 (npm), `parseMessage`
# Expected: a warning that this is a test, for which the code has a branch, and the library's own error or answer. The
#   sample that Meta's dashboard sends with "Test" has the account id "0".
# Seen:
#   expected: own account read; Meta's test call refused or read by the library itself, as another account's is
#   seen, whatsappcloudapi_wrapper 1.0.16: own account text_message; test call ReferenceError: signale is not defined; another account's Error: WABA_ID is not valid
# Why it matters for a WhatsApp gateway: the first thing that anybody does with a new webhook is to press that button.
#   The receiver answers 500 and the owner believes that the connection is wrong. A gateway that offers a test call of
#   its own should send the real account's ids.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund whatsappcloudapi_wrapper@1.0.16 >/dev/null 2>&1
cat > js.cjs <<'JS'
const Api = require("whatsappcloudapi_wrapper");
const api = new Api({ accessToken: "t", senderPhoneNumberId: "1001", WABA_ID: "77", graphAPIVersion: "v24.0" });
const parse = (account) => {
  try {
    return api.parseMessage({ object: "whatsapp_business_account", entry: [{ id: account, changes: [{ field: "messages", value: {
      messaging_product: "whatsapp", metadata: { display_phone_number: "15550001111", phone_number_id: "1001" },
      contacts: [{ profile: { name: "Noor" }, wa_id: "966501234567" }],
      messages: [{ from: "966501234567", id: "wamid.1", timestamp: "1790000000", type: "text", text: { body: "hi" } }] } }] }] }).message.type;
  } catch (error) { return `${error.name}: ${error.message.split(".")[0]}`; }
};
const [own, test, other] = [parse("77"), parse("0"), parse("78")];
console.log("expected: own account read; Meta's test call refused or read by the library itself, as another account's is");
console.log(`seen, whatsappcloudapi_wrapper 1.0.16: own account ${own}; test call ${test}; another account's ${other}`);
process.exit(own === "text_message" && test === "ReferenceError: signale is not defined" && other.startsWith("Error") ? 0 : 1);
JS
node js.cjs | sed "/graphAPIVersion/d"
