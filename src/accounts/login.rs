//! Logging in and out: password, second factor, session. A wrong name and a wrong password cost the same time and get
//! the same answer; guessing gets slower.

use super::{
    AccountError, Accounts, OneTimeLink, PasswordError, Passwords,
    audit::{self, AuditEntry},
    login_throttle::{Guess, Guesser},
    password::Queue,
    second_factor::{self, CodeCheck},
    user,
};
use crate::{
    model::{
        clock::Time,
        ids::{AccountId, UserId},
        moment::Moment,
        random::base62,
    },
    store::{StoreError, WriteTx},
};
use rusqlite::params;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How long the question for the code waits for its answer.
const TICKET_LIFE: Duration = Duration::from_secs(5 * 60);
const MOST_TICKETS: usize = 1000;
/// A hash of nothing that anybody knows: unknown names are checked against it, so that they take as long.
pub(super) const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Ry5kMVh0bTQ3bnM2d0xkUg$s0kR6l1XwZ9yq1xq2m8mWw2oG3mQm0QvHk2Vt2kFz1g";

/// What a right password leads to.
#[derive(Debug)]
pub enum LoginStep {
    In(LoggedIn),
    /// The code of the second factor is wanted; the ticket goes with it.
    WantsCode(String),
}

/// Somebody was let in.
#[derive(Debug)]
pub struct LoggedIn {
    pub session: OneTimeLink,
    /// What the browser is to keep, so that this person's next login from there is not slowed by strangers who guess.
    pub device: String,
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Name, password, code or ticket: which of them is not said.
    #[error("the email or the password is wrong")]
    Wrong,
    /// Too many wrong guesses.
    #[error("too many wrong guesses: try again in {} s", .0.as_secs())]
    Wait(Duration),
    /// Too many logins at once.
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A session's number, by which its requests are counted; it says nothing of the token.
pub fn session_number(token: &str) -> i64 {
    i64::from_be_bytes(user::token_hash(token)[..8].try_into().unwrap_or_default())
}

/// Who gave a right password and still owes the code.
#[derive(Default)]
pub(super) struct PendingLogins(Mutex<HashMap<String, Ticket>>);

#[derive(Clone)]
struct Ticket {
    user: UserId,
    email: String,
    until: Time,
}

impl Accounts {
    /// Checks a password. The guess is counted before it is looked at.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn log_in(
        &self,
        email: &str,
        password: &str,
        user_agent: &str,
        from: Guesser<'_>,
    ) -> Result<LoginStep, LoginError> {
        let (now, email) = (self.clock.now(), email.trim().to_owned());
        let guess = self.throttle.take(&email, from, now).map_err(LoginError::Wait)?;
        let known = match self.check(&email, password, &guess).await {
            Ok(Some(known)) => known,
            Ok(None) => {
                self.note_wrong(&email, from.address, "a wrong name or password").await?;
                return Err(LoginError::Wrong);
            }
            Err(e) => {
                self.throttle.give_back(&guess);
                return Err(e);
            }
        };
        if known.has_second_factor {
            self.throttle.give_back(&guess);
            let ticket = base62(&*self.random, 32);
            self.tickets.keep(ticket.clone(), Ticket { user: known.id, email, until: now.plus(TICKET_LIFE) }, now);
            return Ok(LoginStep::WantsCode(ticket));
        }
        self.throttle.let_in(&guess);
        let session = self.begin_session(known.id, user_agent, from.address, "password").await?;
        Ok(LoginStep::In(self.logged_in(session, &email)))
    }

    /// Keeps in the audit that somebody guessed wrongly: how often they may was judged before. A name that is nobody's is
    /// not kept: people type their password there.
    async fn note_wrong(&self, email: &str, from: IpAddr, what: &'static str) -> Result<(), StoreError> {
        let (now, email, from) = (self.clock.now(), email.to_owned(), from.to_string());
        self.store
            .write(move |tx| {
                let known = tx.find("SELECT email, account_id FROM users WHERE email = ?1", params![email], |r| {
                    Ok((r.get::<_, String>(0)?, r.get::<_, Option<AccountId>>(1)?))
                })?;
                let account = known.as_ref().and_then(|(_, account)| *account);
                let target = known.as_ref().map_or("nobody", |(email, _)| email);
                let after = format!("{what}, from {from}");
                let (action, after) = ("session.refused", Some(after.as_str()));
                audit::record(tx, now, &AuditEntry { actor: "nobody", account, action, target, before: None, after })
            })
            .await
    }

    /// Who has this name and this password; none: nobody.
    async fn check(&self, email: &str, password: &str, guess: &Guess) -> Result<Option<user::Credentials>, LoginError> {
        let asked = email.to_owned();
        let known = self.store.read(move |tx| user::credentials(tx, &asked)).await?;
        let kept = known.as_ref().and_then(|k| k.password_hash.clone()).unwrap_or_else(|| NOBODY.to_owned());
        let queue = if matches!(guess, Guess::Device(_)) { Queue::Known } else { Queue::Strangers };
        let right = self.passwords.verify(password, &kept, queue).await?;
        Ok(known.filter(|k| right && k.password_hash.is_some()))
    }

    fn logged_in(&self, session: OneTimeLink, email: &str) -> LoggedIn {
        LoggedIn { session, device: self.throttle.device(email, self.clock.now(), &*self.random) }
    }

