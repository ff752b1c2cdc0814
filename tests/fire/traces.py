"""What is written down, and what is shown.

`canaries`: secrets, texts and whole phone numbers that are searched for in the log at its most talkative, in metrics,
doctor's findings, lists, error answers, the process's arguments, and secrets also in the database and a backup. `markup`:
a payload in every text that comes from outside, and all pages read by a real HTML parser. Controls: texts are found where
they belong by the same search, and the payload is found by the same parser where nothing escapes it."""

import base64
import html.parser
import json
import os
import re
import tarfile
import urllib.parse

import access
from gateway import DOT, INSTANCE, PASSWORD, Failed, Place, Visitor, send

TEXT, HEARD, PHONE, HEARD_PHONE = "canary-text-kiwi", "canary-heard-mango", "966501234567", "966507654321"
WRONG_PASSWORD, TOKEN, SERVER_KEY, OWN_HEADER = "canary-password-wrong", "canary-token-EAAB", "canary-server-key-00", "canary-header-00"


def canaries(run):
    place = Place(run.binary, run.folder("canaries"), listen='metrics = "127.0.0.1:0"', more='[log]\nlevel = "trace"')
    secrets, serving, answers = busy_day(place)
    texts = [TEXT, HEARD, PHONE, HEARD_PHONE]
    tar = place.path("plain.tar")
    place.json("backup", tar)
    with tarfile.open(tar) as archive:
        listing = "\n".join(archive.getnames())
    lists = "".join(place.run("--json", *words).stdout for words in (
        ("instance", "list"), ("webhook", "list"), ("threecx", "list"), ("key", "list"), ("user", "list"), ("doctor",)))
    with open(f"/proc/{serving.pid()}/cmdline", "rb") as file:
        lists += file.read().decode()
    _, _, metrics = Visitor(serving.all_addresses(2)["metrics"]).get("/metrics")
    serving.stop()
    with open(serving.log, encoding="utf-8") as file:
        log = file.read()
    if "TRACE" not in log:
        raise Failed("the log is not at its most talkative")
    for where, content, words in (("the log", log, [*secrets, *texts]), ("metrics", metrics.decode(), [*secrets, *texts]),
                                  ("a backup's listing", listing, [*secrets, *texts]), ("lists and doctor", lists, secrets),
                                  ("error answers", answers, [*secrets, HEARD, HEARD_PHONE])):
        found = [word for word in words if word in content]
        if found:
            line = next(line for line in content.splitlines() if found[0] in line)
            raise Failed(f"{where} has {found}: …{line[max(0, line.index(found[0]) - 120):][:240]}")
    kept = open_files(place.data) + open_files(tar)
    found = [word for word in secrets if word.encode() in kept]
    if found:
        raise Failed(f"in the clear in the database or a plain backup: {found}")
    if not all(word.encode() in kept for word in (TEXT, HEARD)):
        raise Failed("the control: the search does not find texts where they belong")
    return (f"{len(secrets)} secrets and {len(texts)} texts and numbers: none in {len(log) >> 10} KiB of trace, metrics, listings, "
            f"error answers; no secret in the clear in database and backup; control: texts are found where they belong"), len(secrets)


def open_files(path):
    names = [path] if os.path.isfile(path) else [os.path.join(at, name) for at, _, files in os.walk(path) for name in files]
    content = b""
    for name in names:
        if not name.endswith((".sock", "secret.key")) and os.path.isfile(name):
            with open(name, "rb") as file:
                content += file.read()
    return content


