#!/bin/bash
# Reactions with a red heart, a skin tone, a flag or a family are refused as "not a single emoji".
#
# Package: whatsapp-api-js 6.3.0 (npm)
# Expected: one emoji is one emoji. Unicode Technical Standard 51 (Unicode Emoji), ED-2 and ED-17: an emoji may be a
#   sequence, with a variation selector, a modifier, joiners, or two regional indicators. The heart with its variation
#   selector and the thumb with a skin tone are what phones send most.
# Seen:
#   expected: all taken
#   seen, whatsapp-api-js 6.3.0:
#     U+1F44D thumb: taken
#     U+2764 U+FE0F red heart: refused
#     U+1F44D U+1F3FD thumb, skin tone: refused
#     U+1F1F8 U+1F1E6 flag: refused
#     three with U+200D family: refused
# Why it matters for a WhatsApp gateway: a program that answers a reaction with the same reaction, which came in through
#   the gateway, cannot make the request. A gateway has to count grapheme clusters, never code points, when it judges a
#   reaction.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund whatsapp-api-js@6.3.0 >/dev/null
cat > js.mjs <<'JS'
import { Reaction } from "whatsapp-api-js/messages";
const emoji = {
  "U+1F44D thumb": "\u{1F44D}", "U+2764 U+FE0F red heart": "\u2764\uFE0F", "U+1F44D U+1F3FD thumb, skin tone": "\u{1F44D}\u{1F3FD}",
  "U+1F1F8 U+1F1E6 flag": "\u{1F1F8}\u{1F1E6}", "three with U+200D family": "\u{1F468}\u200D\u{1F469}\u200D\u{1F467}",
};
const seen = Object.entries(emoji).map(([name, text]) => {
  try { new Reaction("wamid.1", text); return [name, "taken"]; } catch { return [name, "refused"]; }
});
console.log("expected: all taken");
console.log("seen, whatsapp-api-js 6.3.0:");
for (const [name, what] of seen) console.log(`  ${name}: ${what}`);
process.exit(seen.map(([, what]) => what).join() === "taken,refused,refused,refused,refused" ? 0 : 1);
JS
node js.mjs
