#!/bin/bash
# One send_text makes three requests when a proxy in between is late: the customer gets the message three times.
#
# Package: evolution-whatsapp 0.1.1 (PyPI)
# Expected: one request, and an error. RFC 9110, 9.2.2: a client should not repeat a request with a method that is not
#   idempotent by itself unless it knows that the first one was not carried out; 15.6.5: with 504 the gateway got no
#   answer in time, so nobody knows. The same holds for a time-out while reading, which the client repeats, too.
# Seen:
#   expected: 1 request, EvolutionAPIError
#   seen, evolution-whatsapp 0.1.1: 3 requests (1 kind of body), EvolutionAPIError
# Why it matters for a WhatsApp gateway: the README says "automatic retries" and has no switch on a call; nothing in the
#   repeated requests tells them from new ones (no key, no header). A gateway that is slow to answer must answer 202
#   early, or recognise the same text to the same number within a minute.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check evolution-whatsapp==0.1.1
venv/bin/python - <<'PY'
import sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from evolution_api import EvoClient

taken = []
class LateProxy(BaseHTTPRequestHandler):
    """Hands the text on, gets no answer from behind in time, says so."""
    def do_POST(self):
        taken.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(504)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), LateProxy)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = EvoClient(base_url=f"http://127.0.0.1:{server.server_port}", api_key="k", instance="shop")
try:
    client.send_text("966501234567", "Your order 2041 is on its way")
    result = "no error"
except Exception as error:
    result = type(error).__name__
print("expected: 1 request, EvolutionAPIError")
print(f"seen, evolution-whatsapp 0.1.1: {len(taken)} requests ({len(set(taken))} kind of body), {result}")
sys.exit(0 if (len(taken), len(set(taken)), result) == (3, 1, "EvolutionAPIError") else 1)
PY
