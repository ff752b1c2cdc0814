//! Where a message's file is had: from an address, or with the request itself.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::fmt;

/// Where a message's file is had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileFrom {
    /// It is fetched from this address.
    Address(String),
    /// It came with the request.
    Here(Uploaded),
}

/// A file that came with a request. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Uploaded {
    bytes: Bytes,
    declared_type: String,
    sha256: String,
}

/// Shows none of its bytes.
impl fmt::Debug for Uploaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}

impl Uploaded {
    /// A file of these bytes, and the type that its sender says it has. Reads all of it: call it where blocking is
    /// allowed.
    pub fn new(bytes: Bytes, declared_type: String) -> Self {
        let sha256 = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        Self { bytes, declared_type, sha256 }
    }

    pub(super) fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// Of its bytes, in hexadecimal digits: two requests with the same file are the same request.
    pub(super) fn sha256(&self) -> &str {
        &self.sha256
    }

    pub(super) fn declared_type(&self) -> &str {
        &self.declared_type
    }
}
