# Try it: python3 receive.py, then let the gateway call http://127.0.0.1:9000/
import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = "YOUR_WEBHOOK_SECRET"


def is_standard(raw, headers):
    """Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature."""
    moment = headers.get("webhook-timestamp", "0")
    signed = f"{headers.get('webhook-id', '')}.{moment}.".encode() + raw
    key = base64.b64decode(SECRET[len("whsec_"):])
    good = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    found = [hmac.compare_digest(good, one) for one in headers.get("webhook-signature", "").split(" ")]
    return any(found) and abs(time.time() - int(moment)) <= 300


def is_gateway(raw, headers):
    """The gateway's own headers: X-WhatsApp-Gateway-Timestamp, X-WhatsApp-Gateway-Signature."""
    moment = headers.get("X-WhatsApp-Gateway-Timestamp", "0")
    good = "sha256=" + hmac.new(SECRET.encode(), f"{moment}.".encode() + raw, hashlib.sha256).hexdigest()
    return (hmac.compare_digest(good, headers.get("X-WhatsApp-Gateway-Signature", ""))
            and abs(time.time() - int(moment)) <= 300)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # One of the two is enough: while a new secret is taken over, the first still knows the old one.
        if is_standard(raw, self.headers) or is_gateway(raw, self.headers):
            event = json.loads(raw)
            # Deliveries can repeat: remember event["event_id"] and skip what you have seen.
            if event["event"] == "message.received":
                print(event["from"], event["message_text"], flush=True)
            self.send_response(204)
        else:
            self.send_response(401)
        self.end_headers()


HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Receiver).serve_forever()
