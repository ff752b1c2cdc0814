#!/bin/bash
# Numbers under which WhatsApp itself knows people are invalid for the phone number libraries, and one country's are "impossible".
#
# Packages: phonenumbers 9.0.43 (PyPI), libphonenumber-js 1.13.16 (npm)
# Expected: the number that WhatsApp uses for a person passes the usual check before a send. WhatsApp's help page on
#   adding international numbers: numbers of Mexico have a 1 after the 52; many Brazilian accounts have an id without
#   the ninth digit that every Brazilian mobile number has had since 2016. Both come in `wa_id` and in `from`.
# Seen:
#   numbers: +5215512345678 +525512345678 +551187654321 +5511987654321 (Mexico and Brazil, first as WhatsApp writes them, then as the numbering plans do)
#   expected: valid valid valid valid
#   seen, phonenumbers 9.0.43: impossible valid possible valid
#   seen, libphonenumber-js 1.13.16: impossible valid possible valid
# Why it matters for a WhatsApp gateway: a program that checks a caller's number before it answers refuses to answer
#   these people. Whoever "repairs" the number first makes a second contact of one person, and the opt-out of the first
#   does not hold. A gateway can use these libraries for advice only, never to refuse, and must know both spellings.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund libphonenumber-js@1.13.16 >/dev/null
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check phonenumbers==9.0.43
cat > js.mjs <<'JS'
import { parsePhoneNumberFromString } from "libphonenumber-js/max";
const word = (text) => { const n = parsePhoneNumberFromString(text); return n.isValid() ? "valid" : n.isPossible() ? "possible" : "impossible"; };
console.log(process.argv.slice(2).map(word).join(" "));
JS
numbers="+5215512345678 +525512345678 +551187654321 +5511987654321"
js=$(node js.mjs $numbers)
py=$(venv/bin/python - $numbers <<'PY'
import sys
import phonenumbers
def word(text):
    n = phonenumbers.parse(text, None)
    return "valid" if phonenumbers.is_valid_number(n) else "possible" if phonenumbers.is_possible_number(n) else "impossible"
print(" ".join(map(word, sys.argv[1:])))
PY
)
echo "numbers: $numbers (Mexico and Brazil, first as WhatsApp writes them, then as the numbering plans do)"
echo "expected: valid valid valid valid"
echo "seen, phonenumbers 9.0.43: $py"
echo "seen, libphonenumber-js 1.13.16: $js"
[ "$py" = "impossible valid possible valid" ] && [ "$js" = "impossible valid possible valid" ]
