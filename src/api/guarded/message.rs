//! `GET /api/messages/{log_id}`: what became of a message.

use crate::{
    accounts::Caller,
    gateway::Gateway,
    model::{code::Code, ids::LogId},
    sending::log,
    web::{Incoming, problem},
};
use warp::{Reply, reply::Response};

/// Answers with the message's row, if it is the caller's. Another account's row answers like none at all.
pub async fn handle(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    let Some(id) = incoming.segments.first().and_then(|text| text.parse::<LogId>().ok()) else {
        return problem::code(Code::NotFound);
    };
    let found = gateway.store.read(move |tx| log::find_for_key(tx, caller.account, caller.key, id)).await;
    match found {
        Ok(Some(entry)) => warp::reply::json(&entry).into_response(),
        Ok(None) => problem::code(Code::NotFound),
        Err(e) => problem::internal(&e, &incoming.request_id),
    }
}
