"""Where the gateway calls out to, by an owner's wish: addresses in every spelling and names of a DNS server of our own,
as a file to fetch, a webhook, a client's webhook of the Chattu dialect, a telephone system's address and a provider's.

What must hold: nobody who listens at a place that is not public hears of it. Controls: the listener does hear of a public
address, and of a private one that the administrator allows."""

import fcntl
import ipaddress
import json
import os
import socket
import struct
import subprocess
import threading
import time

from gateway import AS_OFTEN_AS_THEY_LIKE, INSTANCE, Failed, Place, Visitor, send, wait_until

PUBLIC, PUBLIC6 = "93.184.215.14", "2606:2800:220:1::1"
# Places that are nobody's business, as they are on our loopback interface: with the bits of their network.
PLACES = [("10.0.0.5", 8), ("172.16.0.5", 12), ("192.168.0.5", 16), ("169.254.169.254", 16), ("100.64.0.5", 10),
          ("100.100.100.200", 32), ("168.63.129.16", 32), ("192.0.0.192", 24), ("198.18.0.5", 15), ("192.0.2.5", 24),
          ("198.51.100.5", 24), ("203.0.113.5", 24), ("192.88.99.5", 24), (PUBLIC, 32)]
PLACES6 = [("fd00:ec2::254", 64), ("fc00::5", 64), ("fec0::5", 64), ("64:ff9b::7f00:1", 96), ("64:ff9b::a9fe:a9fe", 96),
           ("2002:7f00:1::5", 48), ("2001:0:7f00:1::5", 64), ("2001:db8::5", 64), (PUBLIC6, 64)]
PORTS = [80, 443, 8080]
HOSTS = ["127.0.0.1", "127.1", "127.0.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1",
         "0x7f.0.0.0x1", "127.000.000.001", "127.0.0.1.", "localhost", "LOCALHOST", "localhost.", "a.localhost", "[::1]", "[::]",
         "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
         "[64:ff9b::169.254.169.254]", "[2002:7f00:1::5]", "[2001:0:7f00:1::5]", "[fd00:ec2::254]", "[fc00::5]", "[fec0::5]",
         "[fe80::1%25lo]", "[::ffff:169.254.169.254]", "169.254.169.254", "169.254.43518", "2852039166", "0xa9fea9fe",
         "10.0.0.5", "10.5", "172.16.0.5", "192.168.0.5", "192.168.5", "100.64.0.5", "100.100.100.200", "168.63.129.16",
         "192.0.0.192", "198.18.0.5", "192.0.2.5", "198.51.100.5", "203.0.113.5", "192.88.99.5", "１２７.0.0.1", "127。0。0。1",
         "①②⑦.0.0.1", "user@127.0.0.1", "public.fire.example@127.0.0.1", "127.0.0.1#public.fire.example",
         "public.fire.example\\@127.0.0.1", "127.0.0.1%00.fire.example", "127.0.0.1\t", "%31%32%37.0.0.1"]
A, CNAME, AAAA = 1, 5, 28
NAMES = {
    "public": [(A, PUBLIC)], "public6": [(AAAA, PUBLIC6)], "loop": [(A, "127.0.0.1")], "six": [(AAAA, "::1")],
    "mapped": [(AAAA, "::ffff:127.0.0.1")], "metadata": [(A, "169.254.169.254")], "metadata6": [(AAAA, "fd00:ec2::254")],
    "private": [(A, "10.0.0.5")], "zero": [(A, "0.0.0.0")], "zero6": [(AAAA, "::")], "nat64": [(AAAA, "64:ff9b::7f00:1")],
    "tunnel": [(AAAA, "2002:7f00:1::5")], "compatible": [(AAAA, "::127.0.0.1")],
    "mixed": [(A, PUBLIC), (A, "127.0.0.1")], "mixed6": [(A, PUBLIC), (AAAA, "::1")],
    "alias": [(CNAME, "loop.fire.example"), (A, "127.0.0.1")],
    # Public at the first question, and inside from then on.
    "rebinding": [(A, PUBLIC)], "rebinding2": [(A, PUBLIC)], "rebinding3": [(A, PUBLIC)],
}


