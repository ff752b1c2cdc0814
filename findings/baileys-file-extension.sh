#!/bin/bash
# The extension for a received Word file is "vnd.openxmlformats-...", for a text file "plain", and a document with a caption has none.
#
# Package: baileys 7.0.0-rc14 (npm), `extensionForMediaMessage`
# Expected: docx, txt and pdf. The function's purpose is the extension to save a received file under; by every table of
#   types (shared-mime-info, for one) these three are .docx, .txt and .pdf; the sender's `fileName` says so as well.
#   `documentWithCaptionMessage` is one of WhatsApp's own wrappers, which the library's `normalizeMessageContent` knows.
# Seen:
#   files: order.docx, note.txt, bill.pdf with a caption
#   expected: docx, txt, pdf
#   seen, baileys 7.0.0-rc14: vnd.openxmlformats-officedocument.wordprocessingml.document, plain, TypeError (pdf once unwrapped)
# Why it matters for a WhatsApp gateway: servers built on it save files that no program opens, and fail on every
#   document that came with a text. A gateway has to derive the name from `fileName` first, then from a table of types,
#   never from the subtype.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts baileys@7.0.0-rc14 >/dev/null 2>&1
cat > js.mjs <<'JS'
import { extensionForMediaMessage, normalizeMessageContent } from "baileys";
const word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const messages = {
  "order.docx": { documentMessage: { mimetype: word, fileName: "order.docx" } },
  "note.txt": { documentMessage: { mimetype: "text/plain", fileName: "note.txt" } },
  "bill.pdf with a caption": { documentWithCaptionMessage: { message: { documentMessage: { mimetype: "application/pdf", fileName: "bill.pdf", caption: "Please pay" } } } },
};
const seen = Object.values(messages).map((message) => {
  try { return extensionForMediaMessage(message); } catch (error) { return error.constructor.name; }
});
const unwrapped = extensionForMediaMessage(normalizeMessageContent(messages["bill.pdf with a caption"]));
console.log("files: " + Object.keys(messages).join(", "));
console.log("expected: docx, txt, pdf");
console.log(`seen, baileys 7.0.0-rc14: ${seen.join(", ")} (${unwrapped} once unwrapped)`);
process.exit(seen.join() === "vnd.openxmlformats-officedocument.wordprocessingml.document,plain,TypeError" && unwrapped === "pdf" ? 0 : 1);
JS
node js.mjs
