//! One-time codes of authenticator apps: RFC 6238 with SHA-1, 30 seconds, six digits, which is what all apps take.

use crate::model::{
    clock::Time,
    percent,
    random::{Random, bytes},
};
use ring::hmac;

/// Seconds that one code is good for.
const STEP: i64 = 30;
/// A phone's clock may be this many steps off, either way.
const DRIFT: i64 = 1;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new seed: 160 bits, as base 32 for the app to type or scan.
pub fn new_seed(random: &dyn Random) -> String {
    base32(&bytes::<20>(random))
}

/// The address that a QR code holds.
pub fn address(seed: &str, email: &str) -> String {
    let label = percent::encode(email);
    format!("otpauth://totp/WhatsApp%20Gateway:{label}?secret={seed}&issuer=WhatsApp%20Gateway")
}

/// The step whose code this is, if it is one of now and newer than `last_step`.
pub fn check(seed: &str, code: &str, now: Time, last_step: i64) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let present = now.seconds().div_euclid(STEP);
    // A code of a clock that was ahead must not keep its owner out until then: what cannot have been used yet was not.
    let last_step = if last_step > present + DRIFT { 0 } else { last_step };
    (present - DRIFT..=present + DRIFT).filter(|step| *step > last_step).find(|step| {
        let right = code_of(seed, *step);
        right.is_some_and(|right| subtle::ConstantTimeEq::ct_eq(right.as_bytes(), code.as_bytes()).into())
    })
}

fn code_of(seed: &str, step: i64) -> Option<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &from_base32(seed)?);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag.last()? & 0x0f);
    let four: [u8; 4] = tag.get(at..at + 4)?.try_into().ok()?;
    Some(format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000))
}

pub(super) fn base32(raw: &[u8]) -> String {
    let mut out = String::new();
    for chunk in raw.chunks(5) {
        let mut five = [0u8; 8];
        five[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(five);
        let letters = (chunk.len() * 8).div_ceil(5);
        out.extend((0..letters).map(|i| BASE32[(bits >> (35 - 5 * i) & 31) as usize] as char));
    }
    out
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut held) = (0u32, 0u32);
    for b in text.bytes() {
        let value = BASE32.iter().position(|c| *c == b.to_ascii_uppercase())?;
        bits = bits << 5 | u32::try_from(value).ok()?;
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed of RFC 6238, appendix B.
    const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn the_codes_are_those_of_the_standard() {
        assert_eq!(base32(b"12345678901234567890"), SEED);
        let rows = [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")];
        for (seconds, code) in rows {
            assert_eq!(code_of(SEED, seconds / STEP).as_deref(), Some(code), "{seconds}");
        }
    }

    #[test]
    fn a_code_works_once_and_only_about_now() {
        let at = |seconds: i64| Time::from_millis(seconds * 1000);
        let step = check(SEED, "005 924", at(1_234_567_890), 0).expect("right now");
        assert_eq!(check(SEED, "005924", at(1_234_567_890), step), None, "twice");
        assert_eq!(check(SEED, "005924", at(1_234_567_890 + 30), 0), Some(step), "a slow phone");
        assert_eq!(check(SEED, "005924", at(1_234_567_890 + 90), 0), None, "too late");
        for bad in ["", "05924", "0059240", "００５９２４", "abcdef"] {
            assert_eq!(check(SEED, bad, at(1_234_567_890), 0), None, "{bad}");
        }
    }
}
