"""What strangers and people take of the memory: logins with wrong and with right passwords, each a hash of 19 MB.

What must hold: resident memory after 200 of each is at most what it was at rest and 45 MB, and a minute later at most
that and 10 MB. Control: while passwords are checked, at least one hash's block is seen by the same measure."""

import re
import threading
import time

from gateway import PASSWORD, Failed, Place, Visitor

MB = 1 << 20
LOGINS, CLIENTS = 200, 4
BLOCK, AFTER, RESTED = 19, 45, 10


def logins(run):
    said, first = [], None
    for binary in [run.binary, *([run.beside] if run.beside else [])]:
        idle, wrong, right, rested, most = one(run, binary)
        figures = (f"idle {idle:.0f}, after {LOGINS} wrong +{wrong - idle:.0f}, after {LOGINS} right +{right - idle:.0f}, a minute later "
                   f"{rested - idle:+.0f}, peak +{most - idle:.0f} MB")
        said.append(figures)
        if first is None:
            first = (idle, wrong, right, rested, most)
    idle, wrong, right, rested, most = first
    if most - idle < BLOCK:
        raise Failed(f"the control: no hash was seen in memory: {said[0]}")
    if max(wrong, right) - idle > AFTER or rested - idle > RESTED:
        raise Failed(said[0])
    return "; beside it: ".join(said), 2 * LOGINS


def one(run, binary):
    place = Place(binary, run.folder("memory"), listen='trusted_proxies = ["127.0.0.0/8"]')
    place.furnish()
    owner = place.person("owner")
    serving = place.serve()
    Visitor(serving.address).get("/login")
    time.sleep(3)
    idle = serving.memory() / MB
    press(serving, lambda n: (f"nobody-{n}@shop.example", "not this one at all"), 422)
    wrong = serving.memory() / MB
    press(serving, lambda n: (owner, PASSWORD), 303)
    right = serving.memory() / MB
    with open(f"/proc/{serving.pid()}/status", encoding="utf-8") as file:
        most = int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1)) / 1024
    time.sleep(60)
    rested = serving.memory() / MB
    serving.stop()
    return idle, wrong, right, rested, most


def press(serving, who, status):
    """So many logins, each from an address of its own; all must be judged."""
    answers, left = [], list(range(LOGINS))

    def work():
        while left:
            n = left.pop()
            email, password = who(n)
            at = {"X-Forwarded-For": f"198.51.{n // 250 + 1}.{n % 250 + 1}"}
            answers.append(Visitor(serving.address).post("/login", {"email": email, "password": password}, at)[0])

    threads = [threading.Thread(target=work, daemon=True) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if answers.count(status) != LOGINS:
        raise Failed(f"of {LOGINS} logins {answers.count(status)} were answered {status}: {set(answers)}")
