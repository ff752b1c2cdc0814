//! Where a message's file is had: from an address, or with the request itself.

use crate::people::media::Written;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// Where a message's file is had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileFrom {
    /// It is fetched from this address.
    Address(String),
    /// It came with the request.
    Here(Uploaded),
}

/// A file that came with a request. Cheap to clone. Two with the same bytes are the same.
#[derive(Clone)]
pub struct Uploaded {
    bytes: UploadedBytes,
    declared_type: String,
    sha256: String,
    field: &'static str,
}

#[derive(Clone)]
enum UploadedBytes {
    Held(Bytes),
    /// On the disk, until somebody takes it; nobody does of a message that is refused, and then it goes.
    OnDisk(Arc<Mutex<Option<Written>>>),
}

/// What of an upload is to become a message's file.
pub(super) enum TakenUpload {
    Held(Bytes),
    OnDisk(Written),
}

/// Shows none of its bytes.
impl fmt::Debug for Uploaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a file of SHA-256 {}", self.sha256)
    }
}

impl PartialEq for Uploaded {
    fn eq(&self, other: &Self) -> bool {
        (&self.sha256, &self.declared_type, self.field) == (&other.sha256, &other.declared_type, other.field)
    }
}

impl Eq for Uploaded {}

impl Uploaded {
    /// A file of these bytes, and the type that its sender says it has. Reads all of it: call it where blocking is
    /// allowed.
    pub fn new(bytes: Bytes, declared_type: String) -> Self {
        let sha256 = hex(&Sha256::digest(&bytes));
        Self { bytes: UploadedBytes::Held(bytes), declared_type, sha256, field: "media_url" }
    }

    /// A file that was written to the disk as it came.
    pub fn on_disk(written: Written, declared_type: String) -> Self {
        let sha256 = hex(&written.stored().sha256);
        let bytes = UploadedBytes::OnDisk(Arc::new(Mutex::new(Some(written))));
        Self { bytes, declared_type, sha256, field: "file" }
    }

    /// The same, of the field that its sender knows it by.
    #[must_use]
    pub fn in_field(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    /// The file, once; none: somebody has taken it.
    pub(super) fn take(&self) -> Option<TakenUpload> {
        match &self.bytes {
            UploadedBytes::Held(bytes) => Some(TakenUpload::Held(bytes.clone())),
            UploadedBytes::OnDisk(written) => {
                written.lock().unwrap_or_else(PoisonError::into_inner).take().map(TakenUpload::OnDisk)
            }
        }
    }

    /// Of its bytes, in hexadecimal digits: two requests with the same file are the same request.
    pub(super) fn sha256(&self) -> &str {
        &self.sha256
    }

    pub(super) fn declared_type(&self) -> &str {
        &self.declared_type
    }

    /// The field that it came in.
    pub(super) fn field(&self) -> &'static str {
        self.field
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|b| format!("{b:02x}")).collect()
}