def busy_day(place):
    """Everything that handles a secret or a text, once; the secrets, the gateway and all its error answers."""
    key = place.furnish()
    chattu = place.json("key", "create", "--account", "1", "--kind", "chattu")["key"]
    hook = place.json("webhook", "create", "--account", "1", "--url", f"https://shop.example/hook?token={OWN_HEADER}1",
                      "--events", "message.sent", "--header", f"Authorization: Bearer {OWN_HEADER}")
    pbx = place.json("threecx", "create", "--account", "1", "--instance", INSTANCE)
    place.json("instance", "create", "--account", "1", "--id", "meta-line", "--name", "Meta", "--connector", "cloud-api", "--set",
               f"access_token={TOKEN}", "--set", "phone_number_id=1", "--set", f"app_secret={TOKEN}-app")
    place.json("instance", "create", "--account", "1", "--id", "evo-line", "--name", "Evo", "--connector", "evolution", "--set",
               "base_url=https://evolution.example", "--set", f"api_key={SERVER_KEY}")
    owner, link = place.person("owner"), place.json("user", "reset-password", "owner@shop.example")["link"]
    place.json("account", "create", "--name", "Second", "--plan", "starter")
    serving = place.serve()
    visitor = Visitor(serving.address, owner)
    answers = []

    def keep(answer):
        if answer[0] >= 400:
            answers.append(answer[2].decode() if isinstance(answer[2], bytes) else json.dumps(answer[2]))
    file = base64.b64encode(DOT).decode()
    for fields in ({}, {"media_base64": file, "file_name": "list.png"}, {"message_purpose": "nothing"}, {"instance_id": "meta-line"},
                   {"instance_id": "evo-line"}, {"reply_to": "msg_none"}, {"media_url": "https://127.0.0.1/x", "media_type": "image"}):
        keep(send(serving.address, key, phone=f"+{PHONE}", message=f"Your order {TEXT} is here.", **fields))
    bearer = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for body, headers in ((f'{{"message": "{HEARD}', bearer), ("{}", {"Authorization": f"Bearer {key}x"}), ("{}", {"X-API-Key": chattu}),
                          (json.dumps({"apiKey": chattu, "password": WRONG_PASSWORD}), {"Content-Type": "application/json"})):
        for path in ("/api/send-message", "/api/reset-api-key", f"/integrations/3cx/webhook/{pbx['id']}", "/hooks/cloud-api/meta-line"):
            keep(Visitor(serving.address).ask("POST", path, body, headers))
    keep(Visitor(serving.address).ask("POST", f"/integrations/3cx/webhook/{pbx['id']}", json.dumps({"event_type": "test", "caller": PHONE}),
                                      {"Content-Type": "application/json", "X-WhatsApp-Gateway-3CX-Secret": pbx["secret"]}))
    place.json("sandbox", "receive", "--instance", INSTANCE, "--from", f"+{HEARD_PHONE}", HEARD)
    keep(Visitor(serving.address).post("/login", {"email": owner, "password": WRONG_PASSWORD}))
    keep(Visitor(serving.address).get("/password/" + link.rsplit("/", 1)[1][::-1]))
    keep(visitor.post("/security/password", {"old": WRONG_PASSWORD, "password": PASSWORD + "2", "again": PASSWORD + "2"}))
    keep(visitor.post("/scheduled", {"instance": INSTANCE, "phone": f"+{PHONE}", "purpose": "support", "message": TEXT, "at": "never"}))
    for path in ("/message-logs", "/inbound-logs", "/chat", f"/message-logs?q={TEXT}", "/nothing-here"):
        keep(visitor.get(path))
    place.run("--json", "webhook", "test", str(hook["id"]))
    secrets = [PASSWORD, WRONG_PASSWORD, TOKEN, SERVER_KEY, OWN_HEADER, key, chattu, hook["secret"], pbx["secret"], pbx["signing_secret"],
               link.rsplit("/", 1)[1], *visitor.cookies.values()]
    return secrets, serving, "\n".join(answers)


PAYLOAD = "</script>\"'><wa-canary onx=1>{{7*7}}"


