#!/bin/bash
# A send that is refused (wrong key, unknown instance) raises nothing; the same refusal of a question does.
#
# Package: evolutionapi 0.1.2 (PyPI)
# Expected: `EvolutionAuthenticationError` for 401 and `EvolutionNotFoundError` for 404, whatever the method: the
#   package exports both, and its GET and DELETE raise them from one function. RFC 9110, 15.5: 4xx means that the
#   request was not carried out.
# Seen:
#   expected: both raise EvolutionAuthenticationError
#   seen, evolutionapi 0.1.2: GET raised EvolutionAuthenticationError; send_text returned {'status': 401, 'error': 'Unauthorized', 'response': {'message': 'Unauthorized'}}
# Why it matters for a WhatsApp gateway: POST returns the body of the refusal as if it were the sent message. Programs
#   log "sent" for days after a key was changed. The gateway's log of refused keys is the only place where it shows; it
#   should raise a notice when one client is refused again and again.
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
from evolutionapi.models.message import TextMessage

class Server(BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.dumps({"status": 401, "error": "Unauthorized", "response": {"message": "Unauthorized"}}).encode()
        self.send_response(401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer
    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = EvolutionClient(base_url=f"http://127.0.0.1:{server.server_port}", api_token="old-key")
def result(call):
    try:
        return f"returned {call()}"
    except Exception as error:
        return f"raised {type(error).__name__}"
asked = result(lambda: client.get("instance/fetchInstances"))
sent = result(lambda: client.messages.send_text("shop", TextMessage(number="966501234567", text="hi"), "old-key"))
print("expected: both raise EvolutionAuthenticationError")
print(f"seen, evolutionapi 0.1.2: GET {asked}; send_text {sent}")
sys.exit(0 if asked == "raised EvolutionAuthenticationError" and sent.startswith("returned {'status': 401") else 1)
PY
