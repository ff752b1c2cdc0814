#!/usr/bin/env python3
"""Drives every route of the Chattu-style API. What it reads from the environment is told in README.md; it needs nothing
but Python 3."""
import http.client
import json
import os
import time
import urllib.parse

BASE, CLIENT, NUMBER = os.environ["BASE"], os.environ["CLIENT"], os.environ["NUMBER"]
HOST = urllib.parse.urlsplit(BASE).netloc
KEY = {"x-api-key": os.environ["KEY"]}


def connect():
    return (http.client.HTTPSConnection if BASE.startswith("https:") else http.client.HTTPConnection)(HOST, timeout=30)


def ask(status, method, path, body=None, who=KEY):
    """One request; its answer must have this status. JSON is read, everything else comes as bytes."""
    headers = {"Content-Type": "application/json; charset=utf-8", **who}
    data = None if body is None else json.dumps(body).encode()
    connection = connect()
    connection.request(method, path, data, headers)
    answer = connection.getresponse()
    told = answer.read()
    connection.close()
    if answer.status != status:
        raise SystemExit(f"{method} {path}: expected {status}, got {answer.status}: {told[:500]}")
    return json.loads(told) if answer.headers.get_content_type() == "application/json" else told


def log_in():
    """Logs in as a person does, by the form, and keeps the cookie. Origin says that it is no other site's doing."""
    connection = connect()
    form = urllib.parse.urlencode({"email": os.environ["EMAIL"], "password": os.environ["PASSWORD"]})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": BASE}
    connection.request("POST", "/login", form, headers)
    answer = connection.getresponse()
    cookie = (answer.headers["Set-Cookie"] or "").split(";")[0]
    if answer.status != 303 or not cookie:
        raise SystemExit(f"the login failed: {answer.status}")
    return {"Cookie": cookie, "Origin": BASE}


def listen(person):
    """Opens the pages' WebSocket by hand, and reads its first frame: a short one, without a mask."""
    connection = connect()
    connection.connect()
    stream = connection.sock
    lines = ["GET /ws HTTP/1.1", f"Host: {HOST}", "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
             *(f"{name}: {value}" for name, value in person.items()), "", ""]
    stream.sendall("\r\n".join(lines).encode())
    reader = stream.makefile("rb")
    head = reader.readline()
    assert b" 101 " in head, head
    while reader.readline() not in (b"\r\n", b""):
        pass
    kind, length = reader.read(2)
    frame = json.loads(reader.read(length))
    assert kind == 0x81 and frame["type"] == "ready", frame
    stream.close()


# Clients. A new one waits for its code, which comes a moment later.
profile = ask(200, "GET", "/api/profile")
new = {"clientId": f"{CLIENT}-new", "phoneNumber": "12345678901"}
added = ask(200, "POST", "/api/add-number", new)
for _ in range(100):
    if added["qrCode"] is not None:
        break
    time.sleep(0.1)
    added = ask(200, "POST", "/api/add-number", new)
assert added["status"] == "pending_auth" and added["qrCode"].startswith("data:image/png;base64,"), added
assert ask(200, "GET", f"/api/qr/{CLIENT}-new").startswith(b"\x89PNG")
assert any(c["clientId"] == CLIENT for c in ask(200, "GET", "/api/clients"))
ask(200, "POST", "/api/update-webhook", {"clientId": CLIENT, "webhookUrl": os.environ["HOOK"]})

# Messages, and what is listed of them.
text = "Hello from Python, שלום 👋"
sent = ask(200, "POST", "/api/send-message", {"clientId": CLIENT, "number": NUMBER, "message": text})
assert sent["success"] and sent["message"]["body"] == text and sent["message"]["id"]["_serialized"], sent
ask(200, "POST", "/api/send-message",
    {"clientId": CLIENT, "number": NUMBER, "message": "A picture", "mediaUrl": os.environ["FILE"]})
assert [m["message"] for m in ask(200, "GET", "/api/sent-messages")][:2] == ["A picture", text]
assert ask(200, "GET", f"/api/received-messages/{CLIENT}")["status"] == "success"
assert ask(200, "GET", f"/api/incoming-calls/{CLIENT}")["status"] == "success"
ask(200, "GET", "/api/call-logs")
ask(200, "GET", "/api/logs")

# Messages for later.
planned = ask(201, "POST", "/schedule-message", {
    "clientId": CLIENT, "number": NUMBER, "message": "Scheduled hello", "scheduleTime": "2099-10-06T18:30:00Z"})
assert ask(200, "GET", "/scheduled-messages")[0]["id"] == planned["id"]
assert ask(200, "DELETE", f"/scheduled-messages/{planned['id']}")["message"] == "Schedule cancelled."

# Groups: their messages wait two to five seconds before they go.
group = ask(200, "GET", f"/api/groups/{CLIENT}")["groups"][0]
greeting = {"clientId": CLIENT, "groupId": group["id"], "message": "שלום לכולם!"}
assert ask(200, "POST", "/api/send-group-message", greeting)["groupName"] == group["name"]

# Chats are for people who are logged in.
person = log_in()
listen(person)
chats = ask(200, "GET", f"/api/chats/{CLIENT}", who=person)["chats"]
chat = next(c["id"]["_serialized"] for c in chats if c["id"]["_serialized"].startswith(NUMBER))
answer = ask(200, "POST", f"/api/chats/{CLIENT}/{chat}/send", {"message": "How can I help?"}, person)
assert answer["message"]["body"] == "How can I help?", answer
messages = ask(200, "GET", f"/api/chats/{CLIENT}/{chat}/messages?limit=50", who=person)["messages"]
picture = next(m for m in messages if m["hasMedia"])["id"]["_serialized"]
assert ask(200, "GET", f"/api/chats/{CLIENT}/media/{picture}", who=person)
assert ask(200, "POST", f"/api/chats/{CLIENT}/{chat}/read", who=person) == {"success": True}
ask(200, "POST", f"/api/groups/{CLIENT}/{group['id']}/send", {"message": "from the dashboard"}, person)

# What cannot be undone comes last: the new client goes, and the account's key is another.
ask(200, "DELETE", f"/clients/{CLIENT}-new", {"password": os.environ["PASSWORD"]}, person)
renewed = ask(200, "POST", "/api/reset-api-key",
              {"username": os.environ["EMAIL"], "currentApiKey": os.environ["KEY"]}, {})
assert ask(200, "GET", "/api/profile", who={"x-api-key": renewed["newApiKey"]})["username"] == profile["username"]
print("python: every route answered; the key is now", renewed["newApiKey"])
