#!/bin/bash
# HTML character references stay in the message: the customer reads "Fish &amp; chips".
#
# Package: py-whatsapp-formatter 1.0.6 (PyPI), `convert_html_to_whatsapp`
# Expected: "Fish & chips" and "5 < 6". HTML Living Standard, 13.1.4 (character references): `&amp;`, `&lt;` and
#   `&nbsp;` in text stand for the characters; whoever turns HTML into plain text decodes them. The function's
#   description: converts HTML to WhatsApp's format.
# Seen:
#   expected: *Fish & chips* 5 < 6
#   seen, py-whatsapp-formatter 1.0.6: *Fish &amp; chips* 5 &lt; 6
# Why it matters for a WhatsApp gateway: a shop's order notes are HTML with exactly these references (a product called
#   "Salt & Co"). WhatsApp shows them as written. A gateway may warn about "&amp;" in a text; it must not decode by
#   itself.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check py-whatsapp-formatter==1.0.6
venv/bin/python - <<'PY'
import sys
from whatsapp_formatter import convert_html_to_whatsapp as convert
seen = convert("<b>Fish &amp; chips</b> 5 &lt; 6")
print("expected: *Fish & chips* 5 < 6")
print(f"seen, py-whatsapp-formatter 1.0.6: {seen}")
sys.exit(0 if seen == "*Fish &amp; chips* 5 &lt; 6" else 1)
PY
