//! `GET /docs/search.json?lang=`: the search's index, made once for each language, with an ETag.

use crate::{
    gateway::Gateway,
    portal::{
        assets,
        docs::{library::library, search},
    },
    texts::locale::Lang,
    web::{Incoming, form::Fields},
};
use ::http::{HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, sync::LazyLock};
use warp::{Reply, reply::Response};

/// One language's index as it is served.
struct Served {
    plain: String,
    zipped: Vec<u8>,
    etag: String,
}

static INDEXES: LazyLock<HashMap<Lang, Served>> = LazyLock::new(|| {
    let served = |lang: &Lang| {
        let plain = search::json(&library(*lang).1);
        let hash: String = Sha256::digest(plain.as_bytes()).iter().take(8).map(|b| format!("{b:02x}")).collect();
        (*lang, Served { zipped: assets::gzip(plain.as_bytes()), plain, etag: format!("\"{hash}\"") })
    };
    Lang::ALL.iter().map(served).collect()
});

/// Answers with the index, or 304 to who has it.
pub async fn handle(_: &Gateway, incoming: Incoming) -> Response {
    let query = Fields::parse(&incoming.query);
    let accepted = || incoming.header("accept-language").and_then(Lang::accepted);
    let lang = Lang::parse(query.text("lang")).or_else(accepted).unwrap_or(Lang::En);
    let Some(served) = INDEXES.get(&lang) else { return StatusCode::NOT_FOUND.into_response() };
    let is_known = incoming.header("if-none-match").is_some_and(|known| known.contains(&served.etag));
    let takes_gzip = incoming.header("accept-encoding").is_some_and(|accepted| accepted.contains("gzip"));
    let mut response = match (is_known, takes_gzip) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (false, true) => served.zipped.as_slice().into_response(),
        (false, false) => served.plain.as_str().into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding, accept-language"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if takes_gzip && !is_known {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Ok(etag) = HeaderValue::from_str(&served.etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}
