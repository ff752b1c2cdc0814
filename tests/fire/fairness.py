"""A calm account beside one that floods: its messages go out, and take about as long as without.

The floods run in processes of their own on one processor, the calm client on another, the gateway where it likes. What
must hold: no calm message fails, and the 99th percentile is at most twice the quiet one, or below what anybody notices.
Control: a gateway that stands still for a second at a time does not pass."""

import http.client
import http.server
import json
import multiprocessing
import os
import signal
import threading
import time
import urllib.parse

from calm import Calm, quantile
from gateway import DOT, INSTANCE, PATIENCE, Failed, Place, Visitor
from slow import ms

SECONDS, RATE = 12, 25
TIMES, NOTICED = 2, 0.1
OTHER = "calm-line"
PROCESSES = multiprocessing.get_context("fork")


def accounts(run):
    hanging = Hanging()
    free = f'[egress]\nallow = ["127.0.0.1:{hanging.port} webhooks", "127.0.0.1:{hanging.file_port} media", "127.0.0.1:1"]'
    place = Place(run.binary, run.folder("fairness"), more=f"{free}\n[portal]\nowners_may_make = 0")
    keys = {"A": place.furnish(), "B": place.furnish("Calm", OTHER)}
    owner = place.person("owner")
    place.json("webhook", "create", "--account", "2", "--url", f"http://127.0.0.1:{hanging.port}/well", "--events", "message.sent")
    serving = place.serve()
    session = Visitor(serving.address, owner).cookies["session"]
    world = {"address": serving.address, "key": keys["A"], "session": session, "owner": owner, "hanging": hanging}
    quiet = beside(serving, keys["B"], f"{run.seed}-quiet", None)
    said, over = [], []
    for name, flood, before in FLOODS:
        if before:
            before(place, world)
        took = beside(serving, keys["B"], f"{run.seed}-{name.replace(' ', '-')}", (flood, world))
        said.append(f"{name} {ms(took)}")
        if took[1] > max(TIMES * quiet[1], NOTICED):
            over.append(said[-1])
    told = hanging.well
    if over:
        raise Failed(f"quiet {ms(quiet)} ms; over twice and noticed: {'; '.join(over)}; all: {'; '.join(said)}")
    still = control(serving, keys["B"], run)
    if still <= max(TIMES * quiet[1], NOTICED):
        raise Failed(f"the control: a gateway that stood still answered in {1000 * still:.0f} ms")
    serving.kill()
    if not told:
        raise Failed("the calm account's receiver heard nothing")
    return f"p50/p99 in ms: quiet {ms(quiet)}; {'; '.join(said)}; {told} webhooks of the calm account; control: standing still is seen", len(FLOODS)


def alone(processor):
    """The calling process on one processor, and in a session of its own: Linux shares a processor out among sessions, and
    would have the calm client pay there for what the floods of its session take elsewhere."""
    os.sched_setaffinity(0, processor)
    os.setsid()


def processors():
    all_of_them = sorted(os.sched_getaffinity(0))
    return {all_of_them[0]}, {all_of_them[-1]}


def beside(serving, key, name, flood):
    """How long the calm client's messages took, in a process of its own, beside a flood in others."""
    floods, calm = [], processors()[1]
    if flood:
        run, world = flood
        floods = [PROCESSES.Process(target=flooding, args=(run, world, n), daemon=True) for n in range(2)]
        for process in floods:
            process.start()
        time.sleep(1)
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=calm_client, args=(serving, key, name, calm, theirs), daemon=True)
    process.start()
    answer = ours.recv() if ours.poll(SECONDS + PATIENCE) else "the calm client does not end"
    process.join(5)
    for process in floods:
        process.terminate()
        process.join()
    if isinstance(answer, str):
        raise Failed(answer)
    return answer


