#!/bin/bash
# Argentine mobile numbers are changed into others, and every number of Benin is refused.
#
# Package: phone 3.1.72 (npm)
# Expected: +54 9 11 2345 6789 stays as it is, and +229 01 61 23 45 67 is valid. WhatsApp's help page on international
#   numbers: numbers of Argentina have a 9 between country code and area code. ITU Operational Bulletin, Benin: since 30
#   November 2024 numbers have ten digits, the old eight with 01 in front. libphonenumber-js 1.13.16 agrees.
# Seen:
#   expected: +966501234567 +5491123456789 +2290161234567
#   seen, libphonenumber-js 1.13.16: +966501234567 +5491123456789 +2290161234567
#   seen, phone 3.1.72: +966501234567 +541123456789 refused
# Why it matters for a WhatsApp gateway: the package is for "normalising" numbers before they are stored. The number
#   without the 9 is another subscriber's landline in form, the person who answers has another id than the one written
#   to, and nobody in Benin can be entered.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund phone@3.1.72 libphonenumber-js@1.13.16 >/dev/null
cat > js.cjs <<'JS'
const { phone } = require("phone");
const { parsePhoneNumberFromString } = require("libphonenumber-js/max");
const numbers = ["+966501234567", "+5491123456789", "+2290161234567"];
const seen = numbers.map((text) => phone(text).phoneNumber ?? "refused");
const other = numbers.map((text) => { const n = parsePhoneNumberFromString(text); return n.isValid() ? n.number : "refused"; });
console.log("expected: " + numbers.join(" "));
console.log("seen, libphonenumber-js 1.13.16: " + other.join(" "));
console.log("seen, phone 3.1.72: " + seen.join(" "));
process.exit(seen.join() === "+966501234567,+541123456789,refused" && other.join() === numbers.join() ? 0 : 1);
JS
node js.cjs
