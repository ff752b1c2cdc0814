"""What a traced gateway did to its files and told its callers, read from strace's text (-f -y -xx).

A call counts as begun in the line where it stands and as done in the line with its result; the numbers of these lines are
the time of everything here."""

import json
import re

CALLS = "openat,write,writev,sendto,sendmsg,pwrite64,pwritev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat"
STRACE = ["strace", "-f", "-qq", "-y", "-xx", "-s", "2097152", "--seccomp-bpf", "-e", f"trace={CALLS}", "-e", "signal=none"]

LINE = re.compile(r"(\d+) +(?:<\.\.\. (\w+) resumed>(.*)|(\w+)\((.*))$")
FD = re.compile(r"(\d+)<((?:\\x[0-9a-f]{2}|[^>])*)>")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
HEX = re.compile(r"((?:\\x[0-9a-f]{2})+)")
ACKNOWLEDGED = re.compile(rb'HTTP/1\.1 200 .*"message_id":"([^"]+)"', re.DOTALL)


class Op:
    """One change of a file, or one sync of it."""

    __slots__ = ("kind", "file", "begun", "done", "offset", "data", "thread")

    def __init__(self, kind, file, begun, offset=0, data=b""):
        self.kind, self.file, self.begun, self.done = kind, file, begun, None
        self.offset, self.data, self.thread = offset, data, 0


class Trace:
    """All of a recording: the changes below `data`, and when whose message was acknowledged."""

    def __init__(self, path, data):
        self.data, self.ops, self.acks, self.end = data, [], [], 0
        open_calls = {}
        with open(path, encoding="latin-1") as lines:
            for number, line in enumerate(lines):
                self.end = number + 1
                found = LINE.match(line)
                if not found:
                    continue
                thread, resumed, rest, name, args = found.groups()
                if resumed:
                    op = open_calls.pop((thread, resumed), None)
                    if op and not failed(rest):
                        op.done = number
                    continue
                whole = "<unfinished ...>" not in args
                if whole and failed(args):
                    continue
                op = self.read(name, args, number)
                if op is None:
                    continue
                op.thread = thread
                self.ops.append(op)
                if whole:
                    op.done = number
                else:
                    open_calls[thread, name] = op

        # What was handed to the phones, and when that was done.
        self.sent = [(op.done, json.loads(line)["message_id"]) for op in self.ops
                     if op.kind == "append" and op.file.endswith(".jsonl") and op.done is not None
                     for line in op.data.splitlines()]

    def read(self, name, args, number):
        """The change that a call makes; none: it is nothing below the data directory."""
        if name in ("sendto", "sendmsg", "writev", "write") and "socket:" in plain(args[:120]):
            said = ACKNOWLEDGED.search(b"".join(decoded(t) for t in TEXT.findall(args)))
            if said:
                self.acks.append((number, said.group(1).decode()))
            return None
        if name in ("rename", "renameat", "renameat2", "unlink", "unlinkat"):
            names = [self.inside(decoded(t).decode()) for t in TEXT.findall(args)]
            if not any(names):
                return None
            return Op("unlink" if "unlink" in name else "rename", names[0], number, data=names[-1])
        found = FD.match(args)
        file = self.inside(plain(found.group(2))) if found else None
        if file is None or file.endswith("-shm") or name == "openat":
            return None
        if name in ("fsync", "fdatasync"):
            return Op("sync", file, number)
        if name == "ftruncate":
            return Op("cut", file, number, offset=int(args.split(",")[1].split(")")[0].split("<")[0]))
        data = decoded(TEXT.search(args).group(1))
        if name == "pwrite64":
            at = int(re.search(r"(\d+)(?:\)| <unfinished)", args[args.rindex('"') + 1:].split(",")[-1]).group(1))
            return Op("put", file, number, offset=at, data=data)
        # The sandbox's file, which is appended to; nothing else is written by position here.
        return Op("append", file, number, data=data)

    def inside(self, path):
        path = path.removesuffix(" (deleted)")
        if path == self.data:
            return "."
        return path[len(self.data) + 1:] if path.startswith(self.data + "/") else None


def failed(rest):
    return ") = -1 " in rest or rest.rstrip().endswith(") = ?") or " = -1 E" in rest[-80:]


def decoded(text):
    return bytes.fromhex(text.replace("\\x", ""))


def plain(text):
    """Text in which what is written in hex is read."""
    return HEX.sub(lambda found: decoded(found.group(1)).decode("latin-1"), text)
