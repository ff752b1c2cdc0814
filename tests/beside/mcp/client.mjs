// The official TypeScript client (npm: @modelcontextprotocol/sdk) over both transports, with a key for everything and one
// that only reads: what client.py does, by somebody else's hand.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [, , program, work, address] = process.argv;
const load = (path) => import(pathToFileURL(`${work}/node_modules/@modelcontextprotocol/sdk/dist/esm/${path}`));
const { Client } = await load("client/index.js");
const { StdioClientTransport } = await load("client/stdio.js");
const { StreamableHTTPClientTransport } = await load("client/streamableHttp.js");

const message = {
  instance_id: "shop-line",
  phone: "+966501234567",
  message: "Your order #8 is ready.",
  message_purpose: "transactional",
};
const spam = "CONGRATULATIONS! You have WON a FREE prize of $5000! Click http://bit.ly/win now to claim your cash";

async function everything(client) {
  const { tools } = await client.listTools();
  assert.equal(tools.length, 14);
  assert(tools.every((tool) => tool.description && tool.inputSchema.type === "object"));
  const call = (name, args) => client.callTool({ name, arguments: args });
  const sent = await call("send_message", message);
  assert(!sent.isError && sent.structuredContent.status === "sent", JSON.stringify(sent));
  const status = await call("message_status", { log_id: sent.structuredContent.log_id });
  assert.equal(status.structuredContent.status, "sent");
  const refused = await call("send_message", { ...message, message: spam });
  assert(refused.isError && refused.structuredContent.error === "policy_violation", JSON.stringify(refused));
  const why = await call("explain_message", { log_id: refused.structuredContent.log_id });
  assert.equal(why.structuredContent.decision.gate, "content");
  const wrong = await call("send_message", { ...message, phone: "+1" });
  assert(wrong.isError && wrong.structuredContent.error === "validation_error", JSON.stringify(wrong));
  const listed = await call("list_messages", { limit: 1 });
  assert.equal(listed.structuredContent.data.length, 1);
}

async function reading(client) {
  const names = (await client.listTools()).tools.map((tool) => tool.name);
  assert(!names.includes("send_message") && names.includes("list_messages"), names.join(" "));
  const sending = client.callTool({ name: "send_message", arguments: message });
  await assert.rejects(sending, /no tool that this key may use/);
}

const version = createRequire(import.meta.url)(`${work}/node_modules/@modelcontextprotocol/sdk/package.json`).version;
console.log(`@modelcontextprotocol/sdk ${version}`);
for (const [name, use] of [["all", everything], ["read", reading]]) {
  const key = readFileSync(`${work}/${name}.key`, "utf8").trim();
  const args = ["--config", `${work}/wa-gateway.toml`, "mcp", "--key-file", `${work}/${name}.key`];
  const requestInit = { headers: { Authorization: `Bearer ${key}` } };
  for (const [transport, make] of [
    ["stdio", () => new StdioClientTransport({ command: program, args })],
    ["streamable HTTP", () => new StreamableHTTPClientTransport(new URL(`${address}/mcp`), { requestInit })],
  ]) {
    const client = new Client({ name: "beside", version: "1" });
    const line = make();
    await client.connect(line);
    await use(client);
    console.log(`${transport}, key for ${name}: ok, with ${client.getServerVersion().name}`);
    await client.close();
  }
}
const nobody = new Client({ name: "beside", version: "1" });
const wrong = new StreamableHTTPClientTransport(new URL(`${address}/mcp`), { requestInit: { headers: { Authorization: "Bearer no" } } });
await assert.rejects(nobody.connect(wrong));
console.log("streamable HTTP, a wrong key: refused");
