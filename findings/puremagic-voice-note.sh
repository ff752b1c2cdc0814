#!/bin/bash
# A voice note is called "application/ogg, Ogg Vorbis audio", which WhatsApp does not take.
#
# Packages: puremagic 1.30, filetype 1.2.0 (PyPI), file-type 21.3.4 (npm)
# Expected: audio/ogg, with or without codecs=opus. RFC 7845, 9: Ogg files that have nothing but Opus audio are
#   audio/ogg with the parameter codecs=opus, extension .opus; the codec stands in the first page. RFC 5334:
#   application/ogg is for what is no plain audio or video.
# Seen:
#   expected: audio/ogg
#   seen, file-type 21.3.4 audio/ogg; codecs=opus
#   seen, filetype 1.2.0 audio/ogg
#   seen, puremagic 1.30 application/ogg (Ogg Vorbis audio file)
# Why it matters for a WhatsApp gateway: Meta's list of media types has audio/ogg (Opus only) and no application/ogg, so
#   what is uploaded under the detected type is no voice note. The type of a file has to be read from its first page,
#   and the three answers below have to be taken as one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund file-type@21.3.4 >/dev/null
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check puremagic==1.30 filetype==1.2.0
venv/bin/python - <<'PY' >python.txt
import struct

def crc(data):
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = ((value << 1) ^ 0x04C11DB7) & 0xFFFFFFFF if value & 0x80000000 else (value << 1) & 0xFFFFFFFF
    return value

def page(packets, flags, granule, number):
    sizes = bytes(len(packet) for packet in packets)
    data = b"OggS" + struct.pack("<BBqIIIB", 0, flags, granule, 7, number, 0, len(sizes)) + sizes + b"".join(packets)
    return data[:22] + struct.pack("<I", crc(data)) + data[26:]

# Two seconds of silence: the headers of RFC 7845 (one channel, 16 kHz), then packets of 20 ms.
silence = bytes([0xF8, 0xFF, 0xFE])
note = page([b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 16000, 0, 0)], 2, 0, 0)
note += page([b"OpusTags" + struct.pack("<I4sI", 4, b"test", 0)], 0, 0, 1)
for number in range(4):
    note += page([silence] * 25, 4 if number == 3 else 0, (number + 1) * 25 * 960, 2 + number)
open("note", "wb").write(note)

import filetype
import puremagic
best = puremagic.magic_file("note")[0]
print(f"filetype 1.2.0 {filetype.guess('note').mime}")
print(f"puremagic 1.30 {best.mime_type} ({best.name})")
PY
node --input-type=module -e '
import { fileTypeFromFile } from "file-type";
console.log("file-type 21.3.4", (await fileTypeFromFile("note")).mime);' >node.txt
echo "expected: audio/ogg"
sed 's/^/seen, /' node.txt python.txt
grep -qx 'puremagic 1.30 application/ogg (Ogg Vorbis audio file)' python.txt && grep -qx 'filetype 1.2.0 audio/ogg' python.txt &&
    grep -qx 'file-type 21.3.4 audio/ogg; codecs=opus' node.txt
