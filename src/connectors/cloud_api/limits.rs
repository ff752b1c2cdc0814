//! What Meta surely refuses, by its own tables ("Supported Media Types" and the reference of media messages of the Cloud
//! API): sizes are its figures in MiB. Its upload takes exactly the types that stand here; `application/octet-stream` is
//! none of them.

use crate::connectors::{
    message_limits::{FileLimit, MessageLimits},
    outgoing::MediaKind,
};

const MIB: u64 = 1 << 20;

/// The bounds of every number on the Cloud API.
pub(super) const LIMITS: MessageLimits =
    MessageLimits { caption: Some(1024), files: Some(FILES), codes_need_a_number: true };

/// WebP goes as a sticker alone; as a picture Meta takes it and then fails it (131053).
const FILES: &[FileLimit] = &[
    FileLimit { kind: MediaKind::Image, types: &["image/jpeg", "image/png"], most: 5 * MIB },
    FileLimit { kind: MediaKind::Video, types: &["video/mp4", "video/3gpp"], most: 16 * MIB },
    FileLimit {
        kind: MediaKind::Audio,
        types: &["audio/mpeg", "audio/ogg", "audio/mp4", "audio/aac", "audio/amr", "audio/opus"],
        most: 16 * MIB,
    },
    FileLimit { kind: MediaKind::Document, types: DOCUMENTS, most: 100 * MIB },
    // Its page on audio messages: what is no Ogg with Opus is shown as a file and not as a voice message.
    FileLimit { kind: MediaKind::Voice, types: &["audio/ogg", "audio/opus"], most: 16 * MIB },
    // An animated one; one that stands still has at most 100 KiB.
    FileLimit { kind: MediaKind::Sticker, types: &["image/webp"], most: 500 << 10 },
];

/// Everything that can be uploaded can be sent as a document.
const DOCUMENTS: &[&str] = &[
    "application/pdf",
    "text/plain",
    "application/msword",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "image/jpeg",
    "image/png",
    "image/webp",
    "video/mp4",
    "video/3gpp",
    "audio/mpeg",
    "audio/ogg",
    "audio/mp4",
    "audio/aac",
    "audio/amr",
    "audio/opus",
];

/// The type that Meta's upload is told: every kind of text is plain text there.
pub(super) fn upload_type(mime: &str) -> &str {
    if mime.starts_with("text/") { "text/plain" } else { mime }
}
