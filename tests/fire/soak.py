"""Hours of an ordinary day: 50 messages a second out, 20 in (as Meta posts them, signed), webhooks, pages and logins.

What must hold after the warm-up (a fifth of the time): memory grows by less than 1 MB an hour (or by less than it swings),
descriptors do not grow, the program's log and the database's are bounded, and the 99th percentile of the last third is at
most a fifth above that of the first. Control: the same judgement on figures with a leak of 2 MB an hour must fail."""

import hashlib
import hmac
import http.client
import json
import os
import threading
import time

from calm import Calm, quantile
from clocks import Receiver
from gateway import PATIENCE, Failed, Place, Visitor
from slow import MB

SENDS, HEARD, PAGES = 50, 20, ["/overview", "/message-logs", "/inbound-logs", "/chat", "/webhooks", "/instances"]
EVERY = 5
SECRET = "soak-app-secret"


def ordinary_day(run):
    receiver = Receiver()
    receiver.status = 200
    place = Place(run.binary, run.folder("soak"), more=f'[egress]\nallow = ["127.0.0.1:{receiver.port}"]')
    key = place.furnish()
    place.json("instance", "create", "--account", "1", "--id", "meta-line", "--name", "Meta", "--connector", "cloud-api", "--set",
               "access_token=t", "--set", "phone_number_id=1", "--set", f"app_secret={SECRET}")
    for event in ("message.sent", "message.received"):
        place.json("webhook", "create", "--account", "1", "--url", f"http://127.0.0.1:{receiver.port}/", "--events", event)
    owner = place.person("owner")
    serving = place.serve()
    stop, wrong = threading.Event(), []
    work = [threading.Thread(target=run_until, args=(stop, one, wrong), daemon=True) for one in (
        (1 / HEARD, hearing(serving)), (1, looking(serving, owner)), (20, lambda n: Visitor(serving.address, owner)))]
    for thread in work:
        thread.start()
    calm = [Calm(serving, key, f"soak-{n}", SENDS / 5) for n in range(5)]
    samples, ends = [], time.monotonic() + max(run.seconds, 60)
    while time.monotonic() < ends:
        marks = [len(one.took) for one in calm]
        time.sleep(EVERY)
        # What it hears is not kept here.
        heard, receiver.heard[:] = len(receiver.heard), []
        took = [took for one, mark in zip(calm, marks) for took in one.took[mark:]]
        samples.append({"at": time.monotonic(), "memory": serving.memory(), "fds": serving.descriptors(), "log": os.path.getsize(serving.log),
                        "wal": os.path.getsize(os.path.join(place.data, "wa-gateway.db-wal")), "took": took, "heard": heard})
    stop.set()
    for one in calm:
        one.end("the soak")
    for thread in work:
        thread.join(PATIENCE)
    serving.stop()
    if wrong:
        raise Failed(f"{len(wrong)} requests failed: {wrong[:2]}")
    figures = judge(samples)
    leaking = [{**one, "memory": one["memory"] + 2 * MB * (one["at"] - samples[0]["at"]) / 3600 + 40 * MB * n / len(samples)}
               for n, one in enumerate(samples)]
    if not judge(leaking)["problems"]:
        raise Failed("the control: a leak is not seen")
    said = (f"{sum(len(one['took']) for one in samples)} sends, {sum(one['heard'] for one in samples)} webhooks in {run.seconds / 60:.0f} min: "
            f"memory {figures['memory']}, descriptors {figures['fds']}, log {figures['log']} bytes, database's log {figures['wal'] / MB:.1f} MB, "
            f"p99 {figures['p99']}")
    if figures["problems"]:
        raise Failed(f"{'; '.join(figures['problems'])}: {said}")
    return f"{said}; control: a leak is seen", len(samples)


def judge(samples):
    """The figures after the warm-up, and what of them must not be."""
    warm = samples[len(samples) // 5:]
    third = max(1, len(warm) // 3)
    hours = [(one["at"] - warm[0]["at"]) / 3600 for one in warm]
    memory = [one["memory"] / MB for one in warm]
    middle, level = sum(hours) / len(hours), sum(memory) / len(memory)
    spread = sum((h - middle) ** 2 for h in hours) or 1
    slope = sum((h - middle) * (m - level) for h, m in zip(hours, memory)) / spread
    # What it grew in this time, beside how much it goes up and down.
    grown, swing = slope * hours[-1], sorted(memory)[int(len(memory) * 0.95)] - sorted(memory)[int(len(memory) * 0.05)]
    first = quantile([t for one in warm[:third] for t in one["took"]], 0.99)
    last = quantile([t for one in warm[-third:] for t in one["took"]], 0.99)
    problems = []
    if slope > 1 and grown > max(1, 0.5 * swing):
        problems.append(f"memory grows by {slope:.1f} MB an hour")
    if max(one["fds"] for one in warm[-third:]) > max(one["fds"] for one in warm[:third]) + 8:
        problems.append("descriptors grow")
    if warm[-1]["log"] > MB or max(one["wal"] for one in warm) > 64 * MB:
        problems.append("a log is not bounded")
    if last > 1.2 * first and last - first > 0.005:
        problems.append(f"p99 drifts from {1000 * first:.1f} to {1000 * last:.1f} ms")
    return {"memory": f"{memory[0]:.1f} to {memory[-1]:.1f} MB ({slope:+.1f} MB/h over {60 * hours[-1]:.0f} min, swings by {swing:.1f})",
            "fds": f"{min(one['fds'] for one in warm)} to {max(one['fds'] for one in warm)}", "log": warm[-1]["log"],
            "wal": max(one["wal"] for one in warm), "p99": f"{1000 * first:.1f} to {1000 * last:.1f} ms", "problems": problems}


def run_until(stop, one, wrong):
    """A deed every so many seconds."""
    every, deed = one
    number, due = 0, time.monotonic()
    while not stop.is_set():
        number += 1
        try:
            deed(number)
        except (OSError, http.client.HTTPException, Failed) as e:
            wrong.append(repr(e))
        due = max(due + every, time.monotonic() - 1)
        stop.wait(max(0, due - time.monotonic()))


def hearing(serving):
    """Posts a customer's message as Meta does."""
    client = http.client.HTTPConnection(*serving.address, timeout=PATIENCE)

    def deed(number):
        sender = f"96655{number % 5000:07}"
        message = {"from": sender, "id": f"wamid.soak{number}", "timestamp": str(int(time.time())), "type": "text",
                   "text": {"body": f"Where is order {number}?"}}
        value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001111", "phone_number_id": "1"},
                 "contacts": [{"profile": {"name": "Customer"}, "wa_id": sender}], "messages": [message]}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]})
        signed = "sha256=" + hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
        client.request("POST", "/hooks/cloud-api/meta-line", body, {"Content-Type": "application/json", "X-Hub-Signature-256": signed})
        answer = client.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise Failed(f"{answer.status} {said[:100]}")

    return deed


def looking(serving, owner):
    visitor = Visitor(serving.address, owner)

    def deed(number):
        status, _, _ = visitor.get(PAGES[number % len(PAGES)])
        if status != 200:
            raise Failed(f"{PAGES[number % len(PAGES)]}: {status}")

    return deed
