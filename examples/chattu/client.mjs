// Drives every route of the Chattu-style API. What it reads from the environment is told in README.md; it needs nothing
// but Node 20 or newer.
import http from "node:http";
import https from "node:https";

const { BASE, KEY, CLIENT, NUMBER, EMAIL, PASSWORD, FILE, HOOK } = process.env;
const byKey = { "x-api-key": KEY };

function must(holds, ...why) {
  if (!holds) throw new Error(why.map((w) => (typeof w === "string" ? w : JSON.stringify(w))).join(" "));
}

// One request; its answer must have this status. JSON is read, everything else comes as bytes.
async function ask(status, method, path, body, who = byKey) {
  const headers = { "Content-Type": "application/json; charset=utf-8", ...who };
  const answer = await fetch(BASE + path, { method, headers, body: body && JSON.stringify(body) });
  const told = Buffer.from(await answer.arrayBuffer());
  must(answer.status === status, `${method} ${path}: expected ${status}, got ${answer.status}:`, told.toString());
  return (answer.headers.get("content-type") ?? "").startsWith("application/json") ? JSON.parse(told) : told;
}

// Logs in as a person does, by the form, and keeps the cookie. Origin says that it is no other site's doing.
async function logIn() {
  const body = new URLSearchParams({ email: EMAIL, password: PASSWORD });
  const answer = await fetch(`${BASE}/login`, { method: "POST", body, headers: { Origin: BASE }, redirect: "manual" });
  const [cookie] = answer.headers.getSetCookie();
  must(answer.status === 303 && cookie, `the login failed: ${answer.status}`);
  return { Cookie: cookie.split(";")[0], Origin: BASE };
}

// Opens the pages' WebSocket by hand, for it needs the cookie, and reads its first frame: a short one, without a mask.
function listen(person) {
  return new Promise((resolve, reject) => {
    const headers = {
      ...person, Connection: "Upgrade", Upgrade: "websocket",
      "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    const request = (BASE.startsWith("https:") ? https : http).request(`${BASE}/ws`, { headers });
    request.on("error", reject);
    request.on("response", (answer) => reject(new Error(`/ws: ${answer.statusCode}`)));
    request.on("upgrade", (_, socket, head) => {
      let got = head;
      const look = () => {
        if (got.length < 2 || got.length < 2 + got[1]) return;
        socket.destroy();
        const frame = JSON.parse(got.subarray(2, 2 + got[1]));
        got[0] === 0x81 && frame.type === "ready" ? resolve() : reject(new Error(JSON.stringify(frame)));
      };
      socket.on("data", (more) => { got = Buffer.concat([got, more]); look(); });
      look();
    });
    request.end();
  });
}

// Clients. A new one waits for its code, which comes a moment later.
const profile = await ask(200, "GET", "/api/profile");
const fresh = { clientId: `${CLIENT}-new`, phoneNumber: "12345678901" };
let added = await ask(200, "POST", "/api/add-number", fresh);
for (let n = 0; n < 100 && added.qrCode === null; n++) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  added = await ask(200, "POST", "/api/add-number", fresh);
}
must(added.status === "pending_auth" && added.qrCode?.startsWith("data:image/png;base64,"), added);
must((await ask(200, "GET", `/api/qr/${CLIENT}-new`)).subarray(1, 4).toString() === "PNG", "no picture");
must((await ask(200, "GET", "/api/clients")).some((client) => client.clientId === CLIENT), "the client is not listed");
await ask(200, "POST", "/api/update-webhook", { clientId: CLIENT, webhookUrl: HOOK });

// Messages, and what is listed of them.
const message = "Hello from Node, שלום 👋";
const sent = await ask(200, "POST", "/api/send-message", { clientId: CLIENT, number: NUMBER, message });
must(sent.success && sent.message.body === message && sent.message.id._serialized, sent);
await ask(200, "POST", "/api/send-message", { clientId: CLIENT, number: NUMBER, message: "A picture", mediaUrl: FILE });
const listed = await ask(200, "GET", "/api/sent-messages");
must(listed[0].message === "A picture" && listed[1].message === message, listed);
must((await ask(200, "GET", `/api/received-messages/${CLIENT}`)).status === "success");
must((await ask(200, "GET", `/api/incoming-calls/${CLIENT}`)).status === "success");
await ask(200, "GET", "/api/call-logs");
await ask(200, "GET", "/api/logs");

// Messages for later.
const planned = await ask(201, "POST", "/schedule-message", {
  clientId: CLIENT, number: NUMBER, message: "Scheduled hello", scheduleTime: "2099-10-06T18:30:00Z",
});
must((await ask(200, "GET", "/scheduled-messages"))[0].id === planned.id, "it is not listed");
must((await ask(200, "DELETE", `/scheduled-messages/${planned.id}`)).message === "Schedule cancelled.");

// Groups: their messages wait two to five seconds before they go.
const group = (await ask(200, "GET", `/api/groups/${CLIENT}`)).groups[0];
const greeted = await ask(200, "POST", "/api/send-group-message", {
  clientId: CLIENT, groupId: group.id, message: "שלום לכולם!",
});
must(greeted.groupName === group.name, greeted);

// Chats are for people who are logged in.
const person = await logIn();
await listen(person);
const { chats } = await ask(200, "GET", `/api/chats/${CLIENT}`, undefined, person);
const chat = chats.map((one) => one.id._serialized).find((id) => id.startsWith(NUMBER));
const path = `/api/chats/${CLIENT}/${chat}`;
const answered = await ask(200, "POST", `${path}/send`, { message: "How can I help?" }, person);
must(answered.message.body === "How can I help?", answered);
const { messages } = await ask(200, "GET", `${path}/messages?limit=50`, undefined, person);
const picture = messages.find((one) => one.hasMedia).id._serialized;
must((await ask(200, "GET", `/api/chats/${CLIENT}/media/${picture}`, undefined, person)).length > 0, "no file");
must((await ask(200, "POST", `${path}/read`, undefined, person)).success === true);
await ask(200, "POST", `/api/groups/${CLIENT}/${group.id}/send`, { message: "from the dashboard" }, person);

// What cannot be undone comes last: the new client goes, and the account's key is another.
await ask(200, "DELETE", `/clients/${CLIENT}-new`, { password: PASSWORD }, person);
const renewed = await ask(200, "POST", "/api/reset-api-key", { username: EMAIL, currentApiKey: KEY }, {});
const again = await ask(200, "GET", "/api/profile", undefined, { "x-api-key": renewed.newApiKey });
must(again.username === profile.username, again);
console.log("node: every route answered; the key is now", renewed.newApiKey);
