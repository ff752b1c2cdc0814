//! Why a connection ended, or was not let in: each of WhatsApp's words for it is a sentence that says what to do, and how it
//! goes on.
//!
//! Pure: the time is an argument.

use super::{
    words::{
        self, BANNED, BANNED_FOR_GOOD, HOSTED, LOCKED, LOGGED_OUT, NOBODY_SCANNED, NOT_PAIRED, OUTDATED, PASSKEY,
        REFUSED, REPLACED, SCANNED_OLD_PHONE, TROUBLED,
    },
    work::Next,
};
use crate::{connectors::provider_text::repeated, model::clock::Time};
use std::time::Duration;
use whatsapp_rust::{
    prelude::Event,
    types::events::{ConnectFailure, ConnectFailureReason as Why, PairError, TemporaryBan},
};

/// What other clients call a phone that is not made for linked devices; the library has no name for it.
const PHONE_TOO_OLD: i32 = 411;

/// What becomes of a connection, and the sentence that says why.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// The client tries again by itself.
    ComesBack(String),
    /// It does not come back by itself.
    Stays(Next, String),
}

/// None: nothing ended.
pub(super) fn ending(event: &Event, now: Time) -> Option<Ending> {
    let (next, why) = match event {
        Event::PairingQrCodesExhausted(_) => (Next::Rest, NOBODY_SCANNED.to_owned()),
        Event::PairError(e) => (Next::Forget, unpaired(e)),
        Event::PairPasskeyRequest(_) | Event::PairPasskeyError(_) => (Next::Rest, PASSKEY.to_owned()),
        Event::ClientOutdated(_) => (Next::Rest, OUTDATED.to_owned()),
        Event::LoggedOut(out) => match out.reason {
            Why::AccountLocked => (Next::Forget, LOCKED.to_owned()),
            // The library's name for it is old. The keys stay: a review may give the number back as it was.
            Why::UnknownLogout => (Next::Rest, BANNED_FOR_GOOD.to_owned()),
            _ => (Next::Forget, LOGGED_OUT.to_owned()),
        },
        Event::StreamReplaced(_) => (Next::Rest, REPLACED.to_owned()),
        Event::TemporaryBan(ban) => (Next::Rest, banned(ban, now)),
        Event::ConnectFailure(failure) => return Some(not_let_in(failure)),
        _ => return None,
    };
    Some(Ending::Stays(next, why))
}

fn not_let_in(failure: &ConnectFailure) -> Ending {
    let code = failure.reason.code();
    let (next, why) = match failure.reason {
        Why::ServiceUnavailable | Why::InternalServerError => {
            return Ending::ComesBack(words::with(TROUBLED, &code.to_string()));
        }
        // Without its end.
        Why::TempBanned => (Next::Rest, BANNED.to_owned()),
        Why::BadUserAgent => (Next::Rest, OUTDATED.to_owned()),
        Why::Unknown(PHONE_TOO_OLD) => (Next::Forget, SCANNED_OLD_PHONE.to_owned()),
        _ => {
            let said = failure.message.as_deref().map_or_else(String::new, |text| format!(", {}", repeated(text)));
            (Next::Rest, words::with(REFUSED, &format!("{code}{said}")))
        }
    };
    Ending::Stays(next, why)
}

/// Why a phone could not be linked.
fn unpaired(e: &PairError) -> String {
    // The library checks a hosted account's signature with the other accounts' prefix, and tells no more than that.
    let is_hosted = ["signature", "HMAC", "hmac"].iter().any(|word| e.error.contains(word));
    if is_hosted { HOSTED.to_owned() } else { words::with(NOT_PAIRED, &repeated(&e.error)) }
}

/// Until when.
fn banned(ban: &TemporaryBan, now: Time) -> String {
    let seconds = u64::try_from(ban.expire.num_seconds()).unwrap_or(0);
    let until = now.plus(Duration::from_secs(seconds));
    words::with(BANNED, &until.to_string())
}
