//! `POST /api/send-message`: the checks 1 to 4 of the contract's order, then the guarded sender.

use crate::{
    accounts::{Caller, KeyProblem},
    dialects::chattu,
    gateway::Gateway,
    model::{code::Code, plan::Module},
    sending::{Answer, Refusal, Sender, Source, request},
    web::{Incoming, auth, body, problem, reply},
};
use warp::{Reply, reply::Response};

/// Answers one request.
pub async fn handle(gateway: &Gateway, incoming: Incoming) -> Response {
    // Two contracts share this path: a key in its own header, and no other, is the Chattu dialect's.
    if incoming.headers.contains_key("x-api-key") && !incoming.headers.contains_key("authorization") {
        return chattu::http::messages::send(gateway, incoming).await.into_response();
    }
    let request_id = incoming.request_id.clone();
    let mut unusual = None;
    let answer = match read(gateway, incoming).await.map_err(|unreadable| *unreadable) {
        Ok((sender, request)) => {
            unusual = request.recipient.unusual();
            gateway.sending.submit(sender, request).await
        }
        Err(Unreadable { sender: Some(sender), refusal }) => gateway.sending.refuse_unreadable(sender, refusal).await,
        Err(Unreadable { sender: None, refusal }) => return problem::refusal(&refusal),
    };
    let mut response =
        answer.map_or_else(|e| problem::internal(&e, &request_id), |answer| count_and_reply(gateway, &answer));
    reply::phone_warning(&mut response, unusual);
    response
}

/// Why a request could not be read, and whose it was if that is known: then it is a row of the log.
struct Unreadable {
    sender: Option<Sender>,
    refusal: Refusal,
}

/// The checks 1 to 4, in their order.
async fn read(gateway: &Gateway, incoming: Incoming) -> Result<(Sender, request::Request), Box<Unreadable>> {
    let caller = auth::bearer(gateway, &incoming);
    let sender = caller.ok().map(|c| sender(c, &incoming));
    if !body::is_json(incoming.header("content-type")) {
        return Err(refused(sender, Code::UnsupportedMediaType, "the content type is not application/json"));
    }
    let (caller, sender) = match (caller, sender) {
        (Ok(caller), Some(sender)) => (caller, sender),
        (Err(KeyProblem::Revoked), _) => return Err(refused(None, Code::RevokedApiKey, "the key was revoked")),
        _ => return Err(refused(None, Code::InvalidApiKey, "the key is missing, malformed, unknown or expired")),
    };
    let idempotency_key = incoming.headers.get("idempotency-key").map(|v| v.to_str().unwrap_or("").to_owned());
    let bytes = match body::read(incoming.body, body::API_MAX).await {
        Ok(bytes) => bytes,
        Err(body::BodyReadError::TooLarge) => {
            return Err(refused(Some(sender), Code::PayloadTooLarge, "the body is larger than 256 KiB"));
        }
        Err(body::BodyReadError::Broken) => {
            return Err(refused(Some(sender), Code::InvalidJson, "the body broke off or came too slowly"));
        }
    };
    let object = match body::json_object(&bytes) {
        Ok(object) => object,
        Err(reason) => return Err(refused(Some(sender), Code::InvalidJson, reason)),
    };
    let how = gateway.sending.rules().reading(caller.region);
    match request::parse(&object, how, idempotency_key.as_deref()) {
        Ok(request) => Ok((sender, request)),
        Err(malformed) => Err(Box::new(Unreadable { sender: Some(sender), refusal: malformed.refusal() })),
    }
}

fn refused(sender: Option<Sender>, code: Code, reason: impl Into<String>) -> Box<Unreadable> {
    Box::new(Unreadable { sender, refusal: Refusal { gate: "request", ..Refusal::new(code, reason) } })
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
