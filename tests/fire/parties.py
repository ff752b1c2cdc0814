"""Everybody else: providers that fail in every way, customers' receivers that behave badly, and calls that only pretend.

`providers`: what surely did not leave is `failed` and costs nothing, what may have left is `unknown` and is not sent again.
`receivers`: the same bytes under the same id until somebody takes them, memory bounded, others not held up. `signatures`:
nothing is believed that is not signed over these bytes. Controls: a provider that is well, a receiver that is well, and
the right signature are each treated so."""

import hashlib
import hmac
import json
import socket
import sqlite3
import struct
import threading
import time

from gateway import INSTANCE, Failed, Place, Visitor, send, wait_until
from slow import MB

LINE, SECRET = "meta-line", "parties-app-secret"


class Server:
    """Answers each request on a connection of its own as `behave` does: it gets the socket and the request's bytes."""

    def __init__(self, behave):
        self.heard, self.behave = [], behave
        self.line = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.line.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            came, _ = self.line.accept()
            threading.Thread(target=self.answer, args=(came,), daemon=True).start()

    def answer(self, came):
        try:
            with came:
                request = whole_request(came)
                if request:
                    self.heard.append(request)
                    self.behave(came, request)
        except OSError:
            pass


def whole_request(came):
    said = b""
    while b"\r\n\r\n" not in said:
        more = came.recv(65536)
        if not more:
            return None
        said += more
    head, _, body = said.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += came.recv(65536)
    return head + b"\r\n\r\n" + body


def says(status, body, more=""):
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n{body}".encode()


TAKEN = '{"messaging_product":"whatsapp","contacts":[{"wa_id":"966501234567"}],"messages":[{"id":"wamid.%s"}]}'


def well(came, request):
    came.sendall(says("200 OK", TAKEN % hashlib.sha256(request).hexdigest()[:20]))


def reset(came, _):
    came.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def graph_error(code, status, more=""):
    body = json.dumps({"error": {"message": "no", "type": "OAuthException", "code": code, "fbtrace_id": "x"}})
    return lambda came, _: came.sendall(says(status, body, more))


