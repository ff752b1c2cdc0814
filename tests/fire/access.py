"""Who gets in: every route of the table (src/app/routes.rs), asked on every listener by everybody: nobody, a viewer, an
owner, an owner of another account, an admin, a key of the guarded API, a key of the Chattu dialect.

What must hold: what a route's word in the table means, and no more; what is another account's is answered exactly like
what there is not; forms that come from elsewhere change nothing. Controls: the table read otherwise is found wrong, and
an owner's own things are answered otherwise than what there is not."""

import os
import re
import urllib.parse

from gateway import AS_OFTEN_AS_THEY_LIKE, INSTANCE, Failed, Place, Visitor, send

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src", "app", "routes.rs")
LINE = re.compile(r'(open|key|threecx|chattu|session|page)!\((GET|POST|DELETE) "([^"]+)"(?:, (\w+))?')
LISTENERS = ["local", "public", "metrics"]
CALLERS = ["nobody", "viewer", "owner", "other owner", "admin", "key", "chattu key"]
PEOPLE = ["viewer", "owner", "other owner", "admin"]
IN, REFUSED, HIDDEN = "in", "refused", "hidden"
# Proved by something in the body or the path, which nobody here has.
BY_HANDLER = {"Provider", "SignedAddress", "Integration", "KeyInBody", "Session"}
RANDOM = {"id": "987654", "log_id": "987654", "contact_id": "987654", "integration_id": "tcx_hG0pJuPTY6YzWa4YvzhIab"}


def table():
    """Method, path and word of each route."""
    with open(SOURCE, encoding="utf-8") as file:
        found = LINE.findall(file.read())
    words = {"key": "ApiKey", "threecx": "Integration"}
    routes = [(method, path, words.get(kind) or (f"Chattu {word}" if kind == "chattu" else word)) for kind, method, path, word in found]
    return [*routes, ("POST", "/api/reset-api-key", "KeyInBody")]


def meant(word, listener, caller, method):
    """What should become of it."""
    if (word == "Metrics" and listener == "public") or (word != "Metrics" and listener == "metrics"):
        return HIDDEN
    changes = [p for p in PEOPLE if p != "viewer"] if method != "GET" else PEOPLE
    may = {"Anybody": CALLERS, "Health": CALLERS, "Metrics": CALLERS, "ApiKey": ["key"], "Chattu AccountKey": ["chattu key"],
           "Chattu AnyKey": ["chattu key"], "Chattu Session": changes, "Chattu ChatSession": changes,
           "Chattu Either": [*changes, "chattu key"], "Socket": PEOPLE, "Viewer": PEOPLE,
           "Owner": ["owner", "other owner", "admin"], "Admin": ["admin"]}
    return IN if caller in may.get(word, []) else REFUSED


def shown(word, listener, status, headers, body):
    """What became of it."""
    if status == 404 and b'"not_found"' in body and (listener == "metrics" or word == "Metrics"):
        return HIDDEN
    to_login = status == 303 and headers.get("location", "").startswith("/login")
    if word in BY_HANDLER:
        return REFUSED if status >= 400 else IN
    if word.startswith("Chattu"):
        return REFUSED if status == 401 or (status == 403 and b"ACCESS_DENIED" in body) else IN
    if word in ("Socket", "Viewer", "Owner", "Admin"):
        return REFUSED if to_login or status in (401, 403) else IN
    return REFUSED if status == 401 or to_login else IN


class Everybody:
    """A gateway with all listeners, two accounts, and what proves each caller."""

    def __init__(self, run):
        listen = 'public = "127.0.0.1:0"\nmetrics = "127.0.0.1:0"'
        self.place = Place(run.binary, run.folder("access"), listen=listen, more=AS_OFTEN_AS_THEY_LIKE)
        self.key = self.place.furnish()
        self.other_key = self.place.furnish("Other", "other-line")
        emails = {"viewer": self.place.person("viewer"), "owner": self.place.person("owner"), "admin": self.place.person("admin"),
                  "other owner": self.place.person("owner", "2", "owner@other.example")}
        chattu = self.place.json("key", "create", "--account", "1", "--kind", "chattu")["key"]
        self.serving = self.place.serve()
        self.addresses = self.serving.all_addresses(3)
        self.headers = {"key": {"Authorization": f"Bearer {self.key}"}, "chattu key": {"X-API-Key": chattu}}
        self.sessions = {who: Visitor(self.addresses["local"], email).cookies["session"] for who, email in emails.items()}
        self.asked = 0

    def ask(self, route, caller, listener="local", headers=None):
        """One route, asked as a page of ours or a program would."""
        method, path, word = route
        visitor = Visitor(self.addresses[listener], tls=listener == "public")
        if caller in self.sessions:
            visitor.cookies = {"__Host-session" if listener == "public" else "session": self.sessions[caller]}
        is_page = word in ("Anybody", "Viewer", "Owner", "Admin")
        kind, body, accept = ("application/x-www-form-urlencoded", "", "text/html") if is_page else ("application/json", "{}", "*/*")
        body = None if method == "GET" else body
        self.asked += 1
        return visitor.ask(method, path, body, {"Content-Type": kind, "Accept": accept, **self.headers.get(caller, {}), **(headers or {})})


def filled(path, ids):
    return re.sub(r"\{(\w+)\}", lambda found: ids.get(found.group(1), "no-such-thing"), path)


