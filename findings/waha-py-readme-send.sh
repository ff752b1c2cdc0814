#!/bin/bash
# The first example of the README cannot run: `send_text(session=..., payload=...)` raises before anything is sent.
#
# Package: waha-py 2026.9.2 (PyPI)
# Expected: one POST to /api/sendText. The README's "Usage" calls `client.chatting.send_text(session="default",
#   payload={...})`.
# Seen:
#   expected: 1 call as in the README
#   seen, waha-py 2026.9.2: 0 calls, TypeError as in the README; 1 call with the session in the payload
# Why it matters for a WhatsApp gateway: the session belongs into the payload in WAHA's API; the generated method hands
#   every other name on to the HTTP client. Whoever evaluates gateways by their clients' examples gets a TypeError here,
#   and moves programs on that work around it: the session's name sits in the body.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check waha-py==2026.9.2
venv/bin/python - <<'PY'
import sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from waha import WahaClient

calls = []
class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        calls.append(self.path)
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(201)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = WahaClient(f"http://127.0.0.1:{server.server_port}", api_key="k")
def call(**arguments):
    before = len(calls)
    try:
        client.chatting.send_text(**arguments)
        return f"{len(calls) - before} call"
    except TypeError as error:
        return f"{len(calls) - before} calls, TypeError"
text = {"chatId": "966501234567@c.us", "text": "hi"}
readme = call(session="default", payload=text)
other = call(payload={"session": "default", **text})
print("expected: 1 call as in the README")
print(f"seen, waha-py 2026.9.2: {readme} as in the README; {other} with the session in the payload")
sys.exit(0 if (readme, other) == ("0 calls, TypeError", "1 call") else 1)
PY
