"""Floods over HTTP/2: streams that are opened and reset, pings, settings, headers without an end, windows of nothing.

Each flood is bounded, on the TLS listener of a gateway of its own, by a few clients for a few seconds. What must hold: a
calm client is served all the while, memory stays bounded, and it lives. Control: a gateway that stands still (SIGSTOP)
does not pass for one that serves."""

import os
import signal
import socket
import ssl
import struct
import threading
import time

from calm import Calm
from gateway import Failed, Place
from slow import MB, ms

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RESET, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
# GET https://a/healthz in HPACK: from the static table, and literals without an index.
ASK = b"\x82\x87" + b"\x04\x08/healthz" + b"\x01\x01a"
SECONDS, CLIENTS = 4, 3
# Frames that one client sends at most.
MOST = 200_000


def frame(kind, flags, stream, content=b""):
    return struct.pack(">I", len(content))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + content


def opened_and_reset(n):
    stream = 2 * n + 1
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, ASK) + frame(RESET, 0, stream, struct.pack(">I", 8))


def opened(n):
    return frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, ASK)


def half_opened(n):
    """Headers whose end never comes."""
    return frame(HEADERS, END_STREAM, 1, ASK) if n == 0 else frame(CONTINUATION, 0, 1, b"\x00\x03x-a\x01b" * 50)


def empty_data(n):
    return frame(HEADERS, END_HEADERS, 1, ASK) if n == 0 else frame(DATA, 0, 1)


FLOODS = {
    "reset": opened_and_reset,
    "streams": opened,
    "continuation": half_opened,
    "ping": lambda n: frame(PING, 0, 0, struct.pack(">Q", n)),
    "settings": lambda n: frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535 + n % 100)),
    "priority": lambda n: frame(PRIORITY, 0, 2 * n + 1, struct.pack(">IB", 0, 16)),
    "empty data": empty_data,
    "no window": lambda n: frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0)) + opened(0) if n == 0 else opened(n),
}


class Flood:
    """One client of one kind of flood, in a thread."""

    def __init__(self, address, make, ends):
        self.sent, self.told = 0, "open"
        self.work = threading.Thread(target=self.press, args=(address, make, ends), daemon=True)
        self.work.start()

    def press(self, address, make, ends):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        try:
            with socket.create_connection(address, timeout=5) as plain, context.wrap_socket(plain) as line:
                line.settimeout(1)
                line.sendall(PREFACE + frame(SETTINGS, 0, 0))
                while time.monotonic() < ends and self.sent < MOST:
                    line.sendall(b"".join(make(self.sent + i) for i in range(20)))
                    self.sent += 20
                    self.listen(line)
        except OSError:
            self.told = "closed"

    def listen(self, line):
        """Reads what came, so that it is not our own silence that stops it."""
        line.setblocking(False)
        try:
            came = line.recv(65536)
            if not came:
                raise ConnectionError
        except (ssl.SSLWantReadError, BlockingIOError):
            pass
        finally:
            line.settimeout(1)


def http2(run):
    place = Place(run.binary, run.folder("floods"), listen='public = "127.0.0.1:0"')
    key = place.furnish()
    serving = place.serve()
    public = serving.all_addresses(2)["public"]
    calm = Calm(serving, key, f"{run.seed}-quiet")
    time.sleep(SECONDS)
    quiet, before, said = calm.end("a quiet gateway"), serving.memory(), []
    for name, make in FLOODS.items():
        calm, ends = Calm(serving, key, f"{run.seed}-{name.replace(' ', '-')}"), time.monotonic() + SECONDS
        frames, closed = 0, 0
        while time.monotonic() < ends:
            floods = [Flood(public, make, ends) for _ in range(CLIENTS)]
            for flood in floods:
                flood.work.join()
            frames += sum(flood.sent for flood in floods)
            closed += sum(flood.told == "closed" for flood in floods)
        took = calm.end(f"beside the flood {name}")
        said.append(f"{name} {frames} frames, {closed} connections closed, calm {ms(took)} ms")
    grown = (serving.memory() - before) / MB
    if grown > 60:
        raise Failed(f"{grown:.0f} MB more after the floods")
    if serving.process.poll() is not None or serving.get("/readyz")[0] != 200:
        raise Failed("not ready after the floods")
    with open(serving.log, encoding="utf-8") as log:
        written = log.read()
    if "panicked" in written or len(written) > MB:
        raise Failed(f"the floods wrote {len(written)} bytes of log: {written[-200:]}")
    control(serving, key, run)
    serving.stop()
    return f"quiet {ms(quiet)} ms; {'; '.join(said)}; {grown:.0f} MB more; control: one that stands still is seen", len(FLOODS)


def control(serving, key, run):
    calm = Calm(serving, key, f"{run.seed}-still")
    os.kill(serving.pid(), signal.SIGSTOP)
    time.sleep(2)
    os.kill(serving.pid(), signal.SIGCONT)
    _, p99 = calm.end("the control")
    if p99 < 1:
        raise Failed(f"the control: a gateway that stood still answered in {1000 * p99:.0f} ms")