def matrix(run):
    routes, everybody = table(), Everybody(run)
    if len(routes) < 150:
        raise Failed(f"the table of routes was not found: {len(routes)}")
    seen = []
    for method, path, word in routes:
        for listener in LISTENERS:
            for caller in CALLERS:
                # Logging out would end the trial; and two contracts share a path, told apart by a header.
                if path == "/logout" and caller in PEOPLE or path == "/api/send-message" and (caller == "chattu key") == (word == "ApiKey"):
                    continue
                status, headers, body = everybody.ask((method, filled(path, {}), word), caller, listener)
                if status >= 500 or headers.get("x-content-type-options") != "nosniff" or "cache-control" not in headers:
                    raise Failed(f"{method} {path} as {caller} on {listener}: {status} {headers}")
                seen.append((method, path, word, listener, caller, shown(word, listener, status, headers, body)))
    wrong = [one for one in seen if meant(one[2], one[3], one[4], one[0]) != one[5]]
    if wrong:
        raise Failed(f"{len(wrong)} wrong: {wrong[:4]}")
    for word, other in (("Viewer", "Anybody"), ("Owner", "Viewer"), ("Admin", "Owner"), ("Metrics", "Health"), ("ApiKey", "Chattu AnyKey")):
        if not any(meant(other, one[3], one[4], one[0]) != one[5] for one in seen if one[2] == word):
            raise Failed(f"the control: {word} read as {other} is not found wrong")
    foreign, own = foreign_ids(everybody, routes)
    forged = from_elsewhere(everybody, routes)
    if everybody.place.run("doctor").returncode not in (0, 1) or everybody.serving.process.poll() is not None:
        raise Failed("it does not live")
    everybody.serving.stop()
    return (f"{len(seen)} requests for {len(routes)} routes × {len(LISTENERS)} listeners × {len(CALLERS)} callers; {foreign} with another "
            f"account's ids answered like ids that are not there; {forged} forged forms changed nothing; "
            f"controls: the table read otherwise is found wrong, {own} own things are answered otherwise"), everybody.asked


def foreign_ids(everybody, routes):
    """What is another account's is answered like what there is not; an owner's own is not."""
    place, key = everybody.place, everybody.key
    own = {"1": (INSTANCE, key), "2": ("other-line", everybody.other_key)}
    ids = {}
    for account, (line, of) in own.items():
        _, headers, _ = send(everybody.serving.address, of, instance_id=line, phone="+966501234567", message="Your order is here.")
        place.json("sandbox", "receive", "--instance", line, "--from", "+966501234599", "Hello")
        hook = place.json("webhook", "create", "--account", account, "--url", "https://shop.example/hook", "--events", "message.sent")
        pbx = place.json("threecx", "create", "--account", account, "--instance", line)["id"]
        ids[account] = {"log_id": headers["x-log-id"], "instance": line, "client_id": line, "integration_id": pbx}
        ids[account]["by_path"] = {"/instances": line, "/webhooks": str(hook["id"]), "/message-logs": headers["x-log-id"]}
    compared, own_differ = 0, 0
    for method, path, word in routes:
        names = re.findall(r"\{(\w+)\}", path)
        if not names or word in ("Anybody", "Admin", *BY_HANDLER) or path.endswith("/delete") or path.startswith("/clients/"):
            continue
        answers = []
        for account in ("2", "none", "1"):
            these = dict(RANDOM) if account == "none" else {**RANDOM, **{k: v for k, v in ids[account].items() if k != "by_path"}}
            by_path = ids.get(account, {}).get("by_path", {})
            prefix = next((p for p in by_path if path.startswith(p + "/{id}")), None)
            if prefix:
                these["id"] = by_path[prefix]
            caller = "key" if word == "ApiKey" else "chattu key" if word == "Chattu AnyKey" else "owner"
            asked = filled(path, these)
            status, _, body = everybody.ask((method, asked, word), caller)
            text = body.decode(errors="replace").replace(asked, path).replace(urllib.parse.quote(asked, ""), path)
            text = re.sub(r'"request_id":"[^"]*"|nonce="[^"]*"', "", text)
            answers.append((status, text))
        # The Chattu dialect says 403 for another account's, as its documents have it.
        if word.startswith("Chattu") and answers[0][0] in (403, answers[1][0]):
            answers[0] = answers[1]
        if answers[0] != answers[1]:
            raise Failed(f"{method} {path}: another account's is answered {answers[0]}, what is not there {answers[1]}")
        compared += 1
        own_differ += answers[2] != answers[1]
    if own_differ < 5:
        raise Failed(f"the control: an owner's own things are answered otherwise {own_differ} times only")
    return compared, own_differ


def from_elsewhere(everybody, routes):
    """A form that another site sends with the owner's and the admin's cookies; the answer is a refusal."""
    forged, here = 0, {"instance": INSTANCE, "client_id": INSTANCE}
    for method, path, word in routes:
        if method == "GET" or word not in ("Viewer", "Owner", "Admin", "Chattu Session", "Chattu ChatSession"):
            continue
        for caller in ("owner", "admin"):
            for headers in ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"},
                            {"Sec-Fetch-Site": "", "Origin": "null"}):
                status, _, body = everybody.ask((method, filled(path, here), word), caller, headers=headers)
                if status != 403:
                    raise Failed(f"{method} {path} as {caller} with {headers}: {status} {body[:200]}")
                forged += 1
    return forged
