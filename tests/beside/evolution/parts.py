"""What stands around the program: Meta's part, the real server's process, and whoever writes down what passes between the
two. See `run`."""

import hashlib
import http.client
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "fire"))
from gateway import DOT, Failed, tail, wait_until  # noqa: E402

NUMBER, WABA, TOKEN, KEY, VERIFY = "106540352242922", "102290129340398", "EAAG-token", "evolution-global-key", "verify"
# Whoever Meta refuses, by the last digits of the number: its code, and the status.
REFUSED = {"131026": 400, "131047": 400, "130429": 429, "131056": 400, "190": 401}


def opened(handler):
    """A server of this handler on a port of its own; answers with its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass  # Whoever asked is gone.

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def say(self, status, data, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def say_json(self, status, value):
        self.say(status, json.dumps(value).encode())

    def log_message(self, *_):
        pass


class Meta(Answering):
    """As much of Meta's API as the server asks."""

    messages, uploads = [], []

    def do_GET(self):
        if self.path.endswith("/file"):
            return self.say(200, DOT, "image/png")
        return self.say_json(200, {"url": f"http://{self.headers['Host']}/file", "mime_type": "image/png", "id": "media-in",
                                   "sha256": hashlib.sha256(DOT).hexdigest(), "file_size": len(DOT)})

    def do_POST(self):
        body = self.body()
        if self.path.endswith("/media"):
            head = body[:body.find(b"\r\n\r\n")].decode(errors="replace")
            name = re.search(r'filename="([^"]*)"', head)
            kind = re.search(r"Content-Type: (\S+)", head)
            Meta.uploads.append((name and name[1], kind and kind[1]))
            return self.say_json(200, {"id": "1166846181421424"})
        asked = json.loads(body)
        whom = asked.get("to", "")
        code = next((code for code in REFUSED if whom.endswith(code)), None)
        if code:
            error = {"message": f"(#{code}) refused", "type": "OAuthException", "code": int(code), "fbtrace_id": "A1"}
            if code != "190":
                error["error_data"] = {"messaging_product": "whatsapp", "details": "Refused."}
            return self.say_json(REFUSED[code], {"error": error})
        if whom.endswith("500500"):
            return self.say(500, b"<html>busy</html>", "text/html")
        Meta.messages.append(asked)
        if whom.endswith("900900"):
            self.close_connection = True
            return None  # Taken, and never answered.
        return self.say_json(200, {"messaging_product": "whatsapp", "contacts": [{"input": whom, "wa_id": whom}],
                                   "messages": [{"id": f"wamid.OURS{len(Meta.messages)}"}]})


class Between:
    """Passes requests on to a port of this machine, and keeps what was asked and answered."""

    def __init__(self, name):
        self.name, self.kept, self.to = name, [], None
        outer = self

        class Handler(Answering):
            def any(self):
                body = self.body()
                client = http.client.HTTPConnection("127.0.0.1", outer.to, timeout=90)
                try:
                    passed = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "accept-encoding")}
                    client.request(self.command, self.path, body, passed)
                    answer = client.getresponse()
                    said = answer.read()
                except OSError as error:
                    outer.kept.append((self.command, self.path, body, 0, str(error).encode()))
                    self.close_connection = True
                    return
                finally:
                    client.close()
                outer.kept.append((self.command, self.path, body, answer.status, said))
                self.say(answer.status, said, answer.getheader("Content-Type") or "text/plain")

            do_GET = do_POST = do_DELETE = do_PUT = any

        self.port = opened(Handler)

    def lines(self):
        for method, path, asked, status, said in self.kept:
            yield {"at": self.name, "method": method, "path": path, "asked": read(asked), "status": status, "said": read(said)}


def read(data):
    """JSON, or the text."""
    text = data.decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


class Server:
    """The real Evolution API server."""

    def __init__(self, folder, work, port, meta_port):
        self.port, self.log = port, os.path.join(work, "evolution.log")
        address = f"http://127.0.0.1:{port}"
        saved = ("INSTANCE", "NEW_MESSAGE", "CONTACTS", "CHATS", "LABELS", "HISTORIC")
        environment = {
            **os.environ, **{f"DATABASE_SAVE_DATA_{name}": "true" for name in saved}, "DATABASE_SAVE_MESSAGE_UPDATE": "true",
            "SERVER_PORT": str(port), "SERVER_URL": address, "DATABASE_PROVIDER": "postgresql", "CORS_ORIGIN": "*",
            "CORS_METHODS": "GET,POST,PUT,DELETE", "AUTHENTICATION_API_KEY": KEY, "CACHE_REDIS_ENABLED": "false",
            "CACHE_LOCAL_ENABLED": "true", "TELEMETRY_ENABLED": "false", "LOG_LEVEL": "ERROR,WARN", "DEL_INSTANCE": "false",
            "WA_BUSINESS_URL": f"http://127.0.0.1:{meta_port}", "WA_BUSINESS_VERSION": "v25.0",
            "WA_BUSINESS_TOKEN_WEBHOOK": VERIFY, "WEBHOOK_RETRY_INITIAL_DELAY_SECONDS": "1",
        }
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["node", "dist/main"], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        try:
            wait_until(lambda: self.ask("GET", "/")[0] == 200 or self.process.poll() is not None, "the server")
        finally:
            if self.process.poll() is not None:
                raise Failed(f"the server did not start: {tail(self.log)}")

    def ask(self, method, path, body=None, key=KEY):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        try:
            client.request(method, path, json.dumps(body) if body is not None else None,
                           {"apikey": key, "Content-Type": "application/json"})
            answer = client.getresponse()
            return answer.status, read(answer.read())
        except OSError:
            return 0, None
        finally:
            client.close()

    def hear(self, *values, field="messages"):
        """Meta calls the server; each value is an entry of one call."""
        about = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER}}
        entries = [{"id": WABA, "changes": [{"field": field, "value": {**about, **value}}]} for value in values]
        return self.ask("POST", "/webhook/meta", {"object": "whatsapp_business_account", "entry": entries})[0]

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def message(phone, number, kind, content=None, **more):
    """What Meta tells of a message that somebody wrote."""
    said = {"id": f"wamid.IN{number}", "timestamp": str(int(time.time())), "type": kind, **more}
    if phone:
        said["from"] = phone.lstrip("+")
    if content is not None:
        said[kind] = content
    contact = {"profile": {"name": "Amal"}}
    if phone:
        contact["wa_id"] = phone.lstrip("+")
    return {"contacts": [contact], "messages": [said]}
