"""Strangers' bytes: each parser that meets them gets what it expects, and that changed at random: flipped, cut, repeated,
spliced with another's, with odd words, numbers and nests put in; also in targets, queries, headers and forms.

What must hold: no answer says "our mistake", none takes long, nothing panics, it lives. Controls: unchanged, each one is
taken by its parser; a server that fails at what it cannot read is found out."""

import base64
import http.client
import http.server
import json
import random
import threading
import time
import urllib.parse

from gateway import AS_OFTEN_AS_THEY_LIKE, DOT, INSTANCE, PASSWORD, Failed, Place, Visitor
from parties import LINE, meta_body, meta_line, signed

CLIENTS, SLOWEST = 6, 20
WORDS = [b"null", b"true", b"{}", b"[]", b'""', b"0", b"-1", b"1e999", b"9223372036854775808", b"-0", b"1e-400", b"[" * 200, b'{"a":' * 100,
         b"\\u0000", b"\\ud800", b"\\udfff\\ud800", b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\x00", b"\r\n", b"%00", b"%", b"%zz", b"%ff",
         "\u200f\u202e".encode(), "\ufdfa".encode() * 50, "e\u0301".encode() * 40, "٠١٢".encode(), "\U0001f468\u200d\U0001f469".encode(), b"..", b"/../",
         b"//", b"\\", b"'", b'"', b"<", b"&", b"=", b";", b",", b":", b"@", b"+", b"-", b"a" * 5000, b" " * 300, b"--B0undary--", b"--B0undary\r\n"]


class Kind:
    """What is expected somewhere, and how it is sent there: signed where that is needed, so that it is read at all."""

    def __init__(self, name, method, path, headers, body, fair=(200, 202, 204, 303)):
        self.name, self.method, self.path, self.headers, self.body, self.fair = name, method, path, headers, body, fair

    def ready(self, path, body):
        """Path and headers for these bytes."""
        headers = dict(self.headers)
        if self.path.startswith("/hooks/cloud-api"):
            headers["X-Hub-Signature-256"] = f"sha256={signed(body or b'')}"
        return path, headers


