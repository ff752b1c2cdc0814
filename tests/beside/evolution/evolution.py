"""The real Evolution API server between the program and a stand-in for Meta: what is sent, heard and told through it, kind by
kind. See `run`."""

import base64
import http.client
import json
import os
import sqlite3
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "fire"))
from gateway import DOT, Failed, Place, Visitor, lo_up, wait_until  # noqa: E402
from parts import KEY, NUMBER, TOKEN, WABA, Between, Meta, Server, message, opened  # noqa: E402

LINE, THEIRS, PHONES, PHONES_THEIRS = "meta-line", "Loja 1", "phone-line", "phone"
PHONE, OTHER = "+966501234567", "+966507654321"
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 64
OGG = b"OggS\0\2" + b"\0" * 20 + b"\x01\x13OpusHead" + b"\0" * 40
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9"
FILES = {"image": JPEG, "video": MP4, "audio": b"ID3\x04" + b"\0" * 64, "voice": OGG, "document": b"%PDF-1.7\n"}
# What Meta has to get of each: the upload's name and type, and the message's kind.
AS_WHAT = {"image": ("image.jpg", "image/jpeg", "image"), "video": ("video.mp4", "video/mp4", "video"),
           "audio": ("audio.mp3", "audio/mpeg", "audio"), "voice": ("voice.ogg", "audio/ogg", "audio"),
           "document": ("document.pdf", "application/pdf", "document")}


