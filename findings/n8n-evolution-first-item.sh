#!/bin/bash
# Of a list of recipients only the first gets the document, the film, the contact or the poll; texts and pictures go to all.
#
# Package: n8n-nodes-evolution-api 1.0.4 (npm)
# Expected: one request per item, whatever the operation. n8n's documentation, "Looping": nodes take any number of items
#   and do their work once for each. The same package's text and picture operations do.
# Seen:
#   expected, for three items: 3 texts, 3 pictures, 3 documents, 3 films, 3 contacts
#   seen, n8n-nodes-evolution-api 1.0.4: 3 texts, 3 pictures, 1 document, 1 film, 1 contact
# Why it matters for a WhatsApp gateway: the flow ends green, with one result instead of three. Invoices that "were
#   sent" never reached the gateway, and its log rightly shows one request: that is what to look for when somebody
#   reports lost messages from n8n.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts n8n-nodes-evolution-api@1.0.4 n8n-workflow@1.82.0 >/dev/null 2>&1
cat > js.cjs <<'JS'
const { EvolutionApi } = require("n8n-nodes-evolution-api/dist/nodes/EvolutionApi/EvolutionApi.node.js");

// What n8n gives a node while it runs: the items, their parameters, and a way to make requests.
async function recipients(operation, more) {
  const items = ["966501234567", "15550001111", "15550002222"], sent = [];
  const context = {
    getInputData: () => items.map((number) => ({ json: { number } })),
    getNodeParameter: (name, index, fallback) => {
      const all = { resource: "messages-api", operation, instanceName: "shop", remoteJid: items[index], ...more };
      return name.split(".").reduce((value, key) => value?.[key], all) ?? fallback;
    },
    getNode: () => ({ name: "Evolution API", type: "evolutionApi" }),
    continueOnFail: () => false,
    getCredentials: async () => ({ "server-url": "http://127.0.0.1:9", apikey: "k" }),
    helpers: { request: async ({ body }) => { sent.push(body.number); return {}; }, returnJsonArray: (data) => [data].flat() },
  };
  await new EvolutionApi().execute.call(context);
  return sent.length;
}
(async () => {
  const file = "https://shop.example/invoice.pdf";
  const seen = [
    await recipients("send-text", { messageText: "hi" }), await recipients("send-image", { media: file }),
    await recipients("send-document", { media: file }), await recipients("send-video", { media: file }),
    await recipients("send-contact", { contacts: { contactValues: [{ fullName: "Noor", wuid: "966501234567", phoneNumber: "+966501234567" }] } }),
  ];
  console.log("expected, for three items: 3 texts, 3 pictures, 3 documents, 3 films, 3 contacts");
  console.log(`seen, n8n-nodes-evolution-api 1.0.4: ${seen[0]} texts, ${seen[1]} pictures, ${seen[2]} document, ${seen[3]} film, ${seen[4]} contact`);
  process.exit(seen.join() === "3,3,1,1,1" ? 0 : 1);
})();
JS
node js.cjs
