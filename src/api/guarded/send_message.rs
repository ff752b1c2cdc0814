//! `POST /api/send-message`: the checks 1 to 4 of the contract's order, then the guarded sender.

use super::upload;
use crate::{
    accounts::{Caller, KeyScope},
    gateway::Gateway,
    model::{
        code::{Code, Details},
        phone::PhoneReading,
        plan::Module,
    },
    sending::{Answer, Outcome, Refusal, Sender, Source, request},
    web::{Incoming, body, form, problem, reply},
};
use warp::reply::Response;

/// Answers one request.
pub async fn handle(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    let request_id = incoming.request_id.clone();
    let sender = sender(caller, &incoming);
    let how = gateway.sending.rules().reading(caller.region);
    let answer = match read(gateway, caller, incoming, how).await {
        Ok(request) => gateway.sending.submit(sender, request).await,
        Err(refusal) => gateway.sending.refuse_unreadable(sender, *refusal).await,
    };
    answer.map_or_else(|e| problem::internal(&e, &request_id), |answer| count_and_reply(gateway, &answer))
}

/// The checks 1, 3 and 4, in their order; 2 is the key, and what it is good for. What they refuse is a row of the log.
async fn read(
    gateway: &Gateway,
    caller: Caller,
    incoming: Incoming,
    how: PhoneReading,
) -> Result<request::Request, Box<Refusal>> {
    let form = incoming.header("content-type").filter(|kind| form::is_multipart(Some(kind))).map(str::to_owned);
    if form.is_none() && !body::is_json(incoming.header("content-type")) {
        let why = "the content type is neither application/json nor multipart/form-data with its boundary";
        return Err(refused(Code::UnsupportedMediaType, why));
    }
    if !caller.scopes.includes(KeyScope::Send) {
        let refusal = *refused(Code::InsufficientScope, "the key is not good for sending");
        return Err(Box::new(Refusal { details: Details::Scope(KeyScope::Send.as_str()), ..refusal }));
    }
    let idempotency_key = incoming.headers.get("idempotency-key").map(|v| v.to_str().unwrap_or("").to_owned());
    let shelf = gateway.media.shelf();
    let (object, file) = match form {
        Some(content_type) => upload::read_form(shelf, incoming.body, &content_type).await?,
        None => upload::read_json(shelf, incoming.body).await?,
    };
    let read = request::parse_with(&object, how, idempotency_key.as_deref(), file);
    read.map_err(|malformed| Box::new(malformed.refusal()))
}

pub(super) fn refused(code: Code, reason: impl Into<String>) -> Box<Refusal> {
    Box::new(Refusal { gate: "request", ..Refusal::new(code, reason) })
}

fn sender(caller: Caller, incoming: &Incoming) -> Sender {
    Sender {
        account: caller.account,
        key: Some(caller.key),
        source: Source::Api,
        module: Some(Module::ApiAccess),
        request_id: Some(incoming.request_id.clone()),
    }
}

fn count_and_reply(gateway: &Gateway, answer: &Answer) -> Response {
    if answer.outcome == Outcome::Accepted {
        // It may be one that waits.
        gateway.schedules.wake();
    }
    gateway.metrics.message(answer.outcome);
    reply::answer(answer)
}
