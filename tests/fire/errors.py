"""The disk says no: a call on a file of ours fails with EIO, ENOSPC, EDQUOT or EMFILE from the K-th time on, once or for
as long as the load lasts; then it works again, and after that comes a kill.

What must hold: answers are "sent", "failed" or "not now, but then"; nothing that was acknowledged is lost; it heals
without a restart; a start that cannot read or write its files is refused with one line and changes nothing. Control: a
disk that says "written" and has written nothing must lose messages."""

import errno
import os
import shutil
import sqlite3
import time

import judge
from gateway import INSTANCE, Failed, Load, Place, send, wait_until
from shim import LIES, OPEN, RENAME, SYNC, WRITE, Shim, words

# A key is written beside its place first.
DATABASE, LOG, MEDIA, PHONES = "wa-gateway.db", "wa-gateway.db-wal", "/media/", "/sandbox/"
KEY, NEW_KEY = "secret.key", "secret.key.part"
EIO, ENOSPC, EDQUOT, EMFILE = errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EMFILE
UNDER_LOAD = [(WRITE, EIO, LOG), (WRITE, ENOSPC, LOG), (WRITE, EDQUOT, LOG), (SYNC, EIO, LOG), (WRITE, EIO, DATABASE),
              (WRITE, ENOSPC, DATABASE), (SYNC, EIO, DATABASE), (OPEN, EIO, MEDIA), (OPEN, EMFILE, MEDIA),
              (WRITE, ENOSPC, MEDIA), (SYNC, EIO, MEDIA), (RENAME, EIO, MEDIA), (WRITE, EIO, PHONES)]
AT_START = [(OPEN, EIO, DATABASE), (OPEN, EMFILE, DATABASE), (OPEN, EIO, LOG), (OPEN, EIO, KEY)]
AT_FIRST_START = [(OPEN, ENOSPC, DATABASE), (WRITE, ENOSPC, DATABASE), (SYNC, EIO, DATABASE), (WRITE, ENOSPC, LOG),
                  (OPEN, ENOSPC, NEW_KEY), (WRITE, ENOSPC, NEW_KEY), (SYNC, EIO, NEW_KEY), (RENAME, EIO, KEY)]
# What may be answered while the disk fails.
FAIR = {200, 202, 502, 503}
CLIENTS = 6


def injected(run):
    place = Place(run.binary, run.folder("errors"))
    key = place.furnish()
    whole = run.folder("errors-whole")
    shutil.copytree(place.data, whole, ignore=shutil.ignore_patterns("control.sock"))
    shim = Shim(place)
    starts = sum(refused_at_start(place, shim, whole, case) for case in AT_START)
    starts += sum(first_start(place, shim, case) for case in AT_FIRST_START)
    calls, told, statuses, rounds, ends = 0, [], {}, 0, run.ends_in(0.15)
    while rounds < 2 * len(UNDER_LOAD) or time.monotonic() < ends:
        case, lasting = UNDER_LOAD[rounds % len(UNDER_LOAD)], rounds // len(UNDER_LOAD) % 2
        first = run.dice.randint(1, 20)
        calls += under_load(place, shim, key, (case, first, lasting), (told, statuses, f"{run.seed}-{rounds}"))
        rounds += 1
    control(place, shim, key, run)
    said = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
    return (f"{rounds} rounds in {len(UNDER_LOAD)} kinds, {calls} calls failed ({said}), {len(told)} acknowledged, lost 0; "
            f"{starts} starts refused with a line, whole after it; control: a lying disk is found out"), rounds


