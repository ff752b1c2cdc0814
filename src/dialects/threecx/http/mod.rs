//! Contract 2: what a 3CX telephone system calls.
//!
//! - `authenticate.rs`: the request's head and body, and whose it is; everything wrong there has one answer.
//! - `form.rs`: forms taken like JSON.
//! - `reply.rs`: the webhook's answers, and those of the text messages' provider, which an agent reads.
//!
//! What is done about a request is decided in `threecx`.

mod authenticate;
mod form;
mod reply;

use crate::{
    dialects::threecx::{Payload, Threecx, ThreecxReply, Via},
    gateway::Gateway,
    store::StoreError,
    web::{Incoming, body, problem},
};
use authenticate::Authentic;
use std::sync::Arc;
use warp::reply::Response;

/// `POST /integrations/3cx/webhook/{integration_id}`
pub async fn webhook(gateway: &Gateway, threecx: &Arc<Threecx>, incoming: Incoming) -> Response {
    answered(gateway, threecx, incoming, Via::Webhook, reply::webhook).await
}

/// `POST /integrations/3cx/sms/{integration_id}/messages`
pub async fn sms(gateway: &Gateway, threecx: &Arc<Threecx>, incoming: Incoming) -> Response {
    answered(gateway, threecx, incoming, Via::Sms, reply::sms).await
}

async fn answered(
    gateway: &Gateway,
    threecx: &Arc<Threecx>,
    incoming: Incoming,
    via: Via,
    say: fn(&ThreecxReply) -> Response,
) -> Response {
    let content_type = incoming.header("content-type").map(str::to_owned);
    let request_id = incoming.request_id.clone();
    match authenticate::prove(gateway, threecx, incoming, via).await {
        None => problem::not_authenticated(),
        Some(authentic) => match done(gateway, threecx, authentic, content_type.as_deref(), &request_id).await {
            Ok(told) => say(&told),
            Err(e) if via == Via::Sms => reply::not_now(problem::internal(&e, &request_id)),
            Err(e) => problem::internal(&e, &request_id),
        },
    }
}

/// Does what a proven request asks for.
async fn done(
    gateway: &Gateway,
    threecx: &Arc<Threecx>,
    authentic: Authentic,
    content_type: Option<&str>,
    request_id: &str,
) -> Result<ThreecxReply, StoreError> {
    let Authentic { admission, kept, is_broken } = authentic;
    let asked = match kept {
        Some(bytes) => asked(content_type, &bytes),
        None if is_broken => Payload::Unreadable("the body broke off or came too slowly".into()),
        None => Payload::TooLarge,
    };
    let told = threecx.answer(admission, asked, request_id).await?;
    if let Some(answer) = &told.answer {
        gateway.metrics.message(answer.outcome);
    }
    Ok(told)
}

fn asked(content_type: Option<&str>, bytes: &[u8]) -> Payload {
    let read = if body::is_json(content_type) {
        body::json_object(bytes)
    } else if form::is_form(content_type) {
        form::object(bytes)
    } else {
        Err("the content type is neither application/json nor application/x-www-form-urlencoded".into())
    };
    read.map_or_else(Payload::Unreadable, Payload::Object)
}
