//! What a provider surely does not take, known before it is asked: one table per connector, which the guard asks for
//! whoever sends.

use super::outgoing::MediaKind;
use std::time::Duration;

/// How long after a message WhatsApp lets it be edited (its help page "How to edit messages").
pub const EDITABLE_FOR: Duration = Duration::from_secs(15 * 60);
/// How long after a message WhatsApp lets it be taken back for everyone: two and a half days.
pub const DELETABLE_FOR: Duration = Duration::from_secs(60 * 60 * 60);

/// Whether a message of this kind has words that can be edited: a text, or what stands beside a file.
pub fn has_editable_words(kind: &str) -> bool {
    ["text", "image", "video", "document"].contains(&kind)
}

/// The bounds of a connector; the default has none but those of the gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MessageLimits {
    /// Longest text beside a file, in characters; none: as long as any text.
    pub caption: Option<usize>,
    /// The files that it takes, by kind; none: any.
    pub files: Option<&'static [FileLimit]>,
    /// Whether a one-time code reaches only a number, and nobody whose number is hidden.
    pub codes_need_a_number: bool,
}

/// The files of a kind that a provider takes.
#[derive(PartialEq, Eq, Debug)]
pub struct FileLimit {
    pub kind: MediaKind,
    /// Their types. Where `text/plain` is one of them, every kind of text is.
    pub types: &'static [&'static str],
    /// The largest, in bytes.
    pub most: u64,
}

impl MessageLimits {
    /// Why a text cannot stand beside a file.
    pub fn caption_problem(&self, caption: &str) -> Option<String> {
        let (most, length) = (self.caption?, caption.chars().count());
        (length > most).then(|| {
            format!("the text beside a file has {length} characters, and at most {most} are taken: send it by itself")
        })
    }

    /// Why a file of this type and size, in bytes, cannot go as this kind.
    pub fn file_problem(&self, kind: MediaKind, mime: &str, size: u64) -> Option<String> {
        let limits = self.files?;
        let takes = |limit: &FileLimit| limit.types.iter().any(|taken| is_of(mime, taken));
        let limit = limits.iter().find(|limit| limit.kind == kind);
        let Some(limit) = limit.filter(|limit| takes(limit)) else {
            let other = limits.iter().find(|limit| limit.kind != kind && takes(limit));
            let advice = match (other, limit) {
                (Some(other), _) => format!("send it as media_type {}", other.kind),
                (None, Some(limit)) => format!("what goes as {kind} is {}", limit.types.join(", ")),
                (None, None) => format!("there is no {kind} here"),
            };
            return Some(format!("the file is {mime}, which is not taken as {kind}: {advice}"));
        };
        let most = limit.most;
        (size > most).then(|| format!("the file has {size} bytes, and a {kind} has at most {most}"))
    }
}

/// Whether a type is one that is taken; parameters of it do not matter.
fn is_of(mime: &str, taken: &str) -> bool {
    let essence = mime.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(taken) || (taken == "text/plain" && essence.starts_with("text/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: MessageLimits = MessageLimits {
        caption: Some(10),
        files: Some(&[
            FileLimit { kind: MediaKind::Image, types: &["image/png"], most: 100 },
            FileLimit { kind: MediaKind::Document, types: &["text/plain", "application/pdf", "image/png"], most: 50 },
        ]),
        codes_need_a_number: false,
    };

    #[test]
    fn what_is_not_taken_says_what_would_be() {
        let none = MessageLimits::default();
        assert_eq!(
            (none.caption_problem(&"x".repeat(4096)), none.file_problem(MediaKind::Image, "x/y", 1)),
            (None, None)
        );
        assert_eq!(SOME.caption_problem(&"ש".repeat(10)), None);
        let long = SOME.caption_problem(&"ש".repeat(11)).expect("a problem");
        assert!(long.contains("11") && long.contains("10"), "{long}");
        let (image, document) = (MediaKind::Image, MediaKind::Document);
        for (kind, mime, size, told) in [
            (image, "image/png", 100, None),
            (image, "image/png; x=y", 100, None),
            (image, "image/png", 101, Some("at most 100")),
            (image, "image/webp", 1, Some("what goes as image is image/png")),
            (image, "application/pdf", 1, Some("as media_type document")),
            (document, "text/csv; charset=utf-8", 50, None),
            (document, "application/octet-stream", 1, Some("text/plain, application/pdf")),
            (MediaKind::Video, "video/mp4", 1, Some("there is no video here")),
        ] {
            let problem = SOME.file_problem(kind, mime, size);
            assert_eq!(problem.is_some(), told.is_some(), "{kind} {mime}: {problem:?}");
            assert!(problem.unwrap_or_default().contains(told.unwrap_or_default()), "{kind} {mime}");
        }
    }
}
