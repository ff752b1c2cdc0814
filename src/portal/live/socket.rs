//! Who may listen. All is judged before the connection becomes a WebSocket.

use super::talk::{self, Subscription};
use crate::{
    dialects::AppState,
    gateway::Gateway,
    model::ids::InstanceId,
    portal::page_context::{self, Subscriber},
    web::{Incoming, Origin, form::Fields},
};
use ::http::{HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use warp::{Reply, reply::Response};

/// Largest message that a page may send, in bytes; pages have little to say.
const HEARD_MAX: usize = 1024;
/// Bytes that may wait for a reader.
const UNSENT_MAX: usize = 256 << 10;

/// Who may listen: somebody who is logged in, at one of our own pages.
///
/// # Errors
/// The status of the refusal.
pub async fn admit(gateway: &Gateway, incoming: &Incoming) -> Result<Subscriber, StatusCode> {
    if Origin::of(incoming, gateway) != Origin::Own {
        return Err(StatusCode::FORBIDDEN);
    }
    page_context::subscriber(gateway, incoming).await.ok_or(StatusCode::UNAUTHORIZED)
}

/// `GET /ws`.
pub async fn handle(state: &AppState, subscriber: Subscriber, incoming: Incoming) -> Response {
    let session = Sha256::digest(subscriber.token.as_bytes()).into();
    let Ok(seat) = state.live.seats.take(session) else { return StatusCode::TOO_MANY_REQUESTS.into_response() };
    let query = Fields::parse(&incoming.query);
    let instance = query.some("instance").map(InstanceId::from_text);
    let subscription = Subscription { subscriber, instance, after: query.parsed("after") };
    let Some(ws) = incoming.upgrade else { return wants_upgrade() };
    let (gateway, slot) = (state.gateway.clone(), incoming.peer.map(|peer| peer.slot));
    let ws = ws.max_message_size(HEARD_MAX).max_frame_size(HEARD_MAX).max_write_buffer_size(UNSENT_MAX);
    ws.on_upgrade(move |socket| async move {
        talk::talk(&gateway, socket, subscription, slot).await;
        drop(seat);
    })
    .into_response()
}

fn wants_upgrade() -> Response {
    let mut response = StatusCode::UPGRADE_REQUIRED.into_response();
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    response
}
