#!/bin/bash
# Set up as its README says, the package neither sends nor passes Meta's check of the callback address.
#
# Package: django-meta-whatsapp 1.1.0 (PyPI)
# Expected: with `WHATSAPP = {"API_TOKEN": ..., "PHONE_NUMBER_ID": ..., "WEBHOOK_VERIFY_TOKEN": ...}`, the block
#   "Required" of the README's configuration, a text can be sent, and Meta's verification request with that token is
#   answered with the challenge.
# Seen:
#   expected: sent; 200 1158201444
#   seen, django-meta-whatsapp 1.1.0: Missing Meta WhatsApp credentials; 403 Forbidden
# Why it matters for a WhatsApp gateway: the code reads ACCESS_TOKEN and VERIFY_TOKEN instead. Whoever sets up such a
#   receiver sees "Forbidden" in Meta's dashboard and looks for the fault on the other side; support questions about
#   tokens that are right.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check django-meta-whatsapp==1.1.0 django==5.2.8
venv/bin/python - <<'PY'
import sys
import django
from django.conf import settings

settings.configure(
    SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF="django_meta_whatsapp.urls", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django.contrib.messages", "django_meta_whatsapp"],
    WHATSAPP={"API_TOKEN": "EAA-token", "PHONE_NUMBER_ID": "1234567890", "WEBHOOK_VERIFY_TOKEN": "a-long-random-text"},
)
django.setup()
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
import requests
from django_meta_whatsapp.utils import send_text_message

class Answer:
    status_code = 200
    def json(self): return {"messages": [{"id": "wamid.1"}]}
requests.post = lambda *args, **kwargs: Answer()
try:
    send_text_message("966501234567", "hi")
    sent = "sent"
except ValueError as error:
    sent = str(error).split(".")[0]
check = Client().get("/webhook/", {"hub.mode": "subscribe", "hub.verify_token": "a-long-random-text", "hub.challenge": "1158201444"})
print("expected: sent; 200 1158201444")
print(f"seen, django-meta-whatsapp 1.1.0: {sent}; {check.status_code} {check.content.decode()}")
sys.exit(0 if (sent, check.status_code) == ("Missing Meta WhatsApp credentials", 403) else 1)
PY