def under_load(place, shim, key, trial, kept):
    """One round: load, calls that fail, well again, a kill, and the checker. How many calls failed."""
    (case, first, lasting), (told, statuses, name) = trial, kept
    call, error, file = case
    what = words(call, error, file)
    serving = place.serve()
    load = Load(serving, key, name, CLIENTS, pictures=True)
    load.wait_for(20)
    shim.fail(call, error, file, first, 10**9 if lasting else 1)
    hit_by_load(shim, load, what)
    if lasting:
        time.sleep(0.3)
    shim.heal()
    well_again(serving, key, what)
    told += load.end()
    for status, count in load.statuses.items():
        statuses[status] = statuses.get(status, 0) + count
    if not set(load.statuses) <= FAIR or load.bare:
        raise Failed(f"{what}: answers {load.statuses}, without a time: {load.bare[:1]}")
    serving.kill()
    serving = place.serve()
    if serving.get("/readyz")[0] != 200:
        raise Failed(f"{what}: not ready after a kill")
    found = judge.problems(place.data, told)
    if found:
        raise Failed(f"{what}: {found[:3]}")
    serving.stop()
    with open(serving.log, encoding="utf-8") as log:
        if "panicked" in log.read():
            raise Failed(f"{what}: a panic")
    return shim.failed()


def hit_by_load(shim, load, what):
    wait_until(lambda: shim.failed() > 0 or not any(t.is_alive() for t in load.threads), f"{what} is met")
    if not shim.failed():
        raise Failed(f"{what}: the clients ended before it was met ({load.statuses})")


def well_again(serving, key, what):
    """A message goes out, and it says that it is ready, without a restart."""
    def sent():
        return send(serving.address, key, phone="+966501999999", message="Your order is well again.")[0] == 200
    wait_until(sent, f"well again after {what}")
    wait_until(lambda: serving.get("/readyz")[0] == 200, f"ready again after {what}")


def refused_at_start(place, shim, whole, case):
    """With files that cannot be opened it does not start, and nothing is changed."""
    what = words(*case[:2], case[2])
    shutil.rmtree(place.data)
    shutil.copytree(whole, place.data)
    before = judge.rows(place.data)
    shim.fail(*case, count=10**9)
    try:
        serving = place.serve()
    except Failed as e:
        refused = str(e)
    else:
        serving.kill()
        # A log that is not there yet is opened by the first who writes.
        refused = None
    met = shim.failed()
    shim.heal()
    if refused is None and met:
        raise Failed(f"{what}: it starts")
    if refused and ("panicked" in refused or "rror" not in refused):
        raise Failed(f"{what}: refused with {refused}")
    if judge.rows(place.data) != before or [a["name"] for a in place.json("account", "list")] != ["Shop"]:
        raise Failed(f"{what}: the refused start changed something")
    return 1 if refused else 0


def first_start(place, shim, case):
    """On a new directory: refused, and the next try makes a whole one."""
    what, to = words(*case), place.path("first")
    shutil.rmtree(to, ignore_errors=True)
    shim.fail(*case, count=10**9)
    create = ("account", "create", "--name", "First", "--plan", "scale")
    done = place.run(*create, data=to)
    met = shim.failed()
    shim.heal()
    if met and (done.returncode == 0 or "panicked" in done.stderr or len(done.stderr.strip().splitlines()) != 1):
        raise Failed(f"{what}: rc {done.returncode}, {done.stderr}")
    if not met:
        raise Failed(f"{what}: not met by a first start")
    place.json(*create, data=to)
    if [a["name"] for a in place.json("account", "list", data=to)] != ["First"]:
        raise Failed(f"{what}: no whole directory after it")
    return 1


def control(place, shim, key, run):
    """Writes that are said to be done and are not."""
    serving = place.serve()
    load = Load(serving, key, f"{run.seed}-lies", 1)
    load.wait_for(5)
    shim.fail(WRITE, LIES, LOG, count=10**9)
    begun = len(load.told)
    wait_until(lambda: len(load.told) > begun + 5 or shim.failed() > 30, "a lying disk")
    serving.kill()
    told = load.end()
    shim.heal()
    try:
        found = judge.problems(place.data, told)
    except sqlite3.DatabaseError as e:
        found = [str(e)]
    if not found or len(told) <= begun:
        raise Failed(f"the control: a lying disk is not found out ({len(told) - begun} told)")
