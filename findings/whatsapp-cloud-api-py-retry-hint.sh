#!/bin/bash
# "Retry" is the advice for refusals that mean the opposite: the person has opted out, the bill is not paid, Meta protects the person.
#
# Package: whatsapp-cloud-api-py 0.3.0 (PyPI), `GraphApiError.retry`
# Expected: "do_not_retry", or "fix_and_retry" for the bill: the package has both words. Meta, Cloud API, "Error codes":
#   131050 the person has chosen to get no marketing messages from you; 131042 something is wrong with the payment
#   method; 131049 not delivered to keep engagement healthy, and sending it again at once will only be refused again.
# Seen:
#   expected: 131047 do_not_retry, 131050 do_not_retry, 131042 fix_and_retry, 131049 do_not_retry
#   seen, whatsapp-cloud-api-py 0.3.0: 131047 do_not_retry, 131050 retry, 131042 retry, 131049 retry
# Why it matters for a WhatsApp gateway: codes that the library does not list are "unknown", and "unknown" means
#   "retry". A worker that follows the hint writes to people who opted out until the number's quality falls. The gateway
#   behind it has to hold the opt-out itself.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check whatsapp-cloud-api-py==0.3.0
venv/bin/python - <<'PY'
import sys
from whatsapp_cloud_api.errors import GraphApiError

seen = {}
for code in (131047, 131050, 131042, 131049):
    error = GraphApiError.from_response(400, {"error": {"message": f"(#{code})", "type": "OAuthException", "code": code, "fbtrace_id": "A"}})
    seen[code] = error.retry.action
print("expected: 131047 do_not_retry, 131050 do_not_retry, 131042 fix_and_retry, 131049 do_not_retry")
print("seen, whatsapp-cloud-api-py 0.3.0: " + ", ".join(f"{code} {action}" for code, action in seen.items()))
sys.exit(0 if list(seen.values()) == ["do_not_retry", "retry", "retry", "retry"] else 1)
PY
