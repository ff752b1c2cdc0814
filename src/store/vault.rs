//! Secrets that must be read back (webhook secrets, provider tokens): sealed with ChaCha20-Poly1305 under a key that
//! lies beside the database, so that a copied database alone gives none of them away.
//!
//! The key is 32 bytes in `secret.key` (0600), made at the first start. A backup without it cannot read the secrets.
//! Each sealed value is a random nonce, the ciphertext and the tag, bound to a word that says what it is for.

use super::{StoreError, files::write_whole};
use crate::model::random::{Random, bytes};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    hmac,
};
use std::{fs, path::Path, sync::Arc};

/// The key's file in the data directory.
pub const FILE_NAME: &str = "secret.key";
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// Seals and opens secrets. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    key: Arc<LessSafeKey>,
    derivation: hmac::Key,
    random: Arc<dyn Random>,
}

/// A sealed value that cannot be opened: another key, another use, or damage.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a secret cannot be opened: is secret.key the one that belongs to this database?")]
pub struct CannotOpen;

impl Vault {
    /// The vault of a data directory; its key is made where there is none. Whether there may be none, is said by
    /// [`Store::vault`](super::Store::vault).
    ///
    /// # Errors
    /// A key file that cannot be read, written, or is none.
    pub fn open(data_dir: &Path, random: Arc<dyn Random>) -> Result<Self, StoreError> {
        let path = data_dir.join(FILE_NAME);
        if !path.exists() {
            make(&path, &*random)?;
        }
        let key = fs::read(&path).map_err(|e| StoreError::Unusable { path: path.clone(), problem: e.to_string() })?;
        Self::of(&path, &key, random)
    }

    /// The vault of a key file of the admin's own, which must be there.
    ///
    /// # Errors
    /// A file that is missing, cannot be read, or is no key.
    pub fn with_key_file(path: &Path, random: Arc<dyn Random>) -> Result<Self, StoreError> {
        let unusable = |e: std::io::Error| StoreError::Unusable {
            path: path.to_owned(),
            problem: format!("the key file (key_file) cannot be read: {e}"),
        };
        Self::of(path, &fs::read(path).map_err(unusable)?, random)
    }

    fn of(path: &Path, key: &[u8], random: Arc<dyn Random>) -> Result<Self, StoreError> {
        let derivation = hmac::Key::new(hmac::HMAC_SHA256, key);
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| StoreError::Unusable {
            path: path.to_owned(),
            problem: format!(
                "is no key: it has {} bytes instead of {KEY_BYTES}; put the right one back from a backup",
                key.len()
            ),
        })?;
        Ok(Self { key: Arc::new(LessSafeKey::new(key)), derivation, random })
    }

    /// A key of its own for one use, always the same in this data directory: for signatures and keyed hashes.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.derivation, format!("wa-gateway key for {purpose}").as_bytes());
        tag.as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    /// Seals `text` for one use.
    pub fn seal(&self, purpose: &str, text: &str) -> Vec<u8> {
        let nonce = bytes::<NONCE_BYTES>(&*self.random);
        let mut sealed = text.as_bytes().to_vec();
        let aad = Aad::from(purpose.as_bytes());
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .expect("a secret is far below the cipher's limit");
        [&nonce[..], &sealed].concat()
    }

    /// Opens what was sealed for the same use.
    ///
    /// # Errors
    /// See [`CannotOpen`].
    pub fn unseal(&self, purpose: &str, sealed: &[u8]) -> Result<String, CannotOpen> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(CannotOpen)?;
        let mut rest = rest.to_vec();
        let aad = Aad::from(purpose.as_bytes());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let text = self.key.open_in_place(nonce, aad, &mut rest).map_err(|_| CannotOpen)?;
        String::from_utf8(text.to_vec()).map_err(|_| CannotOpen)
    }
}

/// Makes a new key, whole or not at all.
pub(super) fn make(path: &Path, random: &dyn Random) -> Result<(), StoreError> {
    write_whole(path, &bytes::<KEY_BYTES>(random))
        .map_err(|e| StoreError::Unusable { path: path.to_owned(), problem: format!("no key can be made: {e}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::SystemRandom;

    #[test]
    fn only_the_same_key_and_use_open_a_secret() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let vault = Vault::open(dir.path(), Arc::new(SystemRandom)).expect("a vault");
        let sealed = vault.seal("webhook", "whsec_geheim");
        assert!(!sealed.windows(6).any(|w| w == b"geheim"));
        let again = Vault::open(dir.path(), Arc::new(SystemRandom)).expect("the same vault");
        assert_eq!(again.unseal("webhook", &sealed), Ok("whsec_geheim".into()));
        assert_eq!(vault.unseal("token", &sealed), Err(CannotOpen));
        assert_eq!(vault.derive("media"), again.derive("media"));
        assert_ne!(vault.derive("media"), vault.derive("erasure"));
        let mut damaged = sealed.clone();
        damaged[20] ^= 1;
        assert_eq!(vault.unseal("webhook", &damaged), Err(CannotOpen));
        let other = tempfile::TempDir::new().expect("a directory");
        let stranger = Vault::open(other.path(), Arc::new(SystemRandom)).expect("another vault");
        assert_eq!(stranger.unseal("webhook", &sealed), Err(CannotOpen));
        let elsewhere = other.path().join(FILE_NAME);
        let shared = Vault::with_key_file(&elsewhere, Arc::new(SystemRandom)).expect("the stranger's");
        assert_eq!(shared.unseal("webhook", &stranger.seal("webhook", "x")), Ok("x".into()));
        let missing = other.path().join("missing");
        assert!(Vault::with_key_file(&missing, Arc::new(SystemRandom)).is_err());
        assert!(!missing.exists(), "an admin's key is never made");
        assert_ne!(stranger.derive("media"), vault.derive("media"));
        fs::write(dir.path().join(FILE_NAME), "short").expect("written");
        assert!(Vault::open(dir.path(), Arc::new(SystemRandom)).is_err());
    }
}
