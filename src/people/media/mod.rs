//! Files that come in and go out: kept below the data directory, judged by their first bytes, served under signed
//! addresses.
//!
//! - [`MediaStore`]: what everybody who handles a file needs: where it is put (`files.rs`), how large it may be, how it is
//!   called (`name.rs`), what it is (`sniff.rs`), its address (`token.rs`), and how one is had from an address on the
//!   net (`download.rs`) or handed in (`upload.rs`).
//! - [`Media`]: the running side: gets what providers keep for us (`fetch.rs`), finds a file for whoever asks, and takes
//!   away what is too old, too much, or nobody's (`tidy.rs`).
//!
//! A file is on the disk before its row is committed, and its row forgets it before it is removed; what falls between
//! is an orphan and swept. What a sender says about a file is never believed, and nothing is served as anything that a
//! browser would run.
//!
//! It knows nothing of messages' rules, and nothing of HTTP towards us.

mod cleanup;
mod download;
mod fetch;
mod files;
mod name;
mod row;
mod sniff;
pub mod token;
mod upload;

pub use download::{NotFetched, kind_of_url};
pub use fetch::Had;
pub use files::{MediaFolder, Stored, Writing, Written};
pub use name::{disposition, shown};
pub use row::{FileContent, NewMedia, Of, StoredFile, find_of, may_see, record};
pub use sniff::{fits, kind_of_bytes, may_be_inline, outgoing_type, served_type};
pub use upload::{Unfit, kind_of_sniffed, kind_to_send};

use crate::{
    connectors::{
        Registry,
        inbound_event::{HeardMedia, MediaSource},
    },
    egress::Egress,
    model::{
        aside::aside,
        clock::{Clock, LastLook, Time},
        file_name,
        threads::ThreadsApart,
    },
    store::{Store, StoreError},
};
use bytes::Bytes;
use fetch::FetchClaims;
use serde::Serialize;
use std::{io, path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::{Notify, Semaphore};

/// How large files may be, in bytes, and what having one from an address may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MediaLimits {
    /// Pictures and stickers.
    pub image: u64,
    pub video: u64,
    pub audio: u64,
    pub document: u64,
    /// How long a `media_url` may take to be had.
    pub download_timeout: Duration,
    /// All stored files together; the oldest go first.
    pub budget: u64,
}

/// What everybody who handles a file needs. Cheap to clone.
#[derive(Clone)]
pub struct MediaStore {
    files: MediaFolder,
    tokens: token::Tokens,
    limits: MediaLimits,
    egress: Egress,
    calls: Arc<ThreadsApart>,
    public_url: Arc<str>,
    wake: Arc<Notify>,
    downloads: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
}

/// What a shelf is made of.
pub struct Parts {
    /// Where files are put.
    pub files: MediaFolder,
    /// For the addresses' signatures.
    pub key: [u8; 32],
    /// How large files may be.
    pub limits: MediaLimits,
    /// The way out.
    pub egress: Egress,
    /// Where people reach this gateway, without a slash at the end.
    pub public_url: String,
}

/// What came of a file that was heard of, before its message is recorded.
pub enum StagedFile {
    /// It is on the disk.
    Here(Written),
    /// It is to be fetched.
    Later {
        /// The provider's handle.
        handle: String,
        /// As the provider says.
        size: Option<u64>,
    },
    /// It cannot be kept, and why.
    Refused(String),
}

/// The `media` member of an event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EventMedia {
    /// image, video, audio, document, sticker.
    #[serde(rename = "type")]
    pub kind: String,
    /// What its bytes say; as declared while they are not here.
    pub mime_type: String,
    /// With an ending that opens it; made up where its sender gave none.
    pub file_name: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// Where it is had for a week; none when it cannot be.
    pub url: Option<String>,
}

/// The running side.
pub struct Media {
    store: Store,
    clock: Arc<dyn Clock>,
    registry: Registry,
    shelf: MediaStore,
    claims: FetchClaims,
    looked: LastLook,
}

impl MediaLimits {
    /// The largest file of a kind, in bytes.
    pub fn of(&self, kind: &str) -> u64 {
        match kind {
            "image" | "sticker" => self.image,
            "video" => self.video,
            "audio" | "voice" => self.audio,
            _ => self.document,
        }
    }
}

/// Downloads at once: each may hold its largest file in memory.
const DOWNLOADS: usize = 4;

