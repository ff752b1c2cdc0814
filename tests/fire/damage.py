"""Damaged data directories: each is refused with one line and left as it is, or served. Where only the key is wrong, the
database may take in its own log; its rows stay as they were. Controls: one without damage is served, one without its first
page is refused."""

import hashlib
import os
import shutil
import sqlite3
import time

import judge
from gateway import INSTANCE, Failed, Load, Place

PAGE = 4096
DATABASE, LOG, KEY = "wa-gateway.db", "wa-gateway.db-wal", "secret.key"


def directories(run):
    place = Place(run.binary, run.folder("damage"))
    key = place.furnish()
    serving = place.serve()
    load = Load(serving, key, "damage", 4)
    load.wait_for(200)
    serving.kill()
    load.end()
    # As a kill leaves it: with a log.
    whole = place.path("whole")
    shutil.copytree(place.data, whole, ignore=shutil.ignore_patterns("control.sock", "*-shm", "lock"))
    # Whoever reads the rows also moves the log.
    shutil.copytree(whole, place.path("rows"))
    if not try_one(place, whole, lambda data, dice: None, run.dice):
        raise Failed("the control: a directory without damage is refused")
    if try_one(place, whole, no_first_page, run.dice):
        raise Failed("the control: a database without its first page is served")
    served, refused, ends = 0, 0, run.ends_in(0.15)
    tried = 0
    while tried < 30 or time.monotonic() < ends:
        damage = DAMAGES[tried % len(DAMAGES)]
        tried += 1
        if try_one(place, whole, damage, run.dice):
            served += 1
        else:
            refused += 1
    return f"{tried} directories in {len(DAMAGES)} kinds: {refused} refused untouched, {served} served, 0 panics", tried


def try_one(place, whole, damage, dice):
    """Whether a damaged copy is served; what must not be is raised."""
    data, log = place.path("tried"), place.path("serve.log")
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(whole, data)
    damage(data, dice)
    before = digests(data)
    if os.path.exists(log):
        os.remove(log)
    try:
        serving = place.serve(data=data)
    except Failed:
        with open(log, encoding="utf-8") as file:
            said = [line for line in file.read().splitlines() if "WARN" not in line and "INFO" not in line]
        if len(said) != 1 or "panicked" in said[0]:
            raise Failed(f"{damage.__name__}: refused with {said}") from None
        changed = {name for name, digest in digests(data).items() if before.get(name) != digest}
        if damage in WRONG_KEYS and changed <= {DATABASE, LOG} and judge.rows(data) == judge.rows(place.path("rows")):
            return False
        if changed:
            raise Failed(f"{damage.__name__}: refused, and changed {changed}") from None
        return False
    serving.get("/readyz")
    serving.get("/login")
    serving.kill()
    with open(log, encoding="utf-8") as file:
        if "panicked" in file.read():
            raise Failed(f"{damage.__name__}: a panic")
    return True


def digests(data):
    found = {}
    for at, _, files in os.walk(data):
        for name in files:
            path = os.path.join(at, name)
            # The lock is ours; what is beside a log, and an empty log, is made by whoever looks.
            if name != "lock" and not name.endswith("-shm") and not (name == LOG and os.path.getsize(path) == 0):
                with open(path, "rb") as file:
                    found[os.path.relpath(path, data)] = hashlib.sha256(file.read()).hexdigest()
    return found


def write(data, name, at, content):
    with open(os.path.join(data, name), "r+b") as file:
        file.seek(at)
        file.write(content)


def size(data, name):
    return os.path.getsize(os.path.join(data, name))


def no_first_page(data, dice):
    # The log has a newer one.
    os.remove(os.path.join(data, LOG))
    write(data, DATABASE, 0, bytes(PAGE))


def a_page_of_zeros(data, dice):
    write(data, DATABASE, dice.randrange(size(data, DATABASE) // PAGE) * PAGE, bytes(PAGE))


def a_page_of_noise(data, dice):
    write(data, DATABASE, dice.randrange(size(data, DATABASE) // PAGE) * PAGE, dice.randbytes(PAGE))


def a_few_bytes(data, dice):
    write(data, DATABASE, dice.randrange(size(data, DATABASE) - 16), dice.randbytes(16))


def a_shorter_database(data, dice):
    os.truncate(os.path.join(data, DATABASE), dice.randrange(size(data, DATABASE)))


def an_empty_database(data, dice):
    os.truncate(os.path.join(data, DATABASE), 0)


def no_database(data, dice):
    os.remove(os.path.join(data, DATABASE))


def a_shorter_log(data, dice):
    os.truncate(os.path.join(data, LOG), dice.randrange(size(data, LOG)))


def a_log_of_noise(data, dice):
    write(data, LOG, dice.randrange(size(data, LOG) - 4096), dice.randbytes(4096))


def no_log(data, dice):
    os.remove(os.path.join(data, LOG))


def no_key(data, dice):
    os.remove(os.path.join(data, KEY))


def another_key(data, dice):
    write(data, KEY, 0, dice.randbytes(32))


def a_shorter_key(data, dice):
    os.truncate(os.path.join(data, KEY), dice.randrange(32))


def a_newer_schema(data, dice):
    os.remove(os.path.join(data, LOG))
    write(data, DATABASE, 60, (999).to_bytes(4, "big"))


def a_foreign_database(data, dice):
    for name in (DATABASE, LOG):
        os.remove(os.path.join(data, name))
    db = sqlite3.connect(os.path.join(data, DATABASE))
    db.execute("CREATE TABLE theirs (x)")
    db.commit()
    db.close()


def half_a_restore(data, dice):
    os.mkdir(os.path.join(data, ".restoring"))


def an_inbox_of_noise(data, dice):
    write(data, os.path.join("sandbox", f"{INSTANCE}.jsonl"), 0, dice.randbytes(512))


DAMAGES = [a_page_of_zeros, a_page_of_noise, a_few_bytes, a_shorter_database, an_empty_database, no_database,
           a_shorter_log, a_log_of_noise, no_log, no_key, another_key, a_shorter_key, a_newer_schema,
           a_foreign_database, half_a_restore, an_inbox_of_noise]
WRONG_KEYS = [no_key, another_key, a_shorter_key]
