//! Chance as an argument: keys, ids and jitter come from a [`Random`], so that a test can say what they will be.

/// A source of random bytes.
pub trait Random: Send + Sync + 'static {
    /// Fills `out` with bytes nobody can guess.
    fn fill(&self, out: &mut [u8]);

    /// A random number over the whole range.
    fn u64(&self) -> u64 {
        let mut b = [0; 8];
        self.fill(&mut b);
        u64::from_le_bytes(b)
    }
}

/// `N` bytes from `random`.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut b = [0; N];
    random.fill(&mut b);
    b
}

/// `len` letters and digits (base 62), each equally likely.
pub fn base62(random: &dyn Random, len: usize) -> String {
    let mut out = String::with_capacity(len);
    let mut pool = [0u8; 64];
    while out.len() < len {
        random.fill(&mut pool);
        // 248 = 4 × 62: bytes above it would favour the first letters.
        out.extend(pool.iter().filter(|b| **b < 248).map(|b| BASE62[(b % 62) as usize] as char).take(len - out.len()));
    }
    out
}

/// Digits of base 62, in the order of ASCII.
pub const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The operating system's random numbers.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) {
        // Linux answers from its pool and cannot fail after boot; without it no key may be made at all.
        #[expect(clippy::disallowed_methods, reason = "the one place where the machine is asked for chance")]
        getrandom::fill(out).expect("the operating system's random numbers");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base62_has_the_length_asked_for_and_only_letters_and_digits() {
        for len in [0, 1, 30, 100] {
            let s = base62(&SystemRandom, len);
            assert_eq!(s.len(), len);
            assert!(s.bytes().all(|b| b.is_ascii_alphanumeric()));
        }
        assert_ne!(base62(&SystemRandom, 30), base62(&SystemRandom, 30));
    }
}
