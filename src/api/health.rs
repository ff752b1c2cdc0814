//! `/healthz` (the process answers), `/readyz` (so does the database).

use crate::web::{Incoming, problem};
use crate::{gateway::Gateway, store::StoreError};
use ::http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use warp::{Reply, reply::Response};

/// How long the database may take to answer before the gateway is not ready.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// The process is there.
pub async fn process(_: &Gateway, _: Incoming) -> Response {
    warp::reply::json(&json!({"status": "ok"})).into_response()
}

/// The database takes writes and answers reads, and no other machine may serve.
pub async fn ready(gateway: &Gateway, incoming: Incoming) -> Response {
    if let Some(why) = gateway.fence.why_closed() {
        return not_ready(&json!({"status": "not_ready", "standby": why}));
    }
    let late = gateway.clock.now().plus(READY_WITHIN);
    let answer: Result<(), StoreError> = tokio::select! {
        answer = gateway.store.probe() => answer,
        () = gateway.clock.sleep_until(late) => Err(StoreError::Unavailable("no answer in time".into())),
    };
    match answer {
        Ok(()) => warp::reply::json(&json!({"status": "ready", "database": "ok"})).into_response(),
        Err(e) => {
            tracing::warn!(request_id = incoming.request_id, "not ready: {e}");
            not_ready(&json!({"status": "not_ready", "database": "failing"}))
        }
    }
}

fn not_ready(told: &Value) -> Response {
    let body = warp::reply::json(told);
    let mut response = warp::reply::with_status(body, StatusCode::SERVICE_UNAVAILABLE).into_response();
    response.headers_mut().insert(::http::header::RETRY_AFTER, problem::number(5));
    response
}
