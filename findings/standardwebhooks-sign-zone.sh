#!/bin/bash
# The signature is wrong when the time is given in any zone but UTC: the clock's face is taken, not the moment.
#
# Package: standardwebhooks 1.1.0 (PyPI), `Webhook.sign`
# Expected: an aware time stands for one moment, whichever zone it is written in (Python documentation, datetime, "Aware
#   and naive objects"; `timestamp()`), so 12:00+03:00 and 09:00+00:00 give one signature. Standard Webhooks 1.0.0,
#   "Signature scheme": the signed timestamp is the integer of seconds since the epoch that goes into the header.
# Seen:
#   expected: accepted when signed with the moment in UTC, accepted when signed with the same moment at +03:00
#   seen, standardwebhooks 1.1.0: accepted in UTC, No matching signature found at +03:00
# Why it matters for a WhatsApp gateway: a sender in Riyadh that signs with `datetime.now(ZoneInfo("Asia/Riyadh"))` and
#   writes `int(t.timestamp())` into the header sends signatures that no receiver accepts, three hours off. Test senders
#   written with this library blame the receiver.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check standardwebhooks==1.1.0
venv/bin/python - <<'PY'
import sys
from datetime import datetime, timedelta, timezone
from standardwebhooks import Webhook, WebhookVerificationError

hook = Webhook("whsec_YS1zZWNyZXQtb2YtdGhlc2UtZmluZGluZ3Mtb25seSE=")
now = datetime.now(timezone.utc).replace(microsecond=0)
def delivered(moment):
    body = '{"type":"message.received"}'
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": hook.sign("msg_1", moment, body)}
    try:
        hook.verify(body, headers)
        return "accepted"
    except WebhookVerificationError as error:
        return str(error)

utc, riyadh = delivered(now), delivered(now.astimezone(timezone(timedelta(hours=3))))
print("expected: accepted when signed with the moment in UTC, accepted when signed with the same moment at +03:00")
print(f"seen, standardwebhooks 1.1.0: {utc} in UTC, {riyadh} at +03:00")
sys.exit(0 if (utc, riyadh) == ("accepted", "No matching signature found") else 1)
PY
