#!/bin/bash
# Contacts whose number has a label of its own are left out of the address book, without a word.
#
# Package: whatsapp-chat-exporter 0.13.1 (PyPI), option for names from vCards
# Expected: the number is read. RFC 6350, 3.3, and RFC 2426 before it: a property may have a group in front, as in
#   "item1.TEL", which joins it to its label; iPhones and iCloud write every number with a custom label so, and WhatsApp
#   itself the numbers in contact cards.
# Seen:
#   expected: [('966501234567', 'Noor Haddad'), ('15550001111', 'Lea Klein')]
#   seen, whatsapp-chat-exporter 0.13.1: [('966501234567', 'Noor Haddad')]
# Why it matters for a WhatsApp gateway: the same mistake waits in every reader that looks for lines beginning with
#   "TEL". People with such a card stay a bare number in the history, and on an imported list of opt-outs they would be
#   missing.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check whatsapp-chat-exporter==0.13.1
cat > cards.vcf <<'VCF'
BEGIN:VCARD
VERSION:3.0
FN:Noor Haddad
TEL;TYPE=CELL:+966 50 123 4567
END:VCARD
BEGIN:VCARD
VERSION:3.0
FN:Lea Klein
item1.TEL;waid=15550001111:+1 555 000 1111
item1.X-ABLabel:Shop
END:VCARD
VCF
venv/bin/python - <<'PY'
import sys
from Whatsapp_Chat_Exporter.vcards_contacts import read_vcards_file
seen = read_vcards_file("cards.vcf", "966")
print("expected: [('966501234567', 'Noor Haddad'), ('15550001111', 'Lea Klein')]")
print(f"seen, whatsapp-chat-exporter 0.13.1: {seen}")
sys.exit(0 if seen == [("966501234567", "Noor Haddad")] else 1)
PY
