#!/usr/bin/env python3
"""Drives the Chattu-style API with a key: BASE, KEY and CLIENT in the environment. Needs nothing but Python."""
import json
import os
import urllib.error
import urllib.request

BASE, KEY, CLIENT = os.environ["BASE"], os.environ["KEY"], os.environ["CLIENT"]


def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"x-api-key": KEY, "Content-Type": "application/json; charset=utf-8"}
    request = urllib.request.Request(BASE + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text.startswith((b"{", b"[")) else text
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def expect(status, found):
    code, body = found
    if code != status:
        raise SystemExit(f"expected {status}, got {code}: {body}")
    return body


profile = expect(200, call("GET", "/api/profile"))
clients = expect(200, call("GET", "/api/clients"))
assert any(c["clientId"] == CLIENT for c in clients), clients
added = expect(200, call("POST", "/api/add-number", {"clientId": CLIENT, "phoneNumber": "12345678901"}))
assert added["status"] in ("connected", "pending_auth"), added
sent = expect(200, call("POST", "/api/send-message", {
    "clientId": CLIENT, "number": os.environ["NUMBER"], "message": "Hello from Python, שלום 👋"}))
assert sent["success"] and sent["message"]["id"]["_serialized"], sent
assert expect(200, call("GET", "/api/sent-messages"))[0]["message"].startswith("Hello from Python")
expect(200, call("GET", f"/api/received-messages/{CLIENT}"))
expect(200, call("GET", f"/api/incoming-calls/{CLIENT}"))
expect(200, call("GET", "/api/call-logs"))
expect(200, call("GET", "/api/logs"))
expect(200, call("GET", f"/api/groups/{CLIENT}"))
expect(404, call("GET", f"/api/qr/{CLIENT}"))
planned = expect(201, call("POST", "/schedule-message", {
    "clientId": CLIENT, "number": os.environ["NUMBER"], "message": "Scheduled hello",
    "scheduleTime": "2099-10-06T18:30:00Z"}))
assert expect(200, call("GET", "/scheduled-messages"))[0]["id"] == planned["id"]
assert expect(200, call("DELETE", f"/scheduled-messages/{planned['id']}"))["message"] == "Schedule cancelled."
refused = expect(404, call("POST", "/api/send-group-message", {
    "clientId": CLIENT, "groupId": "120363000000000000@g.us", "message": "nobody there"}))
assert refused["code"] == "GROUP_NOT_FOUND", refused
print("python: all routes of a key answered,", profile["username"])
