"""The power goes: what the real program wrote is recorded with strace under load and put together again as a disk may have
it at any moment: everything that was synced, and of the rest a random part, the last write of it torn.

Whoever was told "sent" before that moment must find the message. Controls, each of which must lose: a disk on which a sync
does nothing, and a log that is synced before checkpoints only (SQLite's synchronous=NORMAL)."""

import os
import shutil
import sqlite3
import time

import judge
from gateway import INSTANCE, Failed, Load, Place
from trace import STRACE, Trace

LOG, DATABASE = "wa-gateway.db-wal", "wa-gateway.db"
INBOX = f"sandbox/{INSTANCE}.jsonl"
# Acknowledged messages that are recorded; enough for the log to be folded into the database more than once.
MESSAGES = 700
# Of so many states one is opened by the program itself.
OPENED_EVERY = 40


def crash_states(run):
    place, trace, start = record(run)
    disk = Disk(trace, start, run.dice)
    folder = run.folder("state")
    states, opened, acked = 0, 0, 0
    ends = run.ends_in(0.4)
    while states < run.states or time.monotonic() < ends:
        cut = disk.moment()
        disk.lay_out(folder, cut, lambda sync: True)
        # First by the program: whoever looks at the database also mends it.
        if states % OPENED_EVERY == 0:
            serving = place.serve(data=folder)
            if serving.get("/readyz")[0] != 200:
                raise Failed(f"state {states}: not ready")
            serving.kill()
            opened += 1
        found = lost(folder, trace, cut)
        if found:
            raise Failed(f"state {states}, cut at line {cut} of {trace.end}: {found[:3]}")
        acked += sum(1 for at, _ in trace.acks if at < cut)
        states += 1
    bad = {}
    for name, counts in (("no sync", lambda sync: False), ("NORMAL", disk.is_before_checkpoint)):
        bad[name] = 0
        for _ in range(100):
            cut = disk.moment()
            disk.lay_out(folder, cut, counts)
            bad[name] += bool(lost(folder, trace, cut))
        if bad[name] < 10:
            raise Failed(f"the control {name}: only {bad[name]} of 100 states are bad")
    said = ", ".join(f"{name} bad {count}/100" for name, count in bad.items())
    return (f"{states} states of {len(trace.acks)} messages and {disk.checkpoints} checkpoints ({acked} looked up), "
            f"{opened} opened by the program, lost 0, damaged 0; controls: {said}"), states


def record(run):
    """A gateway under load, traced; killed at the end. Its data directory as it was before, with the trace."""
    place = Place(run.binary, run.folder("recorded"))
    key = place.furnish()
    start, text = run.folder("before"), place.path("trace")
    shutil.copytree(place.data, start, ignore=shutil.ignore_patterns("control.sock", "*-shm", "lock"))
    serving = place.serve(before=[*STRACE, "-o", text])
    load = Load(serving, key, f"cut-{run.seed}", 8)
    load.wait_for(MESSAGES)
    told = load.end()
    serving.kill()
    trace = Trace(text, place.data)
    os.remove(text)
    missing = {name for name, _ in told} - {name for _, name in trace.acks}
    if missing or not trace.acks:
        raise Failed(f"the recording lacks {len(missing)} of {len(told)} acknowledgements")
    return place, trace, start