def before_all_else():
    """The calling process gets its processor whenever it wants it, as a client on a machine of its own does. Linux lets a
    session that had less than its share, the gateway's, have the processor for thirty milliseconds without a break; that is
    no time that the gateway took to answer. Where it is not allowed, the client waits."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        pass


def calm_client(serving, key, name, processor, pipe):
    alone(processor)
    before_all_else()
    calm = Calm(serving, key, name, RATE, OTHER)
    time.sleep(SECONDS)
    try:
        calm.end(name)
        pipe.send((quantile(calm.took, 0.5), quantile(calm.took, 0.99)))
    except Failed as e:
        pipe.send(str(e))


def flooding(run, world, n):
    """Eight clients of a flood in one process, until it is ended."""
    alone(processors()[0])
    threads = [threading.Thread(target=run, args=(world, 8 * n + i), daemon=True) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def asking(world, method, path, body=None, headers=None):
    """Requests one after the other on one connection, for ever; `path` and `body` may be made anew for each."""
    number = 0
    while True:
        client = http.client.HTTPConnection(*world["address"], timeout=PATIENCE)
        try:
            while True:
                number += 1
                client.request(method, path(number) if callable(path) else path, body(number) if callable(body) else body, headers or {})
                client.getresponse().read()
        except (OSError, http.client.HTTPException):
            client.close()


def by_key(world):
    return {"Authorization": f"Bearer {world['key']}", "Content-Type": "application/json"}


def by_session(world):
    return {"Cookie": f"session={world['session']}", "Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}


def message(n, number, **fields):
    return json.dumps({"instance_id": INSTANCE, "phone": f"+96650{n:03}{number % 10000:04}", "message_purpose": "transactional",
                       "message": f"Your order {n}-{number} has been shipped.", **fields})


def sends(world, n):
    asking(world, "POST", "/api/send-message", lambda i: message(n, i), by_key(world))


def bad_requests(world, n):
    asking(world, "POST", "/api/send-message", lambda i: message(n, i, phone="nobody", message_purpose=["a"] * 50), by_key(world))


def unknown_keys(world, n):
    asking(world, "POST", "/api/send-message", message(n, 1), {**by_key(world), "Authorization": f"Bearer {world['key'][:-1]}x"})


def guesses(world, n):
    def form(i):
        return urllib.parse.urlencode({"email": f"nobody-{n}-{i}@shop.example", "password": "not this one at all"})
    asking(world, "POST", "/login", form, {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"})


def files(world, n):
    at = world["hanging"].file_port
    asking(world, "POST", "/api/send-message", lambda i: message(n, i, media_url=f"http://127.0.0.1:{at}/{n}-{i}.png", media_type="image"), by_key(world))


def pages(world, n):
    asking(world, "GET", ["/message-logs", "/message-logs/export.csv", "/overview", "/chat"][n % 4], None, by_session(world))


def schedules(world, n):
    # Pages take what is within a year.
    far = time.strftime("%Y-%m-%dT10:00", time.gmtime(time.time() + 300 * 24 * 3600))

    def form(i):
        return urllib.parse.urlencode({"instance": INSTANCE, "phone": f"+96651{n:03}{i % 10000:04}", "purpose": "support",
                                       "message": f"See you at {n} {i}.", "at": far})
    asking(world, "POST", "/scheduled", form, by_session(world))


def due_at_once(world, n):
    """Two hundred each that wait for the same second, and then no more."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(world["due"]))
    for i in range(200):
        Visitor(world["address"]).ask("POST", "/api/send-message", message(100 + n, i, send_at=at), by_key(world))


def soon(_, world):
    world["due"] = time.time() + 8


def many_endpoints(place, world):
    for n in range(60):
        place.json("webhook", "create", "--account", "1", "--url", f"http://127.0.0.1:{world['hanging'].port}/{'hang' if n % 2 else 'well-too'}{n}",
                   "--events", "message.sent")


def hanging_endpoints(place, world):
    for n in range(20):
        place.json("webhook", "create", "--account", "1", "--url", f"http://127.0.0.1:{world['hanging'].port}/hang{n}", "--events", "message.sent")
    place.json("webhook", "create", "--account", "1", "--url", "http://127.0.0.1:1/", "--events", "message.sent")


# The calm client's webhooks are heard beside all of them. Those that leave something behind come last; where schedules have
# filled the room of those that wait, nothing is left that could be due.
FLOODS = [("sends", sends, None), ("bad requests", bad_requests, None), ("unknown keys", unknown_keys, None), ("logins", guesses, None),
          ("files", files, None), ("pages", pages, None), ("due at once", due_at_once, soon), ("making schedules", schedules, None),
          ("hanging receivers", sends, hanging_endpoints), ("many receivers", sends, many_endpoints)]


class Hanging:
    """Receivers that hang, one that is well, and a server of large files: a process of its own, on the floods' processor."""

    def __init__(self):
        self.heard, (ours, theirs) = PROCESSES.Value("l", 0), PROCESSES.Pipe()
        PROCESSES.Process(target=hang, args=(theirs, self.heard), daemon=True).start()
        self.port, self.file_port = ours.recv()

    @property
    def well(self):
        """What the receiver that is well has heard."""
        return self.heard.value


def hang(pipe, heard):
    alone(processors()[0])

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/hang"):
                time.sleep(60)
            if self.path == "/well":
                with heard.get_lock():
                    heard.value += 1
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(PICTURE)))
            self.end_headers()
            self.wfile.write(PICTURE)

        def log_message(self, *_):
            pass

        def handle(self):
            try:
                super().handle()
            except OSError:
                pass

    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send([server.server_address[1] for server in servers])
    threading.Event().wait()


# The largest picture that is taken.
PICTURE = DOT + bytes(5 * 1000 * 1000 - len(DOT))


def control(serving, key, run):
    stop = threading.Event()

    def halt():
        while not stop.is_set():
            os.kill(serving.pid(), signal.SIGSTOP)
            time.sleep(1)
            os.kill(serving.pid(), signal.SIGCONT)
            time.sleep(1)

    thread = threading.Thread(target=halt, daemon=True)
    thread.start()
    took = beside(serving, key, f"{run.seed}-still", None)
    stop.set()
    thread.join()
    return took[1]
