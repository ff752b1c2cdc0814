//! `GET /api/messages/{log_id}`: what became of a message.

use crate::{
    accounts::KeyProblem,
    gateway::Gateway,
    model::{code::Code, ids::LogId},
    sending::log,
    web::{Incoming, auth, problem},
};
use warp::{Reply, reply::Response};

/// Answers with the message's row, if it is the caller's. Another account's row answers like none at all.
pub async fn handle(gateway: &Gateway, incoming: Incoming) -> Response {
    let caller = match auth::bearer(gateway, &incoming) {
        Ok(caller) => caller,
        Err(KeyProblem::Invalid) => return problem::code(Code::InvalidApiKey),
        Err(KeyProblem::Revoked) => return problem::code(Code::RevokedApiKey),
    };
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
