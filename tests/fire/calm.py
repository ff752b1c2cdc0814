"""A calm client beside a flood: what it sends is sent, and how long that takes."""

import http.client
import json
import threading
import time

from gateway import INSTANCE, PATIENCE, Failed

# How long a connection at rest is used again, in seconds; the gateway keeps one for 30.
KEPT = 10


class Calm:
    """Sends some messages a second, from now on until its end, and keeps how long each took (seconds)."""

    def __init__(self, serving, key, name, rate=12, instance=INSTANCE):
        self.took, self.wrong, self.stopping = [], [], False
        self.work = threading.Thread(target=self.press, args=(serving.address, key, name, rate, instance), daemon=True)
        self.work.start()

    def press(self, address, key, name, rate, instance):
        client, number, due = http.client.HTTPConnection(*address, timeout=PATIENCE), 0, time.monotonic()
        last = due
        while not self.stopping:
            number += 1
            body = json.dumps({"instance_id": instance, "phone": f"+9665550{number % 10000:05}", "message_purpose": "transactional",
                               "message": f"Your order {name}-{number} has been shipped."})
            begun = time.monotonic()
            if begun - last > KEPT:
                # The machine slept; a connection that long at rest is opened anew, as pools of connections do.
                client.close()
            try:
                client.request("POST", "/api/send-message", body,
                               {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
                answer = client.getresponse()
                said = answer.read()
                if answer.status != 200:
                    self.wrong.append(f"{answer.status} {said[:120]}")
            except (OSError, http.client.HTTPException) as e:
                self.wrong.append(repr(e))
                client = http.client.HTTPConnection(*address, timeout=PATIENCE)
            last = time.monotonic()
            self.took.append(last - begun)
            due = max(due + 1 / rate, time.monotonic())
            time.sleep(max(0, due - time.monotonic()))

    def end(self, what):
        """Its median and its 99th percentile; every message must have been sent."""
        self.stopping = True
        self.work.join()
        if self.wrong or not self.took:
            raise Failed(f"{what}: of {len(self.took)} calm messages {len(self.wrong)} were not sent: {self.wrong[:2]}")
        return quantile(self.took, 0.5), quantile(self.took, 0.99)


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