def kinds(place, serving, key):
    owner = place.person("owner")
    chattu = place.json("key", "create", "--account", "1", "--kind", "chattu")["key"]
    reader = place.json("key", "create", "--account", "1", "--scope", "read", "--scope", "manage", "--scope", "send")["key"]
    pbx = place.json("threecx", "create", "--account", "1", "--instance", INSTANCE)
    place.json("instance", "create", "--account", "1", "--id", "evo-line", "--name", "Evo", "--connector", "evolution", "--set",
               "base_url=https://evolution.example", "--set", "api_key=0123456789abcdef0123", "--set", "hook_secret=0123456789abcdef0123")
    session = Visitor(serving.address, owner).cookies["session"]
    bearer = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    reading = {"Authorization": f"Bearer {reader}"}
    manage = {**reading, "Content-Type": "application/json"}
    page = {"Cookie": f"session={session}; lang=en; theme=dark", "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    form = {**page, "Content-Type": "application/x-www-form-urlencoded"}
    program = {"X-API-Key": chattu, "Content-Type": "application/json"}
    parts = {**page, "Content-Type": "multipart/form-data; boundary=B0undary"}
    message = {"instance_id": INSTANCE, "phone": "+966501234567", "message": "Your order is here.", "message_purpose": "transactional"}
    evolution = {"event": "messages.upsert", "instance": "evo-line", "data": {"key": {"remoteJid": "966501234567@s.whatsapp.net", "fromMe": False, "id": "A1"},
                 "pushName": "Customer", "message": {"conversation": "Hello"}, "messageType": "conversation", "messageTimestamp": 1780000000}}
    call = {"event_type": "missed_call", "caller_number": "+966501234567", "call_id": "1", "agent_extension": "100", "timestamp": "2026-11-29T10:00:00Z"}
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": "1"}, "statuses": [
        {"id": "wamid.1", "status": "delivered", "timestamp": "1780000000", "recipient_id": "966501234567", "errors": [{"code": 131026, "title": "x"}]}]}
    status = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}).encode()
    tool = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    send = "/api/send-message"
    def as_json(one):
        return json.dumps(one, ensure_ascii=False).encode()
    def as_form(**fields):
        return urllib.parse.urlencode(fields).encode()
    upload = (b'--B0undary\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n--B0undary--\r\n')
    return [
        Kind("a message", "POST", send, bearer, as_json(message)),
        Kind("a file in base64", "POST", send, bearer, as_json({**message, "media_base64": base64.b64encode(DOT).decode(), "file_name": "a.png"})),
        Kind("buttons", "POST", send, bearer, as_json({**message, "buttons": [{"title": "Yes", "id": "1"}], "footer": "x"})),
        Kind("a list", "POST", send, bearer, as_json({**message, "list": {"button": "Open", "sections": [{"title": "a", "rows": [{"title": "b", "id": "1"}]}]}})),
        Kind("a place", "POST", send, bearer, as_json({**message, "message": "", "location": {"latitude": 24.7, "longitude": 46.7, "name": "Shop"}})),
        Kind("a card", "POST", send, bearer, as_json({**message, "message": "", "contact": {"name": "Ali", "phone": "+966501234568"}})),
        Kind("later", "POST", send, bearer, as_json({**message, "send_at": "2027-01-01T10:00:00+03:00", "expires_at": "2027-02-01T10:00:00Z"})),
        Kind("a form with a file", "POST", send, {**bearer, "Content-Type": "multipart/form-data; boundary=B0undary"},
             b"".join(b'--B0undary\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (k.encode(), v.encode()) for k, v in message.items())
             + upload % (b"file", b'; filename="a.png"\r\nContent-Type: image/png', DOT)),
        Kind("Meta's message", "POST", f"/hooks/cloud-api/{LINE}", {"Content-Type": "application/json"}, meta_body("966501234567")),
        Kind("Meta's status", "POST", f"/hooks/cloud-api/{LINE}", {"Content-Type": "application/json"}, status),
        Kind("Evolution's message", "POST", "/hooks/evolution/evo-line", {"Content-Type": "application/json", "X-WA-Gateway-Secret": "0123456789abcdef0123"},
             as_json(evolution)),
        Kind("a telephone call", "POST", f"/integrations/3cx/webhook/{pbx['id']}", {"Content-Type": "application/json",
             "X-WhatsApp-Gateway-3CX-Secret": pbx["secret"]}, as_json(call), (200, 202, 204, 400, 403, 409, 422, 429)),
        Kind("a telephone's message", "POST", f"/integrations/3cx/sms/{pbx['id']}/messages", {"Content-Type": "application/json",
             "Authorization": f"Bearer {pbx['secret']}"}, as_json({"from": "+966501234567", "to": "+966501234568", "text": "Hello"}), (200, 202, 400, 401, 403, 422, 429)),
        Kind("a Chattu message", "POST", send, program, as_json({"clientId": INSTANCE, "phoneNumber": "966501234567", "message": "Hello"}), (200, 202, 400, 422)),
        Kind("a Chattu schedule", "POST", "/schedule-message", program, as_json({"clientId": INSTANCE, "phoneNumber": "966501234567", "message": "x",
             "scheduledTime": "2027-01-01T10:00:00Z"}), (200, 201, 202, 400, 422)),
        Kind("suppressing", "POST", "/api/suppressions", manage, as_json({"phone": "+966501234999", "reason": "asked"}), (200, 201)),
        Kind("a tool", "POST", "/mcp", {**manage, "Accept": "application/json, text/event-stream"}, as_json(tool)),
        Kind("a list of messages", "GET", "/api/messages?since=2026-01-01T00:00:00Z&limit=5&status=sent&instance_id=shop-line", reading, None),
        Kind("events", "GET", "/api/events?limit=5&wait=0", reading, None),
        Kind("a login", "POST", "/login", {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin", "Accept": "text/html"},
             as_form(email="owner@shop.example", password=PASSWORD, next="/message-logs"), (303, 422, 429, 503)),
        Kind("a schedule's form", "POST", "/scheduled", form, as_form(instance=INSTANCE, phone="+966501234567", purpose="support", message="x", at="2027-05-05T10:00")),
        Kind("the log's filters", "GET", "/message-logs?q=order&status=sent&from=2026-01-01&to=2026-12-31&page=1", page, None),
        Kind("a chat", "GET", f"/chat?instance={INSTANCE}&chat=1", page, None, (200, 303, 404)),
        Kind("a CSV", "POST", "/suppressed-recipients/import", parts, upload % (b"file", b'; filename="a.csv"\r\nContent-Type: text/csv',
             b"phone,reason\r\n+966501234998,asked\r\n\"0501234997\",\"he, \"\"asked\"\"\"\r\n"), (200, 303, 422)),
        Kind("a file's address", "GET", "/media/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", {"Range": "bytes=0-10", "If-None-Match": '"x"'}, None, (403, 404, 410)),
        Kind("the search", "GET", "/docs/search?q=webhook", {"Accept": "text/html", "Accept-Language": "ar,en;q=0.5", "Accept-Encoding": "gzip"}, None),
    ]


def mutated(dice, content, others):
    """Some changes of it."""
    out = bytearray(content)
    for _ in range(dice.choice([1, 1, 2, 3, 8])):
        at, deed = dice.randrange(len(out) + 1), dice.randrange(9)
        end = min(len(out), at + dice.choice([1, 2, 8, 64]))
        if deed == 0 and at < len(out):
            out[at] ^= 1 << dice.randrange(8)
        elif deed == 1:
            out[at:at] = dice.choice(WORDS)
        elif deed == 2:
            out[at:end] = b""
        elif deed == 3:
            out[at:at] = out[at:end] * dice.choice([1, 2, 50])
        elif deed == 4:
            out[at:] = b""
        elif deed == 5:
            other = dice.choice(others)
            out[at:end] = other[dice.randrange(len(other) + 1):][:dice.choice([4, 40, 400])]
        elif deed == 6:
            out[at:end] = dice.randbytes(end - at)
        else:
            replace_value(dice, out)
    return bytes(out[:200_000])


def replace_value(dice, out):
    """Another word where a value of JSON, of a form or of a query begins and ends."""
    marks = [i for i, byte in enumerate(out) if byte in b':=[,"&{']
    if len(marks) > 1:
        n = dice.randrange(len(marks) - 1)
        out[marks[n] + 1:marks[n + 1]] = dice.choice(WORDS)


class Hammer:
    """Clients that send changed bytes until a time, and what was wrong with the answers."""

    def __init__(self, address, all_of_them, seed, ends):
        self.address, self.kinds, self.ends = address, all_of_them, ends
        self.wrong, self.statuses, self.sent, self.slowest = [], {}, 0, 0.0
        self.bodies = [one.body or one.path.encode() for one in all_of_them]
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.press, args=(random.Random(f"{seed} {n}"),), daemon=True) for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def press(self, dice):
        client = http.client.HTTPConnection(*self.address, timeout=SLOWEST)
        while time.monotonic() < self.ends and not self.wrong:
            kind = dice.choice(self.kinds)
            path, headers, body = self.change(dice, kind)
            begun = time.monotonic()
            try:
                client.putrequest(kind.method, path, skip_accept_encoding=True)
                for name, value in headers.items():
                    client.putheader(name, value)
                if body is not None:
                    client.putheader("Content-Length", str(len(body)))
                client.endheaders(body)
                answer = client.getresponse()
                answer.read()
                status = answer.status
            except TimeoutError:
                status = "no answer"
            except (OSError, http.client.HTTPException, ValueError):
                # A connection that is closed after a refusal, or bytes that the client does not send.
                client.close()
                continue
            with self.lock:
                self.sent += 1
                self.statuses[status] = self.statuses.get(status, 0) + 1
                self.slowest = max(self.slowest, time.monotonic() - begun)
                if status == "no answer" or status == 500:
                    self.wrong.append(f"{kind.name}: {status} to {kind.method} {path} {(body or b'')[:300]!r}")

    def change(self, dice, kind):
        path, body = kind.path, kind.body
        if body is not None and dice.random() < 0.9:
            body = mutated(dice, body, self.bodies)
        elif dice.random() < 0.8:
            where, mark, query = path.partition("?")
            change = mutated(dice, query.encode() if mark else where.encode(), self.bodies)
            quoted = urllib.parse.quote_from_bytes(change, "&=%+/" if mark else "/%")
            path = f"{where}?{quoted}" if mark else "/" + quoted.lstrip("/")
        path, headers = kind.ready(path, body)
        if dice.random() < 0.2:
            name = dice.choice(["Cookie", "Accept-Language", "Accept", "Idempotency-Key", "X-Forwarded-For", "Range", "If-None-Match", "Content-Type", "Origin",
                                "Referer", "User-Agent", "Authorization", "X-API-Key", "X-Request-Id", "Sec-Fetch-Site"])
            value = mutated(dice, headers.get(name, "a, b; q=0.5").encode(), self.bodies)[:4000]
            headers[name] = value.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"").decode("latin-1")
        return path, headers, body

    def end(self):
        for thread in self.threads:
            thread.join()
        if self.wrong:
            raise Failed(self.wrong[0])


