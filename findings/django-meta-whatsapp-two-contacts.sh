#!/bin/bash
# A person who was imported with a plus and then writes becomes a second contact; the opt-out of one does not hold for the other.
#
# Package: django-meta-whatsapp 1.1.0 (PyPI)
# Expected: one contact. The package's own sample file for the import writes "+1234567890"; Meta's webhooks write the
#   same number without the plus (`from`, `wa_id`). `opted_out` is meant for people who want no marketing, and a
#   campaign to all contacts leaves those out.
# Seen:
#   expected: 1 contact; after its opt-out the campaign goes to nobody
#   seen, django-meta-whatsapp 1.1.0: 2 contacts (+966501234567, 966501234567); after the opt-out the campaign goes to 966501234567
# Why it matters for a WhatsApp gateway: staff tick the box on the contact that is in the chat; the campaign still goes
#   to the other one, the same phone. The same happens in every receiver that keys on the text of a number: a gateway
#   has to hold the opt-out itself, on the digits, whoever asks it to send.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check django-meta-whatsapp==1.1.0 django==5.2.8
venv/bin/python - <<'PY'
import io, json, sys
import django
from django.conf import settings

settings.configure(
    SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF="urls", USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware"],
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django.contrib.messages", "django_meta_whatsapp"],
)
django.setup()
import types
from django.urls import include, path
sys.modules["urls"] = types.SimpleNamespace(urlpatterns=[path("wa/", include("django_meta_whatsapp.urls", namespace="django_meta_whatsapp"))])
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
call_command("migrate", verbosity=0)
from django_meta_whatsapp.models import WhatsAppCampaign, WhatsAppContact
from django_meta_whatsapp.utils import resolve_audience

staff = Client()
staff.force_login(User.objects.create_user("staff"))
staff.post(reverse("django_meta_whatsapp:contact_import"), {"csv_file": SimpleUploadedFile("c.csv", b"Phone,Name\n+966501234567,Noor\n")})
staff.post(reverse("django_meta_whatsapp:webhook"), data=json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
    "messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001111", "phone_number_id": "1001"},
    "contacts": [{"wa_id": "966501234567", "profile": {"name": "Noor"}}],
    "messages": [{"from": "966501234567", "id": "wamid.1", "timestamp": "1790000000", "type": "text", "text": {"body": "STOP"}}]}}]}]}), content_type="application/json")
contacts = sorted(WhatsAppContact.objects.values_list("phone", flat=True))
WhatsAppContact.objects.filter(phone="966501234567").update(opted_out=True)
audience = [one["phone"] for one in resolve_audience(WhatsAppCampaign(audience_type="contacts"))]
print("expected: 1 contact; after its opt-out the campaign goes to nobody")
print(f"seen, django-meta-whatsapp 1.1.0: {len(contacts)} contacts ({', '.join(contacts)}); after the opt-out the campaign goes to {', '.join(audience) or 'nobody'}")
sys.exit(0 if contacts == ["+966501234567", "966501234567"] and audience == ["966501234567"] else 1)
PY
