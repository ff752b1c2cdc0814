#!/bin/bash
# The names of a form's own fields are rewritten on the way out and on the way in, and two answers can become one.
#
# Package: @kapso/whatsapp-cloud-api 0.3.0 (npm)
# Expected: the library changes the spelling of Meta's own keys only. The keys of `flow_action_payload.data` and those
#   of a form's answer (`nfm_reply.response_json`) are chosen by whoever made the form: Meta, WhatsApp Flows, "Flow
#   JSON": a screen's `data` declares its properties by name; the names are case-sensitive, and the builder's own names
#   are like `screen_0_Full_name_0`.
# Seen:
#   expected: out firstName, in flow_token,screen_0_Full_name_0,order_id,orderId
#   seen, @kapso/whatsapp-cloud-api 0.3.0: out first_name, in flowToken,screen0FullName0,orderId
# Why it matters for a WhatsApp gateway: the screen opens without the value it was given, and of two answers `order_id`
#   and `orderId` one is lost. A gateway that hands answers on must pass `response_json` as it came; programs that use
#   this library have to read the raw string instead of `flowResponse`.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund @kapso/whatsapp-cloud-api@0.3.0 >/dev/null
cat > js.mjs <<'JS'
import { WhatsAppClient } from "@kapso/whatsapp-cloud-api";
import { normalizeWebhook } from "@kapso/whatsapp-cloud-api/server";

let body;
const fetch = async (_, options) => {
  body = JSON.parse(options.body);
  return new Response(JSON.stringify({ messaging_product: "whatsapp", contacts: [], messages: [{ id: "wamid.1" }] }), { headers: { "content-type": "application/json" } });
};
const client = new WhatsAppClient({ accessToken: "t", baseUrl: "http://127.0.0.1:9", fetch });
await client.messages.sendInteractiveFlow({
  phoneNumberId: "1001", to: "966501234567", bodyText: "Your data",
  parameters: { flowId: "7", flowCta: "Open", flowAction: "navigate", flowActionPayload: { screen: "START", data: { firstName: "Noor" } } },
});
const out = Object.keys(body.interactive.action.parameters.flow_action_payload.data).join();

const answers = { flow_token: "t", screen_0_Full_name_0: "Noor", order_id: 1, orderId: 2 };
const inward = normalizeWebhook({
  object: "whatsapp_business_account",
  entry: [{ id: "1", changes: [{ field: "messages", value: {
    messaging_product: "whatsapp", metadata: { display_phone_number: "15550001111", phone_number_id: "1001" },
    messages: [{ from: "966501234567", id: "wamid.2", timestamp: "1790000000", type: "interactive",
      interactive: { type: "nfm_reply", nfm_reply: { name: "flow", body: "Sent", response_json: JSON.stringify(answers) } } }],
  } }] }],
}).messages[0].kapso.flowResponse;
const came = Object.keys(inward).join();
console.log("expected: out firstName, in flow_token,screen_0_Full_name_0,order_id,orderId");
console.log(`seen, @kapso/whatsapp-cloud-api 0.3.0: out ${out}, in ${came}`);
process.exit(out === "first_name" && came === "flowToken,screen0FullName0,orderId" ? 0 : 1);
JS
node js.mjs
