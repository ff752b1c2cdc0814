//! Whose request it is. The whole body is read whatever the head says, so that nobody learns from the time it takes
//! which of the checks failed.

use crate::{
    dialects::threecx::{Admission, Presented, SECRET_HEADER, Threecx, Via},
    gateway::Gateway,
    web::{Incoming, body},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;

/// Bytes that are read of a body before the answer; what goes on beyond it is not answered to its end.
const DRAINED: usize = 1024 * 1024;

/// A proven request.
pub(super) struct Authentic {
    pub(super) admission: Admission,
    /// The body; none when it is larger than the webhook takes, or broke off.
    pub(super) kept: Option<Bytes>,
    pub(super) is_broken: bool,
}

/// Reads a request to its end; none where it is not proven.
pub(super) async fn prove(gateway: &Gateway, threecx: &Threecx, mut incoming: Incoming, via: Via) -> Option<Authentic> {
    let address = incoming.client_address(gateway);
    let secret = secret(&incoming);
    let mut proof = threecx.begin(&Presented {
        id: incoming.segments.first().map(String::as_str).unwrap_or_default(),
        via,
        secret: secret.as_deref(),
        timestamp: incoming.header("x-whatsapp-gateway-timestamp"),
        signature: incoming.header("x-whatsapp-gateway-signature"),
        address,
    });
    let arriving = std::mem::take(&mut incoming.body);
    let seen = body::read_seen(arriving, body::API_MAX, DRAINED, |chunk| proof.update(chunk)).await;
    let admission = threecx.finish(proof, seen.is_whole).ok();
    admission.map(|admission| Authentic { admission, kept: seen.kept, is_broken: seen.is_broken })
}

/// The secret: its own header, else Bearer, else the password of Basic authentication.
fn secret(incoming: &Incoming) -> Option<String> {
    if incoming.headers.contains_key(SECRET_HEADER) {
        return incoming.header(SECRET_HEADER).map(str::to_owned);
    }
    let (scheme, rest) = incoming.header("authorization")?.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}
