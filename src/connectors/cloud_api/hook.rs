//! Meta's calls: the question whether this is the right address, and what it heard for us.
//!
//! - `GET`: the verify token is compared in constant time, and the challenge given back.
//! - `POST`: a signature of the wrong form is refused before the body is read, a wrong one before anything is parsed or
//!   written. What one call brings is recorded together or not at all, and the answer is 200 only after it is on disk:
//!   503 makes Meta bring it again, for days.
//! - What is rightly signed is never refused, whatever it is: Meta would bring it again in vain. What is not
//!   understood is kept as it came.

use super::{
    reading::{self, OwnIds},
    signature::{HEADER, Signature, digit},
};
use crate::{
    connectors::{Ear, HookAnswer, HookRequest, ProviderEvent},
    model::{clock::Clock, ids::InstanceId},
};
use http::{Method, StatusCode};
use std::{borrow::Cow, sync::Arc};
use subtle::ConstantTimeEq as _;

/// Meta's own bound is 3 MB.
const BODY_MAX: usize = 4 * 1024 * 1024;
/// Longest challenge that is given back, in characters.
const CHALLENGE_MAX: usize = 512;

/// The webhook of one instance.
pub(super) struct CloudHook {
    instance: InstanceId,
    clock: Arc<dyn Clock>,
    ear: Arc<dyn Ear>,
    app_secret: String,
    verify_token: String,
    mine: OwnIds,
}

/// What a webhook is made of.
pub(super) struct Parts {
    /// Whose it is.
    pub(super) instance: InstanceId,
    pub(super) clock: Arc<dyn Clock>,
    /// Where what is heard goes.
    pub(super) ear: Arc<dyn Ear>,
    /// Signs what Meta brings.
    pub(super) app_secret: String,
    /// What Meta says when it asks for the first time.
    pub(super) verify_token: String,
    /// The number's id at Meta: what is told of another one is not this instance's.
    pub(super) phone_number_id: String,
    /// The business account's id; empty where it is not known, and then every account's news are taken.
    pub(super) waba_id: String,
}

impl CloudHook {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { instance, clock, ear, app_secret, verify_token, phone_number_id, waba_id } = parts;
        let mine = OwnIds { phone_number_id, waba_id };
        Self { instance, clock, ear, app_secret, verify_token, mine }
    }

    /// Judges a call's head: how much of its body is worth reading.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn limit(&self, head: &HookRequest) -> Result<usize, HookAnswer> {
        match head.method {
            Method::GET => Ok(0),
            Method::POST => signature(head).map(|_| BODY_MAX),
            _ => Err(HookAnswer::refused(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Only GET and POST are taken here.",
            )),
        }
    }

    /// Answers a call; what it brings is on disk when the answer is 200.
    pub(super) async fn answer(&self, request: &HookRequest) -> HookAnswer {
        if request.method == Method::GET {
            return self.challenge(&request.query);
        }
        let signature = match self.limit(request).and_then(|_| signature(request)) {
            Ok(signature) => signature,
            Err(refusal) => return refusal,
        };
        if !signature.fits(&self.app_secret, &request.body) {
            return HookAnswer::refused(
                StatusCode::UNAUTHORIZED,
                "invalid_signature",
                "The signature is not over these bytes with this app's secret.",
            );
        }
        let now = self.clock.now();
        let told = reading::read(&request.body, &self.mine, now).into_iter();
        let all: Vec<ProviderEvent> =
            told.map(|(at, what)| ProviderEvent { instance: self.instance.clone(), at: at.min(now), what }).collect();
        match self.ear.record_all(all).await {
            Ok(()) => HookAnswer::ok(),
            Err(e) => {
                tracing::debug!(instance = %self.instance, "not recorded, to be brought again: {e}");
                HookAnswer::refused(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", "Try again later.")
            }
        }
    }

    /// `hub.mode`, `hub.verify_token` and `hub.challenge`, each exactly once.
    fn challenge(&self, query: &str) -> HookAnswer {
        let refused = |message| HookAnswer::refused(StatusCode::FORBIDDEN, "invalid_verify_token", message);
        let token = parameter(query, "hub.verify_token").unwrap_or_default();
        let fits = bool::from(token.as_bytes().ct_eq(self.verify_token.as_bytes()));
        if self.verify_token.is_empty() || !fits || parameter(query, "hub.mode").as_deref() != Some("subscribe") {
            return refused("The verify token is missing or wrong.");
        }
        match parameter(query, "hub.challenge") {
            Some(challenge) if is_plain(&challenge) => HookAnswer::text(StatusCode::OK, challenge),
            _ => refused("The challenge is missing, or no plain text."),
        }
    }
}

fn signature(head: &HookRequest) -> Result<Signature, HookAnswer> {
    // A doubled header is none.
    head.header(HEADER).and_then(Signature::read).ok_or_else(|| {
        HookAnswer::refused(
            StatusCode::UNAUTHORIZED,
            "invalid_signature",
            "X-Hub-Signature-256 must be there once, as sha256= and 64 hexadecimal digits.",
        )
    })
}

fn is_plain(text: &str) -> bool {
    (1..=CHALLENGE_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
}

/// A parameter of the query that is there exactly once.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut found = query.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key)? == name).then_some(value)
    });
    let first = found.next()?;
    if found.next().is_some() { None } else { decoded(first).map(Cow::into_owned) }
}

/// A part of a query without its escapes; none where they are broken.
fn decoded(part: &str) -> Option<Cow<'_, str>> {
    if !part.contains(['%', '+']) {
        return Some(Cow::Borrowed(part));
    }
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => (digit(rest.next()?)? << 4) | digit(rest.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_never_doubled() {
        let query = "hub.mode=subscribe&hub.verify_token=a%20b%2B%D9%85&hub%2Echallenge=12+3&x&twice=1&twice=1&bad=%4";
        for (name, value) in [
            ("hub.mode", Some("subscribe")),
            ("hub.verify_token", Some("a b+م")),
            ("hub.challenge", Some("12 3")),
            ("x", Some("")),
            ("twice", None),
            ("bad", None),
            ("none", None),
        ] {
            assert_eq!(parameter(query, name).as_deref(), value, "{name}");
        }
        assert_eq!(decoded("%zz"), None);
        assert_eq!(decoded("%ff"), None, "no text");
    }
}
