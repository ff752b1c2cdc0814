//! Passwords: Argon2id (m = 19,456 KiB, t = 2, p = 1), at most two at a time, a bounded queue behind them.
//!
//! One hash takes some 60 ms of one core: without a bound, a few guessers would stop the messages.

use crate::model::why::{Why, why};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Shortest password, in characters.
pub const MIN_CHARS: usize = 10;
/// Longest password, in bytes.
pub const MAX_BYTES: usize = 1024;
const AT_ONCE: usize = 2;
/// Two seconds' worth of strangers; known devices and sessions wait with a few of their own.
const QUEUE: usize = 64;
const QUEUE_KNOWN: usize = 16;

/// Who waits for a password to be checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Queue {
    Strangers,
    /// Somebody who has logged in before: a flood of strangers leaves them a place.
    Known,
}

/// Why a password could not be hashed or checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("a password has at least {MIN_CHARS} characters")]
    TooShort,
    #[error("a password has at most {MAX_BYTES} bytes")]
    TooLong,
    /// Too many wait already.
    #[error("too many logins at once: try again in a moment")]
    Busy,
}

impl PasswordError {
    /// The same for the pages.
    pub fn why(self) -> Why {
        match self {
            Self::TooShort => why!("password_short", "a password has at least {least} characters", least = MIN_CHARS),
            Self::TooLong => why!("password_long", "a password has at most {most} bytes", most = MAX_BYTES),
            Self::Busy => why!("password_busy", "too many logins at once: try again in a moment"),
        }
    }
}

/// Hashes and checks passwords. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    waiting_known: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Passwords {
    /// With an empty queue.
    pub fn new() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self { running: places(AT_ONCE), waiting: places(QUEUE), waiting_known: places(QUEUE_KNOWN) }
    }

    /// Whether a new password has the right length.
    ///
    /// # Errors
    /// [`PasswordError::TooShort`], [`PasswordError::TooLong`].
    pub fn check(password: &str) -> Result<(), PasswordError> {
        if password.chars().count() < MIN_CHARS {
            return Err(PasswordError::TooShort);
        }
        if password.len() > MAX_BYTES { Err(PasswordError::TooLong) } else { Ok(()) }
    }

    /// The PHC string to keep for `password`.
    ///
    /// # Errors
    /// See [`PasswordError`].
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        Self::check(password)?;
        let password = password.to_owned();
        self.run(Queue::Known, move || {
            argon2().hash_password(password.as_bytes()).map(|h| h.to_string()).map_err(|_| PasswordError::Busy)
        })
        .await?
    }

    /// Whether `password` belongs to the kept string.
    ///
    /// # Errors
    /// [`PasswordError::Busy`].
    pub async fn verify(&self, password: &str, kept: &str, queue: Queue) -> Result<bool, PasswordError> {
        // None that long was ever kept; it must not cost more than another one, or less.
        let end = password.floor_char_boundary(MAX_BYTES + 1);
        let (password, kept) = (password[..end].to_owned(), kept.to_owned());
        self.run(queue, move || {
            PasswordHash::new(&kept).is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        queue: Queue,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let waiting = if queue == Queue::Known { &self.waiting_known } else { &self.waiting };
        let _place = waiting.try_acquire().map_err(|_| PasswordError::Busy)?;
        let _turn = self.running.acquire().await.map_err(|_| PasswordError::Busy)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| PasswordError::Busy)
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19_456, 2, 1, None).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_recognised_and_another_is_not() {
        let passwords = Passwords::new();
        let kept = passwords.hash("correct horse").await.expect("a hash");
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(passwords.verify("correct horse", &kept, Queue::Strangers).await.expect("checked"));
        assert!(!passwords.verify("wrong horse!", &kept, Queue::Strangers).await.expect("checked"));
        assert_eq!(passwords.hash("short").await, Err(PasswordError::TooShort));
    }

    #[tokio::test]
    async fn a_full_queue_of_strangers_leaves_room_for_who_is_known() {
        let passwords = Passwords::new();
        let kept = passwords.hash("correct horse").await.expect("a hash");
        let all = passwords.waiting.clone().try_acquire_many_owned(QUEUE as u32).expect("an empty queue");
        assert_eq!(passwords.verify("correct horse", &kept, Queue::Strangers).await, Err(PasswordError::Busy));
        assert_eq!(passwords.verify("correct horse", &kept, Queue::Known).await, Ok(true));
        drop(all);
        assert_eq!(passwords.verify("correct horse", &kept, Queue::Strangers).await, Ok(true));
    }
}
