//! A backup under a passphrase, or a file under a key: a stream sealed in chunks, so that it is neither held in memory
//! nor trusted before it was checked.
//!
//! The file is
//! 1. a head of 52 bytes: `wa-gateway sealed backup` and a line feed (25 bytes), the version 1, 16 bytes of salt, and
//!    Argon2id's memory (KiB, 4 bytes), passes (4) and lanes (2), all big-endian;
//! 2. chunks of 64 KiB of the archive, the last one shorter or full, each sealed by ChaCha20-Poly1305 (16 bytes of tag
//!    behind it). The nonce is the chunk's number (11 bytes, big-endian) and 1 for the last one, else 0; the head is
//!    authenticated with each.
//!
//! The key is Argon2id of the passphrase; in version 2, whose costs are 0, HMAC-SHA256 of the salt by a key. The salt is new for each file, so no key and nonce come together twice. A
//! chunk that was changed, moved, left out or cut off does not open. That is how `age` does it, whose own format was
//! not taken because its crate brings fifty others; who wants it, or a public key, pipes: `wa-gateway backup - | age …`.

use crate::model::random::{Random, bytes};
use argon2::{Algorithm, Argon2, Params, Version};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    hmac,
};
use std::{
    fmt,
    io::{self, Read, Write},
};

const MAGIC: &[u8; 25] = b"wa-gateway sealed backup\n";
const VERSION: u8 = 1;
/// Under a key instead of a passphrase.
const KEYED: u8 = 2;
const HEAD: usize = 52;
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

/// What Argon2id costs, in KiB, passes and lanes. 64 MiB and three passes take a fraction of a second on a small
/// machine, once a backup; whoever tries passphrases pays it for each.
#[derive(Clone, Copy)]
struct Cost {
    memory: u32,
    passes: u32,
    lanes: u16,
}

const COST: Cost = Cost { memory: 64 * 1024, passes: 3, lanes: 1 };
/// A head that asks for more than this is damaged, or wants to exhaust the machine.
const COST_MAX: Cost = Cost { memory: 1024 * 1024, passes: 64, lanes: 16 };

/// A passphrase; never shown.
#[derive(Clone)]
pub struct Passphrase(String);

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl Passphrase {
    /// The first line of a file's text.
    ///
    /// # Errors
    /// There is none.
    pub fn from_text(text: &str) -> Result<Self, &'static str> {
        match text.lines().next().unwrap_or_default() {
            "" => Err("its first line is the passphrase, and it is empty"),
            line => Ok(Self(line.to_owned())),
        }
    }

    fn key(&self, salt: &[u8], cost: Cost) -> io::Result<LessSafeKey> {
        let params = Params::new(cost.memory, cost.passes, u32::from(cost.lanes), Some(32));
        let mut key = [0; 32];
        let derived = params.and_then(|params| {
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
                self.0.as_bytes(),
                salt,
                &mut key,
            )
        });
        derived.map_err(|e| io::Error::other(e.to_string()))?;
        UnboundKey::new(&CHACHA20_POLY1305, &key).map(LessSafeKey::new).map_err(|_| io::Error::other("no key"))
    }
}

/// The key of one file.
fn keyed(key: &[u8; 32], salt: &[u8]) -> io::Result<LessSafeKey> {
    let key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), salt);
    UnboundKey::new(&CHACHA20_POLY1305, key.as_ref()).map(LessSafeKey::new).map_err(|_| io::Error::other("no key"))
}

