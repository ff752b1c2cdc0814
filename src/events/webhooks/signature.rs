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

const PREFIX: &str = "whsec_";
/// Bytes of chance in a secret.
const SECRET_BYTES: usize = 32;
/// How our own signature begins.
const OURS: &str = "sha256=";
const HEX: &[u8; 16] = b"0123456789abcdef";

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

/// What signs an endpoint's deliveries: its keys, made ready once.
#[derive(Clone)]
pub struct Signer {
    /// As Standard Webhooks has them, the newest first.
    standard: Vec<Hmac<Sha256>>,
    /// The newest, as our own header has it.
    ours: Option<Hmac<Sha256>>,
}

impl Signer {
    /// `secrets`: the newest first; at least one.
    pub fn new(secrets: &[Secret]) -> Self {
        Self {
            standard: secrets.iter().map(|secret| keyed(&secret.key())).collect(),
            ours: secrets.first().map(|secret| keyed(secret.as_str().as_bytes())),
        }
    }

    /// The headers of one attempt, of both families.
    pub fn headers(
        &self,
        event_id: &str,
        event_name: &str,
        timestamp: i64,
        body: &[u8],
    ) -> Vec<(&'static str, String)> {
        let seconds = timestamp.to_string();
        let mut ours = String::with_capacity(OURS.len() + 64);
        ours.push_str(OURS);
        if let Some(key) = &self.ours {
            for byte in signed(key, &[seconds.as_bytes(), b".", body]) {
                ours.extend([byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)])));
            }
        }
        let mut all = self.standard(event_id, &seconds, body);
        all.extend([
            ("x-whatsapp-gateway-event", event_name.to_owned()),
            ("x-whatsapp-gateway-timestamp", seconds),
            ("x-whatsapp-gateway-signature", ours),
        ]);
        all
    }

    /// Those of Standard Webhooks alone.
    pub fn standard_headers(&self, event_id: &str, timestamp: i64, body: &[u8]) -> Vec<(&'static str, String)> {
        self.standard(event_id, &timestamp.to_string(), body)
    }

    fn standard(&self, event_id: &str, seconds: &str, body: &[u8]) -> Vec<(&'static str, String)> {
        let mut signatures = String::with_capacity((self.standard.len() * 48).saturating_sub(1));
        for key in &self.standard {
            if !signatures.is_empty() {
                signatures.push(' ');
            }
            signatures.push_str("v1,");
            let parts: [&[u8]; 5] = [event_id.as_bytes(), b".", seconds.as_bytes(), b".", body];
            STANDARD.encode_string(signed(key, &parts), &mut signatures);
        }
        // Room for those of the other family, too.
        let mut all = Vec::with_capacity(6);
        all.extend([
            ("webhook-id", event_id.to_owned()),
            ("webhook-timestamp", seconds.to_owned()),
            ("webhook-signature", signatures),
        ]);
        all
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

fn signed(key: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = key.clone();
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
        let all = Signer::new(&[secret]).headers("msg_p5jXN8AQM9LWM0D4loKWxJek", "x", 1_614_265_330, body);
        assert_eq!(header(&all, "webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        // printf '1614265330.{"test": 2432232314}' | openssl dgst -sha256 -hmac whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
        assert_eq!(
            header(&all, "x-whatsapp-gateway-signature"),
            "sha256=2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964"
        );
    }

    #[test]
    fn a_rotated_secret_signs_beside_the_new_one_over_unicode() {
        let (new, old) = (Secret::new(&crate::model::random::SystemRandom), Secret::from_text("whsec_AAAA".into()));
        let body = "{\"message_text\":\"שלום مرحبا 👩‍🚀\"}".as_bytes();
        let both = Signer::new(&[new.clone(), old.clone()]).headers("evt_1", "message.received", 5, body);
        let alone = Signer::new(&[old]).headers("evt_1", "message.received", 5, body);
        let (first, second) = header(&both, "webhook-signature").split_once(' ').expect("two signatures");
        assert_ne!(first, second);
        assert_eq!(second, header(&alone, "webhook-signature"));
        assert_eq!(header(&both, "x-whatsapp-gateway-signature").len(), "sha256=".len() + 64);
        assert_ne!(header(&both, "x-whatsapp-gateway-signature"), header(&alone, "x-whatsapp-gateway-signature"));
    }
}
