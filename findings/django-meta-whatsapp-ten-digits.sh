#!/bin/bash
# A complete international number of ten digits is made an Indian one: the message goes to a stranger.
#
# Package: django-meta-whatsapp 1.1.0 (PyPI)
# Expected: +65 8000 0000 stays 6580000000. ITU-T E.164, 6: a number with its country code is complete; Singapore,
#   Norway and Denmark have two digits of country code and eight of number. The plus sign says that the country code is
#   there.
# Seen:
#   expected: 966501234567 6580000000 4790000000 4520000000
#   seen, django-meta-whatsapp 1.1.0: 966501234567 916580000000 914790000000 914520000000
# Why it matters for a WhatsApp gateway: the plus is taken off before the digits are counted. Orders and codes for these
#   three countries reach people in India, who may answer. A gateway cannot see it: +91 65 8000 0000 is a fine number.
#   It is one more reason to warn when a text goes to a country that the account never wrote to.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check django-meta-whatsapp==1.1.0 django==5.2.8
venv/bin/python - <<'PY'
import sys
from django.conf import settings
settings.configure(WHATSAPP={"ACCESS_TOKEN": "t", "PHONE_NUMBER_ID": "1001"})
import requests
from django_meta_whatsapp.utils import send_text_message

to = []
class Answer:
    status_code = 200
    def json(self): return {"messages": [{"id": "wamid.1"}]}
def post(url, json, **rest):
    to.append(json["to"])
    return Answer()
requests.post = post
for number in ("+966501234567", "+6580000000", "+4790000000", "+4520000000"):
    send_text_message(number, "hi")
print("expected: 966501234567 6580000000 4790000000 4520000000")
print("seen, django-meta-whatsapp 1.1.0: " + " ".join(to))
sys.exit(0 if to == ["966501234567", "916580000000", "914790000000", "914520000000"] else 1)
PY
