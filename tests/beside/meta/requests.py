"""Every kind of request to Meta's API: asked by the program, judged by Meta's OpenAPI document through Prism, laid beside
pywa's request for the same. See `run`."""

import base64
import hashlib
import hmac
import http.client
import http.server
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "fire"))
from gateway import DOT, Failed, Place, Visitor, wait_until  # noqa: E402
import meta_peers  # noqa: E402

LINE, NUMBER, WABA, APP, TEMPLATE = "cloud-line", "106540352242922", "102290129340398", "1234", "594425479261596"
SECRET, PHONE, HIDDEN = "app-secret", "+966501234567", "SA.13491208655302741918"


def template(name, category, components, **more):
    return {"name": name, "language": "en", "status": "APPROVED", "category": category, "id": TEMPLATE,
            "components": components, **more}


BODY = {"type": "BODY", "text": "Order {{1}} is ready."}
URL = {"type": "URL", "text": "See", "url": "https://shop.example/{{1}}"}
TEMPLATES = [
    template("plain", "UTILITY", [BODY]),
    template("headed", "UTILITY", [{"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"}, BODY]),
    *(template(f"with_{kind}", "UTILITY", [{"type": "HEADER", "format": kind.upper()}, BODY])
      for kind in ("image", "video", "document", "location")),
    template("linked", "UTILITY", [BODY, {"type": "BUTTONS", "buttons": [URL]}]),
    template("voucher", "UTILITY", [BODY, {"type": "BUTTONS", "buttons": [{"type": "COPY_CODE", "text": "Copy"}]}]),
    template("login", "AUTHENTICATION", [{"type": "BODY", "text": "{{1}} is your code"},
                                         {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}]),
    template("named", "UTILITY", [{"type": "BODY", "text": "Order {{order}} is ready."}], parameter_format="NAMED"),
]


class Graph(http.server.BaseHTTPRequestHandler):
    """As much of Meta's API as keeps the program asking; everything that it is asked is kept."""

    protocol_version = "HTTP/1.1"
    asked, held = [], []

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass  # The program's end.

    def kept(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() in (
            "authorization", "content-type", "user-agent")}
        Graph.asked.append((self.command, self.path, headers, body))
        return body

    def answer(self, body):
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except OSError:
            pass  # Whoever asked is gone.

    def do_GET(self):
        self.kept()
        path, _, query = self.path.partition("?")
        if path.endswith("/message_templates"):
            name = re.search(r"(?:^|&)name=([^&]*)", query)
            return self.answer({"data": [t for t in TEMPLATES + Graph.held if not name or t["name"] == name[1]]})
        if path.endswith("/subscribed_apps"):
            return self.answer({"data": [{"whatsapp_business_api_data": {"id": APP, "name": "Shop"}}]})
        if path.endswith("/debug_token"):
            scopes = ["whatsapp_business_messaging", "whatsapp_business_management"]
            return self.answer({"data": {"app_id": APP, "is_valid": True, "scopes": scopes, "expires_at": 0}})
        if path.endswith("/media-in"):
            address = "http://" + self.headers["Host"] + "/file"
            return self.answer({"url": address, "mime_type": "image/png", "id": "media-in",
                                "sha256": hashlib.sha256(DOT).hexdigest(), "file_size": len(DOT)})
        if path == "/file":
            self.send_response(200)
            self.send_header("Content-Length", str(len(DOT)))
            self.end_headers()
            return self.wfile.write(DOT)
        return self.answer({"id": NUMBER, "display_phone_number": "+1 555-078-3881", "verified_name": "Shop"})

    def do_POST(self):
        body = self.kept()
        if self.path.endswith("/media"):
            return self.answer({"id": "1166846181421424"})
        if self.path.endswith("/messages") and b'"status"' not in body:
            whom = (json.loads(body).get("to") or "").lstrip("+")
            return self.answer({"messaging_product": "whatsapp", "contacts": [{"input": whom, "wa_id": whom}],
                                "messages": [{"id": f"wamid.OURS{len(Graph.asked)}"}]})
        if self.path.endswith("/message_templates"):
            Graph.held = [{**json.loads(body), "id": TEMPLATE, "status": "PENDING"}]
            return self.answer({"id": TEMPLATE, "status": "PENDING", "category": "UTILITY"})
        return self.answer({"success": True})

    def do_DELETE(self):
        self.kept()
        self.answer({"success": True})

    def log_message(self, *_):
        pass