/// Whether a file begins as a sealed one.
pub(super) fn is_sealed(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// Seals what is written to it; [`Sealer::finish`] writes the last chunk.
pub(in crate::ops) struct Sealer<W> {
    out: W,
    key: LessSafeKey,
    head: [u8; HEAD],
    chunk: Vec<u8>,
    number: u64,
}

impl<W: Write> Sealer<W> {
    pub(super) fn new(out: W, passphrase: &Passphrase, random: &dyn Random) -> io::Result<Self> {
        let salt = bytes::<16>(random);
        let key = passphrase.key(&salt, COST)?;
        Self::begin(out, (VERSION, salt, COST), key)
    }

    /// The same under a key.
    pub(in crate::ops) fn with_key(out: W, key: &[u8; 32], random: &dyn Random) -> io::Result<Self> {
        let salt = bytes::<16>(random);
        let key = keyed(key, &salt)?;
        Self::begin(out, (KEYED, salt, Cost { memory: 0, passes: 0, lanes: 0 }), key)
    }

    fn begin(mut out: W, (version, salt, cost): (u8, [u8; 16], Cost), key: LessSafeKey) -> io::Result<Self> {
        let mut head = [0; HEAD];
        head[..25].copy_from_slice(MAGIC);
        head[25] = version;
        head[26..42].copy_from_slice(&salt);
        head[42..46].copy_from_slice(&cost.memory.to_be_bytes());
        head[46..50].copy_from_slice(&cost.passes.to_be_bytes());
        head[50..].copy_from_slice(&cost.lanes.to_be_bytes());
        out.write_all(&head)?;
        Ok(Self { out, key, head, chunk: Vec::with_capacity(CHUNK + TAG), number: 0 })
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let sealed =
            self.key.seal_in_place_append_tag(nonce(self.number, last), Aad::from(&self.head), &mut self.chunk);
        sealed.map_err(|_| io::Error::other("a chunk could not be sealed"))?;
        self.out.write_all(&self.chunk)?;
        self.chunk.clear();
        self.number += 1;
        Ok(())
    }

    /// Writes what is left.
    pub(in crate::ops) fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        // A full chunk waits until it is known not to be the last.
        if self.chunk.len() == CHUNK && !buf.is_empty() {
            self.seal(false)?;
        }
        let n = buf.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&buf[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Opens what was sealed. Every byte that it gives was authenticated; it ends well only at the last chunk.
pub(in crate::ops) struct Opener<R> {
    input: R,
    key: LessSafeKey,
    head: [u8; HEAD],
    chunk: Vec<u8>,
    at: usize,
    /// The first byte of the next chunk, when it was read already.
    ahead: Option<u8>,
    number: u64,
    last: bool,
}

impl<R: Read> Opener<R> {
    pub(super) fn new(mut input: R, passphrase: &Passphrase) -> io::Result<Self> {
        let mut head = [0; HEAD];
        input.read_exact(&mut head)?;
        let number = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let cost = Cost { memory: number(42), passes: number(46), lanes: u16::from_be_bytes([head[50], head[51]]) };
        let sane = cost.memory <= COST_MAX.memory && cost.passes <= COST_MAX.passes && cost.lanes <= COST_MAX.lanes;
        if !is_sealed(&head) || head[25] != VERSION || !sane {
            return Err(invalid("its head is not one that this program writes"));
        }
        let key = passphrase.key(&head[26..42], cost).map_err(|_| invalid("its head is damaged"))?;
        Ok(Self::begin(input, head, key))
    }

    /// What was sealed under a key.
    pub(in crate::ops) fn with_key(mut input: R, key: &[u8; 32]) -> io::Result<Self> {
        let mut head = [0; HEAD];
        input.read_exact(&mut head)?;
        if !is_sealed(&head) || head[25] != KEYED {
            return Err(invalid("its head is not one that this program writes"));
        }
        let key = keyed(key, &head[26..42])?;
        Ok(Self::begin(input, head, key))
    }

    const fn begin(input: R, head: [u8; HEAD], key: LessSafeKey) -> Self {
        Self { input, key, head, chunk: Vec::new(), at: 0, ahead: None, number: 0, last: false }
    }

    fn open_next(&mut self) -> io::Result<()> {
        self.chunk.clear();
        self.chunk.extend(self.ahead.take());
        let room = CHUNK + TAG - self.chunk.len();
        (&mut self.input).take(room as u64).read_to_end(&mut self.chunk)?;
        let mut ahead = [0; 1];
        // A chunk is the last when nothing follows it; whether it was sealed as the last one, its tag says.
        self.ahead = match self.chunk.len() == CHUNK + TAG && read_one(&mut self.input, &mut ahead)? {
            true => Some(ahead[0]),
            false => None,
        };
        self.last = self.ahead.is_none();
        let opened = self.key.open_in_place(nonce(self.number, self.last), Aad::from(&self.head), &mut self.chunk);
        let length = match opened {
            Ok(plain) => plain.len(),
            Err(_) if self.number == 0 && self.head[25] == KEYED => {
                return Err(invalid("the key is another one, or it is damaged"));
            }
            Err(_) if self.number == 0 => return Err(invalid("the passphrase is another one, or it is damaged")),
            Err(_) => return Err(invalid("it is damaged or cut off")),
        };
        self.chunk.truncate(length);
        self.at = 0;
        self.number += 1;
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            if self.last {
                return Ok(0);
            }
            self.open_next()?;
        }
        let n = buf.len().min(self.chunk.len() - self.at);
        buf[..n].copy_from_slice(&self.chunk[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

fn read_one(input: &mut impl Read, byte: &mut [u8; 1]) -> io::Result<bool> {
    loop {
        match input.read(byte) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            read => return read.map(|n| n == 1),
        }
    }
}

fn nonce(number: u64, last: bool) -> Nonce {
    let mut n = [0; 12];
    n[3..11].copy_from_slice(&number.to_be_bytes());
    n[11] = u8::from(last);
    Nonce::assume_unique_for_key(n)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::SystemRandom;

    fn passphrase() -> Passphrase {
        Passphrase::from_text("correct horse\nbattery").expect("a passphrase")
    }

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::new(Vec::new(), &passphrase(), &SystemRandom).expect("a sealer");
        sealer.write_all(plain).expect("written");
        sealer.finish().expect("its end")
    }

    fn opened(bytes: &[u8], passphrase: &Passphrase) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        Opener::new(bytes, passphrase)?.read_to_end(&mut plain)?;
        Ok(plain)
    }

    #[test]
    fn what_was_sealed_is_opened_whatever_its_length() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let plain: Vec<u8> = (0..length).map(|i| u8::try_from(i % 251).expect("below")).collect();
            assert!(opened(&sealed(&plain), &passphrase()).expect("opened") == plain, "{length}");
        }
    }

    #[test]
    fn a_change_anywhere_and_a_cut_anywhere_are_found() {
        let good = sealed(&vec![5; CHUNK + 100]);
        assert!(!good.windows(50).any(|w| w == [5; 50]), "nothing shows");
        // Each place of the head but the salt costs no key derivation of note; the salt is tried at one.
        for at in [0, 24, 25, 26, 45, 49, 51, HEAD, HEAD + CHUNK, HEAD + CHUNK + TAG, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(opened(&bad, &passphrase()).is_err(), "byte {at}");
        }
        for cut in [10, HEAD, HEAD + 5, HEAD + CHUNK + TAG, good.len() - 1] {
            assert!(opened(&good[..cut], &passphrase()).is_err(), "cut at {cut}");
        }
        assert!(opened(&[&good[..], b"x"].concat(), &passphrase()).is_err(), "something behind the end");
        let two = sealed(&vec![5; 3 * CHUNK]);
        let (first, second) = (HEAD..HEAD + CHUNK + TAG, HEAD + CHUNK + TAG..HEAD + 2 * (CHUNK + TAG));
        let swapped = [&two[..HEAD], &two[second.clone()], &two[first], &two[second.end..]].concat();
        assert!(opened(&swapped, &passphrase()).is_err(), "two chunks in another order");
    }

    #[test]
    fn what_is_under_a_key_is_opened_by_no_other_one_and_by_no_passphrase() {
        let mut sealer = Sealer::with_key(Vec::new(), &[7; 32], &SystemRandom).expect("a sealer");
        sealer.write_all(&vec![5; CHUNK + 1]).expect("written");
        let sealed = sealer.finish().expect("its end");
        let mut plain = Vec::new();
        let opener = Opener::with_key(&sealed[..], &[7; 32]);
        opener.and_then(|mut opener| opener.read_to_end(&mut plain)).expect("opened");
        assert_eq!(plain, vec![5; CHUNK + 1]);
        let other = Opener::with_key(&sealed[..], &[8; 32]).and_then(|mut opener| opener.read_to_end(&mut plain));
        assert!(other.expect_err("another key").to_string().contains("another one"));
        assert!(opened(&sealed, &passphrase()).is_err());
    }

    #[test]
    fn another_passphrase_opens_nothing() {
        let other = Passphrase::from_text("correct horsf").expect("a passphrase");
        let said = opened(&sealed(b"x"), &other).expect_err("another").to_string();
        assert!(said.contains("passphrase"), "{said}");
        assert!(Passphrase::from_text("\nx").is_err());
    }
}
