//! One letter to a program: JSON over HTTP, signed like every webhook of the gateway.

use super::{DeliveryFailure, Parts, Settings, first_line, row::Due, wording};
use crate::{
    egress::{Bounds, Outbound},
    events::webhooks::signature::{Secret, Signer},
    model::egress::Use,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use serde_json::json;
use std::time::Duration;

/// The name in the envelope.
const EVENT: &str = "notices";
const ANSWER_MAX: usize = 1024;

pub(super) async fn send(
    parts: &Parts,
    settings: &Settings,
    due: &Due,
    timeout: Duration,
) -> Result<(), DeliveryFailure> {
    let file = settings.webhook_secret_file.as_deref();
    let secret = Secret::from_text(first_line(file.ok_or_else(|| DeliveryFailure::of_channel("there is no secret"))?)?);
    let notices = due.told.iter().map(|told| {
        let n = &told.notice;
        json!({
            "id": n.id, "kind": n.kind, "account_id": n.account_id, "account_name": told.account, "subject": n.subject,
            "parameters": n.parameters, "text": wording::line(&due.language, told), "since": n.created_at,
            "over_at": n.cleared_at,
        })
    });
    let notices: Vec<_> = notices.collect();
    let body = json!({
        "type": EVENT,
        "timestamp": due.created_at,
        "data": {"is_test": due.told.is_empty(), "notices": notices, "link": format!("{}/notices", parts.public_url)},
    });
    let body = body.to_string();
    let id = format!("notices_{}_{}", due.id, due.created_at.millis());
    let proof = Signer::new(&[secret]).headers(&id, EVENT, parts.clock.now().seconds(), body.as_bytes());
    let proof = proof
        .into_iter()
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?)));
    let headers = proof.chain([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]).collect();
    let request =
        Outbound { method: Method::POST, url: &due.recipient, headers, body: Bytes::from(body), of: Use::Webhooks };
    let answer = parts.egress.send(request, Bounds { timeout, max_answer_bytes: ANSWER_MAX }).await;
    match answer {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(answer) => Err(DeliveryFailure::of_channel(format!("it answered {}", answer.status))),
        Err(e) => Err(DeliveryFailure::of_channel(e.to_string())),
    }
}
