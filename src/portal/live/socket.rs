//! Who may listen. All is judged before the connection becomes a WebSocket.

use super::talk::{self, Subscription};
use crate::{
    gateway::Gateway,
    model::ids::InstanceId,
    portal::page_context,
    web::{Incoming, form::Fields},
};
use ::http::{HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use warp::{Reply, reply::Response, ws::Ws};

/// Largest message that a page may send, in bytes; pages have little to say.
const HEARD_MAX: usize = 1024;
/// Bytes that may wait for a reader.
const UNSENT_MAX: usize = 256 << 10;

/// `GET /ws`.
pub async fn handle(gateway: &Arc<Gateway>, incoming: Incoming, ws: Option<Ws>) -> Response {
    match judge(gateway, &incoming).await {
        Ok((subscription, seat)) => {
            let Some(ws) = ws else { return wants_upgrade() };
            let (gateway, slot) = (gateway.clone(), incoming.peer.map(|peer| peer.slot));
            let ws = ws.max_message_size(HEARD_MAX).max_frame_size(HEARD_MAX).max_write_buffer_size(UNSENT_MAX);
            ws.on_upgrade(move |socket| async move {
                talk::talk(&gateway, socket, subscription, slot).await;
                drop(seat);
            })
            .into_response()
        }
        Err(status) => status.into_response(),
    }
}

fn wants_upgrade() -> Response {
    let mut response = StatusCode::UPGRADE_REQUIRED.into_response();
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    response
}

async fn judge(
    gateway: &Gateway,
    incoming: &Incoming,
) -> Result<(Subscription, crate::events::live::LiveConnection), StatusCode> {
    if !is_own(incoming, &gateway.public_url) {
        return Err(StatusCode::FORBIDDEN);
    }
    let subscriber = page_context::subscriber(gateway, incoming).await.ok_or(StatusCode::UNAUTHORIZED)?;
    let session = Sha256::digest(subscriber.token.as_bytes()).into();
    let seat = gateway.live.seats.take(session).map_err(|_| StatusCode::TOO_MANY_REQUESTS)?;
    let query = Fields::parse(&incoming.query);
    let instance = query.some("instance").map(InstanceId::from_text);
    Ok((Subscription { subscriber, instance, after: query.parsed("after") }, seat))
}

/// Whether the page that asks is one of ours. Browsers send `Origin` with every WebSocket, and a cookie goes with a
/// foreign page's, too: without this any page could listen with its visitor's session.
fn is_own(incoming: &Incoming, public_url: &str) -> bool {
    let Some(origin) = incoming.header("origin") else { return false };
    let host = incoming.header("host").unwrap_or_default();
    let is_host = origin.split_once("://").is_some_and(|(_, at)| !host.is_empty() && at.eq_ignore_ascii_case(host));
    is_host || origin.eq_ignore_ascii_case(public_url)
}
