#!/bin/bash
# Sorting a list of contacts by name changes its phone numbers: the plus and the leading zero are gone, and JSON gets ".0".
#
# Package: csvkit 2.1.0 (PyPI), csvsort and csvjson
# Expected: the same values in another order. csvkit's documentation presents csvsort as what `sort` is for lines, for
#   tables. RFC 4180, 2: a field is text; it says nothing about numbers.
# Seen:
#   expected: phone,name 0501234568,Lea +966501234567,Noor
#   seen, csvsort 2.1.0: phone,name 501234568,Lea 966501234567,Noor
#   seen, csvsort 2.1.0 --no-inference: phone,name 0501234568,Lea +966501234567,Noor
#   seen, csvjson 2.1.0: [{"phone": 966501234567.0, "name": "Noor"}, {"phone": 501234568.0, "name": "Lea"}]
# Why it matters for a WhatsApp gateway: "0501234567" comes back as 501234567, which is another country's number or
#   none, and "966501234567.0" from the JSON has one digit too many once the point is taken for a separator. On an
#   opt-out list the wrong person is protected. (`--no-inference` keeps the values.) An import has to refuse or ask
#   about ".0" and about numbers too short for their country.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check csvkit==2.1.0
printf 'phone,name\n+966501234567,Noor\n0501234568,Lea\n' >list.csv
sorted=$(venv/bin/csvsort -c name list.csv | tr '\n' ' ')
json=$(venv/bin/csvjson list.csv)
kept=$(venv/bin/csvsort --no-inference -c name list.csv | tr '\n' ' ')
echo "expected: phone,name 0501234568,Lea +966501234567,Noor"
echo "seen, csvsort 2.1.0: $sorted"
echo "seen, csvsort 2.1.0 --no-inference: $kept"
echo "seen, csvjson 2.1.0: $json"
[ "$sorted" = "phone,name 501234568,Lea 966501234567,Noor " ] && [ "$kept" = "phone,name 0501234568,Lea +966501234567,Noor " ] &&
    [ "$json" = '[{"phone": 966501234567.0, "name": "Noor"}, {"phone": 501234568.0, "name": "Lea"}]' ]
