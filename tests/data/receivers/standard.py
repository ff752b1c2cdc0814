"""A customer's endpoint in Python: verifies with the library that Standard Webhooks publishes.

Arguments: the secret. Prints the port that it listens on; answers 200 when the request verifies, 401 when not.
"""

import http.server
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

verifier = Webhook(sys.argv[1])


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name: self.headers[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
        try:
            verifier.verify(body, headers)
            self.send_response(200)
        except WebhookVerificationError as problem:
            self.send_response(401, str(problem))
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Endpoint)
print(server.server_port, flush=True)
server.serve_forever()
