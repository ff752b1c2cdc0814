#!/bin/bash
# Where an API offers two ways of giving the key, the generated client sends both at once.
#
# Package: @hey-api/openapi-ts 0.95.0 (npm) with its own fetch client
# Expected: one of the two headers. OpenAPI 3.1.0, "Security Requirement Object": of several objects in the list only
#   one need be satisfied; several schemes within one object are the way to ask for all of them. The package's
#   documentation shows `auth: () => "token"` as the usual setting.
# Seen:
#   expected: authorization
#   seen, @hey-api/openapi-ts 0.95.0: authorization and x-api-key
# Why it matters for a WhatsApp gateway: doors for two dialects (Authorization and x-api-key) refuse a request that
#   names both, for it is not clear which key counts. A gateway should take both when they hold the same key, or its
#   documentation has to show an `auth` function that looks at the scheme.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund @hey-api/openapi-ts@0.95.0 typescript@5.9.3 esbuild@0.27.0 >/dev/null
cat > api.json <<'JSON'
{"openapi": "3.1.0", "info": {"title": "Gateway", "version": "1"},
 "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}, "key": {"type": "apiKey", "in": "header", "name": "x-api-key"}}},
 "paths": {"/messages": {"get": {"operationId": "listMessages", "security": [{"bearer": []}, {"key": []}],
  "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "object"}}}}}}}}}
JSON
npx openapi-ts -i api.json -o out -c @hey-api/client-fetch >/dev/null 2>&1
cat > main.ts <<'TS'
import { client } from "./out/client.gen";
import { listMessages } from "./out/sdk.gen";
let sent = "";
const fetch = async (request: Request) => {
  sent = ["authorization", "x-api-key"].filter((name) => request.headers.has(name)).join(" and ");
  return new Response("{}", { headers: { "content-type": "application/json" } });
};
client.setConfig({ baseUrl: "http://127.0.0.1:9", auth: () => "key-1", fetch: fetch as typeof globalThis.fetch });
await listMessages();
console.log("expected: authorization");
console.log(`seen, @hey-api/openapi-ts 0.95.0: ${sent}`);
process.exit(sent === "authorization and x-api-key" ? 0 : 1);
TS
npx esbuild main.ts --bundle --format=esm --platform=node --outfile=main.mjs --log-level=error
node main.mjs
