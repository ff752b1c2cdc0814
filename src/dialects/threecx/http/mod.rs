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
    dialects::threecx::{IntegrationId, Payload, ThreecxError, ThreecxReply, Via, crm_template},
    gateway::Gateway,
    portal::{PageContext, PageError},
    store::StoreError,
    web::{Incoming, body, problem},
};
use ::http::{HeaderValue, header};
use authenticate::{Authentic, ReadRequest};
use warp::{Reply, reply::Response};

/// `POST /integrations/3cx/webhook/{integration_id}`
pub async fn webhook(gateway: &Gateway, incoming: Incoming) -> Response {
    answered(gateway, incoming, Via::Webhook, reply::webhook).await
}

/// `POST /integrations/3cx/sms/{integration_id}/messages`
pub async fn sms(gateway: &Gateway, incoming: Incoming) -> Response {
    answered(gateway, incoming, Via::Sms, reply::sms).await
}

async fn answered(gateway: &Gateway, incoming: Incoming, via: Via, say: fn(&ThreecxReply) -> Response) -> Response {
    let content_type = incoming.header("content-type").map(str::to_owned);
    let request_id = incoming.request_id.clone();
    let ReadRequest { authentic, is_cut } = authenticate::prove(gateway, incoming, via).await;
    let mut response = match authentic {
        None => problem::not_authenticated(),
        Some(authentic) => match done(gateway, authentic, content_type.as_deref(), &request_id).await {
            Ok(told) => say(&told),
            Err(e) if via == Via::Sms => reply::not_now(problem::internal(&e, &request_id)),
            Err(e) => problem::internal(&e, &request_id),
        },
    };
    if is_cut {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Does what a proven request asks for.
async fn done(
    gateway: &Gateway,
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
    let told = gateway.threecx.answer(admission, asked, request_id).await?;
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

/// `GET /integrations/3cx/{integration_id}/template.xml`: the CRM template, for whoever may see the integration.
///
/// # Errors
/// No such integration, or another account's.
pub async fn template(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let id = IntegrationId::from_text(v.segment());
    let integration = gateway.threecx.find(&id, v.scope()).await.map_err(|e| match e {
        ThreecxError::Store(e) => e.into(),
        _ => PageError::NotFound,
    })?;
    let mut response = crm_template::render(&integration, &v.base_url).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let file = HeaderValue::from_static("attachment; filename=\"wa-gateway-3cx.xml\"");
    headers.insert(header::CONTENT_DISPOSITION, file);
    Ok(response)
}