def strangers(run):
    place = Place(run.binary, run.folder("bytes"), more=f"{AS_OFTEN_AS_THEY_LIKE}\n[threecx]\nfailures_per_minute = 1000000")
    key = place.furnish()
    meta_line(place, LINE, 1)
    serving = place.serve()
    all_of_them = kinds(place, serving, key)
    for kind in all_of_them:
        path, headers = kind.ready(kind.path, kind.body)
        status, _, said = Visitor(serving.address).ask(kind.method, path, kind.body, headers)
        if status not in kind.fair:
            raise Failed(f"the control: unchanged, {kind.name} is answered {status} {said[:300]}")
    hammer = Hammer(serving.address, all_of_them, run.seed, max(run.ends_in(0.3), time.monotonic() + 20))
    hammer.end()
    if serving.process.poll() is not None or serving.get("/readyz")[0] != 200:
        raise Failed("it is not ready after it")
    serving.stop()
    with open(serving.log, encoding="utf-8", errors="replace") as file:
        log = file.read()
    bad = [line for line in log.splitlines() if "panicked" in line or " ERROR " in line]
    if bad:
        raise Failed(f"{len(bad)} errors in the log: {bad[0][:300]}")
    control(all_of_them, run.seed)
    said = ", ".join(f"{count} × {status}" for status, count in sorted(hammer.statuses.items(), key=lambda one: -one[1])[:6])
    return (f"{hammer.sent} requests of {len(all_of_them)} kinds, changed ({said}), slowest {hammer.slowest:.2f} s, 0 errors, 0 panics; "
            f"controls: unchanged each is taken, a server that fails is found out"), hammer.sent


def control(all_of_them, seed):
    """A server that fails at bodies which are no JSON."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                json.loads(body)
                self.send_response(200)
            except ValueError:
                self.send_response(500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        Hammer(server.server_address, all_of_them[:1], seed, time.monotonic() + 5).end()
    except Failed:
        return
    finally:
        server.shutdown()
    raise Failed("the control: a server that fails is not found out")
