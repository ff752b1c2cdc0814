//! The second factor: shown, confirmed by a code, used at each login, taken away; recovery codes for a lost phone.

use super::{
    AccountError, Accounts, LoginError,
    login::{NOBODY, note},
    password::Queue,
    totp, user,
};
use crate::{
    model::{clock::Time, ids::UserId, random::bytes, why::why},
    store::{StoreError, Tx, Vault, WriteTx},
};
use rusqlite::params;
use sha2::{Digest, Sha256};

const CODES: usize = 10;

/// What a code was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CodeCheck {
    Wrong,
    App,
    /// One that was set aside; it is used up.
    Recovery,
}

impl Accounts {
    /// Whether a user has one.
    pub async fn has_second_factor(&self, user: UserId) -> Result<bool, StoreError> {
        self.store.read(move |tx| user::has_second_factor(tx, user)).await
    }

    /// A new seed to scan; the old factor holds until the new one is confirmed by a code.
    ///
    /// # Errors
    /// One is in force already.
    pub async fn begin_second_factor(&self, user: UserId) -> Result<String, AccountError> {
        let seed = totp::new_seed(&*self.random);
        let sealed = self.vault.seal(&purpose(user), &seed);
        self.store
            .write(move |tx| {
                if user::has_second_factor(tx, user)? {
                    return Err(AccountError::Invalid(why!(
                        "factor_there",
                        "there is a second factor already: take it away first"
                    )));
                }
                tx.execute(
                    "INSERT INTO second_factors (user_id, seed) VALUES (?1, ?2)
                     ON CONFLICT DO UPDATE SET seed = excluded.seed, last_step = 0",
                    params![user, sealed],
                )?;
                Ok(())
            })
            .await?;
        Ok(seed)
    }

    /// The first code of a new app: from now on logins ask for it. Returns the recovery codes, shown this once.
    ///
    /// # Errors
    /// A wrong code; then nothing has changed.
    pub async fn confirm_second_factor(&self, user: UserId, code: &str) -> Result<Vec<String>, LoginError> {
        self.throttle.take_in_session(user.0, self.clock.now()).map_err(LoginError::Wait)?;
        let (now, vault, code) = (self.clock.now(), self.vault.clone(), code.to_owned());
        let codes: Vec<String> = (0..CODES).map(|_| recovery_code(&bytes::<10>(&*self.random))).collect();
        let kept = codes.clone();
        let confirmed = self
            .store
            .write(move |tx| {
                let step = find_step(tx, &vault, user, &code, now)?.ok_or(LoginError::Wrong)?;
                tx.execute(
                    "UPDATE second_factors SET confirmed_at = ?2, last_step = ?3 WHERE user_id = ?1",
                    params![user, now, step],
                )?;
                tx.execute("DELETE FROM recovery_codes WHERE user_id = ?1", params![user])?;
                for code in &kept {
                    tx.execute(
                        "INSERT INTO recovery_codes (user_id, hash) VALUES (?1, ?2)",
                        params![user, hash(code)],
                    )?;
                }
                Ok::<_, LoginError>(note(tx, (now, "self"), "user.second_factor", user, "on")?)
            })
            .await;
        match &confirmed {
            Ok(()) => self.throttle.right_in_session(user.0),
            Err(LoginError::Store(_)) => self.throttle.give_back_in_session(user.0),
            Err(_) => {}
        }
        confirmed.map(|()| codes)
    }

    /// Takes the second factor away; the password is asked for again by the caller's page.
    pub async fn drop_second_factor(&self, user: UserId, actor: &str) -> Result<(), StoreError> {
        let (now, actor) = (self.clock.now(), actor.to_owned());
        self.store
            .write(move |tx| {
                tx.execute("DELETE FROM second_factors WHERE user_id = ?1", params![user])?;
                tx.execute("DELETE FROM recovery_codes WHERE user_id = ?1", params![user])?;
                note(tx, (now, &actor), "user.second_factor", user, "off")
            })
            .await
    }

    /// Whether this is the password of a user who is logged in. Whoever sits at a session may guess a few times.
    ///
    /// # Errors
    /// Too many guesses, too many logins at once, or the store's.
    pub async fn is_password(&self, user: UserId, password: &str) -> Result<bool, LoginError> {
        self.throttle.take_in_session(user.0, self.clock.now()).map_err(LoginError::Wait)?;
        let right = self.check_own(user, password).await;
        match &right {
            Ok(true) => self.throttle.right_in_session(user.0),
            Ok(false) => {}
            Err(_) => self.throttle.give_back_in_session(user.0),
        }
        right
    }

    async fn check_own(&self, user: UserId, password: &str) -> Result<bool, LoginError> {
        let kept = self.store.read(move |tx| user::password_hash(tx, user)).await?;
        let right = self.passwords.verify(password, kept.as_deref().unwrap_or(NOBODY), Queue::Known).await?;
        Ok(right && kept.is_some())
    }
}

/// Uses a code up.
pub(super) fn use_code(
    tx: &WriteTx<'_>,
    vault: &Vault,
    user: UserId,
    code: &str,
    now: Time,
) -> Result<CodeCheck, StoreError> {
    if let Some(step) = find_step(tx, vault, user, code, now)? {
        tx.execute("UPDATE second_factors SET last_step = ?2 WHERE user_id = ?1", params![user, step])?;
        return Ok(CodeCheck::App);
    }
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    let used = tx.execute(
        "UPDATE recovery_codes SET used_at = ?3 WHERE user_id = ?1 AND hash = ?2 AND used_at IS NULL",
        params![user, hash(&plain), now],
    )?;
    Ok(if used == 1 { CodeCheck::Recovery } else { CodeCheck::Wrong })
}

fn find_step(tx: &Tx<'_>, vault: &Vault, user: UserId, code: &str, now: Time) -> Result<Option<i64>, StoreError> {
    let kept = tx.find("SELECT seed, last_step FROM second_factors WHERE user_id = ?1", params![user], |r| {
        Ok((r.get::<_, Vec<u8>>(0)?, r.get::<_, i64>(1)?))
    })?;
    let opened = kept.and_then(|(sealed, last)| Some((vault.unseal(&purpose(user), &sealed).ok()?, last)));
    Ok(opened.and_then(|(seed, last)| totp::check(&seed, code, now, last)))
}

fn purpose(user: UserId) -> String {
    format!("totp:{user}")
}

/// Sixteen letters and digits of base 32, 80 bits.
fn recovery_code(raw: &[u8]) -> String {
    totp::base32(raw)
}

fn hash(code: &str) -> [u8; 32] {
    Sha256::digest(code.as_bytes()).into()
}
