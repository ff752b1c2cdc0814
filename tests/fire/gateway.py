"""The real program on a data directory of its own: commands, serving, clients that load it, people who log in."""

import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

INSTANCE = "shop-line"
# Longer than anything here takes on a machine that is busy with other things, in seconds.
PATIENCE = 120
PASSWORD = "correct horse battery"


class Failed(Exception):
    """What should hold does not; the text says what."""

MANY = 10**6
MODULES = ("api_access", "chattu", "3cx")
# The guard's limits out of the way, where something else is tried.
NO_LIMITS = {name: MANY for name in (
    "throttle_per_minute", "throttle_burst", "recipient_per_minute", "recipient_burst", "repetition_transactional",
    "repetition_support", "outreach_other", "outreach_support", "health_min_messages")}

# The same for the Chattu dialect's.
AS_OFTEN_AS_THEY_LIKE = "[chattu]\n" + "\n".join(f"{name} = 0" for name in (
    "sensitive_per_hour", "deletes_per_15_minutes", "requests_per_15_minutes", "chat_per_minute"))


class Place:
    """A folder with a configuration and a data directory. `listen` adds listeners, `more` is the rest of the file."""

    def __init__(self, binary, folder, listen="", more="", guard=None):
        self.binary, self.folder = binary, folder
        self.data = os.path.join(folder, "data")
        # The environment of whatever runs here, besides our own.
        self.environment = {}
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        guard = NO_LIMITS if guard is None else guard
        limits = "".join(f"{name} = {value}\n" for name, value in guard.items())
        public = "" if "public" in listen else 'public = ""\n'
        with open(self.path("wa-gateway.toml"), "w", encoding="utf-8") as file:
            file.write(f'[listen]\nlocal = "127.0.0.1:0"\n{public}{listen}\n[guard]\n{limits}\n{more}\n')

    def path(self, name):
        return os.path.join(self.folder, name)

    def command(self, *args, data=None):
        return [self.binary, "--config", self.path("wa-gateway.toml"), "--data-dir", data or self.data, *args]

    def run(self, *args, data=None, before=(), says=""):
        """Runs a command to its end, behind `before` (strace, say); `says` is what it reads."""
        with subprocess.Popen([*before, *self.command(*args, data=data)], cwd=self.folder, env={**os.environ, **self.environment},
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            # In two halves: a machine that slept used up one of them.
            for last in (False, True):
                try:
                    out, err = process.communicate(None if last else says, timeout=PATIENCE / 2)
                    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
                except subprocess.TimeoutExpired:
                    if last:
                        process.kill()
            raise Failed(f"{args} does not end")

    def json(self, *args, data=None, says=""):
        done = self.run("--json", *args, data=data, says=says)
        if done.returncode != 0:
            raise Failed(f"{args}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def furnish(self, name="Shop", instance=INSTANCE):
        """An account with all modules, room for a million messages and a sandbox line; returns an API key."""
        account = str(self.json("account", "create", "--name", name, "--plan", "scale")["id"])
        self.json("account", "update", account, "--grant-daily", str(MANY), "--grant-monthly", str(MANY),
                  "--reason", "fire", *(part for one in MODULES for part in ("--modules", one)))
        self.json("instance", "create", "--account", account, "--id", instance, "--name", "Line",
                  "--connector", "sandbox", "--set", "receipts=none")
        return self.json("key", "create", "--account", account)["key"]

    def person(self, role, account="1", email=None):
        """Somebody with this role; returns their address."""
        email = email or f"{role}@shop.example"
        of = ["--account", account] if account else []
        self.json("user", "create", "--email", email, "--role", role, *of, "--password-stdin", says=PASSWORD)
        return email

    def serve(self, data=None, before=()):
        return Serving([*before, *self.command("serve", data=data)], self.folder, self.environment)


class Serving:
    """A gateway that serves, and its process group."""

    def __init__(self, command, folder, environment):
        self.log = os.path.join(folder, "serve.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=log, start_new_session=True, env={**os.environ, **environment})
        # Addresses by the listener's name; the local one is told first.
        self.addresses = {}
        for line in self.process.stdout:
            found = re.search(rb"(\w+): https?://([0-9.]+):([0-9]+)", line)
            if found:
                self.addresses[found.group(1).decode()] = (found.group(2).decode(), int(found.group(3)))
                self.address = self.addresses["local"]
                break
        else:
            code = self.process.wait()
            raise Failed(f"it did not start ({code}): {tail(self.log)}")

    def all_addresses(self, count):
        """Those of so many listeners."""
        while len(self.addresses) < count:
            found = re.search(rb"(\w+): https?://([0-9.]+):([0-9]+)", self.process.stdout.readline())
            if found:
                self.addresses[found.group(1).decode()] = (found.group(2).decode(), int(found.group(3)))
        return self.addresses

    def pid(self):
        """Of the program itself, below whatever it runs behind."""
        return self.process.pid

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.pid()}/status", encoding="utf-8") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid()}/fd"))

    def kill(self):
        """SIGKILL to all of it."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """SIGTERM; its end must be a good one."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed("it did not stop") from None
        if code != 0:
            raise Failed(f"it stopped with {code}: {tail(self.log)}")

    def get(self, path):
        """Status and text of one request."""
        client = http.client.HTTPConnection(*self.address, timeout=PATIENCE)
        try:
            client.request("GET", path)
            answer = client.getresponse()
            return answer.status, answer.read().decode()
        finally:
            client.close()


