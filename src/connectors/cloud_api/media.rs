//! Files that people sent, fetched from Meta: an address is asked for, which is good for some minutes, then the bytes,
//! bounded in size and compared with the SHA-256 that Meta told.
//!
//! The requests themselves are a [`Library`]'s.

use super::client::{GraphClient, GraphFailure};
use crate::connectors::{Boxed, MediaError, meta_error::GraphError};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// By what a file is asked for later: Meta's id of it, and the SHA-256 that came with the message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Handle {
    pub(super) id: String,
    pub(super) sha256: Option<String>,
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.sha256.as_deref().unwrap_or_default())
    }
}

impl Handle {
    fn read(text: &str) -> Self {
        let (id, sha256) = text.split_once(' ').unwrap_or((text, ""));
        Self { id: id.to_owned(), sha256: (!sha256.is_empty()).then(|| sha256.to_owned()) }
    }
}

/// What came of asking for a file's bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum MediaDownload {
    /// Here they are.
    Bytes(Vec<u8>),
    /// There are more than may be read.
    TooLarge,
    /// The address is not good any more.
    Expired,
}

/// Where Meta keeps files.
pub(super) trait Library: Sync {
    /// What Meta tells of a file: `url`, `sha256`, `file_size`.
    fn look<'a>(&'a self, id: &'a str) -> Boxed<'a, Result<Value, MediaError>>;
    /// The bytes at an address that [`Library::look`] told, at most so many.
    fn load<'a>(&'a self, url: &'a str, max_bytes: usize) -> Boxed<'a, Result<MediaDownload, MediaError>>;
    /// Whether the token may be shown to whoever is at this address.
    fn trusts(&self, url: &str) -> bool;
}

/// Gets a file by its handle.
///
/// # Errors
/// See [`MediaError`].
pub(super) async fn fetch(library: &dyn Library, handle: &str, max_bytes: u64) -> Result<Vec<u8>, MediaError> {
    let handle = Handle::read(handle);
    let max = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    // An address may run out between its being told and its being used: it is asked for once more.
    for _ in 0..2 {
        let told = library.look(&handle.id).await?;
        let size = told["file_size"].as_u64().or_else(|| told["file_size"].as_str()?.parse().ok());
        if size.is_some_and(|size| size > max_bytes) {
            return Err(MediaError::TooLarge(max_bytes));
        }
        let url = told["url"].as_str().filter(|url| library.trusts(url));
        let url = url.ok_or_else(|| MediaError::Gone("Meta told no address that may be called".to_owned()))?;
        match library.load(url, max).await? {
            MediaDownload::Bytes(bytes) if bytes.len() > max => return Err(MediaError::TooLarge(max_bytes)),
            MediaDownload::Bytes(bytes) => {
                let sums = [handle.sha256.as_deref(), told["sha256"].as_str()];
                return match sums.into_iter().flatten().filter_map(sum).all(|sum| sum == *Sha256::digest(&bytes)) {
                    true => Ok(bytes),
                    // Cut on the way, or another file: another try may bring the right one.
                    false => Err(MediaError::NotNow("the file's bytes do not have the SHA-256 that Meta told".into())),
                };
            }
            MediaDownload::TooLarge => return Err(MediaError::TooLarge(max_bytes)),
            MediaDownload::Expired => {}
        }
    }
    Err(MediaError::NotNow("the addresses that Meta told were not good any more".to_owned()))
}

/// A SHA-256 in base64, as webhooks have it, or in hexadecimal digits; none for anything else.
fn sum(text: &str) -> Option<Vec<u8>> {
    let hex = || {
        let digits = text.as_bytes().chunks_exact(2);
        digits.map(|pair| Some((super::signature::digit(pair[0])? << 4) | super::signature::digit(pair[1])?)).collect()
    };
    let bytes = if text.len() == 64 { hex() } else { STANDARD.decode(text).ok() };
    bytes.filter(|bytes: &Vec<u8>| bytes.len() == 32)
}

impl Library for GraphClient {
    fn look<'a>(&'a self, id: &'a str) -> Boxed<'a, Result<Value, MediaError>> {
        Box::pin(async move {
            self.media(id).await.map_err(|trouble| match &trouble {
                // Not there any more, or never there for this number.
                GraphFailure::Refused { error: Some(GraphError { code: 100, .. }), .. }
                | GraphFailure::Refused { status: 404 | 410, .. } => MediaError::Gone(trouble.text()),
                _ => MediaError::NotNow(trouble.text()),
            })
        })
    }

    fn load<'a>(&'a self, url: &'a str, max_bytes: usize) -> Boxed<'a, Result<MediaDownload, MediaError>> {
        Box::pin(async move {
            let answer = self.file(url, max_bytes).await;
            let answer = answer.map_err(|e| MediaError::NotNow(format!("the file does not come: {e}")))?;
            match answer.status.as_u16() {
                200..=299 if answer.truncated => Ok(MediaDownload::TooLarge),
                200..=299 => Ok(MediaDownload::Bytes(answer.body.to_vec())),
                403 | 404 | 410 => Ok(MediaDownload::Expired),
                status => Err(MediaError::NotNow(format!("Meta answered {status} instead of the file"))),
            }
        })
    }

    fn trusts(&self, url: &str) -> bool {
        url.starts_with("https://") || self.is_at(url)
    }
}

#[cfg(test)]
#[path = "media_tests.rs"]
mod tests;
