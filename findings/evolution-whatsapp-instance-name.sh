#!/bin/bash
# An instance whose name has a "#", "?" or "/" cannot be used: the rest of its name is lost on the way.
#
# Package: evolution-whatsapp 0.1.1 (PyPI)
# Expected: the name is one path segment, with these characters percent-encoded. RFC 3986, 2.2: reserved characters that
#   are data must be encoded before the address is put together; Evolution API takes any text as `instanceName`.
# Seen:
#   expected: /message/sendText/Store%20%232 /message/sendText/Open%3F /message/sendText/A%2FB
#   seen, evolution-whatsapp 0.1.1: /message/sendText/Store%20 /message/sendText/Open? /message/sendText/A/B
# Why it matters for a WhatsApp gateway: "Store #2" becomes another instance, "Store ", and its messages go out from the
#   wrong number or nowhere. A gateway should give instances names that need no encoding, or an identifier beside the
#   name.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check evolution-whatsapp==0.1.1
venv/bin/python - <<'PY'
import sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote
from evolution_api import EvoClient

paths = []
class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        paths.append(self.path)
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
names = ["Store #2", "Open?", "A/B"]
for name in names:
    EvoClient(base_url=f"http://127.0.0.1:{server.server_port}", api_key="k", instance=name).send_text("966501234567", "hi")
print("expected: " + " ".join("/message/sendText/" + quote(name, safe="") for name in names))
print("seen, evolution-whatsapp 0.1.1: " + " ".join(paths))
sys.exit(0 if paths == ["/message/sendText/Store%20", "/message/sendText/Open?", "/message/sendText/A/B"] or
         paths == ["/message/sendText/Store%20", "/message/sendText/Open", "/message/sendText/A/B"] else 1)
PY
