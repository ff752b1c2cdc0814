//! `GET /api/messages/{log_id}`: what became of a message; and, for assistants, why. `POST …/cancel`: one that waits is
//! not sent.

use super::paging;
use crate::{
    accounts::{Caller, KeyScope, Scope},
    gateway::Gateway,
    model::{code::Code, ids::LogId, message::Status},
    sending::{CancelError, log},
    store::StoreError,
    web::{Incoming, problem},
};
use serde_json::json;
use warp::{Reply, reply::Response};

/// Answers with the message's row, if it is the caller's: for keys that are good for sending or for reading. Another
/// account's row answers like none at all.
pub async fn handle(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    let may_ask = caller.scopes.includes(KeyScope::Send);
    if let Some(refused) = paging::unless_reader(caller).filter(|_| !may_ask) {
        return refused;
    }
    let Some(id) = named(&incoming) else { return problem::code(Code::NotFound) };
    let found = gateway.store.read(move |tx| log::find_for_key(tx, caller.account, caller.key, id)).await;
    match found {
        Ok(Some(entry)) => warp::reply::json(&entry).into_response(),
        Ok(None) => problem::code(Code::NotFound),
        Err(e) => problem::internal(&e, &incoming.request_id),
    }
}

/// The same with what the guard saw: for keys that are good for reading.
pub async fn explain(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    if let Some(refused) = paging::unless_reader(caller) {
        return refused;
    }
    let Some(id) = named(&incoming) else { return problem::code(Code::NotFound) };
    let read = gateway.store.read(move |tx| {
        if log::find_for_key(tx, caller.account, caller.key, id)?.is_none() {
            return Ok::<_, StoreError>(None);
        }
        log::timeline(tx, Scope::Account(caller.account), id)
    });
    match read.await {
        Ok(Some(entry)) => warp::reply::json(&entry).into_response(),
        Ok(None) => problem::code(Code::NotFound),
        Err(e) => problem::internal(&e, &incoming.request_id),
    }
}

/// `POST /api/messages/{log_id}/cancel`: a message that waits is not sent. For keys that are good for sending.
pub async fn cancel(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    if let Some(refused) = paging::unless(caller, KeyScope::Send) {
        return refused;
    }
    let Some(id) = named(&incoming) else { return problem::code(Code::NotFound) };
    let found = gateway.store.read(move |tx| log::find_for_key(tx, caller.account, caller.key, id)).await;
    match found {
        Ok(Some(_)) => {}
        Ok(None) => return problem::code(Code::NotFound),
        Err(e) => return problem::internal(&e, &incoming.request_id),
    }
    match gateway.sending.cancel(caller.account, id).await {
        Ok(()) => warp::reply::json(&json!({"success": true, "status": Status::Failed, "log_id": id})).into_response(),
        Err(CancelError::NotFound) => problem::code(Code::NotFound),
        Err(CancelError::NotWaiting(_)) => problem::code(Code::NotCancellable),
        Err(CancelError::Store(e)) => problem::internal(&e, &incoming.request_id),
    }
}

fn named(incoming: &Incoming) -> Option<LogId> {
    incoming.segments.first().and_then(|text| text.parse::<LogId>().ok())
}
