//! `GET /media/{token}`: a file, for whoever has its signed address, or its address and the account's key.
//!
//! Streamed from the disk, whole or one range of it. The answer forbids a browser everything that a file could try: its
//! type is what its bytes prove, nothing is guessed, nothing in it runs, nothing in it loads.

use crate::web::{Incoming, auth, problem};
use crate::{
    gateway::Gateway,
    model::code::{Code, Details},
    people::media::{self, Had, StoredFile},
    store::StoreError,
};
use ::http::{HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use futures_util::stream;
use std::{io, path::Path, time::Duration};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};
use warp::{Reply, reply::Response};

/// Read from the disk at once, in bytes.
const CHUNK: u64 = 64 << 10;
/// When to ask again for a file that the provider still has.
const ASK_AGAIN: Duration = Duration::from_secs(15);

/// Answers with the file.
pub async fn handle(gateway: &Gateway, incoming: Incoming) -> Response {
    let token = incoming.segments.first().map(String::as_str).unwrap_or_default();
    let found = match gateway.media.find(token).await {
        Ok(found) => found,
        Err(e) => return problem::internal(&e, &incoming.request_id),
    };
    let Some((item, until)) = found else { return problem::code(Code::NotFound) };
    if gateway.clock.now() >= until {
        match is_owner(gateway, &incoming, &item).await {
            Ok(true) => {}
            Ok(false) => return gone(),
            Err(e) => return problem::internal(&e, &incoming.request_id),
        }
    }
    give(gateway, &incoming, item).await
}

/// Answers with a file that whoever asks may see.
pub async fn give(gateway: &Gateway, incoming: &Incoming, item: StoredFile) -> Response {
    match gateway.media.have(item).await {
        Ok(Had::Here(item)) => serve(gateway, incoming, &item).await,
        Ok(Had::NotYet) => problem::problem(Code::ServiceUnavailable, &Details::None, Some(ASK_AGAIN)),
        Ok(Had::Gone) => gone(),
        Err(e) => problem::internal(&e, &incoming.request_id),
    }
}

/// Whether the request carries a key of the file's account that may use its instance.
async fn is_owner(gateway: &Gateway, incoming: &Incoming, item: &StoredFile) -> Result<bool, StoreError> {
    let Ok(caller) = auth::bearer(gateway, incoming) else { return Ok(false) };
    let item = item.clone();
    gateway.store.read(move |tx| media::may_see(tx, &item, caller.account, caller.key)).await
}

/// It was here once.
fn gone() -> Response {
    let mut response = problem::code(Code::NotFound);
    *response.status_mut() = StatusCode::GONE;
    response
}

async fn serve(gateway: &Gateway, incoming: &Incoming, item: &StoredFile) -> Response {
    let Some(path) = item.path.as_deref().and_then(|path| gateway.media.shelf().locate(path)) else { return gone() };
    let answered = answer(&path, incoming, item).await;
    answered.unwrap_or_else(|e| {
        tracing::error!(request_id = incoming.request_id, media = item.id, "a stored file cannot be read: {e}");
        problem::code(Code::InternalError)
    })
}

async fn answer(path: &Path, incoming: &Incoming, item: &StoredFile) -> io::Result<Response> {
    let mut file = File::open(path).await?;
    let size = file.metadata().await?.len();
    let (status, from, to) = match range(incoming.header("range"), size) {
        ByteRange::All => (StatusCode::OK, 0, size),
        ByteRange::Part(from, to) => (StatusCode::PARTIAL_CONTENT, from, to),
        ByteRange::Nothing => return Ok(unsatisfiable(size)),
    };
    let mut response = if incoming.method == Method::HEAD {
        Response::default()
    } else {
        file.seek(io::SeekFrom::Start(from)).await?;
        warp::reply::stream(stream::try_unfold((file, to - from), next)).into_response()
    };
    *response.status_mut() = status;
    describe(&mut response, item);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, problem::number(to - from));
    if status == StatusCode::PARTIAL_CONTENT {
        insert(&mut response, header::CONTENT_RANGE, &format!("bytes {from}-{}/{size}", to - 1));
    }
    Ok(response)
}

