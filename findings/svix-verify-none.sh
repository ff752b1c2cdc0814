#!/bin/bash
# `verify` gives back nothing, so the receiver of the documentation works on None.
#
# Packages: svix 2.9.1 and standardwebhooks 1.1.0 (PyPI)
# Expected: the payload as parsed JSON. Svix's documentation, "Verifying payloads", Python: the result of
#   `wh.verify(payload, headers)` is the message that the example goes on with; so it was in 1.x, and so it is in
#   standardwebhooks, which svix 2 uses within.
# Seen:
#   expected: {'type': 'message.received'} from each
#   seen: svix 1.45.1 {'type': 'message.received'}, svix 2.9.1 None, standardwebhooks 1.1.0 {'type': 'message.received'}
# Why it matters for a WhatsApp gateway: receivers pin no version and break with the next build: `msg["type"]` is a
#   TypeError, the receiver answers 500, and the deliveries pile up at the gateway. Samples for receivers should parse
#   the body themselves after the check.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv old
python3 -m venv new
old/bin/pip install -q --disable-pip-version-check svix==1.45.1
new/bin/pip install -q --disable-pip-version-check svix==2.9.1 standardwebhooks==1.1.0
cat > check.py <<'PY'
import importlib, sys
from datetime import datetime, timezone
hook = importlib.import_module(sys.argv[1]).Webhook("whsec_YS1zZWNyZXQtb2YtdGhlc2UtZmluZGluZ3Mtb25seSE=")
body, now = '{"type": "message.received"}', datetime.now(timezone.utc)
headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": hook.sign("msg_1", now, body)}
print(hook.verify(body, headers))
PY
first=$(old/bin/python check.py svix.webhooks)
second=$(new/bin/python check.py svix.webhooks)
other=$(new/bin/python check.py standardwebhooks)
echo "expected: {'type': 'message.received'} from each"
echo "seen: svix 1.45.1 $first, svix 2.9.1 $second, standardwebhooks 1.1.0 $other"
[ "$first" = "$other" ] && [ "$second" = None ]