def tail(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()[-400:].strip()


class Visitor:
    """Somebody with a browser, as far as HTTP shows: cookies, and forms of our own pages. Without an e-mail: nobody."""

    def __init__(self, address, email=None, tls=False):
        self.address, self.tls, self.cookies = address, tls, {}
        if email:
            status, headers, _ = self.post("/login", {"email": email, "password": PASSWORD})
            if status != 303 or not self.cookies:
                raise Failed(f"{email} cannot log in: {status} {headers}")

    def ask(self, method, path, body=None, headers=None):
        """Status, headers (small letters) and body of one request on a connection of its own."""
        if self.tls:
            unjudged = ssl.create_default_context()
            unjudged.check_hostname, unjudged.verify_mode = False, ssl.CERT_NONE
            client = http.client.HTTPSConnection(*self.address, timeout=PATIENCE, context=unjudged)
        else:
            client = http.client.HTTPConnection(*self.address, timeout=PATIENCE)
        headers = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html", **(headers or {})}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            client.request(method, path, body, headers)
            answer = client.getresponse()
            content = answer.read()
        finally:
            client.close()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, fields, headers=None):
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, urllib.parse.urlencode(fields), {**kind, **(headers or {})})


def send(address, key, **fields):
    """Status, headers and JSON of one message by the guarded API."""
    body = {"instance_id": INSTANCE, "message_purpose": "transactional", **fields}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    status, headers, content = Visitor(address).ask("POST", "/api/send-message", json.dumps(body), headers)
    return status, headers, json.loads(content)


# A picture of one dot (PNG); what follows its end makes it another file.
DOT = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg==")


class Load:
    """Clients that send one message after the other, and keep what they were told. With `pictures`, some messages carry
    one."""

    def __init__(self, serving, key, name, clients, pictures=False):
        self.told, self.statuses, self.stopping, self.lock = [], {}, False, threading.Lock()
        # Answers that say "not now", without when.
        self.bare, self.pictures = [], pictures
        work = [threading.Thread(target=self.press, args=(serving.address, key, f"{name}-{n}", n), daemon=True)
                for n in range(clients)]
        self.threads = work
        for thread in work:
            thread.start()

    def press(self, address, key, name, n):
        client = http.client.HTTPConnection(*address, timeout=PATIENCE)
        number = 0
        while not self.stopping:
            number += 1
            text = f"Your order {name}-{number} has been shipped."
            fields = {"instance_id": INSTANCE, "phone": f"+96650{n:03}{number % 10000:04}", "message": text,
                      "message_purpose": "transactional"}
            if self.pictures and number % 4 == 0:
                fields["media_base64"] = base64.b64encode(DOT + text.encode()).decode()
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json",
                       "Idempotency-Key": f"{name}-{number}"}
            try:
                client.request("POST", "/api/send-message", json.dumps(fields), headers)
                answer = client.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException):
                return
            with self.lock:
                self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
                if answer.status in (429, 503) and not answer.headers.get("Retry-After"):
                    self.bare.append(said.decode(errors="replace"))
                if answer.status == 200:
                    self.told.append((json.loads(said)["message_id"], text))

    def wait_for(self, count):
        """Until so many were acknowledged."""
        wait_until(lambda: len(self.told) >= count or not any(t.is_alive() for t in self.threads), "acknowledgements")

    def end(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()
        return self.told


def wait_until(seen, what):
    begun = time.monotonic()
    while not seen():
        if time.monotonic() - begun > PATIENCE:
            raise Failed(f"waited in vain: {what}")
        time.sleep(0.005)


def lo_up():
    """Brings the loopback interface of a new network namespace up (SIOCSIFFLAGS, IFF_UP and IFF_RUNNING)."""
    import fcntl
    import struct
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        fcntl.ioctl(line, 0x8914, struct.pack("16sH14x", b"lo", 0x41))
