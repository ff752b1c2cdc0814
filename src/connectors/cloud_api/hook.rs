//! Meta's calls: the question whether this is the right address, and what it heard for us.
//!
//! - `GET`: the verify token is compared in constant time, and the challenge given back.
//! - `POST`: a signature of the wrong form is refused before the body is read, a wrong one before anything is parsed or
//!   written. What one call brings is recorded together or not at all, and the answer is 200 only after it is on disk:
//!   503 makes Meta bring it again, for days.
//! - What is rightly signed is never refused, whatever it is: Meta would bring it again in vain. What is not
//!   understood is kept as it came.

use super::{
    CloudInner,
    reading::{self, OwnIds},
    signature::{HEADER, Signature, digit},
};
use crate::connectors::{HookAnswer, HookRequest, NotRecorded, ProviderEvent, neighbours::Neighbours};
use http::{Method, StatusCode};
use std::{borrow::Cow, sync::Arc};
use subtle::ConstantTimeEq as _;

/// Meta's own bound is 3 MB.
const BODY_MAX: usize = 4 * 1024 * 1024;
/// Longest challenge that is given back, in characters.
const CHALLENGE_MAX: usize = 512;

/// The webhooks of all numbers, for calls to one of them. Meta keeps one callback address per app: what it brings for another
/// number of the app is that number's, wherever it comes.
#[derive(Default)]
pub struct CloudLines(pub(super) Neighbours<CloudInner>);

impl CloudLines {
    /// Judges a call to an address whose instance is gone, of which an app may not know: how much of its body is worth
    /// reading. None: nobody here can have anything to do with it.
    pub fn limit(&self, head: &HookRequest) -> Option<usize> {
        self.0.all().iter().find_map(|line| line.hook_limit(head).ok())
    }

    /// Answers such a call, where the secret or the verify token is one of ours.
    pub async fn answer(&self, request: &HookRequest) -> Option<HookAnswer> {
        let all = self.0.all();
        if request.method == Method::GET {
            return all
                .iter()
                .map(|line| line.challenge(&request.query))
                .find(|answer| answer.status == StatusCode::OK);
        }
        let signature = signature(request).ok()?;
        let fits = |line: &&Arc<CloudInner>| signature.fits(line.app_secret(), &request.body);
        match all.iter().find(fits) {
            Some(line) => Some(line.answer(request).await),
            None => None,
        }
    }
}

impl CloudInner {
    /// Judges a call's head: how much of its body is worth reading.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn hook_limit(&self, head: &HookRequest) -> Result<usize, HookAnswer> {
        match head.method {
            Method::GET => Ok(0),
            Method::POST => signature(head).map(|_| BODY_MAX),
            _ => Err(HookAnswer::method_not_allowed("GET, POST", "Only GET and POST are taken here.")),
        }
    }

    /// Answers a call; what it brings is on disk when the answer is 200.
    pub(super) async fn answer(&self, request: &HookRequest) -> HookAnswer {
        if request.method == Method::GET {
            return self.challenge(&request.query);
        }
        let signature = match self.hook_limit(request).and_then(|_| signature(request)) {
            Ok(signature) => signature,
            Err(refusal) => return refusal,
        };
        if !signature.fits(self.app_secret(), &request.body) {
            return HookAnswer::refused(
                StatusCode::UNAUTHORIZED,
                "invalid_signature",
                "The signature is not over these bytes with this app's secret.",
            );
        }
        match self.record(&request.body).await {
            Ok(()) => HookAnswer::ok(),
            Err(e) => {
                tracing::debug!(instance = %self.instance, "not recorded, to be brought again: {e}");
                HookAnswer::refused(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", "Try again later.")
            }
        }
    }

    /// Records what a call brings, each part for the number that it is about, all of it or nothing.
    async fn record(&self, body: &[u8]) -> Result<(), NotRecorded> {
        let now = self.clock.now();
        let others = self.lines.0.all();
        let others = others.iter().map(Arc::as_ref);
        let others = others.filter(|line| line.instance != self.instance && line.app_secret() == self.app_secret());
        let app: Vec<&Self> = std::iter::once(self).chain(others).collect();
        let numbers: Vec<OwnIds> = app.iter().map(|line| line.own_ids()).collect();
        let (mut all, mut follows) = (Vec::new(), Vec::new());
        for (whose, (at, what)) in reading::read(body, &numbers, now) {
            let line = app[whose];
            let heard = ProviderEvent { instance: line.instance.clone(), at: at.min(now), what };
            follows.extend(line.follows(&heard).map(|one| (whose, one)));
            all.push((whose, heard));
        }
        let mut called: Vec<usize> = all.iter().map(|(whose, _)| *whose).collect();
        self.ear.record_all(all.into_iter().map(|(_, heard)| heard).collect()).await?;
        called.push(0);
        called.sort_unstable();
        called.dedup();
        called.into_iter().for_each(|whose| app[whose].line.heard_now());
        for (whose, one) in follows {
            app[whose].heed(one).await;
        }
        Ok(())
    }

    fn app_secret(&self) -> &str {
        self.settings.app_secret.as_deref().unwrap_or_default()
    }

    fn own_ids(&self) -> OwnIds {
        OwnIds {
            phone_number_id: self.settings.phone_number_id.clone(),
            waba_id: self.settings.waba_id.clone().unwrap_or_default(),
            phone: self.line.standing().phone,
        }
    }

    /// `hub.mode`, `hub.verify_token` and `hub.challenge`, each exactly once.
    fn challenge(&self, query: &str) -> HookAnswer {
        let refused = |message| HookAnswer::refused(StatusCode::FORBIDDEN, "invalid_verify_token", message);
        let verify_token = self.settings.verify_token.as_deref().unwrap_or_default();
        let token = parameter(query, "hub.verify_token").unwrap_or_default();
        let fits = bool::from(token.as_bytes().ct_eq(verify_token.as_bytes()));
        if verify_token.is_empty() || !fits || parameter(query, "hub.mode").as_deref() != Some("subscribe") {
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