class Reader(html.parser.HTMLParser):
    """What a browser would make of a page, as far as the payload goes."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.made, self.shown = 0, 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        self.made += tag.startswith("wa-canary") or "onx" in names
        self.shown += sum(PAYLOAD in (value or "") for _, value in attrs)

    def handle_data(self, data):
        self.shown += "<wa-canary onx=1>" in data


def markup(run):
    place = Place(run.binary, run.folder("markup"))
    visitor, ids = planted(place)
    pages, shown, fields, quoted = 0, 0, 0, urllib.parse.quote(PAYLOAD, "")
    for method, path, word in access.table():
        if method != "GET" or word not in ("Anybody", "Viewer", "Owner", "Admin") or path.startswith("/docs/wa-gateway"):
            continue
        for asked in {access.filled(path, {**ids, "id": one}) for one in ids["id"]}:
            for query in ("", f"?q={quoted}&next={quoted}&phone={quoted}&instance={quoted}"):
                status, headers, body = visitor.get(asked + query)
                if status >= 500:
                    raise Failed(f"GET {asked}: {status}")
                if not headers.get("content-type", "").startswith("text/html"):
                    continue
                page = body.decode()
                reader = Reader(page)
                if reader.made or "{{7*7}}" not in page and "'><wa-canary onx=1>49" in page:
                    raise Failed(f"GET {asked}{query}: the payload became a part of the page")
                if "content-security-policy" not in headers or "'unsafe-inline'" in headers["content-security-policy"].split("style-src")[0]:
                    raise Failed(f"GET {asked}: its policy is {headers.get('content-security-policy')}")
                pages += 1
                shown += reader.shown
                fields += reader.shown > 1
    if shown < 150 or fields < 15:
        raise Failed(f"the payload is shown {shown} times on {fields} pages only: it was not planted")
    if not Reader(f"<p>{PAYLOAD}</p>").made or not Reader(f'<a title="{PAYLOAD}">').made:
        raise Failed("the control: the parser does not see the payload")
    return (f"{pages} pages read, the payload is shown {shown} times as text, several times on {fields} of them, made into markup 0 times; "
            f"control: unescaped it is seen"), pages


def planted(place):
    """A payload in every text that a person, a program or a phone may choose; an admin's browser."""
    account = str(place.json("account", "create", "--name", PAYLOAD, "--plan", "scale")["id"])
    place.json("account", "update", account, "--grant-daily", "900", "--reason", PAYLOAD, "--modules", "api_access",
               "--modules", "chattu", "--modules", "3cx")
    place.json("instance", "create", "--account", account, "--id", INSTANCE, "--name", PAYLOAD, "--connector", "sandbox")
    key = place.json("key", "create", "--account", account, "--name", PAYLOAD)["key"]
    place.json("threecx", "create", "--account", account, "--instance", INSTANCE, "--business-name", PAYLOAD)
    hook = place.json("webhook", "create", "--account", account, "--url", "https://shop.example/?a=" + re.sub(r"[ <>\"']", "", PAYLOAD),
                      "--events", "message.sent")
    owner, admin = place.person("owner"), place.person("admin")
    serving = place.serve()
    file = base64.b64encode(DOT).decode()
    for fields in ({"message": PAYLOAD}, {"message": "x", "reference": PAYLOAD}, {"message": PAYLOAD, "media_base64": file, "file_name": PAYLOAD},
                   {"message": "Win cash now! Limited offer, buy now 50% off " + PAYLOAD}, {"location": {"latitude": 1, "longitude": 2, "name": PAYLOAD}},
                   {"message": "x", "buttons": [{"title": PAYLOAD[:20], "id": PAYLOAD}]}):
        last = send(serving.address, key, phone="+966501234567", **fields)
    place.json("sandbox", "receive", "--instance", INSTANCE, "--from", "+966501234567", PAYLOAD)
    place.json("sandbox", "group", "--instance", INSTANCE, "--group", "120363000000000001@g.us", "--name", PAYLOAD, "--from", "+966501234568", PAYLOAD)
    boss, person = Visitor(serving.address, admin), Visitor(serving.address, owner)
    at = "2099-01-01T10:00"
    for who, path, fields in (
            (boss, "/scheduled", {"instance": INSTANCE, "phone": "+966501234567", "purpose": "support", "message": PAYLOAD, "at": at}),
            (boss, "/admin/egress", {"entry": "127.0.0.1:5678", "reason": PAYLOAD}), (boss, "/admin/policy/phrases", {"phrase": PAYLOAD, "group": "prize", "weight": "40"}),
            (boss, "/admin/policy/try", {"text": PAYLOAD}), (person, "/account/limits", {"daily": "20000", "reason": PAYLOAD}),
            (person, "/account/words", {"phrase": PAYLOAD}), (person, "/suppressed-recipients", {"phone": "+966501234599", "reason": PAYLOAD}),
            (person, "/instances", {"connector": PAYLOAD, "id": PAYLOAD, "name": PAYLOAD}), (boss, "/admin/invitations", {"email": PAYLOAD, "role": PAYLOAD}),
            (person, f"/instances/{INSTANCE}/pause", {"reason": PAYLOAD}), (person, "/webhooks", {"url": PAYLOAD, "events": PAYLOAD}),
            (Visitor(serving.address), "/login", {"email": PAYLOAD, "password": PAYLOAD, "next": PAYLOAD})):
        status, _, body = who.post(path, fields, {"User-Agent": PAYLOAD})
        if status >= 500 or Reader(body.decode()).made:
            raise Failed(f"POST {path}: {status}, or the payload became a part of its answer")
    pbx = place.json("threecx", "list")
    log_id = last[1].get("x-log-id", "1")
    return boss, {"id": ["1", INSTANCE, str(hook["id"])], "log_id": log_id, "contact_id": "1", "token": urllib.parse.quote(PAYLOAD, ""), "invitation": "x",
                  "integration_id": (pbx[0] if isinstance(pbx, list) else pbx["integrations"][0])["id"], "instance": INSTANCE}
