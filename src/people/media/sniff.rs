//! What a file is, by its first bytes. What a sender, a provider or a name says is not believed.
//!
//! A table of our own instead of a crate: the gateway needs the twenty types that WhatsApp carries and nothing else,
//! and what is not in the table is bytes to be downloaded, never something for a browser to show.

use super::Stored;
use crate::{connectors::outgoing::MediaKind, model::file_name};

/// Enough of a file's beginning to judge it, in bytes.
pub const HEAD: usize = 64;

/// The type that a file's beginning proves; none for what is not in the table.
pub fn sniff(head: &[u8]) -> Option<&'static str> {
    // Programs put a mark or a line break in front, and every reader takes such a file.
    let head = if is_late_pdf(head) { &b"%PDF-"[..] } else { head };
    let at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
    if at(0, b"RIFF") {
        return match head.get(8..12)? {
            b"WEBP" => Some("image/webp"),
            b"WAVE" => Some("audio/wav"),
            _ => None,
        };
    }
    if at(4, b"ftyp") {
        return Some(match head.get(8..11)? {
            b"M4A" | b"M4B" => "audio/mp4",
            b"3gp" | b"3g2" => "video/3gpp",
            b"qt " => "video/quicktime",
            b"hei" | b"mif" => "image/heic",
            _ => "video/mp4",
        });
    }
    MAGIC.iter().find(|(magic, _)| at(0, magic)).map(|(_, mime)| *mime).or_else(|| mpeg_audio(head))
}

const MAGIC: &[(&[u8], &str)] = &[
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"#!AMR", "audio/amr"),
    (b"ID3", "audio/mpeg"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
];

fn is_late_pdf(head: &[u8]) -> bool {
    let unmarked = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    unmarked.trim_ascii_start().starts_with(b"%PDF-")
}

/// Whether bytes that come piece by piece are text and nothing else: UTF-8 without control characters but line breaks,
/// tabs and page breaks.
#[derive(Default)]
pub struct TextProbe {
    /// The beginning of a character that a piece ended in.
    open: Vec<u8>,
    came: bool,
    is_none: bool,
}

impl TextProbe {
    pub fn push(&mut self, piece: &[u8]) {
        if self.is_none || piece.is_empty() {
            return;
        }
        self.came = true;
        let joined;
        let bytes = if self.open.is_empty() {
            piece
        } else {
            joined = [&self.open[..], piece].concat();
            &joined[..]
        };
        let (text, open) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, &[][..]),
            Err(e) if e.error_len().is_none() => {
                let (whole, open) = bytes.split_at(e.valid_up_to());
                (std::str::from_utf8(whole).unwrap_or_default(), open)
            }
            Err(_) => {
                self.is_none = true;
                return;
            }
        };
        self.is_none = text.contains(|c: char| c.is_control() && !"\n\r\t\x0c".contains(c));
        self.open = open.to_vec();
    }

    /// Of all that came.
    pub fn is_text(&self) -> bool {
        self.came && !self.is_none && self.open.is_empty()
    }
}

/// MPEG layer 3 and AAC without a tag: eleven set bits, and a version, layer and rate that exist.
fn mpeg_audio(head: &[u8]) -> Option<&'static str> {
    let [0xff, second, third, ..] = head else { return None };
    if second & 0xf6 == 0xf0 {
        return Some("audio/aac");
    }
    let is_frame = second & 0xe0 == 0xe0 && second & 0x18 != 0x08 && second & 0x06 == 0x02 && third & 0xf0 != 0xf0;
    is_frame.then_some("audio/mpeg")
}

/// The sniffed type, made finer by the declared one where that changes nothing about how it is handled: office files
/// are archives by their first bytes.
pub fn refine(sniffed: Option<&'static str>, declared: &str) -> Option<String> {
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_office = ["application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument."];
    let plain = essence.bytes().all(|b| b.is_ascii_alphanumeric() || b"/.+-".contains(&b));
    match sniffed {
        Some("application/zip") if plain && is_office.iter().any(|p| essence.starts_with(p)) => Some(essence),
        Some("application/msword")
            if ["application/vnd.ms-excel", "application/vnd.ms-powerpoint"].contains(&&*essence) =>
        {
            Some(essence)
        }
        other => other.map(str::to_owned),
    }
}

/// Whether a file of this sniffed type may be sent or shown as this kind (image, video, audio, document, voice, sticker).
pub fn fits(kind: &str, sniffed: Option<&str>) -> bool {
    let family = sniffed.and_then(|mime| mime.split_once('/')).map(|(family, _)| family);
    match kind {
        "image" | "sticker" => family == Some("image"),
        "video" => family == Some("video"),
        // A voice recording in an MP4 box without a brand of its own looks like a video.
        "audio" | "voice" => family == Some("audio") || sniffed == Some("video/mp4"),
        _ => true,
    }
}

/// The kind that a file's bytes stand for: what a phone would send it as.
pub fn kind_of_bytes(bytes: &[u8]) -> &'static str {
    let sniffed = sniff(&bytes[..bytes.len().min(HEAD)]);
    ["image", "video", "audio"].into_iter().find(|kind| fits(kind, sniffed)).unwrap_or("document")
}

