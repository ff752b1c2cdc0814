//! The first run: a one-time link while there is no user, and the form behind it that makes the first admin.

use super::{AccountError, Accounts, NewAccount, NewUser, OneTimeLink, Role, account, user};
use crate::{
    model::{
        ids::AccountId,
        plan::{Module, Plan},
    },
    store::StoreError,
};
use rusqlite::params;
use std::net::IpAddr;

/// What the first person says.
#[derive(Clone, Debug)]
pub struct FirstUser {
    pub email: String,
    pub password: String,
    /// The name of the business: the first account.
    pub business: String,
    /// Its time zone, an IANA name.
    pub timezone: String,
    /// `en`, `ar` or `he`.
    pub language: &'static str,
}

impl Accounts {
    /// A new set-up link; the earlier one ends.
    ///
    /// # Errors
    /// There is a user already.
    pub async fn create_setup_link(&self) -> Result<OneTimeLink, AccountError> {
        let (now, random) = (self.clock.now(), self.random.clone());
        self.store.write(move |tx| user::create_setup_link(tx, now, &*random)).await
    }

    /// Whether a set-up link would be taken now.
    pub async fn is_setup_link(&self, token: &str) -> Result<bool, StoreError> {
        let (now, token) = (self.clock.now(), token.to_owned());
        self.store.read(move |tx| user::is_setup_link(tx, &token, now)).await
    }

    /// Whose password a link sets, by their e-mail; none: it would not be taken now.
    pub async fn password_link_email(&self, token: &str) -> Result<Option<String>, StoreError> {
        let (now, token) = (self.clock.now(), token.to_owned());
        self.store.read(move |tx| user::password_link_email(tx, &token, now)).await
    }

    /// Uses up the set-up link: the first account (Scale, the guarded API on) and its admin, who is logged in. Of two
    /// at once exactly one gets through.
    ///
    /// # Errors
    /// A link that is no longer good, or a field that cannot be taken; then the link is not used up.
    pub async fn set_up(
        &self,
        token: &str,
        first: FirstUser,
        user_agent: &str,
        from: IpAddr,
    ) -> Result<(AccountId, OneTimeLink), AccountError> {
        if !self.is_setup_link(token).await? {
            return Err(user::link_gone());
        }
        let hash = self.passwords.hash(&first.password).await?;
        let (now, token) = (self.clock.now(), token.to_owned());
        let (account, user) = self
            .store
            .write(move |tx| {
                user::redeem_setup_link(tx, &token, now)?;
                let new = NewAccount {
                    name: first.business.clone(),
                    plan: Some(Plan::Scale),
                    timezone: first.timezone.clone(),
                    region: None,
                    modules: vec![Module::ApiAccess],
                };
                let account = account::create(tx, &new, now, "setup")?;
                tx.execute("UPDATE accounts SET language = ?2 WHERE id = ?1", params![account, first.language])?;
                let new = NewUser {
                    account: Some(account),
                    email: first.email.clone(),
                    role: Role::Admin,
                    password_hash: Some(hash.clone()),
                };
                let user = user::create(tx, &new, now, "setup")?;
                tx.execute("UPDATE users SET language = ?2 WHERE id = ?1", params![user, first.language])?;
                Ok::<_, AccountError>((account, user))
            })
            .await?;
        Ok((account, self.begin_session(user, user_agent, from, "set-up").await?))
    }
}
