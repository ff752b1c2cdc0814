//! `GET /message-logs`: the newest messages of the account, each with its state and, where it was refused, why.

use crate::{
    gateway::Gateway,
    http::{Incoming, problem},
    portal::{login, page},
    sending::log::{self, Entry},
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

/// Rows shown.
const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "message_logs.html", config = "assets/askama.toml")]
struct Logs<'a> {
    title: &'a str,
    email: &'a str,
    entries: &'a [Entry],
    support: &'a str,
}

/// An admin without an account sees all accounts' rows.
pub async fn handle(gateway: &Gateway, incoming: Incoming) -> Response {
    let session = match login::session(gateway, &incoming).await {
        Ok(session) => session,
        Err(page) => return page,
    };
    let filter = log::Filter { account: session.account, limit: ROWS, ..log::Filter::default() };
    match gateway.store.read(move |tx| log::list(tx, &filter)).await {
        Err(e) => problem::internal(&e, &incoming.request_id),
        Ok(entries) => {
            let logs =
                Logs { title: "Messages", email: &session.email, entries: &entries, support: &gateway.support_contact };
            page(&logs, StatusCode::OK)
        }
    }
}