/// The next piece of a file of which `left` bytes are wanted.
async fn next((mut file, left): (File, u64)) -> io::Result<Option<(Bytes, (File, u64))>> {
    if left == 0 {
        return Ok(None);
    }
    let mut piece = vec![0; usize::try_from(left.min(CHUNK)).unwrap_or(0)];
    let read = file.read(&mut piece).await?;
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    piece.truncate(read);
    Ok(Some((Bytes::from(piece), (file, left - read as u64))))
}

fn describe(response: &mut Response, item: &StoredFile) {
    let sniffed = item.sniffed_type.as_deref();
    let name = media::shown(item.file_name.as_deref(), &item.kind, item.id, sniffed.unwrap_or(&item.declared_type));
    insert(response, header::CONTENT_TYPE, media::served_type(sniffed));
    insert(response, header::CONTENT_DISPOSITION, &media::disposition(media::may_be_inline(sniffed), &name));
    insert(response, header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
    insert(response, header::CACHE_CONTROL, "private, max-age=3600");
    insert(response, header::REFERRER_POLICY, "no-referrer");
    insert(response, header::ACCEPT_RANGES, "bytes");
}

fn insert(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn unsatisfiable(size: u64) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
    insert(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"));
    response
}

/// What of a file is wanted: the end is the first byte that is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ByteRange {
    All,
    Part(u64, u64),
    Nothing,
}

/// Reads `Range`. Several ranges and what is no range at all mean the whole file (RFC 9110, 14.2).
fn range(header: Option<&str>, size: u64) -> ByteRange {
    let Some(spec) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else { return ByteRange::All };
    let Some((first, last)) = spec.split_once('-') else { return ByteRange::All };
    let number = |text: &str| {
        let text = text.trim();
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten()
    };
    match (first.trim(), last.trim()) {
        ("", last) => match number(last) {
            Some(0) => ByteRange::Nothing,
            Some(_) if size == 0 => ByteRange::Nothing,
            Some(n) => ByteRange::Part(size.saturating_sub(n), size),
            None => ByteRange::All,
        },
        (first, last) => match (number(first), last, number(last)) {
            (Some(from), _, _) if from >= size => ByteRange::Nothing,
            (Some(from), "", _) => ByteRange::Part(from, size),
            (Some(from), _, Some(to)) if to >= from => ByteRange::Part(from, to.saturating_add(1).min(size)),
            _ => ByteRange::All,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let rows: &[(Option<&str>, ByteRange)] = &[
            (None, ByteRange::All),
            (Some("bytes=0-0"), ByteRange::Part(0, 1)),
            (Some("bytes=2-5"), ByteRange::Part(2, 6)),
            (Some("bytes=2-"), ByteRange::Part(2, 10)),
            (Some("bytes=2-99"), ByteRange::Part(2, 10)),
            (Some("bytes=-3"), ByteRange::Part(7, 10)),
            (Some("bytes=-99"), ByteRange::Part(0, 10)),
            (Some("bytes=-0"), ByteRange::Nothing),
            (Some("bytes=10-"), ByteRange::Nothing),
            (Some("bytes=0-18446744073709551615"), ByteRange::Part(0, 10)),
            (Some("bytes=5-2"), ByteRange::All),
            (Some("bytes=0-1,3-4"), ByteRange::All),
            (Some("bytes=a-b"), ByteRange::All),
            (Some("items=0-1"), ByteRange::All),
            (Some("bytes=-"), ByteRange::All),
        ];
        for (header, expected) in rows {
            assert_eq!(range(*header, 10), *expected, "{header:?}");
        }
        assert_eq!(range(Some("bytes=0-"), 0), ByteRange::Nothing);
    }
}