class Shop:
    """The program with one number, whose customers wrote a moment ago."""

    def __init__(self, program, folder):
        self.place = Place(program, folder)
        graph = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Graph)
        threading.Thread(target=graph.serve_forever, daemon=True).start()
        address = "127.0.0.1:%d" % graph.server_address[1]
        with open(self.place.path("wa-gateway.toml"), "a", encoding="utf-8") as file:
            file.write(f'[egress]\nallow = ["{address}"]\n')
        account = str(self.place.json("account", "create", "--name", "Shop", "--plan", "scale")["id"])
        settings = {"base_url": f"http://{address}", "phone_number_id": NUMBER, "waba_id": WABA, "access_token": "EAAG",
                    "app_secret": SECRET, "verify_token": "verify", "direct_send": "on"}
        more = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        self.place.json("instance", "create", "--account", account, "--id", LINE, "--name", "Line", "--connector",
                        "cloud-api", *more)
        self.place.json("instance", "set", LINE, "reject_calls=on")
        self.key = self.place.json("key", "create", "--account", account)["key"]
        self.place.person("owner", account)
        self.serving = self.place.serve()
        self.owner = Visitor(self.serving.address, "owner@shop.example")
        wait_until(lambda: self.place.json("template", "list", LINE), "the templates")
        self.heard = 0
        self.hear({"from": PHONE[1:], "type": "text", "text": {"body": "Hello"}})
        self.owner.post(f"/instances/{LINE}/setup", {"do": "check"})
        wait_until(lambda: any("debug_token" in path for _, path, _, _ in Graph.asked), "the check of the set-up")
        self.hear({"from_user_id": HIDDEN, "type": "text", "text": {"body": "Hello"}})

    def post(self, path, body, headers):
        client = http.client.HTTPConnection(*self.serving.address, timeout=60)
        client.request("POST", path, body, {"Content-Type": "application/json", **headers})
        answer = client.getresponse()
        text = answer.read().decode()
        client.close()
        return answer.status, text

    def call(self, field, value):
        value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": NUMBER}, **value}
        body = json.dumps({"object": "whatsapp_business_account",
                           "entry": [{"id": WABA, "changes": [{"field": field, "value": value}]}]})
        signature = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
        status, _ = self.post(f"/hooks/cloud-api/{LINE}", body, {"X-Hub-Signature-256": f"sha256={signature}"})
        if status != 200:
            raise Failed(f"what Meta brings is not taken: {status}")

    def hear(self, message):
        self.heard += 1
        self.call("messages", {"messages": [{"id": f"wamid.IN{self.heard}", "timestamp": str(int(time.time())), **message}]})
        return f"wamid.IN{self.heard}"

    def send(self, **fields):
        body = json.dumps({"instance_id": LINE, "phone": PHONE, "message_purpose": "transactional", **fields})
        status, text = self.post("/api/send-message", body, {"Authorization": f"Bearer {self.key}"})
        if status != 200:
            raise Failed(f"{fields}: {status} {text}")
        return json.loads(text)["message_id"]

    def with_template(self, name, *variables, **more):
        return self.send(template={"name": name, "language": "en", "variables": list(variables)}, **more)


MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 64
OGG = b"OggS\0\2" + b"\0" * 20 + b"\x01\x13OpusHead" + b"\0" * 40
FILES = {"image": DOT, "video": MP4, "audio": b"ID3\x04" + b"\0" * 64, "voice": OGG,
         "document": b"%PDF-1.7\n", "sticker": b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 32}