class Disk:
    """The files as they were before, and what was done to them since."""

    def __init__(self, trace, start, dice):
        self.trace, self.start, self.dice = trace, start, dice
        self.files = {}
        for op in trace.ops:
            self.files.setdefault(op.file, []).append(op)
        odd = [op for op in trace.ops if op.kind in ("rename", "unlink") and op.file in (DATABASE, INBOX)]
        if odd:
            raise Failed(f"names changed under load, which this does not replay: {odd[0].file}")
        self.folded = [op.begun for op in self.files.get(DATABASE, []) if op.kind == "put"]
        self.syncs = [op for op in self.files.get(LOG, []) if op.kind == "sync"]
        runs = [b for a, b in zip([-10**9, *self.folded], self.folded) if b - a > 500]
        self.checkpoints = len(runs)
        if not self.folded or not self.syncs:
            raise Failed("the recording has no checkpoint: nothing of it was tried")
        self.normal = {sync.begun for sync in self.syncs if self.is_behind(sync)}
        self.before = {name: self.read(name) for name in (DATABASE, LOG, INBOX)}

    def read(self, name):
        path = os.path.join(self.start, name)
        if not os.path.exists(path):
            return b""
        with open(path, "rb") as file:
            return file.read()

    def moment(self):
        """A third at random, a third right behind an answer, a third within a checkpoint."""
        kind = self.dice.randrange(3)
        if kind == 0:
            return self.dice.randrange(self.trace.end)
        if kind == 1:
            return self.dice.choice(self.trace.acks)[0] + 1
        return self.dice.choice(self.folded) + self.dice.randint(0, 3)

    def is_before_checkpoint(self, sync):
        """Whether a sync counts where the log is synced for checkpoints only."""
        return sync.file != LOG or sync.begun in self.normal

    def is_behind(self, sync):
        """Whether the next thing behind a sync of the log is a write to the database."""
        later = [op.begun for op in self.files[LOG] if op.kind == "put" and op.begun > sync.begun]
        folded = [at for at in self.folded if at > sync.begun]
        return bool(folded) and (not later or folded[0] < later[0])

    def lay_out(self, folder, cut, counts):
        """Writes the data directory as it may be after a power cut at line `cut`."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.start, folder)
        how = self.dice.choice(["none", "all", "prefix", "some"])
        for name in (DATABASE, LOG, INBOX):
            ops = [op for op in self.files.get(name, []) if op.begun < cut]
            synced = max((op.begun for op in ops if op.kind == "sync" and op.done is not None and op.done < cut
                          and counts(op)), default=-1)
            content = bytearray(self.before[name])
            rest = []
            for op in ops:
                if op.kind == "sync":
                    continue
                if op.done is not None and op.done < synced:
                    apply(content, op)
                else:
                    rest.append(op)
            for op, size in self.survivors(rest, how):
                apply(content, op, size)
            path = os.path.join(folder, name)
            if content or os.path.exists(path):
                with open(path, "wb") as file:
                    file.write(content)

    def survivors(self, rest, how):
        """Which of the writes that nothing synced are on the disk, and how much of each."""
        if how == "none" or not rest:
            return []
        if how == "all":
            return [(op, None) for op in rest]
        if how == "prefix":
            kept = rest[: self.dice.randint(0, len(rest))]
        else:
            kept = [op for op in rest if self.dice.random() < 0.5]
        if not kept:
            return []
        step = self.dice.choice([512, 4096])
        torn = self.dice.randint(0, len(kept[-1].data) // step) * step
        return [(op, None) for op in kept[:-1]] + [(kept[-1], torn)]


def apply(content, op, size=None):
    if op.kind == "cut":
        del content[op.offset:]
        content.extend(bytes(op.offset - len(content)))
        return
    data = op.data if size is None else op.data[:size]
    at = len(content) if op.kind == "append" else op.offset
    if at > len(content):
        content.extend(bytes(at - len(content)))
    content[at:at + len(data)] = data


def lost(folder, trace, cut):
    """What must not be in this state, one line each."""
    try:
        kept = judge.rows(folder)
    except sqlite3.DatabaseError as e:
        return [f"the database: {e}"]
    found = [f"{name} was acknowledged and is {kept.get(name, 'nowhere')}" for at, name in trace.acks
             if at < cut and kept.get(name, ("",))[0] not in judge.WENT]
    # What was handed to the provider is there whatever our disk remembers.
    found.extend(f"{name} was sent and has no row" for at, name in trace.sent if at < cut and name not in kept)
    return found
