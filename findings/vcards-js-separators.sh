#!/bin/bash
# A semicolon in a company's name splits it in two, and a comma in a web address breaks the address.
#
# Package: vcards-js 2.11.1 (npm)
# Expected: RFC 2426 (vCard 3.0), 3.5.5 and section 4: in ORG the semicolon separates parts, so one within a part is
#   written as "\;"; 3.6.8: URL is a URI, not text, and has no backslash before a comma. The other way round would be
#   the rule for TEXT.
# Seen:
#   expected: ORG:Haddad\; Sons   URL;TYPE=WORK:https://shop.example/list?size=1,2
#   seen, vcards-js 2.11.1: ORG:Haddad; Sons   URL;TYPE=WORK:https://shop.example/list?size=1\,2
# Why it matters for a WhatsApp gateway: contact cards are sent as vCards (the WhatsApp Web protocol has nothing else).
#   The card that arrives shows half of the company as a department, and the shop's link opens a page that does not
#   exist.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund vcards-js@2.11.1 >/dev/null
cat > js.cjs <<'JS'
const card = require("vcards-js")();
card.version = "3.0";
card.firstName = "Noor"; card.lastName = "Haddad";
card.organization = "Haddad; Sons";
card.workUrl = "https://shop.example/list?size=1,2";
const lines = card.getFormattedString().split(/\r?\n/);
const org = lines.find((line) => line.startsWith("ORG")), url = lines.find((line) => line.startsWith("URL"));
console.log("expected: ORG:Haddad\\; Sons   URL;TYPE=WORK:https://shop.example/list?size=1,2");
console.log(`seen, vcards-js 2.11.1: ${org}   ${url}`);
process.exit(org === "ORG:Haddad; Sons" && url === "URL;TYPE=WORK:https://shop.example/list?size=1\\,2" ? 0 : 1);
JS
node js.cjs
