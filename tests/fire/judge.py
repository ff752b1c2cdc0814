"""The checker: what callers were told, what the database says, what arrived on the phones."""

import json
import os
import sqlite3

from gateway import INSTANCE

WENT = ("sent", "delivered", "read")


def rows(data):
    """Message ids with their state and text; raises sqlite3.DatabaseError for a database that is not sound."""
    db = sqlite3.connect(os.path.join(data, "wa-gateway.db"))
    try:
        found = [line for (line,) in db.execute("PRAGMA integrity_check") if line != "ok"]
        if found:
            raise sqlite3.DatabaseError(found[0])
        return {name: (state, body) for name, state, body in db.execute("SELECT message_id, status, body FROM messages")}
    finally:
        db.close()


def arrived(data):
    """Message ids on the phones, in their order; a torn last line was never taken."""
    path = os.path.join(data, "sandbox", f"{INSTANCE}.jsonl")
    if not os.path.exists(path):
        return []
    ids = []
    with open(path, "rb") as file:
        for line in file:
            try:
                ids.append(json.loads(line)["message_id"] if line.endswith(b"\n") else None)
            except ValueError:
                continue
    return [name for name in ids if name]


def problems(data, told):
    """Everything that must not be, one line each, of a gateway that is at rest."""
    found = []
    try:
        kept = rows(data)
    except sqlite3.DatabaseError as e:
        return [f"the database: {e}"]
    for name, text in told:
        if name not in kept or kept[name][0] not in WENT or kept[name][1] != text:
            found.append(f"{name} was acknowledged and is {kept.get(name, 'nowhere')}")
    times = {}
    for name in arrived(data):
        times[name] = times.get(name, 0) + 1
    for name, count in times.items():
        if count > 1:
            found.append(f"{name} arrived {count} times")
        if name not in kept or kept[name][0] not in (*WENT, "unknown"):
            found.append(f"{name} arrived and is {kept.get(name, 'nowhere')}")
    found.extend(f"{name} was acknowledged and did not arrive" for name, _ in told if name not in times)
    found.extend(f"{name} is {state} for ever" for name, (state, _) in kept.items() if state in ("accepted", "sending"))
    return found
