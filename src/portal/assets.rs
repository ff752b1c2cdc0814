//! Files of the pages, embedded in the program: addressed by name and hash, so that browsers keep them for ever, and
//! compressed once.

use crate::{
    gateway::Gateway,
    model::code::Code,
    texts::packed::PORTAL,
    web::{Incoming, problem},
};
use ::http::{HeaderValue, header};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, io::Write, sync::LazyLock};
use warp::{Reply, reply::Response};

struct Asset {
    kind: &'static str,
    plain: Vec<u8>,
    zipped: Vec<u8>,
}

/// By the name in the address, and that name by the file's own.
struct Assets {
    served: HashMap<String, Asset>,
    names: HashMap<String, String>,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let mut assets = Assets { served: HashMap::new(), names: HashMap::new() };
    for file in PORTAL.names() {
        let plain = PORTAL.get(file).unwrap_or_default();
        let hash: String = Sha256::digest(&plain).iter().take(6).map(|b| format!("{b:02x}")).collect();
        let (stem, end) = file.rsplit_once('.').unwrap_or((file, ""));
        let name = format!("{stem}.{hash}.{end}");
        let zipped = gzip(&plain);
        assets.served.insert(name.clone(), Asset { kind: kind(end), plain, zipped });
        assets.names.insert(file.to_owned(), name);
    }
    assets
});

/// The address of a file.
pub fn path(file: &str) -> String {
    let name = ASSETS.names.get(file).map_or(file, String::as_str);
    format!("/assets/{name}")
}

/// `GET /assets/{name}`.
pub async fn handle(_: &Gateway, incoming: Incoming) -> Response {
    let name = incoming.segments.first().map(String::as_str).unwrap_or_default();
    let Some(asset) = ASSETS.served.get(name) else { return problem::code(Code::NotFound) };
    let takes_gzip = incoming.header("accept-encoding").is_some_and(|accepted| accepted.contains("gzip"));
    let is_zipped = takes_gzip && asset.zipped.len() < asset.plain.len();
    let bytes: &'static [u8] = if is_zipped { &asset.zipped } else { &asset.plain };
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_zipped {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// `GET /favicon.ico`: what browsers ask for by themselves where a page names no icon, such as beside JSON or a file. Its
/// address has no hash, so it is kept for a day.
pub async fn icon(_: &Gateway, _: Incoming) -> Response {
    let Some(asset) = ASSETS.names.get("favicon.ico").and_then(|name| ASSETS.served.get(name)) else {
        return problem::code(Code::NotFound);
    };
    let bytes: &'static [u8] = &asset.plain;
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    response
}

fn kind(end: &str) -> &'static str {
    match end {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "ico" => "image/x-icon",
        _ => "application/octet-stream",
    }
}

/// Bytes as gzip, at its best.
pub fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    encoder.write_all(plain).and_then(|()| encoder.finish()).unwrap_or_default()
}