/// The type that a provider is told of a file that goes out as `kind`: what its bytes prove; of what they leave open, what
/// its sender declares, or what its name says.
pub fn outgoing_type(kind: MediaKind, stored: &Stored, declared: &str, file_name: Option<&str>) -> String {
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_plain = essence.bytes().all(|b| b.is_ascii_alphanumeric() || b"/.+-".contains(&b));
    match refine(stored.sniffed, declared).as_deref() {
        None if stored.is_text && is_plain && essence.starts_with("text/") => essence,
        None if stored.is_text => "text/plain".to_owned(),
        // A voice recording in an MP4 box without a brand of its own.
        Some("video/mp4") if matches!(kind, MediaKind::Audio | MediaKind::Voice) => "audio/mp4".to_owned(),
        Some(open @ ("application/zip" | "application/msword")) => {
            file_name.and_then(file_name::office_type).unwrap_or(open).to_owned()
        }
        proven => served_type(proven).to_owned(),
    }
}

/// The type that an answer names: only what a browser shows without running anything, else plain bytes.
pub fn served_type(sniffed: Option<&str>) -> &str {
    sniffed.unwrap_or("application/octet-stream")
}

/// Whether a browser may show it in its window; everything else is a download.
pub fn may_be_inline(sniffed: Option<&str>) -> bool {
    sniffed.is_some_and(|mime| ["image/", "video/", "audio/"].iter().any(|family| mime.starts_with(family)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_out_is_told_by_bytes_then_by_words() {
        let stored = |bytes: &[u8]| Stored {
            path: "aa/b".into(),
            size: bytes.len() as u64,
            sha256: Vec::new(),
            sniffed: sniff(&bytes[..bytes.len().min(HEAD)]),
            is_text: {
                let mut probe = TextProbe::default();
                probe.push(bytes);
                probe.is_text()
            },
        };
        let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        let (zip, ole, plain) =
            (&b"PK\x03\x04"[..], &b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"[..], "a;b\n1;\u{5e9}\n".as_bytes());
        for (bytes, declared, name, told) in [
            (plain, "text/csv; charset=utf-8", None, "text/csv"),
            (plain, "application/octet-stream", Some("a.csv"), "text/plain"),
            (plain, "", None, "text/plain"),
            (plain, "image/png", None, "text/plain"),
            (b"a\0b", "text/plain", None, "application/octet-stream"),
            (b"\xff\xfea\0", "text/plain", None, "application/octet-stream"),
            (zip, sheet, None, sheet),
            (zip, "application/octet-stream", Some("list.XLSX"), sheet),
            (zip, "application/zip", Some("all.zip"), "application/zip"),
            (ole, "application/octet-stream", Some("list.xls"), "application/vnd.ms-excel"),
            (ole, "", None, "application/msword"),
            (b"%PDF-1.7", "text/html", Some("a.xlsx"), "application/pdf"),
            (b"\xef\xbb\xbf\r\n%PDF-1.7", "", None, "application/pdf"),
        ] {
            assert_eq!(
                outgoing_type(MediaKind::Document, &stored(bytes), declared, name),
                told,
                "{bytes:?} {declared}"
            );
        }
        let voice = stored(b"\0\0\0\x18ftypmp42\0\0");
        assert_eq!(outgoing_type(MediaKind::Audio, &voice, "", None), "audio/mp4");
        assert_eq!(outgoing_type(MediaKind::Video, &voice, "", None), "video/mp4");
    }

    #[test]
    fn first_bytes_decide() {
        let rows: &[(&[u8], Option<&str>)] = &[
            (b"\xff\xd8\xff\xe0\x00\x10JFIF", Some("image/jpeg")),
            (b"\x89PNG\r\n\x1a\n\0\0", Some("image/png")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\x10\0\0\0WAVEfmt ", Some("audio/wav")),
            (b"RIFF\x10\0\0\0AVI LIST", None),
            (b"\0\0\0\x18ftypmp42\0\0", Some("video/mp4")),
            (b"\0\0\0\x18ftypM4A \0\0", Some("audio/mp4")),
            (b"\0\0\0\x18ftyp3gp4\0\0", Some("video/3gpp")),
            (b"%PDF-1.7\n", Some("application/pdf")),
            (b"OggS\0\x02", Some("audio/ogg")),
            (b"\xff\xfb\x90\x44", Some("audio/mpeg")),
            (b"\xff\xf1\x50\x80", Some("audio/aac")),
            (b"PK\x03\x04\x14\0", Some("application/zip")),
            (b"<html><script>", None),
            (b"<svg xmlns=", None),
            (b"MZ\x90\0", None),
            (b"\x7fELF", None),
            (b"#!/bin/sh", None),
            (b"\xff\xfe<\0h\0", None),
            (b"", None),
            (b"\xff", None),
        ];
        for (head, expected) in rows {
            assert_eq!(sniff(head), *expected, "{head:?}");
        }
    }

    #[test]
    fn a_kind_takes_only_its_family() {
        assert!(fits("image", Some("image/png")) && !fits("image", Some("application/pdf")) && !fits("image", None));
        assert!(fits("audio", Some("audio/ogg")) && fits("audio", Some("video/mp4")) && !fits("video", None));
        assert!(fits("document", None), "a document may be anything, and is only ever downloaded");
        let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        assert_eq!(refine(Some("application/zip"), sheet).as_deref(), Some(sheet));
        assert_eq!(refine(Some("application/zip"), "text/html").as_deref(), Some("application/zip"));
        assert_eq!(refine(None, "text/html"), None);
        assert!(!may_be_inline(None) && !may_be_inline(Some("application/pdf")) && may_be_inline(Some("image/png")));
    }
}
