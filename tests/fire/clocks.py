"""Clocks that were wrong: 3 hours and 3 years ahead and behind, put right while the gateway runs or over a restart.

What must hold: what was stored under the wrong clock stops nothing under the right one (messages, logins, webhooks that
are tried again), no limit is passed, and a schedule is sent once. Controls: the wrong clock is what the rows show; a
message over a rate, a login after wrong guesses and a webhook that nobody answers are seen to be refused."""

import http.server
import json
import sqlite3
import threading
import time

from gateway import INSTANCE, NO_LIMITS, PASSWORD, Failed, Place, Visitor, send, wait_until
from shim import Shim

HOUR = 3600
# Whole days, so that the hour of the day stays.
YEARS = 3 * 365 * 24 * HOUR
JUMPS = [-YEARS, -3 * HOUR, 3 * HOUR, YEARS]
DAILY = 12


def jumps(run):
    done = 0
    for ahead in JUMPS:
        for restarted in (False, True):
            one(run, ahead, restarted)
            done += 1
    return (f"{done} jumps of {', '.join(f'{a / HOUR:+.0f} h' for a in JUMPS)}, running and over a restart: messages, logins, "
            f"retries and schedules go on, no limit passed; controls: rate, guesses and a dead receiver are seen"), done


class Receiver:
    """A customer's receiver, which is well or is not."""

    def __init__(self):
        self.status, self.heard = 503, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.heard.append((outer.status, body))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def one(run, ahead, restarted):
    what = f"{ahead / HOUR:+.0f} h, {'over a restart' if restarted else 'while it runs'}"
    receiver = Receiver()
    place = Place(run.binary, run.folder("clocks"), guard={**NO_LIMITS, "throttle_per_minute": 6, "throttle_burst": 2},
                  more=f'[egress]\nallow = ["127.0.0.1:{receiver.port}"]')
    shim = Shim(place)
    shim.ahead(ahead)
    key = place.furnish()
    place.person("owner")
    place.json("account", "update", "1", "--grant-daily", str(DAILY), "--reason", "clocks")
    place.json("webhook", "create", "--account", "1", "--url", f"http://127.0.0.1:{receiver.port}/", "--events", "message.sent")
    serving = place.serve()
    sent = under_a_wrong_clock(serving, key, receiver, what)
    if is_displaced(place, ahead) is False:
        raise Failed(f"the control: {what}: the rows show no wrong clock")
    if restarted:
        serving.kill()
        # Before the start, which tries again at once: another refusal would put it off by minutes of the right clock.
        receiver.status = 200
    shim.ahead(0)
    if restarted:
        serving = place.serve()
    receiver.status = 200
    sent += [goes_on(serving, key, what)]
    # Longer than any wait that guessing or a retry may have left behind, by the right clock.
    shim.ahead(60)
    logs_in(serving, what)
    wait_until(lambda: all_heard(receiver, sent), f"{what}: its webhooks")
    schedules(place, shim, serving, what)
    limits(place, shim, serving, key, what)
    serving.stop()
    receiver.close()


def under_a_wrong_clock(serving, key, receiver, what):
    """Fills the rate, guesses a password, and lets a webhook fail; what was sent."""
    sent, refused = [], 0
    for n in range(4):
        status, headers, answer = send(serving.address, key, phone=f"+96650123450{n}", message=f"Your order {n} is here.")
        if status == 200:
            sent.append(answer["message_id"])
        elif status == 429 and "retry-after" in headers:
            refused += 1
    if len(sent) != 2 or not refused:
        raise Failed(f"the control: {what}: of 4 messages at once {len(sent)} were sent, {refused} told to wait")
    guesses = [Visitor(serving.address).post("/login", {"email": "owner@shop.example", "password": "not this one"})[0]
               for _ in range(6)]
    if guesses[-1] != 429:
        raise Failed(f"the control: {what}: guesses are answered {guesses}")
    wait_until(lambda: len(receiver.heard) >= 2, "a first try of the webhooks")
    return sent


def is_displaced(place, ahead):
    db = sqlite3.connect(f"file:{place.data}/wa-gateway.db?mode=ro", uri=True)
    try:
        (at,) = db.execute("SELECT max(created_at) FROM messages").fetchone()
    finally:
        db.close()
    return abs(at / 1000 - time.time() - ahead) < HOUR


def goes_on(serving, key, what):
    """A bucket that was emptied is full again within burst over rate, whatever the clock was: 20 s here, never hours."""
    begun, told = time.monotonic(), []

    def sent():
        status, headers, answer = send(serving.address, key, phone="+966501234567", message="Your order is on its way.")
        told.append(answer.get("message_id"))
        if status == 429 and int(headers["retry-after"]) > 30:
            raise Failed(f"{what}: a message is told to wait {headers['retry-after']} s")
        return status == 200

    wait_until(sent, f"{what}: a message is sent")
    if time.monotonic() - begun > 40:
        raise Failed(f"{what}: a message went after {time.monotonic() - begun:.0f} s")
    return told[-1]


def logs_in(serving, what):
    status, _, _ = Visitor(serving.address).post("/login", {"email": "owner@shop.example", "password": PASSWORD})
    if status != 303:
        raise Failed(f"{what}: the right password is answered {status}")


def all_heard(receiver, sent):
    well = json.dumps([body for status, body in list(receiver.heard) if status == 200])
    return all(name in well for name in sent)


def schedules(place, shim, serving, what):
    """One that is due in a minute is sent once, through two jumps back over its time."""
    visitor = Visitor(serving.address, "owner@shop.example")
    at = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + 60 + 120))
    status, _, page = visitor.post("/scheduled", {"instance": INSTANCE, "phone": "+966501234599", "purpose": "support",
                                                  "message": "See you tomorrow at ten.", "at": at})
    if status != 303:
        raise Failed(f"{what}: a schedule is answered {status}: {page[-300:]}")
    for ahead in (60 + 200, 60, 60 + 400, 60 + 180):
        shim.ahead(ahead)
        wait_until(lambda: count(place, "See you tomorrow at ten."), f"{what}: a schedule is sent")
        # What would be sent a second time has a moment for it.
        time.sleep(0.5)
    if count(place, "See you tomorrow at ten.") != 1:
        raise Failed(f"{what}: a schedule was sent {count(place, 'See you tomorrow at ten.')} times")


def count(place, text):
    return sum(1 for m in place.json("sandbox", "inbox", "--instance", INSTANCE) if m["text"] == text)


def limits(place, shim, serving, key, what):
    """Until the day is used up, the clock going to and fro within it; then the count is the limit, and not more."""
    ahead, refused = 60, None
    for n in range(3 * DAILY):
        ahead = 700 + 20 * n if n % 4 else ahead - 15
        shim.ahead(ahead)
        status, headers, answer = send(serving.address, key, phone=f"+9665012360{n:02}", message=f"Your order {n} is here.")
        if status == 429 and answer["error"] != "sending_throttled":
            refused = answer["error"]
            break
    db = sqlite3.connect(f"file:{place.data}/wa-gateway.db?mode=ro", uri=True)
    days = dict(db.execute("SELECT date(created_at / 1000, 'unixepoch'), count(*) FROM messages "
                           "WHERE status IN ('sent', 'delivered', 'read') GROUP BY 1"))
    db.close()
    if refused is None or max(days.values()) != DAILY:
        raise Failed(f"{what}: refused {refused}, days of {days} messages where {DAILY} are the most")
