#!/bin/bash
# A text that quotes another message, names people or turns the preview off is sent without all of that.
#
# Package: evolutionapi 0.1.2 (PyPI), `TextMessage`, `messages.send_text`
# Expected: `quoted`, `linkPreview`, `mentionsEveryOne` and `mentioned` go out with the text: the class takes them, and
#   Evolution API v2's documentation of /message/sendText has them under these names.
# Seen:
#   expected: delay,linkPreview,mentioned,number,quoted,text
#   seen, evolutionapi 0.1.2: delay,number,text
# Why it matters for a WhatsApp gateway: only number, text and delay are handed on. Answers lose the message that they
#   answer, with no error anywhere; whoever debugs it looks at the server. A gateway's message log should show which
#   options came with a request.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check evolutionapi==0.1.2
venv/bin/python - <<'PY' 2>/dev/null
import json, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from evolutionapi.client import EvolutionClient
from evolutionapi.models.message import QuotedMessage, TextMessage

bodies = []
class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(201)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = EvolutionClient(base_url=f"http://127.0.0.1:{server.server_port}", api_token="k")
client.messages.send_text("shop", TextMessage(
    number="966501234567", text="Yes, see https://shop.example", delay=1200, linkPreview=False, mentioned=["966501234567"],
    quoted=QuotedMessage(key={"id": "3EB0A1"}, message={"conversation": "Open today?"})), "k")
seen = ",".join(sorted(bodies[0]))
print("expected: delay,linkPreview,mentioned,number,quoted,text")
print(f"seen, evolutionapi 0.1.2: {seen}")
sys.exit(0 if seen == "delay,number,text" else 1)
PY
