//! `POST /api/send-message`: the checks 1 to 4 of the contract's order, then the guarded sender.

use crate::{
    accounts::Caller,
    gateway::Gateway,
    model::{code::Code, phone::PhoneReading, plan::Module},
    sending::{Answer, Refusal, Sender, Source, request},
    web::{Incoming, body, problem, reply},
};
use warp::reply::Response;

/// Answers one request.
pub async fn handle(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    let request_id = incoming.request_id.clone();
    let sender = sender(caller, &incoming);
    let how = gateway.sending.rules().reading(caller.region);
    let answer = match read(incoming, how).await {
        Ok(request) => gateway.sending.submit(sender, request).await,
        Err(refusal) => gateway.sending.refuse_unreadable(sender, *refusal).await,
    };
    answer.map_or_else(|e| problem::internal(&e, &request_id), |answer| count_and_reply(gateway, &answer))
}

/// The checks 1, 3 and 4, in their order; 2 is the key. What they refuse is a row of the log.
async fn read(incoming: Incoming, how: PhoneReading) -> Result<request::Request, Box<Refusal>> {
    if !body::is_json(incoming.header("content-type")) {
        return Err(refused(Code::UnsupportedMediaType, "the content type is not application/json"));
    }
    let idempotency_key = incoming.headers.get("idempotency-key").map(|v| v.to_str().unwrap_or("").to_owned());
    let bytes = match body::read(incoming.body, body::API_MAX).await {
        Ok(bytes) => bytes,
        Err(body::BodyReadError::TooLarge) => {
            return Err(refused(Code::PayloadTooLarge, "the body is larger than 256 KiB"));
        }
        Err(body::BodyReadError::Broken) => {
            return Err(refused(Code::InvalidJson, "the body broke off or came too slowly"));
        }
    };
    let object = match body::json_object(&bytes) {
        Ok(object) => object,
        Err(reason) => return Err(refused(Code::InvalidJson, reason)),
    };
    request::parse(&object, how, idempotency_key.as_deref()).map_err(|malformed| Box::new(malformed.refusal()))
}

fn refused(code: Code, reason: impl Into<String>) -> Box<Refusal> {
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
    gateway.metrics.message(answer.outcome);
    reply::answer(answer)
}
