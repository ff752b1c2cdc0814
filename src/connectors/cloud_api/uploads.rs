//! Files on their way to Meta: read from the disk, and remembered by Meta's id so that a second try, or the same file
//! to somebody else, need not bring it again.
//!
//! Meta keeps a file for 30 days; here it is remembered for one, and not over a restart.

use crate::{
    connectors::{SendError, outgoing::MediaFile},
    model::{
        clock::Time,
        random::{Random, base62},
    },
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Duration,
};

const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
const MAX: usize = 256;

/// Files that Meta has.
#[derive(Default)]
pub(super) struct Uploads(HashMap<PathBuf, (String, Time)>);

impl Uploads {
    pub(super) fn find(&self, path: &Path, now: Time) -> Option<String> {
        self.0.get(path).filter(|(_, at)| now.is_within(REMEMBERED, *at)).map(|(id, _)| id.clone())
    }

    pub(super) fn keep(&mut self, path: &Path, id: &str, now: Time) {
        if self.0.len() >= MAX {
            let oldest = self.0.iter().min_by_key(|(_, (_, at))| *at).map(|(path, _)| path.clone());
            oldest.map(|path| self.0.remove(&path));
        }
        self.0.insert(path.to_owned(), (id.to_owned(), now));
    }

    pub(super) fn forget(&mut self, path: &Path) {
        self.0.remove(path);
    }
}

/// The file's bytes.
///
/// # Errors
/// It is not there, or not as it was.
pub(super) async fn read(file: &MediaFile) -> Result<Vec<u8>, SendError> {
    match tokio::fs::read(&file.path).await {
        Ok(bytes) if bytes.len() as u64 == file.size => Ok(bytes),
        Ok(bytes) => {
            let problem = format!("the file has {} bytes instead of {}", bytes.len(), file.size);
            Err(SendError::permanent("media_unreadable", &problem))
        }
        Err(e) => Err(SendError::permanent("media_unreadable", &format!("the file cannot be read: {e}"))),
    }
}

/// What stands between the parts of a form: nothing that its file has in it.
pub(super) fn boundary(random: &dyn Random, bytes: &[u8]) -> String {
    loop {
        let boundary = base62(random, 40);
        if !bytes.windows(boundary.len()).any(|part| part == boundary.as_bytes()) {
            return boundary;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_remembered_for_a_day_and_not_too_many_are() {
        let now = Time::parse("2026-06-01T08:00:00Z").expect("a time");
        let later = |s: u64| now.plus(Duration::from_secs(s));
        let path = |n: usize| PathBuf::from(format!("/media/{n}"));
        let mut uploads = Uploads::default();
        uploads.keep(&path(0), "id", now);
        assert_eq!(uploads.find(&path(0), later(24 * 3600 - 1)).as_deref(), Some("id"));
        assert_eq!(uploads.find(&path(0), later(24 * 3600)), None);
        for n in 1..=MAX {
            uploads.keep(&path(n), "other", later(n as u64));
        }
        assert_eq!((uploads.0.len(), uploads.find(&path(0), now)), (MAX, None), "the oldest one went");
        uploads.forget(&path(5));
        assert_eq!(uploads.find(&path(5), later(6)), None);
    }
}
