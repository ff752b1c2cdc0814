// Drives the Chattu-style API with a key: BASE, KEY, CLIENT and NUMBER in the environment. Needs Node 18 or newer.
const { BASE, KEY, CLIENT, NUMBER } = process.env;

async function call(status, method, path, body) {
  const headers = { "x-api-key": KEY, "Content-Type": "application/json; charset=utf-8" };
  const answer = await fetch(BASE + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (answer.status !== status) throw new Error(`${method} ${path}: expected ${status}, got ${answer.status}: ${text}`);
  return JSON.parse(text);
}

await call(200, "GET", "/api/profile");
await call(200, "GET", "/api/clients");
const message = "Hello from Node, שלום 👋";
const sent = await call(200, "POST", "/api/send-message", { clientId: CLIENT, number: NUMBER, message });
if (sent.message.body !== message) throw new Error("the text came back changed");
await call(200, "GET", "/api/sent-messages");
await call(200, "GET", `/api/received-messages/${CLIENT}`);
await call(200, "GET", `/api/incoming-calls/${CLIENT}`);
await call(200, "GET", "/api/call-logs");
await call(200, "GET", "/api/logs");
await call(200, "GET", `/api/groups/${CLIENT}`);
const planned = await call(201, "POST", "/schedule-message", {
  clientId: CLIENT, number: NUMBER, message: "Scheduled hello", scheduleTime: "2099-10-06T18:30:00Z",
});
await call(200, "DELETE", `/scheduled-messages/${planned.id}`);
console.log("node: done");
