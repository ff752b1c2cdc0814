#!/bin/bash
# A text that the server has taken raises an error in the client, so the caller believes that it was not sent.
#
# Package: pyevolutionapi 0.1.1 (PyPI), `client.messages.send_text`
# Expected: the message's id, as in the package's README (`response.message_id`). Evolution API v2's documentation of
#   /message/sendText shows the answer 201: `key`, `message` (the WhatsApp message itself: `conversation` or
#   `extendedTextMessage`), `messageTimestamp`, `status` "PENDING".
# Seen:
#   expected: 1 text at the server, answer 3EB0A1B2C3
#   seen, pyevolutionapi 0.1.1: 1 text at the server, answer ValidationError
# Why it matters for a WhatsApp gateway: the client's model wants `key` within `message`. A caller that repeats on an
#   error sends the text again and again. A gateway with an Evolution-like door should answer a client like this without
#   `message`, or count on repeats and recognise them.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pyevolutionapi==0.1.1
venv/bin/python - <<'PY'
import json, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pyevolutionapi import EvolutionClient

taken = []
class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        taken.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        body = json.dumps({
            "key": {"remoteJid": "966501234567@s.whatsapp.net", "fromMe": True, "id": "3EB0A1B2C3"},
            "message": {"extendedTextMessage": {"text": "hi"}}, "messageTimestamp": "1790000000", "status": "PENDING",
        }).encode()
        self.send_response(201)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = EvolutionClient(base_url=f"http://127.0.0.1:{server.server_port}", api_key="k")
try:
    answer = client.messages.send_text(instance="shop", number="966501234567", text="hi").message_id
except Exception as error:
    answer = type(error).__name__
print("expected: 1 text at the server, answer 3EB0A1B2C3")
print(f"seen, pyevolutionapi 0.1.1: {len(taken)} text at the server, answer {answer}")
sys.exit(0 if (len(taken), answer) == (1, "ValidationError") else 1)
PY
