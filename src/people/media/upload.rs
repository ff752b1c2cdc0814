//! A file that somebody hands in at a page: judged like one that is fetched, by its bytes and not by what is said of it.

use super::{MediaStore, NotFetched, Stored, Writing, Written, sniff};
use crate::{connectors::outgoing::MediaKind, model::aside::aside};
use bytes::Bytes;
use std::{io, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Large files on their way in at once: each is held in memory.
pub(super) const UPLOADS: usize = 4;

/// What is wrong with a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It has no bytes.
    Empty,
    /// It has more bytes than a file of its kind may have.
    TooLarge {
        /// Its kind, by its bytes.
        kind: MediaKind,
        /// The most, in bytes.
        most: u64,
    },
}

/// What a phone shows a file as, by its bytes: a picture, film or sound of a kind that every phone plays, else a
/// document.
pub fn kind_to_send(bytes: &[u8]) -> MediaKind {
    kind_of_sniffed(sniff::sniff(&bytes[..bytes.len().min(sniff::HEAD)]))
}

/// The same, by the type that its first bytes proved.
pub fn kind_of_sniffed(sniffed: Option<&str>) -> MediaKind {
    match sniffed {
        Some("image/jpeg" | "image/png" | "image/webp" | "image/gif") => MediaKind::Image,
        Some("video/mp4" | "video/3gpp") => MediaKind::Video,
        Some("audio/mpeg" | "audio/ogg" | "audio/aac" | "audio/amr" | "audio/mp4") => MediaKind::Audio,
        _ => MediaKind::Document,
    }
}

impl MediaStore {
    /// The largest file of a kind that goes out, in bytes.
    pub fn most(&self, kind: MediaKind) -> u64 {
        self.limits.of(kind.as_str())
    }

    /// Room for one more large file on its way in; none: there are enough.
    pub fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::<Semaphore>::clone(&self.uploads).try_acquire_owned().ok()
    }

    /// What a file would be sent as.
    ///
    /// # Errors
    /// It is empty or too large.
    pub fn judge(&self, bytes: &[u8]) -> Result<MediaKind, Unfit> {
        let kind = kind_to_send(bytes);
        let most = self.most(kind);
        match bytes.len() as u64 {
            0 => Err(Unfit::Empty),
            size if size > most => Err(Unfit::TooLarge { kind, most }),
            _ => Ok(kind),
        }
    }

    /// A file that is written to the disk as it comes.
    ///
    /// # Errors
    /// The disk does not take it.
    pub async fn begin(&self) -> io::Result<Writing> {
        let files = self.files.clone();
        aside(move || files.begin()).await.map_err(io::Error::other)?
    }

    /// Why a file on the disk cannot go as this kind.
    pub fn unfit(&self, stored: &Stored, kind: MediaKind) -> Option<NotFetched> {
        let (size, most) = (stored.size, self.most(kind));
        if size == 0 || size > most {
            return Some(NotFetched::Unfit(format!("the file has {size} bytes, and a {kind} has 1 to {most}")));
        }
        let fits = sniff::fits(kind.as_str(), stored.sniffed);
        (!fits).then(|| NotFetched::Unfit(format!("the file's bytes are no {kind}")))
    }

    /// Puts a file on the disk that came with a request.
    ///
    /// # Errors
    /// It is empty, too large or of another kind; the disk does not take it.
    pub async fn keep(&self, bytes: Bytes, kind: MediaKind) -> Result<Written, NotFetched> {
        if bytes.len() as u64 > self.most(kind) {
            let (size, most) = (bytes.len(), self.most(kind));
            return Err(NotFetched::Unfit(format!("the file has {size} bytes, and a {kind} has 1 to {most}")));
        }
        let written = self.write(bytes).await;
        let written = written.map_err(|e| NotFetched::disk(&e))?;
        self.unfit(written.stored(), kind).map_or(Ok(written), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_not_every_phone_plays_goes_as_a_document() {
        for (bytes, kind) in [
            (&b"\xff\xd8\xff\xe0"[..], MediaKind::Image),
            (b"\0\0\0\x18ftypmp42", MediaKind::Video),
            (b"OggS\0\x02", MediaKind::Audio),
            (b"\0\0\0\x18ftypheic", MediaKind::Document),
            (b"\0\0\0\x14ftypqt  ", MediaKind::Document),
            (b"RIFF\x10\0\0\0WAVEfmt ", MediaKind::Document),
            (b"%PDF-1.7", MediaKind::Document),
            (b"plain", MediaKind::Document),
            (b"", MediaKind::Document),
        ] {
            assert_eq!(kind_to_send(bytes), kind, "{bytes:?}");
        }
    }
}
