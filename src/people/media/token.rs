//! Addresses of files: a token that names one file until a moment, and that only this gateway can make.
//!
//! The token is the file's number, the moment in milliseconds (eight bytes each) and an HMAC-SHA256 over both, in
//! base64url: 64 characters. It holds no path and nothing of the message.

use crate::model::clock::Time;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use std::time::Duration;

/// How long an address is good.
pub const LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const PAYLOAD: usize = 16;

/// Makes and judges tokens. Cheap to clone.
#[derive(Clone)]
pub struct Tokens(hmac::Key);

/// A token that this gateway made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NamedFile {
    pub id: i64,
    /// Until when the token alone is enough.
    pub until: Time,
}

impl Tokens {
    /// With a key that is used for nothing else.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// A token for a file.
    pub fn sign(&self, id: i64, until: Time) -> String {
        let mut all = [id.to_be_bytes(), until.millis().to_be_bytes()].concat();
        let tag = hmac::sign(&self.0, &all);
        all.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(all)
    }

    /// What a token names; none when this gateway did not make it. The comparison takes the same time for every token.
    /// Whether its moment has passed is the caller's to ask.
    pub fn read(&self, token: &str) -> Option<NamedFile> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (payload, tag) = bytes.split_at_checked(PAYLOAD)?;
        hmac::verify(&self.0, payload, tag).ok()?;
        let (id, until) = payload.split_first_chunk::<8>()?;
        let until = i64::from_be_bytes(until.try_into().ok()?);
        Some(NamedFile { id: i64::from_be_bytes(*id), until: Time::from_millis(until) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_tokens_are_read() {
        let (ours, theirs) = (Tokens::new(&[1; 32]), Tokens::new(&[2; 32]));
        let until = Time::from_millis(1_780_000_000_000);
        let token = ours.sign(7, until);
        assert_eq!(token.len(), 64);
        assert_eq!(ours.read(&token), Some(NamedFile { id: 7, until }));
        assert_eq!(theirs.read(&token), None);
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(ours.read(std::str::from_utf8(&changed).expect("ascii")), None, "at {at}");
        }
        for bad in ["", "x", "../../secret.key", &token[..63], &format!("{token}AAAA"), &format!("{token}=")] {
            assert_eq!(ours.read(bad), None, "{bad}");
        }
    }
}
