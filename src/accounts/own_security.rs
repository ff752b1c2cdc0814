//! What somebody sees and does about their own logins: whether a password and a second factor are set, and in which
//! browsers they are logged in.

use super::{
    Accounts,
    login::note,
    user::{self, SESSION_IDLE, token_hash},
};
use crate::{
    model::{clock::Time, ids::UserId},
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;

/// How somebody gets in, as they are shown it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OwnSecurity {
    /// Whether they have a password; without, they came by a link.
    pub has_password: bool,
    /// Whether logins ask for a code.
    pub has_second_factor: bool,
    /// Where they are logged in, the one last in use first.
    pub sessions: Vec<OwnSession>,
}

/// A browser in which somebody is logged in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnSession {
    /// What tells it from the others; nothing of its token can be learnt from it.
    pub number: i64,
    pub began_at: Time,
    /// When it was last in use, to the minute.
    pub seen_at: Time,
    /// What the browser says it is; at most 200 characters.
    pub user_agent: String,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

impl Accounts {
    /// How a user gets in; `token`: of the session that asks.
    pub async fn own_security(&self, user: UserId, token: &str) -> Result<OwnSecurity, StoreError> {
        let (now, this) = (self.clock.now(), token_hash(token));
        let read = self.store.read(move |tx| {
            Ok(OwnSecurity {
                has_password: user::password_hash(tx, user)?.is_some(),
                has_second_factor: user::has_second_factor(tx, user)?,
                sessions: sessions(tx, user, &this, now)?,
            })
        });
        read.await
    }

    /// Ends one session of a user by its number, or (none) all but the one whose token is `keep`. Says how many ended; in
    /// force when it returns.
    pub async fn end_sessions(&self, user: UserId, number: Option<i64>, keep: &str) -> Result<usize, StoreError> {
        let (now, keep) = (self.clock.now(), token_hash(keep));
        self.store.write(move |tx| end(tx, user, number, (&keep, now))).await
    }
}

fn sessions(tx: &Tx<'_>, user: UserId, this: &[u8; 32], now: Time) -> Result<Vec<OwnSession>, StoreError> {
    tx.list(
        "SELECT token_hash, created_at, last_seen_at, user_agent FROM sessions
         WHERE user_id = ?1 AND expires_at > ?2 AND last_seen_at > ?3 ORDER BY last_seen_at DESC, created_at DESC",
        params![user, now, now.minus(SESSION_IDLE)],
        |r| {
            let hash: Vec<u8> = r.get(0)?;
            Ok(OwnSession {
                number: number_of(&hash),
                began_at: r.get(1)?,
                seen_at: r.get(2)?,
                user_agent: r.get(3)?,
                is_this: hash == this,
            })
        },
    )
}

fn number_of(hash: &[u8]) -> i64 {
    hash.first_chunk::<8>().map_or(0, |first| i64::from_be_bytes(*first))
}

fn end(
    tx: &WriteTx<'_>,
    user: UserId,
    number: Option<i64>,
    (keep, now): (&[u8; 32], Time),
) -> Result<usize, StoreError> {
    let ended = match number {
        Some(number) => tx.execute(
            "DELETE FROM sessions WHERE user_id = ?1 AND substr(token_hash, 1, 8) = ?2",
            params![user, number.to_be_bytes()],
        )?,
        None => tx.execute("DELETE FROM sessions WHERE user_id = ?1 AND token_hash IS NOT ?2", params![user, keep])?,
    };
    if ended > 0 {
        note(tx, (now, "self"), "session.end", user, &ended.to_string())?;
    }
    Ok(ended)
}
