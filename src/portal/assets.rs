//! Files of the pages, embedded in the program.

use crate::{
    gateway::Gateway,
    http::{Incoming, problem},
    model::code::Code,
};
use rust_embed::RustEmbed;
use warp::{Reply, reply::Response};

#[derive(RustEmbed)]
#[folder = "assets/portal/"]
struct Files;

/// `GET /assets/{name}`.
pub async fn handle(_: &Gateway, incoming: Incoming) -> Response {
    let name = incoming.segments.first().map(String::as_str).unwrap_or_default();
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    match Files::get(name) {
        None => problem::code(Code::NotFound),
        Some(file) => {
            let body = warp::reply::with_header(file.data.into_owned(), "content-type", kind);
            let body = warp::reply::with_header(body, "x-content-type-options", "nosniff");
            warp::reply::with_header(body, "cache-control", "max-age=3600").into_response()
        }
    }
}
