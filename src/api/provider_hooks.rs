//! `/hooks/{connector}/{instance_id}`: where providers call. The connector judges the head before the body is read, and
//! answers; what it heard is on disk by then.

use crate::web::{Incoming, body, problem};
use crate::{
    connectors::{HookAnswer, HookRequest},
    gateway::Gateway,
    model::{code::Code, ids::InstanceId, instance::ConnectorKind},
};
use ::http::{HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use warp::{Reply, reply::Response};

/// `GET` and `POST /hooks/cloud-api/{instance_id}`. A question for the address proves itself by its token; what Meta brings
/// must come with its certificate, where that is wanted.
pub async fn cloud_api(gateway: &Gateway, incoming: Incoming) -> Response {
    let certificate = incoming.peer.as_ref().and_then(|peer| peer.certificate.as_deref());
    if let Some(calls) = gateway.meta_calls.as_ref().filter(|_| incoming.method == Method::POST)
        && !calls.takes(certificate, gateway.clock.now())
    {
        return reply(HookAnswer::refused(
            StatusCode::FORBIDDEN,
            "client_certificate_required",
            "Meta's client certificate is wanted here.",
        ));
    }
    handle(gateway, incoming, ConnectorKind::CloudApi).await
}

/// `POST /hooks/evolution/{instance_id}`.
pub async fn evolution(gateway: &Gateway, incoming: Incoming) -> Response {
    handle(gateway, incoming, ConnectorKind::Evolution).await
}

async fn handle(gateway: &Gateway, incoming: Incoming, kind: ConnectorKind) -> Response {
    let id = InstanceId::from_text(incoming.segments.first().map(String::as_str).unwrap_or_default());
    let Incoming { method, query, headers, body, .. } = incoming;
    let head = HookRequest { method, query, headers, body: Bytes::new() };
    let max = match gateway.registry.hook_limit(kind, &id, &head) {
        Ok(max) => max,
        Err(refusal) => return reply(refusal),
    };
    match body::read(body, max).await {
        Ok(bytes) => reply(gateway.registry.hook(kind, &id, &HookRequest { body: bytes, ..head }).await),
        Err(body::BodyReadError::TooLarge) => problem::code(Code::PayloadTooLarge),
        Err(body::BodyReadError::Broken) => problem::code(Code::InvalidJson),
    }
}

fn reply(answer: HookAnswer) -> Response {
    let mut response = warp::reply::with_status(answer.body, answer.status).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if let Some(allow) = answer.allow {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    response
}
