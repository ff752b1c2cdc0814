#!/bin/bash
# A tag that begins with a digit makes a Python client that cannot be imported at all.
#
# Package: openapi-generator-cli 7.26.0 (PyPI), generator `python`; needs Java
# Expected: an importable package. OpenAPI 3.1.0, "Tag Object": a tag's name is any text; Python Language Reference,
#   2.3: the name of a module in an import statement and of a class is an identifier and begins with no digit. The
#   generator does put a word in front of models and operations that begin with a digit.
# Seen:
#   expected: tag threecx imported, tag 3cx imported
#   seen, openapi-generator-cli 7.26.0: tag threecx imported, tag 3cx SyntaxError: invalid decimal literal
# Why it matters for a WhatsApp gateway: "3cx" is the tag that anybody would choose for a telephone system's part of the
#   API, and it breaks the whole client, not only that part. Tags in a published description should be identifiers
#   ("threecx").
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check openapi-generator-cli==7.26.0 pydantic==2.12.4 urllib3==2.5.0 python-dateutil==2.9.0.post0 typing-extensions==4.15.0
for tag in 3cx threecx; do
    cat > $tag.json <<JSON
{"openapi": "3.1.0", "info": {"title": "Gateway", "version": "1"}, "tags": [{"name": "$tag"}],
 "paths": {"/calls": {"get": {"tags": ["$tag"], "operationId": "listCalls", "responses": {"200": {"description": "ok",
  "content": {"application/json": {"schema": {"type": "object", "properties": {"count": {"type": "integer"}}}}}}}}}}}
JSON
    venv/bin/openapi-generator-cli generate -i $tag.json -g python -o out-$tag --package-name gateway >log-$tag 2>&1 || { tail -5 log-$tag; exit 2; }
done
import() { (cd "out-$1" && ../venv/bin/python -c 'import gateway; print("imported")' 2>&1 | tail -1); }
word=$(import threecx)
digit=$(import 3cx)
echo "expected: tag threecx imported, tag 3cx imported"
echo "seen, openapi-generator-cli 7.26.0: tag threecx $word, tag 3cx $digit"
[ "$word" = imported ] && [ "$digit" = "SyntaxError: invalid decimal literal" ]
