#!/bin/bash
# The error class for "more than 24 hours" is never raised for Meta's own answer.
#
# Package: kapso-whatsapp-cloud-api 0.3.0 (PyPI), `categorize_error`
# Expected: `MessageWindowError`, which is described as the error for free texts after the 24 hours. Meta, Cloud API,
#   "Error codes": that refusal is code 131047, "Re-engagement message", with status 400; codes, not texts, are what
#   programs should decide by.
# Seen:
#   expected: 131047 MessageWindowError do_not_retry, 131056 RateLimitError retry_after_delay
#   seen, kapso-whatsapp-cloud-api 0.3.0: 131047 ValidationError do_not_retry, 131056 ValidationError do_not_retry
# Why it matters for a WhatsApp gateway: the class waits for status 422 and the words "24-hour". `except
#   MessageWindowError: send a template` never runs, and the customer gets nothing. Also 131056 (too many messages to
#   one person, try again later) is told as a fault of the request that must not be repeated.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check kapso-whatsapp-cloud-api==0.3.0
venv/bin/python - <<'PY'
import sys
from kapso_whatsapp.exceptions import categorize_error

def told(code, text, details):
    error = categorize_error(400, {"error": {"message": f"(#{code}) {text}", "type": "OAuthException", "code": code,
                             "error_data": {"messaging_product": "whatsapp", "details": details}, "fbtrace_id": "A"}})
    return f"{type(error).__name__} {error.retry_action.value}"
window = told(131047, "Re-engagement message", "The person last wrote more than 24 hours ago")
pair = told(131056, "(Business Account, Consumer Account) pair rate limit hit", "Too many messages to one number")
print("expected: 131047 MessageWindowError do_not_retry, 131056 RateLimitError retry_after_delay")
print(f"seen, kapso-whatsapp-cloud-api 0.3.0: 131047 {window}, 131056 {pair}")
sys.exit(0 if (window, pair) == ("ValidationError do_not_retry", "ValidationError do_not_retry") else 1)
PY