# How a provider behaves, and what the message may be after it.
BEHAVIOURS = {
    "well": (well, {"sent"}),
    "reset after the request": (reset, {"unknown"}),
    "closed without an answer": (lambda came, _: None, {"unknown"}),
    "silent": (lambda came, _: time.sleep(30), {"unknown"}),
    "cut JSON": (lambda came, _: came.sendall(says("200 OK", TAKEN % "x")[:-30]), {"unknown"}),
    "no JSON": (lambda came, _: came.sendall(says("200 OK", "<html>")), {"unknown"}),
    "an empty 200": (lambda came, _: came.sendall(says("200 OK", "")), {"unknown"}),
    "a raw 502": (lambda came, _: came.sendall(says("502 Bad Gateway", "<html>")), {"unknown", "failed"}),
    "no such recipient": (graph_error(131026, "400 Bad Request"), {"failed"}),
    "a bad token": (graph_error(190, "401 Unauthorized"), {"failed"}),
    "1 GB": (lambda came, _: [came.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")] + [came.sendall(b"a" * MB) for _ in range(900)], {"unknown"}),
    "endless headers": (lambda came, _: [came.sendall(b"HTTP/1.1 200 OK\r\n")] + [came.sendall(b"X-A: " + b"a" * 1000 + b"\r\n") for _ in range(9000)], {"unknown"}),
    "too fast": (graph_error(130429, "429 Too Many Requests", "Retry-After: 3600\r\n"), {"failed", "blocked"}),
    "too fast, a date": (graph_error(80007, "429 Too Many Requests", "Retry-After: Fri, 01 Jan 2100 00:00:00 GMT\r\n"), {"failed", "blocked"}),
}


def providers(run):
    server = Server(well)
    place = Place(run.binary, run.folder("providers"), more=f'[egress]\nallow = ["127.0.0.1:{server.port}", "127.0.0.1:1"]\n[sending]\nanswer_timeout = "4s"')
    key = place.furnish()
    # A line for each: some of this is remembered of a number.
    lines = {name: f"meta-{n}" for n, name in enumerate([*BEHAVIOURS, "refused"])}
    for n, line in enumerate(lines.values()):
        meta_line(place, line, server.port if n < len(BEHAVIOURS) else 1, number=str(n + 1))
    serving = place.serve()
    for n, line in enumerate(lines.values()):
        hear(serving, line, "966501234567", str(n + 1))
    before, seen = serving.memory(), {}
    for name, (behave, fair) in BEHAVIOURS.items():
        server.behave = behave
        calls, used = len(server.heard), usage(place)
        status, headers, answer = send(serving.address, key, instance_id=lines[name], phone="+966501234567", message=f"Your order is here: {name}.")
        state = headers.get("x-message-status")
        if state not in fair or status == 500:
            raise Failed(f"a provider that is {name}: {status} {state} {answer}")
        counted = usage(place) - used
        if counted != (state in ("sent", "unknown")):
            raise Failed(f"a provider that is {name}: {state} counts {counted}")
        # What may have left went out once.
        if state == "unknown" and sum(b"/messages" in one.split(b"\r\n")[0] for one in server.heard[calls:]) != 1:
            raise Failed(f"a provider that is {name}: {len(server.heard) - calls} calls for an unknown message")
        seen[state] = seen.get(state, 0) + 1
    status, headers, answer = send(serving.address, key, instance_id=lines["refused"], phone="+966501234567", message="Your order is there.")
    if headers.get("x-message-status") != "failed":
        raise Failed(f"a provider that refuses connections: {status} {headers.get('x-message-status')} {answer}")
    grown = (serving.memory() - before) / MB
    if grown > 60:
        raise Failed(f"{grown:.0f} MB more")
    serving.stop()
    return f"{len(BEHAVIOURS) + 1} kinds of failure: {seen}, quota as said, {grown:.0f} MB more; control: a well one is sent", len(BEHAVIOURS) + 1


def meta_line(place, line, port, number="1"):
    place.json("instance", "create", "--account", "1", "--id", line, "--name", "Meta", "--connector", "cloud-api", "--set", "access_token=t",
               "--set", f"phone_number_id={number}", "--set", f"app_secret={SECRET}", "--set", f"base_url=http://127.0.0.1:{port}")



def usage(place):
    db = sqlite3.connect(f"file:{place.data}/wa-gateway.db?mode=ro", uri=True)
    try:
        return db.execute("SELECT count(*) FROM messages WHERE status IN ('sent', 'delivered', 'read', 'unknown')").fetchone()[0]
    finally:
        db.close()


def meta_body(sender, text="Hello", line="1"):
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001111", "phone_number_id": line},
             "contacts": [{"profile": {"name": "Customer"}, "wa_id": sender}],
             "messages": [{"from": sender, "id": f"wamid.{sender}.{line}", "timestamp": str(int(time.time())), "type": "text", "text": {"body": text}}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}).encode()


def signed(body, secret=SECRET, digest=hashlib.sha256):
    return hmac.new(secret.encode(), body, digest).hexdigest()


def hear(serving, line, sender, number="1"):
    """A customer writes, by a call that is rightly signed: free texts may go there for a day."""
    body = meta_body(sender, line=number)
    status, _, said = Visitor(serving.address).ask("POST", f"/hooks/cloud-api/{line}", body, {
        "Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signed(body)}"})
    if status != 200:
        raise Failed(f"the control: a rightly signed call is answered {status} {said[:200]}")


class Customer:
    """A receiver whose behaviour changes; what it heard with the webhook's id."""

    def __init__(self, behave):
        self.server = Server(behave)
        self.url = f"http://127.0.0.1:{self.server.port}/"

    def heard(self):
        """Bodies by the webhook's id."""
        found = {}
        for request in list(self.server.heard):
            head, _, body = request.partition(b"\r\n\r\n")
            name = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"webhook-id:"))
            found.setdefault(name, []).append(body)
        return found


def drip(came, _):
    came.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(60):
        came.sendall(b"a")
        time.sleep(1)


