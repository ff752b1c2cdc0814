#!/bin/bash
# Two ids that are both missing are "the same user", and the library does not know its own constant for Meta AI.
#
# Package: baileys 7.0.0-rc14 (npm), `areJidsSameUser`, `isJidMetaAI`
# Expected: false for two missing ids: the type allows `undefined`, and nobody is not somebody. True for `META_AI_JID`,
#   which the library exports beside the test of that name.
# Seen:
#   expected: own id and device true, two missing ids false, Meta AI's own id true
#   seen, baileys 7.0.0-rc14: own id and device true, two missing ids true, Meta AI's own id false
# Why it matters for a WhatsApp gateway: `key.participant` is missing in every private chat, and the own hidden id
#   (`user.lid`) until it is known. Code that compares the two to find its own messages takes all private messages for
#   its own until then. Meta AI's chat is taken for a customer's.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts baileys@7.0.0-rc14 >/dev/null 2>&1
cat > js.mjs <<'JS'
import { areJidsSameUser, isJidMetaAI, META_AI_JID } from "baileys";
const key = { remoteJid: "966501234567@s.whatsapp.net", id: "3EB0A1", fromMe: false };
const me = { id: "15550001111:3@s.whatsapp.net" };
const seen = [areJidsSameUser("15550001111@s.whatsapp.net", me.id), areJidsSameUser(key.participant, me.lid), isJidMetaAI(META_AI_JID)];
console.log("expected: own id and device true, two missing ids false, Meta AI's own id true");
console.log(`seen, baileys 7.0.0-rc14: own id and device ${seen[0]}, two missing ids ${seen[1]}, Meta AI's own id ${seen[2]}`);
process.exit(seen.join() === "true,true,false" ? 0 : 1);
JS
node js.mjs