    /// The second step: a code of the app, or a recovery code.
    ///
    /// # Errors
    /// See [`LoginError`]; a ticket is good for five minutes.
    pub async fn log_in_with_code(
        &self,
        ticket: &str,
        code: &str,
        user_agent: &str,
        from: Guesser<'_>,
    ) -> Result<LoggedIn, LoginError> {
        let now = self.clock.now();
        let held = self.tickets.find(ticket, now).ok_or(LoginError::Wrong)?;
        let guess = self.throttle.take(&held.email, from, now).map_err(LoginError::Wait)?;
        let (vault, user, code) = (self.vault.clone(), held.user, code.to_owned());
        let tried = self.store.write(move |tx| second_factor::use_code(tx, &vault, user, &code, now)).await;
        let how = match tried.inspect_err(|_| self.throttle.give_back(&guess))? {
            CodeCheck::Wrong => {
                self.note_wrong(&held.email, from.address, "a wrong code").await?;
                return Err(LoginError::Wrong);
            }
            CodeCheck::App => "password and code",
            CodeCheck::Recovery => "password and recovery code",
        };
        self.tickets.drop(ticket);
        self.throttle.let_in(&guess);
        let session = self.begin_session(held.user, user_agent, from.address, how).await?;
        Ok(self.logged_in(session, &held.email))
    }

    /// Ends a session.
    pub async fn log_out(&self, token: &str) -> Result<(), StoreError> {
        let token = token.to_owned();
        self.store.write(move |tx| user::end_session(tx, &token)).await
    }

    /// Notes that a session is in use; call it at most once a minute.
    pub async fn touch_session(&self, token: &str) -> Result<(), StoreError> {
        let (now, token) = (self.clock.now(), token.to_owned());
        self.store.write(move |tx| user::touch_session(tx, &token, now)).await
    }

    /// Changes one's own password, or sets the first one: all other sessions end.
    ///
    /// # Errors
    /// A wrong old password, of which a session may try a few; a new one that cannot be taken.
    pub async fn change_password(&self, user: UserId, old: &str, new: &str, keep: &str) -> Result<(), LoginError> {
        Passwords::check(new)?;
        // Who came by a link has none yet: their session is what proves who they are.
        let has_password = self.store.read(move |tx| user::password_hash(tx, user)).await?.is_some();
        if has_password && !self.is_password(user, old).await? {
            return Err(LoginError::Wrong);
        }
        let hash = self.passwords.hash(new).await?;
        let (now, keep) = (self.clock.now(), keep.to_owned());
        Ok(self.store.write(move |tx| user::set_password(tx, user, &hash, Some(&keep), now)).await?)
    }

    /// Uses up a password link: the password is set, all sessions end, a new one begins.
    ///
    /// # Errors
    /// A link that is unknown, used or out of time; a password that cannot be taken.
    pub async fn redeem_password_link(
        &self,
        token: &str,
        password: &str,
        user_agent: &str,
        from: IpAddr,
    ) -> Result<OneTimeLink, AccountError> {
        // A link that is no good costs no hash; whether it still is, is asked again when it is used up.
        if self.password_link_email(token).await?.is_none() {
            return Err(user::link_gone());
        }
        let hash = self.passwords.hash(password).await?;
        let (now, token) = (self.clock.now(), token.to_owned());
        let user = self.store.write(move |tx| user::redeem_password_link(tx, &token, &hash, now)).await?;
        Ok(self.begin_session(user, user_agent, from, "password link").await?)
    }

    pub(super) async fn begin_session(
        &self,
        user: UserId,
        user_agent: &str,
        from: IpAddr,
        how: &'static str,
    ) -> Result<OneTimeLink, StoreError> {
        let (now, random, agent) = (self.clock.now(), self.random.clone(), user_agent.to_owned());
        self.store
            .write(move |tx: &WriteTx<'_>| {
                user::begin_session(tx, user, &agent, &format!("{how}, from {from}"), Moment::new(now, &*random))
            })
            .await
    }

    /// Whether there is anybody at all who could log in.
    pub async fn has_users(&self) -> Result<bool, StoreError> {
        self.store.read(|tx| Ok(tx.find("SELECT 1 FROM users LIMIT 1", [], |_| Ok(()))?.is_some())).await
    }

    /// Keeps a user's language.
    pub async fn set_language(&self, user: UserId, language: &'static str) -> Result<(), StoreError> {
        self.store
            .write(move |tx| {
                tx.execute("UPDATE users SET language = ?2 WHERE id = ?1", params![user, language]).map(drop)
            })
            .await
    }

    /// Disables a user, or lets them in again: at once, their sessions end.
    ///
    /// # Errors
    /// No such user; the last admin.
    pub async fn set_user_disabled(&self, user: UserId, disabled: bool, actor: &str) -> Result<(), AccountError> {
        let (now, actor) = (self.clock.now(), actor.to_owned());
        self.store.write(move |tx| user::set_disabled(tx, user, disabled, now, &actor)).await
    }
}

impl PendingLogins {
    fn keep(&self, key: String, ticket: Ticket, now: Time) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, t| now.left(t.until, TICKET_LIFE).is_some());
        if all.len() < MOST_TICKETS {
            all.insert(key, ticket);
        }
    }

    fn find(&self, key: &str, now: Time) -> Option<Ticket> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .filter(|t| now.left(t.until, TICKET_LIFE).is_some())
            .cloned()
    }

    fn drop(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// An audit row about a user.
pub(super) fn note(
    tx: &WriteTx<'_>,
    (now, actor): (Time, &str),
    action: &str,
    user: UserId,
    after: &str,
) -> Result<(), StoreError> {
    let target = user.to_string();
    audit::record(
        tx,
        now,
        &audit::AuditEntry { actor, account: None, action, target: &target, before: None, after: Some(after) },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_nobody_costs_as_much_as_somebody() {
        let hash = argon2::password_hash::phc::PasswordHash::new(NOBODY).expect("a hash that can be checked against");
        let somebody = "$argon2id$v=19$m=19456,t=2,p=1$";
        assert!(NOBODY.starts_with(somebody) && hash.hash.is_some_and(|h| h.as_bytes().len() == 32));
    }
}
