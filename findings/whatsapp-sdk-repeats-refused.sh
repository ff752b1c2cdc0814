#!/bin/bash
# A send that Meta refuses for good is made four times.
#
# Package: whatsapp-sdk 0.2.0 (PyPI)
# Expected: one request. Meta, Cloud API, "Error codes": 131047 (more than 24 hours since the person last wrote) wants a
#   template instead; the answer is 400. RFC 9110, 15.5.1: 400 is the request's own fault, so the same request cannot
#   get another answer.
# Seen:
#   expected: 1 request
#   seen, whatsapp-sdk 0.2.0: 4 requests, WhatsAppValidationError
# Why it matters for a WhatsApp gateway: every refusal costs four requests of the number's throughput and three seconds
#   of the caller's time. A gateway behind such a client must answer refusals without asking the provider again, and
#   count them once.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check whatsapp-sdk==0.2.0
venv/bin/python - <<'PY'
import json, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from whatsapp_sdk import WhatsAppClient

taken = []
class Graph(BaseHTTPRequestHandler):
    def do_POST(self):
        taken.append(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps({"error": {"message": "(#131047) Re-engagement message", "type": "OAuthException", "code": 131047,
                           "error_data": {"messaging_product": "whatsapp", "details": "More than 24 hours have passed"}, "fbtrace_id": "A"}}).encode()
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Graph)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = WhatsAppClient(phone_number_id="1001", access_token="t", base_url=f"http://127.0.0.1:{server.server_port}")
try:
    client.messages.send_text(to="+966501234567", body="hi")
    result = "no error"
except Exception as error:
    result = type(error).__name__
print("expected: 1 request")
print(f"seen, whatsapp-sdk 0.2.0: {len(taken)} requests, {result}")
sys.exit(0 if len(taken) == 4 else 1)
PY
