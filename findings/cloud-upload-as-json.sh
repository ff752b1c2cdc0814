#!/bin/bash
# Files are uploaded as a multipart form that says of itself that it is JSON, so the receiver cannot take it apart.
#
# Packages: whatsapp-cloud-api-client 0.2.1, whatsapp-sdk 0.2.0 (PyPI)
# Expected: `content-type: multipart/form-data; boundary=...`. RFC 7578, 4.1: the boundary parameter is required, for
#   nothing else says where the parts begin; Meta, Cloud API, "Upload media": a form with `file`, `type` and
#   `messaging_product`. Both libraries mean to: they have code that leaves the JSON header out for files.
# Seen:
#   expected: a form, labelled multipart/form-data; boundary=...
#   seen, whatsapp-cloud-api-client 0.2.1: a form, labelled application/json
#   seen, whatsapp-sdk 0.2.0: a form, labelled application/json
# Why it matters for a WhatsApp gateway: the header is set on the shared client, and httpx adds it again to a request
#   whose own headers lack it. No server can read such a body, and most answers to it speak of a missing file. A gateway
#   with an upload door should look at the body's first bytes and say "this is a form, but the header says JSON".
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check whatsapp-cloud-api-client==0.2.1 whatsapp-sdk==0.2.0
printf 'order 2041' >order.txt
venv/bin/python - <<'PY'
import json, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from whatsapp_cloud_api import WhatsAppClient as First
from whatsapp_sdk import WhatsAppClient as Second

seen = []
class Graph(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        seen.append((self.headers["content-type"], b"form-data" in body))
        answer = json.dumps({"id": "7"}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Graph)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
First("t", "1001", base_url=url).upload_media(file_path="order.txt", mime_type="text/plain")
Second(phone_number_id="1001", access_token="t", base_url=url).media.upload("order.txt", "text/plain")
print("expected: a form, labelled multipart/form-data; boundary=...")
for name, (label, form) in zip(("whatsapp-cloud-api-client 0.2.1", "whatsapp-sdk 0.2.0"), seen):
    print(f"seen, {name}: {'a form' if form else 'no form'}, labelled {label}")
sys.exit(0 if seen == [("application/json", True)] * 2 else 1)
PY
