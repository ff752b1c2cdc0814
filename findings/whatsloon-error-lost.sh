#!/bin/bash
# Why Meta refused a send is thrown away by the synchronous client and told by the asynchronous one.
#
# Package: whatsloon 3.1.0 (PyPI)
# Expected: `error` holds the status and Meta's answer in both; the code has this branch in both. The requests library's
#   documentation, `Response.__bool__`: a response with status 400 or above counts as false, so `if response` is not "is
#   there one".
# Seen:
#   expected: code 131047 in the error of send_text_message and of async_send_text_message
#   seen, whatsloon 3.1.0: 400 Client Error: Bad Request | 400 - {"error": {"message": "(#131047) Re-engagement message", "code": 131047}}
# Why it matters for a WhatsApp gateway: 131047 (window closed), 131026 (not on WhatsApp) and 190 (token ended) all look
#   like "400 Client Error: Bad Request". Support gets this line from customers and nothing else; the gateway's own log
#   must tell the reason for a request by its time and recipient.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check whatsloon==3.1.0
venv/bin/python - <<'PY' 2>/dev/null
import asyncio, json, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from whatsloon import WhatsAppCloudAPIClient

class Graph(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps({"error": {"message": "(#131047) Re-engagement message", "code": 131047}}).encode()
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Graph)
threading.Thread(target=server.serve_forever, daemon=True).start()
api = WhatsAppCloudAPIClient(access_token="t", phone_number_id="1001", recipient_mobile_number="966501234567")
api.base_url = f"http://127.0.0.1:{server.server_port}/messages"
plain = api.send_text_message("hi")["error"]
later = asyncio.run(api.async_send_text_message("hi"))["error"]
told = ["131047" in text for text in (plain, later)]
print("expected: code 131047 in the error of send_text_message and of async_send_text_message")
print(f"seen, whatsloon 3.1.0: {plain.split(' for url')[0]} | {later}")
sys.exit(0 if told == [False, True] else 1)
PY
