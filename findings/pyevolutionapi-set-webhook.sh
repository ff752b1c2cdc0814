#!/bin/bash
# Setting a webhook fails before anything is sent: the address is not turned into text.
#
# Package: pyevolutionapi 0.1.1 (PyPI), `client.webhook.set_webhook`
# Expected: one POST to /webhook/set/{instance} with `webhook.url` as text, as Evolution API v2 documents it. Webhooks
#   are among the operations that the README lists, and `WebhookConfig(url=...)` takes an address.
# Seen:
#   expected: 1 call, no error
#   seen, pyevolutionapi 0.1.1: 0 calls, Request failed: Object of type HttpUrl is not JSON serializable
# Why it matters for a WhatsApp gateway: whoever moves from this client to a gateway has set the webhook by hand, in the
#   server's own pages; there is nothing in their program that could be pointed at the gateway's address.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pyevolutionapi==0.1.1
venv/bin/python - <<'PY'
import sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pyevolutionapi import EvolutionClient
from pyevolutionapi.models import WebhookConfig

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
client = EvolutionClient(base_url=f"http://127.0.0.1:{server.server_port}", api_key="k")
try:
    client.webhook.set_webhook("shop", WebhookConfig(url="https://shop.example/hook"))
    result = "no error"
except Exception as error:
    result = str(error)
print("expected: 1 call, no error")
print(f"seen, pyevolutionapi 0.1.1: {len(calls)} calls, {result}")
sys.exit(0 if not calls and "not JSON serializable" in result else 1)
PY
