#!/bin/bash
# A contact's name is given to another person whose number begins with the same digits.
#
# Package: whatsapp-chat-exporter 0.13.1 (PyPI), option for names from vCards
# Expected: a name goes to the chat of exactly that number. ITU-T E.164: numbers of one country may differ in length
#   (Germany's mobile numbers have 10 or 11 digits, Austria's more), so one number can be the beginning of another.
# Seen:
#   expected: {'491510000000': 'Lea Klein', '4915100000001': None}
#   seen, whatsapp-chat-exporter 0.13.1: {'491510000000': 'Lea Klein', '4915100000001': 'Lea Klein'}
# Why it matters for a WhatsApp gateway: a conversation that is handed over or shown as evidence carries the wrong
#   person's name. Numbers must be compared whole; the same holds for search boxes, opt-outs and erasure.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check whatsapp-chat-exporter==0.13.1
cat > cards.vcf <<'VCF'
BEGIN:VCARD
VERSION:3.0
FN:Lea Klein
TEL;TYPE=CELL:+49 151 0000000
END:VCARD
VCF
venv/bin/python - <<'PY'
import sys
from Whatsapp_Chat_Exporter.data_model import ChatCollection, ChatStore
from Whatsapp_Chat_Exporter.utility import Device
from Whatsapp_Chat_Exporter.vcards_contacts import ContactsFromVCards

chats = ChatCollection()
for number in ("491510000000", "4915100000001"):
    chats.add_chat(number + "@s.whatsapp.net", ChatStore(Device.ANDROID))
cards = ContactsFromVCards()
cards.load_vcf_file("cards.vcf", "49")
cards.enrich_from_vcards(chats)
seen = {key.split("@")[0]: chat.name for key, chat in chats.items()}
print("expected: {'491510000000': 'Lea Klein', '4915100000001': None}")
print(f"seen, whatsapp-chat-exporter 0.13.1: {seen}")
sys.exit(0 if list(seen.values()) == ["Lea Klein", "Lea Klein"] else 1)
PY