impl MediaStore {
    /// The shelf over its parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { files, key, limits, egress, public_url } = parts;
        Self {
            files,
            tokens: token::Tokens::new(&key),
            limits,
            egress,
            calls: Arc::new(ThreadsApart::of_calls()),
            public_url: public_url.into(),
            wake: Arc::default(),
            downloads: Arc::new(Semaphore::new(DOWNLOADS)),
            uploads: Arc::new(Semaphore::new(upload::UPLOADS)),
        }
    }

    /// Puts a file that a connector heard of on the disk, as far as its bytes are here.
    ///
    /// # Errors
    /// The disk's own: the provider must offer the message again.
    pub async fn take(&self, heard: &mut HeardMedia) -> io::Result<StagedFile> {
        let most = self.limits.of(&heard.kind);
        let too_large = |size: u64| format!("the file has {size} bytes, and a {} may have {most}", heard.kind);
        match &mut heard.source {
            MediaSource::Later(handle) => match heard.size {
                Some(size) if size > most => Ok(StagedFile::Refused(too_large(size))),
                size => Ok(StagedFile::Later { handle: std::mem::take(handle), size }),
            },
            MediaSource::Bytes(bytes) if bytes.len() as u64 > most => {
                Ok(StagedFile::Refused(too_large(bytes.len() as u64)))
            }
            MediaSource::Bytes(bytes) => Ok(StagedFile::Here(self.write(std::mem::take(bytes).into()).await?)),
        }
    }

    /// Puts bytes on the disk.
    async fn write(&self, bytes: Bytes) -> io::Result<Written> {
        let files = self.files.clone();
        aside(move || files.write(&bytes)).await.map_err(io::Error::other)?
    }

    /// How an event names a file.
    pub fn show(&self, id: i64, heard: &HeardMedia, taken: &StagedFile, now: Time) -> EventMedia {
        let (mime_type, size) = match taken {
            StagedFile::Here(written) => {
                let stored = written.stored();
                let sniffed = sniff::refine(stored.sniffed, &heard.mime_type);
                (served_type(sniffed.as_deref()).to_owned(), Some(stored.size))
            }
            StagedFile::Later { size, .. } => (heard.mime_type.clone(), *size),
            StagedFile::Refused(_) => (heard.mime_type.clone(), heard.size),
        };
        let url = (!matches!(taken, StagedFile::Refused(_))).then(|| self.address(id, now));
        let named = heard.file_name.as_deref().and_then(file_name::clean);
        let file_name = Some(name::shown(named.as_deref(), &heard.kind, id, &mime_type));
        EventMedia { kind: heard.kind.clone(), mime_type, file_name, size, url }
    }

    /// A signed address of a file, good for a week from `now`.
    pub fn address(&self, id: i64, now: Time) -> String {
        format!("{}/media/{}", self.public_url, self.tokens.sign(id, now.plus(token::LIFE)))
    }

    /// Where a stored file lies.
    pub fn locate(&self, path: &str) -> Option<PathBuf> {
        self.files.locate(path)
    }

    /// Who calls places that customers name, and fetches what is pending.
    pub fn calls(&self) -> &Arc<ThreadsApart> {
        &self.calls
    }

    /// Something pending was committed.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

impl StagedFile {
    /// What the row says of it.
    pub fn content(&self) -> FileContent<'_> {
        match self {
            Self::Here(written) => FileContent::Stored(written.stored()),
            Self::Later { handle, size } => FileContent::Pending(handle, *size),
            Self::Refused(problem) => FileContent::Failed(problem),
        }
    }
}

impl Media {
    /// The slice over its parts; its worker is started with [`Media::run`].
    pub fn new(store: Store, clock: Arc<dyn Clock>, registry: Registry, shelf: MediaStore) -> Self {
        Self { store, clock, registry, shelf, claims: FetchClaims::default(), looked: LastLook::default() }
    }

    /// The files, their limits and their addresses.
    pub fn shelf(&self) -> &MediaStore {
        &self.shelf
    }

    /// The file that a token names, and until when the token alone is enough; none for a token that is not ours.
    pub async fn find(&self, token: &str) -> Result<Option<(StoredFile, Time)>, StoreError> {
        let Some(named) = self.shelf.tokens.read(token) else { return Ok(None) };
        let item = self.store.read(move |tx| row::find(tx, named.id)).await?;
        Ok(item.map(|item| (item, named.until)))
    }
}