def bring_up():
    """Gives the loopback interface all those addresses (SIOCSIFADDR, SIOCSIFNETMASK)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        for n, (place, bits) in enumerate(PLACES):
            name = f"lo:{n + 1}".encode()
            mask = str(ipaddress.ip_network(f"0.0.0.0/{bits}").netmask)
            for call, value in ((0x8916, place), (0x891C, mask)):
                address = struct.pack("HH", socket.AF_INET, 0) + socket.inet_aton(value) + bytes(8)
                fcntl.ioctl(line, call, name.ljust(16, b"\0") + address)
    index = socket.if_nametoindex("lo")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as line:
        for place, bits in PLACES6:
            wanted = socket.inet_pton(socket.AF_INET6, place) + struct.pack("Ii", bits, index)
            fcntl.ioctl(line, 0x8916, wanted)


class Dns:
    """A name server for fire.example, on port 53."""

    def __init__(self, folder):
        self.asked = {}
        self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.bind(("127.0.0.53", 53))
        threading.Thread(target=self.serve, daemon=True).start()
        own = os.path.join(folder, "resolv.conf")
        with open(own, "w", encoding="utf-8") as file:
            file.write("nameserver 127.0.0.53\n")
        subprocess.run(["mount", "--bind", own, "/etc/resolv.conf"], check=True)

    def serve(self):
        while True:
            question, who = self.line.recvfrom(4096)
            self.line.sendto(self.answer(question), who)

    def answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        kind = struct.unpack(">H", question[at + 1:at + 3])[0]
        name = labels[0] if labels[1:] == ["fire", "example"] else None
        records = NAMES.get(name, [])
        if name and name.startswith("rebinding"):
            self.asked[name, kind] = self.asked.get((name, kind), 0) + 1
            records = records if self.asked[name, kind] == 1 else [(A, "127.0.0.1")]
        found = b"".join(record(*one) for one in records if one[0] in (kind, CNAME))
        count = sum(one[0] in (kind, CNAME) for one in records)
        flags = 0x8180 if records else 0x8183
        return question[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + question[12:at + 5] + found


def record(kind, value):
    if kind == CNAME:
        data = b"".join(bytes([len(part)]) + part.encode() for part in value.split(".")) + b"\0"
    else:
        data = socket.inet_pton(socket.AF_INET if kind == A else socket.AF_INET6, value)
    return struct.pack(">HHHIH", 0xC00C, kind, 1, 0, len(data)) + data


class Ears:
    """Listens at every address, and keeps which of them was called."""

    def __init__(self):
        self.called = []
        for port in PORTS:
            line = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
            threading.Thread(target=self.listen, args=(line,), daemon=True).start()

    def listen(self, line):
        while True:
            came, _ = line.accept()
            self.called.append(came.getsockname()[0].removeprefix("::ffff:"))
            came.close()

    def inside(self):
        return [place for place in self.called if place not in (PUBLIC, PUBLIC6)]


def urls():
    hosts = [*HOSTS, *(f"{name}.fire.example" for name in NAMES)]
    for n, host in enumerate(hosts):
        yield f"https://{host}/x"
        yield f"http://{host}{['', ':8080'][n % 2]}/x"


def addresses(run):
    bring_up()
    place = Place(run.binary, run.folder("egress"), more=AS_OFTEN_AS_THEY_LIKE)
    dns, ears = Dns(place.folder), Ears()
    key = place.furnish()
    owner = place.person("owner")
    chattu = place.json("key", "create", "--account", "1", "--kind", "chattu")["key"]
    serving = place.serve()
    tried, taken = 0, {"a webhook": 0, "a client's webhook": 0, "a telephone system": 0, "a provider": 0}
    for n, url in enumerate(urls()):
        as_file(serving, key, url)
        for way, status in (("a webhook", as_command(place, webhook(url))), ("a client's webhook", as_client_webhook(serving, chattu, url)),
                            ("a telephone system", as_command(place, telephone(url))),
                            ("a provider", as_provider(serving, owner, n, url))):
            taken[way] += status < 400
            # Each taken one calls, or would.
            tried += 1
        tried += 1
    for at in place.json("webhook", "list"):
        place.run("--json", "webhook", "test", str(at["id"]))
    for _ in range(3):
        send(serving.address, key, phone="+966501234567", message="Your order tells all webhooks.")
    wait_until(lambda: not waiting(place), "the webhooks' first tries")
    if ears.inside():
        raise Failed(f"called from outside's wish: {sorted(set(ears.inside()))}")
    if not all(taken.values()):
        raise Failed(f"the control: of all those names none was taken as {[way for way, count in taken.items() if not count]}")
    outside = controls(run, ears, serving, key)
    serving.stop()
    return (f"{tried} wishes of {len(HOSTS)} spellings and {len(NAMES)} names ({sum(taken.values())} taken, called later), calls to "
            f"places that are not public: 0; controls: {outside} calls to public ones, an allowed private one is called"), tried


def as_file(serving, key, url):
    return send(serving.address, key, phone="+966501234567", message="Your invoice.", media_url=url, media_type="document")[0]


def as_client_webhook(serving, key, url):
    body = json.dumps({"clientId": INSTANCE, "webhookUrl": url})
    return Visitor(serving.address).ask("POST", "/api/update-webhook", body, {"X-API-Key": key, "Content-Type": "application/json"})[0]


def webhook(url):
    return ("webhook", "create", "--account", "1", "--url", url, "--events", "message.sent")


def telephone(url):
    return ("threecx", "create", "--account", "1", "--instance", INSTANCE, "--destination", url)


def as_command(place, command):
    return 200 if place.run("--json", *command).returncode == 0 else 422


def as_provider(serving, owner, n, url):
    """An instance of the owner's own on an Evolution server at that address."""
    owner = as_provider.visitors.setdefault(serving.address, None) or Visitor(serving.address, owner)
    as_provider.visitors[serving.address] = owner
    return owner.post("/instances", {"connector": "evolution", "id": f"other-{n}", "name": "Other", "base_url": url,
                                     "api_key": "0123456789abcdef0123"})[0]


as_provider.visitors = {}


def waiting(place):
    """Deliveries that nobody tried yet."""
    return [d for d in place.json("webhook", "deliveries") if d.get("attempts") == 0]


def controls(run, ears, serving, key):
    """A public address is called; so is a private one that is on the administrator's list."""
    as_file(serving, key, "https://public.fire.example/x")
    as_file(serving, key, "https://public6.fire.example/x")
    outside = len(ears.called) - len(ears.inside())
    if not outside:
        raise Failed("the control: nobody hears of a public address")
    place = Place(run.binary, run.folder("egress-allowed"), more='[egress]\nallow = ["10.0.0.5:443 media"]')
    key = place.furnish()
    allowed = place.serve()
    as_file(allowed, key, "https://private.fire.example/x")
    begun = time.monotonic()
    while not ears.inside() and time.monotonic() < begun + 5:
        time.sleep(0.05)
    allowed.stop()
    if set(ears.inside()) != {"10.0.0.5"}:
        raise Failed(f"the control: of an allowed address the ears heard {ears.inside()}")
    return outside
