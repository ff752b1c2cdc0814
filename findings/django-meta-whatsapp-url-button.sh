#!/bin/bash
# The parameter of a template's link button is built in the form that Meta takes for reply buttons only.
#
# Package: django-meta-whatsapp 1.1.0 (PyPI), `build_template_components`
# Expected: `{"type": "text", "text": ...}` for `sub_type: "url"`, which the function's description offers beside
#   "quick_reply". Meta, Cloud API, messages reference, "Button parameter object": `payload` is for quick_reply buttons,
#   `text` for url buttons and required there.
# Seen:
#   expected: [{"type": "text", "text": "2041"}] for sub_type url
#   seen, django-meta-whatsapp 1.1.0: [{"type": "payload", "payload": "2041"}] for sub_type url
# Why it matters for a WhatsApp gateway: Meta refuses the message, at the customer's first order. A one-time-code
#   template needs this very parameter. A gateway with a template door should check the type per button.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check django-meta-whatsapp==1.1.0 django==5.2.8
venv/bin/python - <<'PY'
import json, sys
from django.conf import settings
settings.configure()
from django_meta_whatsapp.utils import build_template_components
button = build_template_components(buttons=[{"index": 0, "sub_type": "url", "payload": "2041"}])[0]
seen = json.dumps(button["parameters"])
print('expected: [{"type": "text", "text": "2041"}] for sub_type url')
print(f"seen, django-meta-whatsapp 1.1.0: {seen} for sub_type {button['sub_type']}")
sys.exit(0 if seen == '[{"type": "payload", "payload": "2041"}]' else 1)
PY
