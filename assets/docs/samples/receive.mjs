// Try it: node receive.mjs, then let the gateway call http://127.0.0.1:9000/
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const SECRET = "YOUR_WEBHOOK_SECRET";

const same = (a, b) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
const fresh = (moment) => Math.abs(Date.now() / 1000 - Number(moment)) <= 300;

/** Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature. */
function isStandard(raw, headers) {
  const moment = headers["webhook-timestamp"] ?? "0";
  const key = Buffer.from(SECRET.slice("whsec_".length), "base64");
  const signed = createHmac("sha256", key).update(`${headers["webhook-id"]}.${moment}.`).update(raw);
  const good = "v1," + signed.digest("base64");
  return fresh(moment) && (headers["webhook-signature"] ?? "").split(" ").some((one) => same(good, one));
}

/** The gateway's own headers: X-WhatsApp-Gateway-Timestamp, X-WhatsApp-Gateway-Signature. */
function isGateway(raw, headers) {
  const moment = headers["x-whatsapp-gateway-timestamp"] ?? "0";
  const good = "sha256=" + createHmac("sha256", SECRET).update(`${moment}.`).update(raw).digest("hex");
  return fresh(moment) && same(good, headers["x-whatsapp-gateway-signature"] ?? "");
}

createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const raw = Buffer.concat(parts);
    // One of the two is enough: while a new secret is taken over, the first still knows the old one.
    if (!isStandard(raw, request.headers) && !isGateway(raw, request.headers)) {
      response.writeHead(401).end();
      return;
    }
    const event = JSON.parse(raw);
    // Deliveries can repeat: remember event.event_id and skip what you have seen.
    if (event.event === "message.received") console.log(event.from, event.message_text);
    response.writeHead(204).end();
  });
}).listen(Number(process.env.PORT ?? 9000), "127.0.0.1");
