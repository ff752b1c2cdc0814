#!/bin/bash
# Listing sessions or groups always raises: a method of the same name stands in the way of the one that makes the request.
#
# Package: waha-python 1.0.0 (PyPI)
# Expected: `client.sessions.list()`, as in the README, makes GET /api/sessions and gives a list;
#   `client.groups.list("default")` likewise.
# Seen:
#   expected: chats [], sessions [], groups [], 3 requests
#   seen, waha-python 1.0.0: chats [], sessions TypeError, groups TypeError, 1 request
# Why it matters for a WhatsApp gateway: `list` calls `self.get(address, params=...)`, but these modules have a
#   `get(name)` of their own. A program cannot find out which sessions there are; people ask for a session by its fixed
#   name instead, so a gateway should keep names stable and answer for a name directly.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check waha-python==1.0.0
venv/bin/python - <<'PY'
import sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from waha_python import WAHAClient

calls = []
class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        calls.append(self.path)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"[]")
    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = WAHAClient(base_url=f"http://127.0.0.1:{server.server_port}", api_key="k")
def result(call):
    try:
        return repr(call())
    except TypeError:
        return "TypeError"
seen = [result(lambda: client.chats.list("default")), result(client.sessions.list), result(lambda: client.groups.list("default"))]
print("expected: chats [], sessions [], groups [], 3 requests")
print(f"seen, waha-python 1.0.0: chats {seen[0]}, sessions {seen[1]}, groups {seen[2]}, {len(calls)} request")
sys.exit(0 if seen == ["[]", "TypeError", "TypeError"] and len(calls) == 1 else 1)
PY
