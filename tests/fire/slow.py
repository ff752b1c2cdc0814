"""Slow clients: headers, bodies, chunks that drip, silence, answers that nobody reads, hundreds of idle connections.

What must hold: each is closed in its time, memory stays bounded, and a calm client beside them is served. Control: a
gateway that is told to wait ten minutes for headers and bodies closes none of them in that time."""

import select
import socket
import time

from calm import Calm
from gateway import Failed, Place, Visitor, wait_until

MB = 1 << 20
# The documented limits, and what a busy machine may add to them, in seconds.
HEADER, BODY, IDLE, MORE = 5, 10, 30, 15
IDLE_CONNECTIONS, DEAF = 900, 20
POST = b"POST /api/send-message HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nAuthorization: Bearer "


class Slow:
    """One connection: what it says at once, what it drips twice a second, and when it must be over."""

    def __init__(self, address, name, says, drips, within):
        self.name, self.drips, self.within = name, drips, within
        self.line = socket.create_connection(address)
        self.line.sendall(says)
        self.begun, self.took, self.dripped = time.monotonic(), None, 0

    def step(self):
        """Drips, and looks whether it was closed."""
        if self.took is not None:
            return
        try:
            if self.drips:
                self.line.send(self.drips[self.dripped % len(self.drips):][:1])
                self.dripped += 1
            while ready(self.line, select.POLLIN):
                if not self.line.recv(65536):
                    raise ConnectionError
        except OSError:
            self.took = time.monotonic() - self.begun
            self.line.close()


def kinds(address, key):
    """All kinds of them; without a key nobody would wait for a body."""
    post = POST + key.encode() + b"\r\n"
    return [
        Slow(address, "silence", b"", b"", HEADER),
        Slow(address, "blank lines", b"", b"\r\n", HEADER),
        Slow(address, "a request line that drips", b"", b"GET /healthz HTTP/1.1", HEADER),
        Slow(address, "a header that drips", b"GET /healthz HTTP/1.1\r\nHost: shop.example\r\nX-Slow: ", b"a", HEADER),
        Slow(address, "headers without an end", b"GET /healthz HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n", HEADER),
        Slow(address, "no body", post + b"Content-Length: 100\r\n\r\n", b"", BODY),
        Slow(address, "a body that drips", post + b"Content-Length: 1000\r\n\r\n", b" ", BODY),
        Slow(address, "chunks that drip", post + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", BODY),
        Slow(address, "a chunk without its end", post + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n", b" ", BODY),
        Slow(address, "a form that drips", b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
             b"Content-Length: 1000\r\n\r\n", b"a", BODY),
        Slow(address, "a quiet keep-alive", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", b"", IDLE),
    ]


class Deaf:
    """One that asks for pages and never reads an answer."""

    def __init__(self, address):
        self.line = socket.socket()
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.line.connect(address)
        self.line.setblocking(False)
        try:
            self.line.send(b"GET /openapi.json HTTP/1.1\r\nHost: shop.example\r\n\r\n" * 200)
        except BlockingIOError:
            pass

    def is_cut(self):
        return bool(ready(self.line, select.POLLRDHUP))


def ready(line, what):
    """What of it is so; hung up and broken count. (There are more sockets here than `select` can tell.)"""
    poll = select.poll()
    poll.register(line, what)
    return poll.poll(0)


def clients(run):
    place = Place(run.binary, run.folder("slow"))
    key = place.furnish()
    serving = place.serve()
    Visitor(serving.address).get("/healthz")
    before = serving.memory()
    calm = Calm(serving, key, f"quiet-{run.seed}")
    time.sleep(5)
    quiet = calm.end("a quiet gateway")
    calm = Calm(serving, key, f"slow-{run.seed}")
    idle = [socket.create_connection(serving.address) for _ in range(IDLE_CONNECTIONS)]
    slow = [one for _ in range(5) for one in kinds(serving.address, key)]
    most = watch(slow, IDLE + MORE, serving)
    late = sorted({f"{one.name} {one.took or 'never'}" for one in slow if one.took is None or one.took > one.within + MORE})
    if late:
        raise Failed(f"not closed in time: {late}")
    beside = calm.end("beside slow clients")
    calm = Calm(serving, key, f"deaf-{run.seed}")
    deaf = [Deaf(serving.address) for _ in range(DEAF)]
    wait_until(lambda: all(one.is_cut() for one in deaf), "clients that read nothing are cut off")
    most = max(most, serving.memory())
    besides = calm.end("beside clients that read nothing")
    for line in idle + [one.line for one in deaf]:
        line.close()
    grown = (most - before) / MB
    if grown > 120:
        raise Failed(f"{grown:.0f} MB more for {len(slow) + len(idle) + len(deaf)} slow clients")
    serving.stop()
    slowest = control(run)
    return (f"{len(slow)} in {len(kinds_of(slow))} kinds closed in time, {IDLE_CONNECTIONS} idle and {len(deaf)} that read nothing, "
            f"{grown:.0f} MB more; calm client p50/p99 {ms(quiet)} ms alone, {ms(beside)} and {ms(besides)} ms beside them; "
            f"control: with long limits {slowest} stay open"), len(slow)


def kinds_of(slow):
    return {one.name for one in slow}


def ms(pair):
    return "/".join(f"{1000 * value:.0f}" for value in pair)


def watch(slow, seconds, serving):
    """Until all are closed or the time is over; the most memory that was seen."""
    ends, most = time.monotonic() + seconds, 0
    while time.monotonic() < ends and any(one.took is None for one in slow):
        for one in slow:
            one.step()
        most = max(most, serving.memory())
        time.sleep(0.5)
    return most


def control(run):
    more = '[limits]\nheader_timeout = "10m"\nbody_timeout = "10m"\nidle_timeout = "10m"'
    place = Place(run.binary, run.folder("slow-control"), more=more)
    key = place.furnish()
    serving = place.serve()
    slow = kinds(serving.address, key)
    watch(slow, BODY + MORE, serving)
    closed = [one.name for one in slow if one.took is not None]
    serving.kill()
    if closed:
        raise Failed(f"the control: with limits of ten minutes these are closed: {closed}")
    return f"all {len(slow)}"
