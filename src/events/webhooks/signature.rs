//! How a delivery proves that it is ours: two families of headers, so that either habit works.
//!
//! - Standard Webhooks 1.0 (its specification, "Signature scheme"): `webhook-id`, `webhook-timestamp`,
//!   `webhook-signature` = `v1,` + base64 of HMAC-SHA256 over `id.timestamp.body`, keyed with the bytes that the secret
//!   `whsec_…` holds in base64. While a rotated secret lives on, there is one signature for each, with a space between.
//! - `X-WhatsApp-Gateway-Event`, `-Timestamp`, `-Signature: sha256=<hex>` = HMAC-SHA256 over `timestamp.body`, keyed
//!   with the secret's text as it is shown, prefix included; always the newest secret.
//!
//! The timestamp is the attempt's, in Unix seconds. Pure.

use crate::model::random::{Random, bytes};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::Write;

const PREFIX: &str = "whsec_";
/// Bytes of chance in a secret.
const SECRET_BYTES: usize = 32;

/// A secret, as the customer is shown it: `whsec_` and base64.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new one.
    pub fn new(random: &dyn Random) -> Self {
        Self(format!("{PREFIX}{}", STANDARD.encode(bytes::<SECRET_BYTES>(random))))
    }

    /// As it was stored.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The text that is shown once.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bytes that Standard Webhooks signs with.
    fn key(&self) -> Vec<u8> {
        let encoded = self.0.strip_prefix(PREFIX).unwrap_or(&self.0);
        STANDARD.decode(encoded).unwrap_or_else(|_| self.0.as_bytes().to_vec())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The headers of one attempt. `secrets`: the newest first; at least one.
pub fn headers(
    secrets: &[Secret],
    event_id: &str,
    event_name: &str,
    timestamp: i64,
    body: &[u8],
) -> Vec<(&'static str, String)> {
    let ours = secrets.first().map(|secret| ours(secret, timestamp, body)).unwrap_or_default();
    let mut all = standard_headers(secrets, event_id, timestamp, body);
    all.extend([
        ("x-whatsapp-gateway-event", event_name.to_owned()),
        ("x-whatsapp-gateway-timestamp", timestamp.to_string()),
        ("x-whatsapp-gateway-signature", format!("sha256={ours}")),
    ]);
    all
}

/// Those of Standard Webhooks alone.
pub fn standard_headers(
    secrets: &[Secret],
    event_id: &str,
    timestamp: i64,
    body: &[u8],
) -> Vec<(&'static str, String)> {
    let standard: Vec<String> =
        secrets.iter().map(|secret| format!("v1,{}", standard(secret, event_id, timestamp, body))).collect();
    vec![
        ("webhook-id", event_id.to_owned()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", standard.join(" ")),
    ]
}

fn standard(secret: &Secret, id: &str, timestamp: i64, body: &[u8]) -> String {
    let mac = mac(&secret.key(), &[id.as_bytes(), b".", timestamp.to_string().as_bytes(), b".", body]);
    STANDARD.encode(mac)
}

fn ours(secret: &Secret, timestamp: i64, body: &[u8]) -> String {
    let mac = mac(secret.as_str().as_bytes(), &[timestamp.to_string().as_bytes(), b".", body]);
    mac.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header<'a>(all: &'a [(&str, String)], name: &str) -> &'a str {
        all.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str()).expect("the header")
    }

    /// The example of the Standard Webhooks specification's reference libraries.
    #[test]
    fn the_reference_example_comes_out() {
        let secret = Secret::from_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
        let body = br#"{"test": 2432232314}"#;
        let all = headers(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", "x", 1_614_265_330, body);
        assert_eq!(header(&all, "webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_rotated_secret_signs_beside_the_new_one_over_unicode() {
        let (new, old) = (Secret::new(&crate::model::random::SystemRandom), Secret::from_text("whsec_AAAA".into()));
        let body = "{\"message_text\":\"שלום مرحبا 👩‍🚀\"}".as_bytes();
        let both = headers(&[new.clone(), old.clone()], "evt_1", "message.received", 5, body);
        let alone = headers(&[old], "evt_1", "message.received", 5, body);
        let (first, second) = header(&both, "webhook-signature").split_once(' ').expect("two signatures");
        assert_ne!(first, second);
        assert_eq!(second, header(&alone, "webhook-signature"));
        assert_eq!(header(&both, "x-whatsapp-gateway-signature").len(), "sha256=".len() + 64);
        assert_ne!(header(&both, "x-whatsapp-gateway-signature"), header(&alone, "x-whatsapp-gateway-signature"));
    }
}