RECEIVERS = {
    "silent": lambda came, _: time.sleep(60),
    "one byte a second": drip,
    "1 GB": BEHAVIOURS["1 GB"][0],
    "a redirect inside": lambda came, _: came.sendall(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"),
    "gone": lambda came, _: came.sendall(says("410 Gone", "")),
    "an error": lambda came, _: came.sendall(says("500 No", "x" * 100000)),
    "reset": reset,
    "a huge answer to reply": lambda came, _: came.sendall(says("200 OK", json.dumps({"response": "a" * 900000}))),
}


def receivers(run):
    bad = {name: Customer(behave) for name, behave in RECEIVERS.items()}
    calm, late = Customer(lambda came, _: came.sendall(says("200 OK", ""))), Customer(lambda came, _: came.sendall(says("503 Later", "")))
    ports = ", ".join(f'"127.0.0.1:{one.server.port}"' for one in [*bad.values(), calm, late])
    place = Place(run.binary, run.folder("receivers"), more=f"[egress]\nallow = [{ports}]")
    key = place.furnish()
    for one in [*bad.values(), calm, late]:
        place.json("webhook", "create", "--account", "1", "--url", one.url, "--events", "message.sent")
    serving = place.serve()
    before, most, waits = serving.memory(), 0, []
    for n in range(60):
        begun = time.monotonic()
        count = len(calm.server.heard)
        if send(serving.address, key, phone=f"+9665012{n:05}", message=f"Your order {n} is here.")[0] != 200:
            raise Failed("a message is not sent beside bad receivers")
        wait_until(lambda: len(calm.server.heard) > count, "the calm receiver hears of it")
        waits.append(time.monotonic() - begun)
        most = max(most, serving.memory())
    grown = (most - before) / MB
    if grown > 80:
        raise Failed(f"{grown:.0f} MB more")
    # Killed while the late one refuses, well afterwards: the same bytes under the same id, and all of them.
    serving.kill()
    late.server.behave = lambda came, _: came.sendall(says("200 OK", ""))
    refused = late.heard()
    serving = place.serve()
    # What was refused waits for its next try, and is often the last of all.
    wait_until(lambda: len(late.heard()) >= 60 and all(len(late.heard()[name]) > 1 for name in refused),
               "the late receiver hears of all, and again of what it refused")
    if not refused or any(len(set(bodies)) != 1 for bodies in late.heard().values()):
        raise Failed("other bytes under the same id, or nothing was refused")
    serving.stop()
    slowest = sorted(waits)[int(len(waits) * 0.95)]
    if slowest > 5:
        raise Failed(f"the calm receiver waits {slowest:.1f} s")
    return (f"{len(bad)} bad ones and a late one, 60 messages: a calm one hears of each within {slowest:.2f} s (p95), {grown:.0f} MB more; "
            f"{len(refused)} refused before a kill came again with the same bytes; control: the calm one hears of all"), len(bad)


def signatures(run):
    place = Place(run.binary, run.folder("signatures"))
    place.furnish()
    meta_line(place, LINE, 1)
    pbx = place.json("threecx", "create", "--account", "1", "--instance", INSTANCE)
    serving = place.serve()
    body = meta_body("966501112222")
    right = signed(body)
    forged = {
        "none": {}, "empty": {"X-Hub-Signature-256": ""}, "no algorithm": {"X-Hub-Signature-256": right},
        "SHA-1": {"X-Hub-Signature-256": "sha1=" + signed(body, digest=hashlib.sha1)}, "the old header": {"X-Hub-Signature": "sha1=" + signed(body, digest=hashlib.sha1)},
        "another secret": {"X-Hub-Signature-256": "sha256=" + signed(body, "other")}, "no secret": {"X-Hub-Signature-256": "sha256=" + signed(body, "")},
        "another body": {"X-Hub-Signature-256": "sha256=" + signed(body + b" ")}, "cut": {"X-Hub-Signature-256": "sha256=" + right[:-2]},
        "longer": {"X-Hub-Signature-256": "sha256=" + right + "00"}, "one digit": {"X-Hub-Signature-256": "sha256=" + right[:-1] + ("0" if right[-1] != "0" else "1")},
        "no hex": {"X-Hub-Signature-256": "sha256=" + "g" * 64}, "two": {"X-Hub-Signature-256": f"sha256={signed(body, 'x')}, sha256={right}"},
    }
    refused = 0
    for name, headers in forged.items():
        status, _, _ = Visitor(serving.address).ask("POST", f"/hooks/cloud-api/{LINE}", body, {"Content-Type": "application/json", **headers})
        if status < 400 or heard(place, "966501112222"):
            raise Failed(f"signed with {name}: {status}, {heard(place, '966501112222')} rows")
        refused += 1
    refused += telephone(serving, pbx)
    hear(serving, LINE, "966501112222")
    wait_until(lambda: heard(place, "966501112222") == 1, "the control: a rightly signed message is recorded")
    hear(serving, LINE, "966501112222")
    time.sleep(0.5)
    if heard(place, "966501112222") != 1:
        raise Failed("the same message twice is two")
    serving.stop()
    return f"{refused} forged calls refused, 0 rows; a repeated message is one; control: rightly signed ones are taken", refused


def telephone(serving, pbx):
    """A telephone system's secret, near misses of it, and one address that guesses."""
    path, body = f"/integrations/3cx/webhook/{pbx['id']}", json.dumps({"event_type": "test"})
    name, secret = "X-WhatsApp-Gateway-3CX-Secret", pbx["secret"]
    refused = 0
    for wrong in ({}, {name: ""}, {name: secret[:-1]}, {name: secret + "x"}, {name: secret.swapcase()}, {"Authorization": f"Bearer {secret}x"}):
        status, _, said = Visitor(serving.address).ask("POST", path, body, {"Content-Type": "application/json", **wrong})
        if status not in (401, 403):
            raise Failed(f"a telephone system with {wrong}: {status} {said[:200]}")
        refused += 1
    status, _, said = Visitor(serving.address).ask("POST", path, body, {"Content-Type": "application/json", name: secret})
    if status in (401, 403):
        raise Failed(f"the control: the right secret is refused: {said[:200]}")
    return refused


def heard(place, sender):
    db = sqlite3.connect(f"file:{place.data}/wa-gateway.db?mode=ro", uri=True)
    try:
        return db.execute("SELECT count(*) FROM inbound_messages WHERE provider_message_id LIKE ?", (f"wamid.{sender}%",)).fetchone()[0]
    finally:
        db.close()
