"""kill -9 of the program: under load at random moments, and at each change of a file in a restore, a backup and a first
start. Controls: a checker that is shown a lost row and a doubled message; a folder in which kills must leave something."""

import os
import shutil
import sqlite3
import subprocess
import time

import judge
from gateway import INSTANCE, Failed, Load, Place

CLIENTS = 6


# Rounds on one data directory: all of it is read after each.
ROUNDS = 50


def under_load(run):
    """Rounds of load, kill and start until the time is over."""
    told, acknowledged, rounds, slowest, ends = [], 0, 0, 0.0, run.ends_in(0.25)
    place = serving = key = None
    while rounds < run.kills or time.monotonic() < ends:
        if rounds % ROUNDS == 0:
            acknowledged, told = acknowledged + len(told), []
            if serving:
                serving.stop()
            place = Place(run.binary, run.folder("kills"))
            key = place.furnish()
            serving = place.serve()
        rounds += 1
        load = Load(serving, key, f"{run.seed}-{rounds}", CLIENTS)
        time.sleep(run.dice.uniform(0.02, 0.6))
        serving.kill()
        told += load.end()
        begun = time.monotonic()
        serving = place.serve()
        if serving.get("/readyz")[0] != 200:
            raise Failed("not ready after a kill")
        slowest = max(slowest, time.monotonic() - begun)
        found = judge.problems(place.data, told)
        if found:
            raise Failed(f"round {rounds}: {found[:3]}")
    serving.stop()
    control_of_the_checker(place, told, run.folder("kills-control"))
    acknowledged += len(told)
    return f"{rounds} kills, {acknowledged} acknowledged, lost 0, doubled 0, slowest start {slowest:.2f} s", rounds


def control_of_the_checker(place, told, folder):
    """A lost row and a doubled message must be seen."""
    for what in ("row", "line"):
        data = os.path.join(folder, what)
        shutil.copytree(place.data, data, ignore=shutil.ignore_patterns("control.sock"))
        if what == "row":
            db = sqlite3.connect(os.path.join(data, "wa-gateway.db"))
            db.execute("PRAGMA foreign_keys = OFF")
            db.execute("UPDATE messages SET message_id = 'gone' WHERE message_id = ?", (told[-1][0],))
            db.commit()
            db.close()
        else:
            path = os.path.join(data, "sandbox", f"{INSTANCE}.jsonl")
            with open(path, "rb") as file:
                last = file.readlines()[-1]
            with open(path, "ab") as file:
                file.write(last)
        if not judge.problems(data, told):
            raise Failed(f"the control: a wrong {what} was not seen")


class KillAt:
    """Commands that die at their nth change of a file (tests/it/harness/kill_at.c)."""

    def __init__(self, run, place):
        # Half backups that were seen: what is swept later was there.
        self.left = 0
        self.place, self.library = place, os.path.join(run.folder("kill-at"), "kill_at.so")
        os.makedirs(os.path.dirname(self.library))
        here = os.path.dirname(os.path.abspath(__file__))
        source = os.path.join(here, "..", "it", "harness", "kill_at.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, source], check=True)

    def __call__(self, at, below, *args, data=None):
        env = ["env", f"LD_PRELOAD={self.library}", f"KILL_AT={at}", f"KILL_BELOW={below}"]
        return self.place.run(*args, data=data, before=env).returncode


def tree(folder):
    """Files below a folder, without what comes and goes while a gateway is used."""
    names = {os.path.relpath(os.path.join(at, name), folder) for at, _, files in os.walk(folder) for name in files}
    return {n for n in names if n != "lock" and not n.endswith(("-wal", "-shm"))}


def at_each_change(run):
    """Every change, or a random part of them where the time is short."""
    place = Place(run.binary, run.folder("steps"))
    place.furnish()
    place.json("send", "--instance", INSTANCE, "--to", "+966501234567", "--purpose", "support", "Hello.")
    kill = KillAt(run, place)
    backup = place.path("backup")
    place.json("backup", backup)
    counts = {}
    for name, trial in (("restore", restore), ("backup", make_backup), ("first start", first_start)):
        ends, counts[name], at = run.ends_in(0.08), 0, 1
        while trial(place, kill, at, backup):
            counts[name] += 1
            # Where the time is short, fewer of them.
            at += 1 if time.monotonic() < ends else run.dice.randint(2, 20)
        if counts[name] < 3:
            raise Failed(f"the control: {name} was killed {counts[name]} times only")
    left = halves(place)
    if left or not kill.left:
        raise Failed(f"killed backups left {kill.left} files for a moment, and {left} for good")
    total = sum(counts.values())
    return ", ".join(f"{name} {count}" for name, count in counts.items()) + ": refused or whole, nothing left", total


def restore(place, kill, at, backup):
    to = place.path("to")
    shutil.rmtree(to, ignore_errors=True)
    if kill(at, to, "restore", backup, data=to) == 0:
        return False
    if os.path.exists(os.path.join(to, ".restoring")):
        done = place.run("serve", data=to)
        if done.returncode == 0 or "restore` again" not in done.stderr:
            raise Failed(f"restore killed at {at}: serve says {done.stderr}")
    if os.path.exists(os.path.join(to, ".restoring")) or not os.path.exists(os.path.join(to, "wa-gateway.db")):
        place.json("restore", backup, data=to)
    if [a["name"] for a in place.json("account", "list", data=to)] != ["Shop"] or tree(to) != tree(place.data):
        raise Failed(f"restore killed at {at}: {tree(to)}")
    return True


def halves(place):
    return [name for name in os.listdir(place.folder) if name.endswith(".part")]


def make_backup(place, kill, at, _):
    file, to = place.path("killed"), place.path("to")
    code = kill(at, place.folder, "backup", file)
    kill.left += len(halves(place))
    if os.path.exists(file):
        shutil.rmtree(to, ignore_errors=True)
        place.json("restore", file, data=to)
        os.remove(file)
    return code != 0


def first_start(place, kill, at, _):
    to = place.path("to")
    shutil.rmtree(to, ignore_errors=True)
    create = ("account", "create", "--name", "First", "--plan", "scale")
    code = kill(at, to, *create, data=to)
    if code != 0:
        place.json(*create, data=to)
    names = [a["name"] for a in place.json("account", "list", data=to)]
    if set(names) != {"First"}:
        raise Failed(f"first start killed at {at}: {names}")
    return code != 0
