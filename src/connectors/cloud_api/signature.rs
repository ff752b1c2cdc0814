//! Whether a webhook is Meta's: `X-Hub-Signature-256` is HMAC-SHA256 over the bytes as they came, keyed with the app's
//! secret. Pure.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header that holds it.
pub(super) const HEADER: &str = "x-hub-signature-256";
/// What its value begins with; the old header's `sha1=` is not taken.
const PREFIX: &str = "sha256=";

/// A signature that has the right form; what it signs is judged by [`Signature::fits`].
pub(super) struct Signature([u8; 32]);

impl Signature {
    /// Reads a header's value: `sha256=` and 64 hexadecimal digits.
    pub(super) fn read(value: &str) -> Option<Self> {
        let digits = value.strip_prefix(PREFIX)?.as_bytes();
        let mut all = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in all.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
        }
        Some(Self(all))
    }

    /// Whether it is over these bytes, by whoever knows this secret. Takes as long for a wrong one as for a right one.
    /// An empty secret is nobody's.
    pub(super) fn fits(&self, secret: &str, body: &[u8]) -> bool {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
        !secret.is_empty() && mac.chain_update(body).verify_slice(&self.0).is_ok()
    }
}

/// The value of a hexadecimal digit.
pub(super) const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `openssl dgst -sha256 -hmac secret`.
    const OVER_HELLO: &str = "sha256=88aab3ede8d3adf94d26ab90d3bafd4a2083070c3bcce9c014ee04a443847c0b";

    #[test]
    fn the_form_of_a_signature() {
        assert!(Signature::read(OVER_HELLO).is_some());
        assert!(Signature::read(&OVER_HELLO.to_uppercase().replace("SHA256", "sha256")).is_some());
        let hex = &OVER_HELLO[7..];
        for bad in [
            "",
            "sha256=",
            hex,
            &format!("sha1={}", &hex[..40]),
            &format!("sha256={}", &hex[..63]),
            &format!("sha256={hex}0"),
            &format!("sha256={}g", &hex[..63]),
            &format!("sha256= {}", &hex[..63]),
            &format!("SHA256={hex}"),
            &format!("sha256={hex}, sha256={hex}"),
        ] {
            assert!(Signature::read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_the_right_secret_over_the_same_bytes_fits() {
        let signature = Signature::read(OVER_HELLO).expect("its form is right");
        assert!(signature.fits("secret", b"hello"));
        assert!(!signature.fits("Secret", b"hello"));
        assert!(!signature.fits("secret", b"hello "));
        assert!(!signature.fits("secret", b""));
        assert!(!signature.fits("", b"hello"));
        let mut mac = Hmac::<Sha256>::new_from_slice(b"").expect("any length");
        mac.update(b"hello");
        let by_nobody = Signature(mac.finalize().into_bytes().into());
        assert!(!by_nobody.fits("", b"hello"), "an empty secret is no secret");
    }
}
