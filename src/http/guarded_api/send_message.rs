//! `POST /api/send-message`: the checks 1 to 4 of the contract's order, then the guarded sender.

use crate::{
    accounts::{Caller, KeyProblem},
    gateway::Gateway,
    http::{Incoming, auth, body, problem, reply},
    model::{
        code::{Code, Details},
        plan::Module,
    },
    sending::{Answer, Refusal, Sender, Source, request},
};
use warp::reply::Response;

/// Answers one request.
pub async fn handle(gateway: &Gateway, incoming: Incoming) -> Response {
    let request_id = incoming.request_id.clone();
    let answer = match read(gateway, incoming).await {
        Ok((sender, request)) => gateway.sending.submit(sender, request).await,
        Err((Some(sender), refusal)) => gateway.sending.refuse_unreadable(sender, refusal).await,
        Err((None, refusal)) => return problem::refusal(&refusal),
    };
    answer.map_or_else(|e| problem::internal(&e, &request_id), |answer| count_and_reply(gateway, &answer))
}

/// A request that can be judged, or why not and whose it was.
type Read = Result<(Sender, request::Request), (Option<Sender>, Refusal)>;

async fn read(gateway: &Gateway, incoming: Incoming) -> Read {
    let caller = auth::bearer(gateway, &incoming);
    let sender = caller.ok().map(|c| sender(c, &incoming));
    let refuse = |sender, code, reason: String| Err((sender, Refusal { gate: "request", ..Refusal::new(code, reason) }));
    if !body::is_json(incoming.header("content-type")) {
        return refuse(sender, Code::UnsupportedMediaType, "the content type is not application/json".into());
    }
    let caller = match caller {
        Ok(caller) => caller,
        Err(KeyProblem::Invalid) => return refuse(None, Code::InvalidApiKey, String::new()),
        Err(KeyProblem::Revoked) => return refuse(None, Code::RevokedApiKey, String::new()),
    };
    let idempotency_key = incoming.headers.get("idempotency-key").map(|v| v.to_str().unwrap_or("").to_owned());
    let bytes = match body::read(incoming.body, body::API_MAX).await {
        Ok(bytes) => bytes,
        Err(body::Unread::TooLarge) => {
            return refuse(sender, Code::PayloadTooLarge, "the body is larger than 256 KiB".into());
        }
        Err(body::Unread::Broken) => {
            return refuse(sender, Code::InvalidJson, "the body broke off or came too slowly".into());
        }
    };
    let object = match body::json_object(&bytes) {
        Ok(object) => object,
        Err(reason) => return refuse(sender, Code::InvalidJson, reason),
    };
    let parsed = request::parse(&object, caller.region, idempotency_key.as_deref());
    match (sender, parsed) {
        (Some(sender), Ok(request)) => Ok((sender, request)),
        (sender, Err(fields)) => {
            let reason = format!("missing or malformed: {}", fields.join(", "));
            let refusal = Refusal { gate: "request", ..Refusal::new(Code::ValidationError, reason) };
            Err((sender, Refusal { details: Details::Fields(fields), ..refusal }))
        }
        (None, Ok(_)) => refuse(None, Code::InvalidApiKey, String::new()),
    }
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