class Shop:
    """The program, the server and Meta, with a number that the server reaches over Meta and one that it has no phone for."""

    def __init__(self, folder, program, work):
        self.meta_port = opened(Meta)
        self.asks, self.tells = Between("server"), Between("gateway")
        self.server = Server(folder, work, free_port(), self.meta_port)
        self.asks.to = self.server.port
        self.place = Place(program, os.path.join(work, "place"))
        port = free_port()
        self.place.environment = {"WA_GATEWAY_LISTEN__LOCAL": f"127.0.0.1:{port}",
                                  "WA_GATEWAY_EGRESS__ALLOW": f"127.0.0.1:{self.asks.port}",
                                  "WA_GATEWAY_PUBLIC_URL": f"http://127.0.0.1:{self.tells.port}"}
        self.tells.to = port
        self.account = str(self.place.json("account", "create", "--name", "Shop", "--plan", "scale")["id"])
        self.key = self.place.json("key", "create", "--account", self.account, "--scope", "send", "--scope", "read")["key"]
        self.place.person("owner", self.account)
        self.serving = self.place.serve()
        self.owner = Visitor(self.serving.address, "owner@shop.example")
        self.db = sqlite3.connect(f"file:{self.place.data}/wa-gateway.db?mode=ro", uri=True, isolation_level=None)
        self.heard = 0

    def create(self, line, theirs):
        settings = {"base_url": f"http://127.0.0.1:{self.asks.port}", "api_key": KEY, "instance": theirs,
                    "hook_secret": "a-secret-of-this-run"}
        more = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        return self.place.run("--json", "instance", "create", "--account", self.account, "--id", line, "--name", line,
                              "--connector", "evolution", *more)

    def status(self, line):
        rows = self.place.json("instance", "list")
        return next(one for one in (rows if isinstance(rows, list) else rows["instances"]) if one["id"] == line)

    def until(self, line, state):
        wait_until(lambda: self.status(line)["state"] == state, f"{line} {state}")
        return self.status(line).get("state_reason") or ""

    def rows(self, sql, *values):
        return self.db.execute(sql, values).fetchall()

    def send(self, line=LINE, **fields):
        body = json.dumps({"instance_id": line, "phone": PHONE, "message_purpose": "transactional", **fields})
        client = http.client.HTTPConnection(*self.serving.address, timeout=60)
        client.request("POST", "/api/send-message", body,
                       {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"})
        answer = client.getresponse()
        said = json.loads(answer.read())
        client.close()
        return answer.status, said

    def row(self, **fields):
        """Status, Meta's code and the reason of the newest message, after one was sent."""
        before = self.rows("SELECT count(*) FROM messages")[0][0]
        self.send(**fields)
        rows = self.rows("SELECT status, provider_code, reason FROM messages ORDER BY rowid DESC LIMIT 1")
        return rows[0] if self.rows("SELECT count(*) FROM messages")[0][0] > before else ("refused", None, None)

    def taken(self, **fields):
        """What Meta got of a message that must go at once."""
        before = len(Meta.messages)
        status, said = self.send(**fields)
        if status != 200 or said.get("status") not in (None, "sent"):
            raise Failed(f"{status} {json.dumps(said)[:300]}")
        if len(Meta.messages) != before + 1:
            raise Failed(f"Meta got {len(Meta.messages) - before} messages")
        return Meta.messages[-1]

    def said(self, phone, kind, content=None, wait=True, **more):
        """Somebody writes; answers with the rows that it became."""
        self.heard += 1
        newest = self.rows("SELECT coalesce(max(id), 0) FROM inbound_messages")[0][0]
        self.server.hear(message(phone, self.heard, kind, content, **more))
        rows = lambda: self.rows(
            "SELECT m.kind, m.body, coalesce(i.value, '?'), m.reply_to FROM inbound_messages m LEFT JOIN contact_identities i "
            "ON i.contact_id = m.contact_id WHERE m.id > ? ORDER BY m.id", newest)
        deadline = time.monotonic() + (8 if wait else 3)
        while time.monotonic() < deadline and not rows():
            time.sleep(0.05)
        return rows()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def need(what, seen):
    if not what:
        raise Failed(str(seen))
    return str(seen)


def setting_up(shop):
    """Rows of how the two come together."""
    made = shop.server.ask("POST", "/instance/create", {
        "instanceName": THEIRS, "integration": "WHATSAPP-BUSINESS", "token": TOKEN, "number": NUMBER, "businessId": WABA})
    yield "create, over Meta (the server itself)", lambda: need(made[0] == 201, made[0])
    shop.server.ask("POST", "/instance/create", {"instanceName": PHONES_THEIRS, "integration": "WHATSAPP-BAILEYS",
                                                 "qrcode": False})
    yield "a name that the server has not", lambda: mistyped(shop)
    yield "adopted", lambda: need(not shop.create(LINE, THEIRS).returncode, shop.until(LINE, "open") or "open")
    yield "two of ours on one of theirs", lambda: second(shop)
    yield "webhook at the server", lambda: hook(shop)


def mistyped(shop):
    shop.create("typo-line", "Loja l")
    why = shop.until("typo-line", "close")
    names = [one["name"] for one in shop.server.ask("GET", "/instance/fetchInstances")[1]]
    shop.place.run("instance", "delete", "typo-line", "--yes")
    return need(sorted(names) == sorted([THEIRS, PHONES_THEIRS]), f"close: {why}; the server has {names}")


def second(shop):
    done = shop.create("second-line", THEIRS)
    return need(done.returncode, done.stderr.strip() or "taken")


def hook(shop):
    found = shop.server.ask("GET", "/webhook/find/Loja%201")[1]
    return need(found["enabled"] and found["url"].endswith(f"/hooks/evolution/{LINE}"), sorted(found))


def sending(shop):
    said = lambda words: lambda: need(shop.taken(message=words), Meta.messages[-1])
    yield "text", said("Your order 2041 is ready.")
    yield "receipts", lambda: receipts(shop)
    yield "answer", lambda: need(shop.taken(message="Yes.", reply_to="wamid.IN1")["context"] == {"message_id": "wamid.IN1"},
                                 Meta.messages[-1].get("context"))
    yield "reaction", lambda: need(shop.taken(reaction={"message_id": "wamid.IN1", "emoji": "👍"})["type"] == "reaction",
                                   Meta.messages[-1])
    for kind, content in FILES.items():
        yield kind, lambda kind=kind, content=content: sent_file(shop, kind, content)
    yield "sticker", lambda: refused(shop, media_base64=base64.b64encode(b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 32).decode(),
                                     media_type="sticker")
    yield "buttons", lambda: refused(shop, message="Is 9 good?", buttons=[{"id": "y", "title": "Yes"}])
    yield "location", lambda: refused(shop, location={"latitude": 24.7, "longitude": 46.6, "name": "S", "address": "A"})


def sent_file(shop, kind, content):
    before = len(Meta.uploads)
    words = {"message": "Your file"} if kind in ("image", "video", "document") else {}
    got = shop.taken(media_base64=base64.b64encode(content).decode(), media_type=kind, **words)
    name, mime, sent_as = AS_WHAT[kind]
    has_words = got.get(sent_as, {}).get("caption") == words.get("message")
    return need(Meta.uploads[before:] == [(name, mime)] and got["type"] == sent_as and has_words,
                f"uploaded as {Meta.uploads[before:]}, sent as {json.dumps({k: got[k] for k in got if k in FILES})}")


def refused(shop, **fields):
    before = len(Meta.messages)
    status, said = shop.send(**fields)
    return need(status != 200 and len(Meta.messages) == before,
                f"{status} {said.get('error')}: {json.dumps(said)[:260]}")


def receipts(shop):
    shop.taken(message="Your order 2042 is ready.")
    theirs, seen = f"wamid.OURS{len(Meta.messages)}", []
    for word in ("sent", "delivered", "read"):
        time.sleep(0.3)
        shop.server.hear({"statuses": [status(theirs, word)]})
        wait_until(lambda: shop.rows("SELECT status FROM messages ORDER BY rowid DESC LIMIT 1")[0][0] == word, word)
        seen.append(word)
    shop.taken(message="Your order 2043 is ready.")
    theirs = f"wamid.OURS{len(Meta.messages)}"
    time.sleep(0.3)
    error = {"code": 131026, "title": "Message undeliverable", "message": "Message undeliverable",
             "error_data": {"details": "Unable to deliver."}}
    shop.server.hear({"statuses": [{**status(theirs, "failed"), "errors": [error]}]})
    wait_until(lambda: shop.rows("SELECT status FROM messages ORDER BY rowid DESC LIMIT 1")[0][0] == "failed", "failed")
    return f"{', '.join(seen)}; failed: {shop.rows('SELECT provider_code, reason FROM messages ORDER BY rowid DESC LIMIT 1')[0]}"


def status(id, word):
    return {"id": id, "status": word, "timestamp": str(int(time.time())), "recipient_id": PHONE[1:]}


def failing(shop):
    for code in ("131026", "131047", "131056"):
        yield f"refused with {code}", lambda code=code: failed(shop, f"+966500{code}", "failed", code)
    yield "Meta answers 500 without JSON", lambda: failed(shop, "+966500500500", "unknown", None)
    yield "Meta takes it and does not answer", lambda: failed(shop, "+966500900900", "unknown", None)


def ending(shop):
    yield "refused with 130429", lambda: failed(shop, "+966500130429", None, "130429")
    time.sleep(6)
    yield "refused with 190: the line closes", lambda: (
        failed(shop, "+966500000190", "failed", "190") + "; " + shop.until(LINE, "close"))
    yield "reconnect", lambda: reconnected(shop)


def reconnected(shop):
    status = shop.owner.post(f"/instances/{LINE}/connection", {"do": "reconnect"})[0]
    shop.until(LINE, "open")
    return need(status == 303, "open")


def failed(shop, phone, wanted, code):
    seen = shop.row(phone=phone, message="Your order 2041 is ready.")
    return need((wanted is None or seen[0] == wanted) and (code is None or seen[1] == code), seen)


def hearing(shop):
    media = {"id": "media-in", "mime_type": "image/png", "sha256": "x"}
    kinds = {
        "text": ("text", {"body": "Hello"}), "picture": ("image", {**media, "caption": "A dot"}), "film": ("video", media),
        "sound": ("audio", {**media, "voice": True}), "document": ("document", {**media, "filename": "bill.pdf"}),
        "sticker": ("sticker", {**media, "animated": False}),
        "place": ("location", {"latitude": 24.7, "longitude": 46.6, "name": "Shop"}),
        "card": ("contacts", [{"name": {"formatted_name": "Sami"},
                               "phones": [{"phone": "+966501112222", "wa_id": "966501112222"}]}]),
        "button of a template": ("button", {"text": "Yes", "payload": "YES"}),
        "reply button": ("interactive", {"type": "button_reply", "button_reply": {"id": "y", "title": "Yes please"}}),
        "list row": ("interactive", {"type": "list_reply", "list_reply": {"id": "1", "title": "Morning", "description": "8"}}),
        "form": ("interactive", {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{}"}}),
        "reaction": ("reaction", {"message_id": "wamid.OURS1", "emoji": "👍"}),
    }
    for name, (kind, content) in kinds.items():
        yield f"heard: {name}", lambda kind=kind, content=content: rows(shop.said(PHONE, kind, content), kind)
    yield "heard: answer", lambda: rows(shop.said(PHONE, "text", {"body": "That one"}, context={"id": "wamid.OURS1"}), "text")
    yield "heard: the files of all", lambda: files(shop)
    lost = {"two cards": ("contacts", [kinds["card"][1][0]] * 2), "order": ("order", {"catalog_id": "1", "product_items": []}),
            "edit": ("edit", {"original_message_id": "wamid.IN1"}), "unknown kind": ("unsupported", None)}
    for name, (kind, content) in lost.items():
        yield f"heard: {name}", lambda kind=kind, content=content: never(shop.said(PHONE, kind, content, wait=False))
    yield "heard: two in one call", lambda: two(shop)
    yield "heard: a hidden number", lambda: hidden(shop)
    yield "heard: twenty people at once", lambda: at_once(shop)
    yield "heard: STOP", lambda: stop(shop)


def rows(found, kind):
    return need(found and found[0][0] == kind and found[0][2] == PHONE, found)


def files(shop):
    """The program fetches them by and by."""
    states = lambda: shop.rows("SELECT kind, state, coalesce(problem, '') FROM media WHERE inbound_id IS NOT NULL ORDER BY id")
    wait_until(lambda: all(state != "pending" for _, state, _ in states()), "the files")
    return need(all(state == "stored" for _, state, _ in states()), states())


def known(is_so, seen):
    """A fault of the server 2.3.7 that the program cannot make good, as it is known: what the connector warns of has to be
    looked at anew when it changes."""
    return need(is_so, seen if is_so else f"the server's known fault is another one now: {seen}")


def never(found):
    return known(not found, f"seen: {found}" if found else "the server tells nothing of it (its known fault)")


def two(shop):
    shop.heard += 2
    one = message(PHONE, shop.heard - 1, "text", {"body": "first of two"})
    one["messages"] += message(PHONE, shop.heard, "text", {"body": "second of two"})["messages"]
    shop.server.hear(one)
    heard = lambda: [body for body, in shop.rows("SELECT body FROM inbound_messages WHERE body LIKE ? ORDER BY id", "%of two")]
    wait_until(heard, "the first")
    time.sleep(2)
    return known(heard() == ["first of two"], f"of two in one call: {heard()}")


def hidden(shop):
    need(shop.said(OTHER, "text", {"body": "I am the other"}), "the other is not heard")
    found = shop.said(None, "text", {"body": "I am hidden"}, from_user_id="SA.13491208655302741918")
    is_so = [row[1:3] for row in found] == [("I am hidden", OTHER)]
    return known(is_so, f"told under the number of whoever wrote before: {found}")


def at_once(shop):
    people = [f"+9665012000{n:02}" for n in range(20)]
    says = lambda n: shop.server.hear(message(people[n], 5000 + n, "text", {"body": f"I am {people[n]}"}))
    work = [threading.Thread(target=says, args=(n,)) for n in range(20)]
    [one.start() for one in work]
    [one.join() for one in work]
    found = lambda: shop.rows("SELECT m.body, i.value FROM inbound_messages m JOIN contact_identities i "
                              "ON i.contact_id = m.contact_id WHERE m.body LIKE 'I am +%'")
    wait_until(lambda: len(found()) >= len(people), "what all of them wrote")
    wrong = [one for one in found() if one[0] != f"I am {one[1]}"]
    seen = f"{len(found())} of {len(people)} heard, {len(wrong)} under another's number"
    need(sorted(body for body, _ in found()) == sorted(f"I am {phone}" for phone in people), seen)
    return known(wrong, seen)


def stop(shop):
    shop.said("+966501239999", "text", {"body": "STOP"})
    seen = shop.rows("SELECT count(*) FROM suppressions")
    return need(seen[0][0] == 1, f"{seen[0][0]} suppressed")


def asking(shop):
    first = shop.rows("SELECT id FROM contacts ORDER BY id LIMIT 1")[0][0]
    yield "read marks", lambda: read_marks(shop, first)
    yield "only looked at: what the server refused so far", lambda: refusals(shop)


def read_marks(shop, contact):
    status = shop.owner.post(f"/chat/{LINE}/c{contact}/read", {})[0]
    return need(status == 303, status)


def refusals(shop):
    found = {(path.split("?")[0], status, said.decode(errors="replace")) for _, path, _, status, said in shop.asks.kept
             if status >= 400}
    return "; ".join(f"{path} {status} {said}" for path, status, said in sorted(found))


def phones(shop):
    yield "a phone without a network", lambda: unpaired(shop)
    yield "text by it", lambda: without_phone(shop)


def without_phone(shop):
    seen = shop.row(line=PHONES, message="Your order is ready.")
    return need(seen[:2] == ("failed", "not_open"), seen)


def unpaired(shop):
    need(not shop.create(PHONES, PHONES_THEIRS).returncode, "it is not made")
    why = lambda: shop.status(PHONES).get("state_reason") or ""
    wait_until(lambda: "QR" in why(), "the server's word")
    calls = lambda: sum(b"connection.update" in body for _, _, body, _, _ in shop.tells.kept)
    before = calls()
    time.sleep(3)
    state = shop.status(PHONES)["state"]
    return need(state == "connecting", f"{state}: {why()}; the server tells of it {(calls() - before) / 3:.0f} times a second")


def main():
    folder, program, work = sys.argv[1:4]
    if os.geteuid() == 0:
        lo_up()
    shop = Shop(folder, program, work)
    faults, count = [], 0
    print("| Kind | Seen |\n|---|---|")
    try:
        for group in (setting_up, hearing, sending, failing, asking, phones, ending):
            for kind, act in group(shop):
                count += 1
                try:
                    seen = act()
                except Failed as error:
                    faults.append(kind)
                    seen = f"NOT AS IT SHOULD BE: {error}"
                print(f"| {kind} | {seen.replace('|', '/').replace(chr(10), ' ')} |", flush=True)
    finally:
        if len(sys.argv) > 4:
            with open(sys.argv[4], "w", encoding="utf-8") as file:
                for between in (shop.asks, shop.tells):
                    file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in between.lines())
        shop.serving.kill()
        shop.server.stop()
    print(f"\n{count} kinds, {len(faults)} not as they should be {faults or ''}")
    sys.exit(bool(faults) or not count)


if __name__ == "__main__":
    main()
