#!/bin/bash
# A list without a stated kind of items takes every schema that mentions it out of the client, with a warning only.
#
# Package: openapi-python-client 0.29.1 (PyPI)
# Expected: `list[Any]`. JSON Schema 2020-12, Core 10.3.1.2, and OpenAPI 3.1.0, "Schema Object": without `items` an
#   array takes any items; the document below is valid for openapi-spec-validator 0.9.0.
# Seen:
#   expected: code of the refusal recipient_suppressed, recipient_suppressed
#   seen, openapi-python-client 0.29.1: without items: None, with items {}: recipient_suppressed
# Why it matters for a WhatsApp gateway: error answers have such a free field ("details"). The error's schema goes, then
#   every answer that uses it: at 404 and 422 `parsed` is None, and the program cannot tell why a send was refused. One
#   `items: {}` in the description brings all of it back.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check openapi-python-client==0.29.1 openapi-spec-validator==0.9.0
for items in '' ', "items": {}'; do
    name=with; [ -n "$items" ] || name=without
    cat > $name.json <<JSON
{"openapi": "3.1.0", "info": {"title": "Gateway $name", "version": "1"},
 "components": {"schemas": {
  "Details": {"oneOf": [{"type": "array"$items}, {"type": "object", "properties": {"reason": {"type": "string"}}}]},
  "Refusal": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}, "details": {"\$ref": "#/components/schemas/Details"}}}}},
 "paths": {"/messages": {"post": {"operationId": "send", "responses": {
  "204": {"description": "sent"},
  "422": {"description": "refused", "content": {"application/json": {"schema": {"\$ref": "#/components/schemas/Refusal"}}}}}}}}}
JSON
    venv/bin/openapi-spec-validator $name.json >/dev/null
    venv/bin/openapi-python-client generate --path $name.json --meta none --output-path $name >/dev/null 2>&1 || true
done
parsed() {
    venv/bin/python -c '
import importlib, sys
sys.path.insert(0, ".")
import httpx
client = importlib.import_module(sys.argv[1] + ".client").Client(base_url="http://127.0.0.1:9")
send = importlib.import_module(sys.argv[1] + ".api.default.send")
answer = httpx.Response(422, json={"code": "recipient_suppressed", "details": {"reason": "opted out"}})
print(getattr(send._build_response(client=client, response=answer).parsed, "code", None))' "$1"
}
without=$(parsed without)
with=$(parsed with)
echo "expected: code of the refusal recipient_suppressed, recipient_suppressed"
echo "seen, openapi-python-client 0.29.1: without items: $without, with items {}: $with"
[ "$without" = None ] && [ "$with" = recipient_suppressed ]
