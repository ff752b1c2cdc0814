"""The plan of a preloaded shim (shim.c): a disk that fails and a clock that is wrong, changed while the program runs."""

import errno
import mmap
import os
import struct
import subprocess

OPEN, WRITE, SYNC, RENAME, CUT = 1, 2, 4, 8, 16
LIES = -1
FIELDS = struct.Struct("<7q128s")
NAMES = {OPEN: "open", WRITE: "write", SYNC: "sync", RENAME: "rename", CUT: "truncate"}


def words(call, error, name):
    return f"{'a lie' if error == LIES else errno.errorcode[error]} at {NAMES[call]} of {name}"


class Shim:
    """Compiled once for a place, and in the environment of everything that runs there from now on."""

    def __init__(self, place):
        library, plan = place.path("shim.so"), place.path("shim.plan")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shim.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
        with open(plan, "wb") as file:
            file.write(bytes(mmap.PAGESIZE))
        with open(plan, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        place.environment.update({"LD_PRELOAD": library, "SHIM_PLAN": plan})
        self.is_ahead = 0

    def ahead(self, seconds):
        """Sets the clock."""
        self.is_ahead = seconds
        self.map[0:8] = struct.pack("<q", seconds)

    def fail(self, call, error, name, first=1, count=1):
        """From the first-th call of this kind on such a file, so many fail."""
        self.heal()
        self.map[: FIELDS.size] = FIELDS.pack(self.is_ahead, 0, error, first, count, 0, 0, name.encode())
        # Last: what reads it sees the whole plan, or none.
        self.map[8:16] = struct.pack("<q", call)

    def heal(self):
        self.map[8:16] = struct.pack("<q", 0)

    def failed(self):
        return FIELDS.unpack(self.map[: FIELDS.size])[6]