def stories(shop):
    """What is done, by the kind of request that it makes: kind, and a function that makes it."""
    picture = "https://shop.example/a.png"
    yield "text", lambda: shop.send(message="Your order 2041 is ready.")
    yield "answer", lambda: shop.send(message="Yes, it is.", reply_to="wamid.IN1")
    yield "to a hidden number", lambda: shop.send(phone="contact:2", message="Your order 2042 is ready.")
    for kind, content in FILES.items():
        words = {"message": "Your file"} if kind in ("image", "video", "document") else {}
        yield kind, lambda kind=kind, content=content, words=words: shop.send(
            media_base64=base64.b64encode(content).decode(), media_type=kind, **words)
    buttons = [{"id": "y", "title": "Yes"}, {"id": "n", "title": "No"}]
    yield "buttons", lambda: shop.send(message="Is 9:00 good?", buttons=buttons, footer="Shop")
    rows = [{"id": "1", "title": "Morning", "description": "8 to 12"}]
    yield "list", lambda: shop.send(message="When?", list={"button": "Choose", "sections": [{"title": "Monday", "rows": rows}]})
    yield "link", lambda: shop.send(message="Your bill 7.", link_button={"title": "Open", "url": "https://shop.example/7"})
    yield "contact request", lambda: shop.send(message="May we call you?", contact_request=True)
    place = {"latitude": 24.7136, "longitude": 46.6753, "name": "Shop", "address": "King Fahd Road 1"}
    yield "location", lambda: shop.send(location=place)
    card = {"name": "Amal Haddad", "phone": "+966501112222", "organization": "Shop", "email": "amal@shop.example"}
    yield "contact", lambda: shop.send(contact=card)
    yield "reaction", lambda: shop.send(reaction={"message_id": "wamid.IN1", "emoji": "👍"})
    yield "reaction taken back", lambda: shop.send(reaction={"message_id": "wamid.IN1", "emoji": ""})
    yield "template", lambda: shop.with_template("plain", "2041")
    yield "template, text head", lambda: shop.with_template("headed", "2041", "2041")
    for kind in ("image", "video", "document"):
        yield f"template, {kind} head", lambda kind=kind: shop.with_template(f"with_{kind}", picture, "2041")
    at = "24.7136, 46.6753; Shop; King Fahd Road 1"
    yield "template, location head", lambda: shop.with_template("with_location", at, "2041")
    yield "template, address button", lambda: shop.with_template("linked", "2041", "2041")
    yield "template, code to copy", lambda: shop.with_template("voucher", "2041", "SAVE20")
    yield "template, one-time code", lambda: shop.with_template("login", "123456", message_purpose="authentication")
    yield "template, named", lambda: shop.with_template("named", "2041")
    yield "text after the window", lambda: shop.send(phone="+966501239999", message="Your order 2043 is ready.")
    yield "typing", lambda: shop.owner.post(f"/chat/{LINE}/c1/typing", {})
    yield "read", lambda: shop.owner.post(f"/chat/{LINE}/c1/read", {})
    call = {"id": "wacid.1", "from": PHONE[1:], "to": "15550783881", "event": "connect", "direction": "USER_INITIATED",
            "timestamp": str(int(time.time()))}
    yield "call not taken", lambda: shop.call("calls", {"calls": [call]})
    image = {"from": PHONE[1:], "type": "image", "image": {"id": "media-in", "mime_type": "image/png"}}
    yield "file that came", lambda: shop.hear(image)
    yield "subscription", lambda: shop.owner.post(f"/instances/{LINE}/setup", {"do": "subscribe"})
    new = ["template", "submit", LINE, "--name", "order_news", "--language", "en", "--body",
           "Hello {{1}}, your order is ready.", "--example", "Amal", "--header", "Order", "--footer", "The shop", "--reply", "Thanks"]
    yield "template submitted", lambda: shop.place.json(*new)
    yield "template changed", lambda: shop.place.json(*new)
    code = ["template", "submit", LINE, "--name", "code_news", "--language", "en", "--category", "authentication"]
    yield "code template submitted", lambda: shop.place.json(*code)
    yield "template deleted", lambda: shop.place.json("template", "delete", LINE, "--name", "code_news", "--language", "en")


def answered(kind):
    """Which of the requests that a story made are what it is about: method, and end of the path."""
    return {"typing": ("POST", "/messages"), "read": ("POST", "/messages"), "call not taken": ("POST", "/calls"),
            "file that came": ("GET", "/media-in"), "subscription": ("POST", "/subscribed_apps"),
            "template submitted": ("POST", "/message_templates"), "template changed": ("POST", f"/{TEMPLATE}"),
            "code template submitted": ("POST", "/message_templates"), "template deleted": ("DELETE", "/message_templates"),
            }.get(kind, ("POST", "/messages"))


def asked(shop):
    """All requests by kind, each with what it is called; those of the first round and uploads among them."""
    time.sleep(0.5)
    found = []
    for entry in Graph.asked:
        method, path, _, _ = entry
        kind = path.split("?")[0].rsplit("/", 1)[1]
        kind = {NUMBER: "number"}.get(kind, kind.replace("_", " "))
        if (f"{method} {kind}") not in [name for name, _ in found]:
            found.append((f"{method} {kind}", entry))
    for kind, act in stories(shop):
        method, end = answered(kind)
        before = len(Graph.asked)
        fits = lambda: [e for e in Graph.asked[before:] if e[0] == method and e[1].split("?")[0].endswith(end)]
        act()
        wait_until(fits, kind)
        found += [(f"{kind}: upload", e) for e in Graph.asked[before:] if e[1].endswith("/media") and e[0] == "POST"]
        found.append((kind, fits()[-1]))
    return found


def main():
    document, program, prism, folder = sys.argv[1:5]
    shop = Shop(os.path.abspath(program), os.path.join(folder, "place"))
    try:
        requests = asked(shop)
    finally:
        shop.serving.stop()
    others = meta_peers.pywa_requests(NUMBER, WABA, TEMPLATE)
    judge = meta_peers.Prism(prism, document, folder, {"Phone-Number-ID": NUMBER, "WABA-ID": WABA, "Media-ID": "media-in",
                                                       "TEMPLATE_ID": TEMPLATE})
    version = subprocess.run([prism, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"Prism {version}, {judge.title}; pywa {importlib.metadata.version('pywa')}\n")
    print("| Request | Meta's document | pywa |\n|---|---|---|")
    faults = []
    try:
        for kind, (method, path, headers, body) in requests:
            said, is_fine = judge.says(kind, method, path, headers, body)
            beside, is_alike = meta_peers.beside(kind, body, others)
            print(f"| {kind} | {said} | {beside} |", flush=True)
            faults += [kind] if not (is_fine and is_alike) else []
        faults += judge.control(NUMBER)
    finally:
        judge.stop()
    print(f"\n{len(requests)} requests, {len(faults)} not as they should be {faults or ''}")
    sys.exit(bool(faults) or not requests)


if __name__ == "__main__":
    main()
