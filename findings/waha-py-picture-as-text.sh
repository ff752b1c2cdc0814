#!/bin/bash
# Pictures and recordings come back as text with most bytes replaced: a QR code that cannot be shown.
#
# Package: waha-py 2026.9.2 (PyPI)
# Expected: the bytes. WAHA's documentation, "Get QR": the answer of /api/{session}/auth/qr is a PNG picture unless JSON
#   is asked for; the README's example calls `client.auth.get_qr(session="default", ...)`. RFC 9110, 8.3: the media type
#   says what the body is.
# Seen:
#   expected: bytes, 67 of them, none replaced
#   seen, waha-py 2026.9.2: str, 7 characters that stand for bytes which are gone
# Why it matters for a WhatsApp gateway: a program that pairs a number through this client has to ask for `format=raw`
#   and draw the code itself. A gateway that offers a QR door should offer the code's text beside the picture.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check waha-py==2026.9.2
venv/bin/python - <<'PY'
import base64, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from waha import WahaClient

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")
class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "image/png")
        self.send_header("content-length", str(len(PNG)))
        self.end_headers()
        self.wfile.write(PNG)
    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
qr = WahaClient(f"http://127.0.0.1:{server.server_port}", api_key="k").auth.get_qr(session="default")
lost = qr.count("\ufffd") if isinstance(qr, str) else 0
print(f"expected: bytes, {len(PNG)} of them, none replaced")
print(f"seen, waha-py 2026.9.2: {type(qr).__name__}, {lost} characters that stand for bytes which are gone")
sys.exit(0 if isinstance(qr, str) and lost > 0 else 1)
PY
