//! A file from an address that a customer names: `media_url`. The egress judges the address; here its answer is judged.

use super::{MediaStore, Written, sniff};
use crate::{
    connectors::outgoing::MediaKind,
    egress::{Bounds, EgressResponse, Outbound},
    model::{
        clock::{Clock, Time},
        egress::Use,
        file_name,
        ids::AccountId,
    },
};
use bytes::Bytes;
use http::{Method, StatusCode};
use std::{io, panic::resume_unwind, time::Duration};
use tokio_util::task::AbortOnDropHandle;

/// Why a file could not be had, in plain words: what was wrong and what would be right.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotFetched {
    /// It lies with the file or with its address.
    #[error("{0}")]
    Unfit(String),
    /// It lies with us and may be over in a moment: the same request is good.
    #[error("{0}")]
    NotNow(&'static str),
}

impl NotFetched {
    /// Our disk did not take it; the log has the disk's own words.
    pub(super) fn disk(e: &io::Error) -> Self {
        tracing::error!("the disk does not take a message's file: {e}");
        Self::NotNow("the disk did not take the file")
    }
}

/// A file that was had, with the name that its server or its address gives it.
pub struct Download {
    /// On the disk, without a row.
    pub written: Written,
    /// The type that the answer named.
    pub declared_type: String,
    /// Of its answer's `Content-Disposition`, else the address's last segment.
    pub file_name: Option<String>,
}

impl MediaStore {
    /// Gets a file, whole, within `[media] download_timeout` and before `deadline`, and only if it is of the kind.
    ///
    /// # Errors
    /// An address that may not be called or does not answer with a file, a file that is too large or of another kind, a
    /// disk that does not take it.
    pub async fn download(
        &self,
        (account, url): (AccountId, &str),
        kind: MediaKind,
        clock: &dyn Clock,
        deadline: Time,
    ) -> Result<Download, NotFetched> {
        let most = self.limits.of(kind.as_str());
        let left = deadline.since(clock.now()).min(self.limits.download_timeout);
        if left < Duration::from_millis(1) {
            return Err(NotFetched::NotNow("there was no time left to fetch the file"));
        }
        let _turn = tokio::select! {
            turn = self.downloads.acquire() => turn,
            () = clock.sleep_until(clock.now().plus(left)) => {
                return Err(NotFetched::NotNow("too many files are being fetched: try again in a moment"));
            }
        };
        let left = deadline.since(clock.now()).min(left);
        let max_answer_bytes = usize::try_from(most).unwrap_or(usize::MAX);
        let answer = self.call((account, url.to_owned()), Bounds { timeout: left, max_answer_bytes }).await?;
        if answer.status != StatusCode::OK {
            let status = answer.status.as_u16();
            return Err(NotFetched::Unfit(format!(
                "the address answered with status {status}: it must answer 200 with the file itself, without a redirect"
            )));
        }
        if answer.truncated {
            return Err(NotFetched::Unfit(format!(
                "the file is larger than {most} bytes, which is the most for a {kind}"
            )));
        }
        if answer.body.is_empty() {
            return Err(NotFetched::Unfit("the file is empty".into()));
        }
        let sniffed = sniff::sniff(&answer.body[..answer.body.len().min(sniff::HEAD)]);
        if !sniff::fits(kind.as_str(), sniffed) {
            let is = sniffed.unwrap_or("of an unknown type");
            return Err(NotFetched::Unfit(format!("the file is {is}, which is no {kind}: name its real media_type")));
        }
        let declared = answer.headers.get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let declared_type = declared.unwrap_or_default().chars().take(100).collect();
        let written = self.write(answer.body).await;
        let written = written.map_err(|e| NotFetched::disk(&e))?;
        let disposition = answer.headers.get(http::header::CONTENT_DISPOSITION);
        // Servers put names in there as they are, whatever the standard says.
        let told = disposition.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let file_name = told.as_deref().and_then(file_name::of_disposition).or_else(|| file_name::of_address(url));
        Ok(Download { written, declared_type, file_name })
    }

    /// Calls the address, on the thread of calls. When nobody waits any more, nothing is read any more.
    async fn call(&self, (account, url): (AccountId, String), bounds: Bounds) -> Result<EgressResponse, NotFetched> {
        let egress = self.egress.of_account(account);
        let called = self.calls.handle().spawn(async move {
            let (method, headers, body) = (Method::GET, Vec::new(), Bytes::new());
            egress.send(Outbound { method, url: &url, headers, body, of: Use::Media }, bounds).await
        });
        match AbortOnDropHandle::new(called).await {
            Ok(answer) => answer.map_err(|e| {
                tracing::info!("a customer's file could not be fetched: {e}");
                NotFetched::Unfit(format!("the address could not be fetched: {}", e.for_customers()))
            }),
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => Err(NotFetched::NotNow("the gateway stops")),
            },
        }
    }
}

/// The kind that an address's ending stands for; none for an ending that is not served.
pub fn kind_of_url(url: &str) -> Option<MediaKind> {
    let name = file_name::of_address(url)?.to_ascii_lowercase();
    match name.rsplit_once('.')?.1 {
        "jpg" | "jpeg" | "png" | "gif" | "webp" => Some(MediaKind::Image),
        "mp4" => Some(MediaKind::Video),
        "mp3" => Some(MediaKind::Audio),
        "pdf" => Some(MediaKind::Document),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_give_kinds() {
        for (url, kind) in [
            ("https://a.example/x/invoice.pdf?sig=1", Some(MediaKind::Document)),
            ("https://a.example/%D7%97.PNG#x", Some(MediaKind::Image)),
            ("https://a.example/..%2f..%2fpasswd", None),
            ("https://a.example", None),
            ("https://a.example/100%.mp4", Some(MediaKind::Video)),
        ] {
            assert_eq!(kind_of_url(url), kind, "{url}");
        }
    }
}
