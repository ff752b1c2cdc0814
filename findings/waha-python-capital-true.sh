#!/bin/bash
# Switches in the query are written "True" with a capital, which is no boolean of the API.
#
# Package: waha-python 1.0.0 (PyPI); waha-py 2026.9.2 (PyPI) for comparison
# Expected: `downloadMedia=true`, `refresh=true`, as in WAHA's documentation and OpenAPI description (type boolean;
#   JSON's spelling is true). waha-py, another client for the same server, writes it so.
# Seen:
#   expected: downloadMedia=true refresh=true | all=true
#   seen: waha-python 1.0.0 downloadMedia=True refresh=True | waha-py 2026.9.2 all=true
# Why it matters for a WhatsApp gateway: servers compare with "true" and ignore the rest in silence: the media are not
#   downloaded and nobody is told why. A gateway should refuse a value that it does not know, or take the word in any
#   case; not ignore it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check waha-python==1.0.0 waha-py==2026.9.2
venv/bin/python - <<'PY'
import sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from waha import WahaClient
from waha_python import WAHAClient

queries = []
class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        queries.append(self.path.partition("?")[2])
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"[]")
    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
client = WAHAClient(base_url=url, api_key="k")
client.chats.get_messages("default", "966501234567@c.us", download_media=True)
client.contacts.get_profile_picture("default", "966501234567@c.us", refresh=True)
WahaClient(url, api_key="k").sessions.list(params={"all": True})
ours = [query.split("&")[-1] for query in queries]
print("expected: downloadMedia=true refresh=true | all=true")
print(f"seen: waha-python 1.0.0 {ours[0]} {ours[1]} | waha-py 2026.9.2 {ours[2]}")
sys.exit(0 if ours == ["downloadMedia=True", "refresh=True", "all=true"] else 1)
PY
