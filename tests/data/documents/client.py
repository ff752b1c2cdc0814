"""A customer's client, written from the documents of the guarded API alone, in their order: reach the gateway, make a key
and an instance in the portal, send, hear of events, be refused in each documented way, be called by a telephone system.

Configured by the environment: BASE (the gateway's address), EMAIL and PASSWORD (an owner's login), PORT (where this client
listens for webhooks). What only a customer's phone can do is asked for on standard output, one JSON object a line, and
answered on standard input with a line: {"play": "write", "from": …, "text": …}, {"play": "call", "from": …} or
{"play": "group", "from": …, "text": …}. Ends with status 0 when everything was as documented.
"""
import hashlib
import hmac
import http.server
import json
import os
import re
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

BASE, PORT = os.environ["BASE"], int(os.environ["PORT"])
CUSTOMER, OTHER = "+966501234567", "+966507654321"
# Nothing here takes long; a machine that is busy gets this many seconds.
PATIENCE = 60


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirect)


def call(method, path, headers=None, body=None):
    """Status, headers and text of an answer, whatever it is."""
    request = urllib.request.Request(BASE + path, method=method, headers=headers or {}, data=body)
    try:
        with OPENER.open(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read().decode()


def check(what, is_so, seen=""):
    if not is_so:
        sys.exit(f"not as documented: {what}: {seen}")


def play(**what):
    print(json.dumps(what), flush=True)
    check(f"{what} was played", sys.stdin.readline().strip() == "done")


class Portal:
    """A person at the portal, as far as forms show."""

    def __init__(self):
        self.cookie = ""
        form = {"email": os.environ["EMAIL"], "password": os.environ["PASSWORD"]}
        status, _, _ = self.post("/login", form)
        check("login with e-mail and password", status == 303, status)

    def headers(self, more):
        return {"Accept": "text/html", "Cookie": self.cookie, **more}

    def keep(self, headers):
        for value in headers.get_all("Set-Cookie") or []:
            name, _, rest = value.partition("=")
            others = [c for c in self.cookie.split("; ") if c and not c.startswith(name + "=")]
            self.cookie = "; ".join(others + [name + "=" + rest.split(";")[0]])

    def get(self, path):
        status, headers, text = call("GET", path, self.headers({}))
        self.keep(headers)
        return status, text

    def post(self, path, form):
        body = urllib.parse.urlencode(form, doseq=True).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        status, headers, text = call("POST", path, self.headers(kind), body)
        self.keep(headers)
        return status, headers, text


class Hook(http.server.BaseHTTPRequestHandler):
    """A customer's receiver: keeps what it believes, answers 200."""

    got, secret = [], ""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        stamp = self.headers["X-WhatsApp-Gateway-Timestamp"]
        signed = hmac.new(Hook.secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        is_ours = hmac.compare_digest("sha256=" + signed, self.headers["X-WhatsApp-Gateway-Signature"])
        Hook.got.append((is_ours, json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def event(name):
    """The first event of this name that came."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for is_ours, body in list(Hook.got):
            if body["event"] == name:
                check(f"{name} is signed", is_ours)
                return body
        time.sleep(0.05)
    sys.exit(f"not as documented: {name} did not come; came: {[b['event'] for _, b in Hook.got]}")


def send(key, **fields):
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    status, _, text = call("POST", "/api/send-message", headers, json.dumps(fields).encode())
    return status, json.loads(text)


# The 18 documented refusals: status and text. Those that a client can provoke are provoked below.
PURPOSES = ["transactional", "operational", "support", "internal_team", "authentication"]
BLOCKED = ["marketing", "promotion", "cold_outreach", "bulk_campaign", "political"]
NOT_ALLOWED = "WhatsApp Gateway does not support marketing, cold outreach, political, or bulk campaign messaging."
REQUIRED = ("message_purpose is required. Allowed values are transactional, operational, support, internal_team, "
            "and authentication.")
VIOLATION = ("This message appears to violate WhatsApp Gateway responsible messaging rules. Bulk marketing, spam, and cold "
             "outreach are not allowed.")
SUPPRESSED = "This recipient has opted out or has been blocked from non-essential messages."


def refused(answer, status, code, text):
    got, body = answer
    check(code, (got, body["success"], body["error"], body["message"]) == (status, False, code, text), answer)
    check(f"{code} has details", "details" in body, body)


def quickstart(portal):
    status, _, text = call("GET", "/")
    check("GET / as smoke test", status == 200, text)
    status, _, page = portal.post("/api-keys", {"name": "shop", "kind": "bearer", "scope": "send"})
    check("API Keys > Create API Key", status == 200, status)
    key = re.search(r'id="key"[^>]*>([^<]+)<', page).group(1)
    status, _, _ = portal.post("/instances", {"connector": "sandbox", "id": "inst_12345", "name": "Demo Support Line"})
    check("Instances > Create Instance", status == 303, status)
    until = time.monotonic() + PATIENCE
    while "state open" not in portal.get("/instances/inst_12345/manage")[1]:
        check("Manage > Connection shows it connected", time.monotonic() < until)
        time.sleep(0.05)
    return key


def sending(portal, key):
    order = {"instance_id": "inst_12345", "phone": CUSTOMER, "message": "Your order #2041 has been shipped.",
             "message_purpose": "transactional"}
    status, body = send(key, **order)
    check("the documented request", (status, body["success"], body["status"]) == (200, True, "sent"), body)
    check("message_id, log_id", isinstance(body["message_id"], str) and isinstance(body["log_id"], int), body)
    for number, purpose in enumerate(PURPOSES):
        phone = f"+96650222110{number}"
        status, body = send(key, **{**order, "phone": phone, "message_purpose": purpose, "message": f"Ticket {number}."})
        check(f"purpose {purpose}", status == 200, body)
    for purpose in BLOCKED + ["unknown"]:
        refused(send(key, **{**order, "message_purpose": purpose}), 422, "message_purpose_not_allowed", NOT_ALLOWED)
    refused(send(key, **{**order, "message_purpose": ""}), 422, "message_purpose_required", REQUIRED)
    refused(send("wg_live_none", **order), 401, "invalid_api_key", "A valid API key is required.")
    refused(send(key, **{**order, "phone": ""}), 422, "validation_error",
            "The request payload is missing required fields.")
    refused(send(key, **{**order, "instance_id": "inst_none"}), 404, "invalid_instance",
            "The requested instance was not found for this API key.")
    spam = "MEGA SALE!!! 70% OFF everything today only, buy now at http://bit.ly/deal and forward to all your friends"
    refused(send(key, **{**order, "message": spam}), 403, "policy_violation", VIOLATION)
    headers = {"Authorization": f"Bearer {key}"}
    status, _, text = call("POST", "/api/send-message", {**headers, "Content-Type": "text/plain"}, b"{}")
    refused((status, json.loads(text)), 415, "unsupported_media_type", "This endpoint requires application/json.")
    status, _, text = call("POST", "/api/send-message", {**headers, "Content-Type": "application/json"}, b"{")
    refused((status, json.loads(text)), 400, "invalid_json", "Request body must be valid JSON.")
    _, _, page = portal.post("/api-keys", {"name": "old", "kind": "bearer", "scope": "send"})
    old = re.search(r'id="key"[^>]*>([^<]+)<', page).group(1)
    number = max(int(n) for n in re.findall(r"/api-keys/(\d+)/revoke", portal.get("/api-keys")[1]))
    check("a key is revoked", portal.post(f"/api-keys/{number}/revoke", {})[0] == 303)
    refused(send(old, **order), 401, "revoked_api_key", "This API key has been revoked.")
    return order


def webhooks(portal, key, order):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    status, tab = portal.get("/instances/inst_12345/manage?tab=webhook")
    check("the instance's tab Webhook", status == 200 and 'name="url"' in tab, status)
    offered = re.findall(r'name="event" value="([^"]+)"', tab)
    recommended = ["message.received", "message.sent", "message.failed", "recipient.opted_out"]
    check("the recommended events come first", offered[:4] == recommended, offered)
    documented = recommended + ["instance.connected", "instance.disconnected", "instance.connection_updated",
                                "instance.qr_updated", "message.delivered", "message.read", "message.status_updated",
                                "conversation.updated", "call.received", "call.missed", "group.message_received",
                                "group.updated"]
    check("every documented event is offered", set(documented) <= set(offered), set(documented) - set(offered))
    form = {"url": f"http://127.0.0.1:{PORT}/webhooks", "instance": "inst_12345", "event": documented}
    status, _, page = portal.post("/webhooks", form)
    check("a webhook is made", status == 200, page[:2000])
    Hook.secret = re.search(r"whsec_[A-Za-z0-9+/=]+", page).group(0)
    play(play="write", **{"from": CUSTOMER}, text="Where is my order?")
    heard = event("message.received")
    check("message.received", (heard["from"], heard["message_text"]) == (CUSTOMER, "Where is my order?"), heard)
    check("Inbound Logs show it", "Where is my order?" in portal.get("/inbound-logs")[1])
    check("an answer is sent", send(key, **{**order, "message": "It leaves today.", "message_purpose": "support"})[0] == 200)
    for name in ["message.sent", "message.status_updated", "conversation.updated"]:
        event(name)
    play(play="call", **{"from": CUSTOMER})
    event("call.received"), event("call.missed")
    play(play="group", **{"from": CUSTOMER}, text="Hello everybody")
    event("group.message_received")


def opt_out(portal, key, order):
    play(play="write", **{"from": OTHER}, text="STOP")
    told = event("recipient.opted_out")
    expected = {"instance_id": "inst_12345", "instance_name": "Demo Support Line", "from": OTHER,
                "reason": "recipient_requested_stop", "message_text": "STOP"}
    check("recipient.opted_out", expected.items() <= told.items() and told["timestamp"].endswith("Z"), told)
    refused(send(key, **{**order, "phone": OTHER}), 403, "recipient_suppressed", SUPPRESSED)
    check("Suppressed Recipients show them", OTHER in portal.get("/suppressed-recipients")[1])


def telephone(portal):
    status, _, page = portal.post("/integrations/3cx", {"name": "Front desk", "instance": "inst_12345"})
    check("a 3CX integration is made", status == 200, status)
    secret = re.search(r'id="secret"[^>]*>([^<]+)<', page).group(1)
    path = re.search(r"/integrations/3cx/webhook/[A-Za-z0-9_]+", page).group(0)

    def post(body, **headers):
        given = {"X-WhatsApp-Gateway-3CX-Secret": secret, "Content-Type": "application/json", **headers}
        status, _, text = call("POST", path, given, json.dumps(body).encode())
        return status, json.loads(text)

    check("event test", post({"event_type": "test"})[0] == 200)
    generic = {"success": False, "error": "invalid_3cx_webhook", "message": "Invalid 3CX webhook request."}
    wrong = post({"event_type": "test"}, **{"X-WhatsApp-Gateway-3CX-Secret": "wrong"})
    check("one generic answer before authentication", wrong == (401, generic), wrong)
    reply = {"event_type": "outbound_message", "to": CUSTOMER, "message_text": "Your support request has been updated.",
             "message_purpose": "support", "conversation_id": "3cx-chat-123", "agent_extension": "101"}
    status, body = post(reply)
    check("outbound_message", (status, body["success"]) == (200, True), body)
    for purpose in BLOCKED + ["unknown"]:
        status, body = post({**reply, "message_purpose": purpose})
        check(f"3CX purpose {purpose}", (status, body["error"]) == (422, "message_purpose_not_allowed"), body)
    rows = [({"to": ""}, 422, "missing_phone"), ({"message_text": ""}, 422, "missing_message_text"),
            ({"to": "+966508888888"}, 403, "conversation_window_closed"), ({"to": OTHER}, 403, "recipient_suppressed"),
            ({"event_type": "missed_call"}, 403, "call_events_disabled")]
    for change, status, code in rows:
        got, body = post({**reply, **change})
        check(f"3CX {code}", (got, body["error"]) == (status, code), body)
    for name in ["call_started", "queue_event"]:
        check(f"3CX {name}", post({"event_type": name, "from": CUSTOMER})[0] == 200)


def paths(portal):
    public = ["/docs"] + [f"/docs/{name}" for name in (
        "quickstart connect send receive responsible-messaging 3cx 3cx/webhooks 3cx/call-events 3cx/troubleshooting "
        "endpoints troubleshooting").split()] + ["/acceptable-use"]
    for path in public:
        check(path, call("GET", path, {"Accept": "text/html"})[0] == 200)
    for path in ["/api-keys", "/inbound-logs", "/integrations/3cx", "/suppressed-recipients"]:
        check(path, portal.get(path)[0] == 200)


def main():
    portal = Portal()
    key = quickstart(portal)
    order = sending(portal, key)
    webhooks(portal, key, order)
    opt_out(portal, key, order)
    telephone(portal)
    paths(portal)


main()
