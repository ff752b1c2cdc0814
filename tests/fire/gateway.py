"""The real program on a data directory of its own: commands, serving, and one keep-alive client."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

INSTANCE = "shop-line"
# Longer than anything here takes on a machine that is busy with other things, in seconds.
PATIENCE = 120


class Failed(Exception):
    """What should hold does not; the text says what."""


class Place:
    """A folder with a configuration and a data directory."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.data = os.path.join(folder, "data")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        many = 10**6
        names = ["throttle_per_minute", "throttle_burst", "recipient_per_minute", "recipient_burst",
                 "repetition_transactional", "outreach_other", "health_min_messages"]
        limits = "".join(f"{name} = {many}\n" for name in names)
        with open(self.path("wa-gateway.toml"), "w", encoding="utf-8") as file:
            file.write(f'[listen]\nlocal = "127.0.0.1:0"\npublic = ""\n[guard]\n{limits}')

    def path(self, name):
        return os.path.join(self.folder, name)

    def command(self, *args, data=None):
        return [self.binary, "--config", self.path("wa-gateway.toml"), "--data-dir", data or self.data, *args]

    def run(self, *args, data=None, before=()):
        """Runs a command to its end, behind `before` (strace, say)."""
        return subprocess.run([*before, *self.command(*args, data=data)], cwd=self.folder, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE, check=False)

    def json(self, *args, data=None):
        done = self.run("--json", *args, data=data)
        if done.returncode != 0:
            raise Failed(f"{args}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def furnish(self):
        """An account with room for a million messages and a sandbox line; returns an API key."""
        account = str(self.json("account", "create", "--name", "Shop", "--plan", "scale")["id"])
        self.json("account", "update", account, "--grant-daily", "1000000", "--grant-monthly", "1000000",
                  "--reason", "fire")
        self.json("instance", "create", "--account", account, "--id", INSTANCE, "--name", "Line",
                  "--connector", "sandbox", "--set", "receipts=none")
        return self.json("key", "create", "--account", account)["key"]

    def serve(self, data=None, before=()):
        return Serving([*before, *self.command("serve", data=data)], self.folder)


class Serving:
    """A gateway that serves, and its process group."""

    def __init__(self, command, folder):
        self.log = os.path.join(folder, "serve.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=log, start_new_session=True)
        for line in self.process.stdout:
            found = re.search(rb"http://([0-9.]+):([0-9]+)", line)
            if found:
                self.address = (found.group(1).decode(), int(found.group(2)))
                return
        code = self.process.wait()
        raise Failed(f"it did not start ({code}): {tail(self.log)}")

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


class Load:
    """Clients that send one message after the other, and keep what they were told."""

    def __init__(self, serving, key, name, clients):
        self.told, self.statuses, self.stopping, self.lock = [], {}, False, threading.Lock()
        work = [threading.Thread(target=self.press, args=(serving.address, key, f"{name}-{n}", n))
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
            body = json.dumps({"instance_id": INSTANCE, "phone": f"+96650{n:03}{number % 10000:04}", "message": text,
                               "message_purpose": "transactional"})
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json",
                       "Idempotency-Key": f"{name}-{number}"}
            try:
                client.request("POST", "/api/send-message", body, headers)
                answer = client.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException):
                return
            with self.lock:
                self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
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
