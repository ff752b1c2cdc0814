#!/bin/bash
# A calculation or a price with asterisks comes out with underscores: "2 * 3 * 4" becomes "2 _ 3 _ 4".
#
# Package: py-whatsapp-formatter 1.0.6 (PyPI), `convert_markdown_to_whatsapp`
# Expected: unchanged. CommonMark 0.31.2, 6.2 (emphasis): an asterisk with white space on both sides is neither left-
#   nor right-flanking and opens or closes nothing; the specification's example is `a * foo bar*`. Two footnote stars
#   likewise.
# Seen:
#   expected: unchanged, as a CommonMark parser sees no emphasis
#   seen, py-whatsapp-formatter 1.0.6: '3 * 20 SAR = 60 SAR, 2 * 30 SAR = 60 SAR' -> '3 _ 20 SAR = 60 SAR, 2 _ 30 SAR = 60 SAR'; markdown-it-py finds emphasis: False
#   seen, py-whatsapp-formatter 1.0.6: 'Size 2 * 3 * 4 cm' -> 'Size 2 _ 3 _ 4 cm'; markdown-it-py finds emphasis: False
# Why it matters for a WhatsApp gateway: texts made by a language model or from a shop's Markdown go through such a
#   converter; the customer reads "3 _ 20 SAR". The content is changed before the gateway sees it, so no check there can
#   tell.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check py-whatsapp-formatter==1.0.6 markdown-it-py==4.0.0
venv/bin/python - <<'PY'
import sys
from markdown_it import MarkdownIt
from whatsapp_formatter import convert_markdown_to_whatsapp as convert

texts = ["3 * 20 SAR = 60 SAR, 2 * 30 SAR = 60 SAR", "Size 2 * 3 * 4 cm"]
print("expected: unchanged, as a CommonMark parser sees no emphasis")
seen = []
for text in texts:
    emphasis = "<em>" in MarkdownIt().render(text)
    seen.append((emphasis, convert(text)))
    print(f"seen, py-whatsapp-formatter 1.0.6: {text!r} -> {convert(text)!r}; markdown-it-py finds emphasis: {emphasis}")
sys.exit(0 if seen == [(False, "3 _ 20 SAR = 60 SAR, 2 _ 30 SAR = 60 SAR"), (False, "Size 2 _ 3 _ 4 cm")] else 1)
PY
