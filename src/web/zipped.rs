//! Answers compressed for who takes gzip: pages and documents that lie in memory as a whole. What is small, streamed,
//! compressed already, or named by an ETag goes out as it is.
//!
//! A page repeats what was asked of it beside what only its reader may know (the forms' token), so that lengths could tell
//! of the one by way of the other (BREACH). Each compressed answer therefore has a file name of random length in its
//! head, as "Heal the Breach" (Palacios and others, IEEE Access 2022) proposes: a length says nothing then.

use crate::model::random::Random;
use ::http::{HeaderMap, HeaderValue, header};
use flate2::{Compression, GzBuilder};
use http_body::Body as _;
use http_body_util::BodyExt;
use std::io::Write;
use warp::reply::Response;

/// In bytes: below it a packet is one packet either way.
const LEAST: u64 = 1400;
/// In bytes: compressing more would hold a thread for too long.
const MOST: u64 = 1024 * 1024;
/// Longest name in the head of a compressed answer.
const NAME_MAX: u64 = 64;

/// Whether whoever asks takes gzip.
pub fn is_taken(headers: &HeaderMap) -> bool {
    let all = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = all.flat_map(|value| value.split(',')).map(str::trim);
    codings.any(|coding| match coding.split_once(';') {
        None => coding.eq_ignore_ascii_case("gzip"),
        Some((name, weight)) => {
            let weight = weight.trim().strip_prefix("q=").unwrap_or("1").trim().parse::<f32>().unwrap_or(0.0);
            name.trim().eq_ignore_ascii_case("gzip") && weight > 0.0
        }
    })
}

/// The answer, compressed where that is worth it.
pub async fn zipped(response: Response, random: &dyn Random) -> Response {
    if !is_worth_it(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // It lies in memory and cannot fail; if it did, what is left would be no answer.
    let Ok(plain) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return Response::from_parts(parts, Vec::new().into());
    };
    let name = vec![b'x'; 1 + usize::try_from(random.u64() % NAME_MAX).unwrap_or(0)];
    let mut encoder = GzBuilder::new().filename(name).write(Vec::new(), Compression::default());
    let Ok(zipped) = encoder.write_all(&plain).and_then(|()| encoder.finish()) else {
        return Response::from_parts(parts, plain.into());
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    Response::from_parts(parts, zipped.into())
}

fn is_worth_it(response: &Response) -> bool {
    let headers = response.headers();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_text =
        ["text/html", "application/json", "application/xml", "text/plain"].iter().any(|t| kind.starts_with(t));
    let is_whole = !headers.contains_key(header::CONTENT_ENCODING) && !headers.contains_key(header::ETAG);
    let size = response.body().size_hint().exact().unwrap_or(0);
    is_text && is_whole && response.status() != ::http::StatusCode::PARTIAL_CONTENT && (LEAST..=MOST).contains(&size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::SystemRandom;
    use std::{collections::HashSet, io::Read};
    use warp::Reply;

    fn taken(text: &'static str) -> bool {
        is_taken(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(text))]))
    }

    #[test]
    fn gzip_is_taken_by_who_says_so() {
        for yes in ["gzip", "deflate, gzip", "br;q=1.0, gzip;q=0.8", "GZIP"] {
            assert!(taken(yes), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "gzip; q=0.0", "identity"] {
            assert!(!taken(no), "{no}");
        }
    }

    #[tokio::test]
    async fn a_page_is_the_same_and_its_length_says_nothing() {
        let page = "<p>a line of a page</p>".repeat(200);
        let mut lengths = HashSet::new();
        for _ in 0..40 {
            let answer = zipped(warp::reply::html(page.clone()).into_response(), &SystemRandom).await;
            assert_eq!(answer.headers()[header::CONTENT_ENCODING], "gzip");
            let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
            let mut read = String::new();
            flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut read).expect("gzip");
            assert_eq!(read, page);
            lengths.insert(bytes.len());
        }
        assert!(lengths.len() > 5, "{lengths:?}");
        let small = zipped(warp::reply::html("<p>small</p>").into_response(), &SystemRandom).await;
        assert!(!small.headers().contains_key(header::CONTENT_ENCODING));
    }
}
