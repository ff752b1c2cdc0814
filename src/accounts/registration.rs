//! Registration: a new account with its owner, by an invitation or by anybody, as the configuration says. Whether people
//! may register at all is asked by the pages; this slice makes sure that an invitation is good once.

use super::{
    AccountError, Accounts, FirstUser, NewAccount, NewUser, OneTimeLink, Passwords, Role, account, audit, user,
};
use crate::{
    model::{
        clock::{SLACK, Time},
        ids::AccountId,
        plan::{Module, Plan},
        why::why,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use std::{net::IpAddr, time::Duration};

/// An invitation waits for somebody's week.
const LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Accounts {
    /// A link by which somebody registers an account, which then has this plan.
    pub async fn invite(&self, plan: Option<Plan>, actor: &str) -> Result<OneTimeLink, StoreError> {
        let (now, actor) = (self.clock.now(), actor.to_owned());
        let link = OneTimeLink { token: user::new_token(&*self.random), expires_at: now.plus(LIFE) };
        let made = link.clone();
        self.store.write(move |tx| invite(tx, &made, plan, now, &actor)).await?;
        Ok(link)
    }

    /// Whether an invitation would be taken now.
    pub async fn is_invitation(&self, token: &str) -> Result<bool, StoreError> {
        let (now, hash) = (self.clock.now(), user::token_hash(token));
        self.store.read(move |tx| Ok(find(tx, &hash, now)?.is_some())).await
    }

    /// A new account with its owner, who is logged in. By an invitation it has the invitation's plan; without one it has
    /// none until an admin gives it one, and one address makes only a few at once.
    ///
    /// # Errors
    /// An invitation that is no good, a field that cannot be taken (then the invitation is not used up), too many.
    pub async fn register(
        &self,
        invitation: Option<&str>,
        first: FirstUser,
        user_agent: &str,
        from: IpAddr,
    ) -> Result<OneTimeLink, AccountError> {
        let now = self.clock.now();
        Passwords::check(&first.password)?;
        match invitation {
            Some(invitation) => {
                let token = user::token_hash(invitation);
                self.store.read(move |tx| find(tx, &token, now)).await?.ok_or_else(user::link_gone)?;
            }
            None => self.throttle.take_registration(from, now).map_err(|wait| {
                AccountError::Invalid(why!(
                    "registered_often",
                    "too many accounts from one address: try again in {seconds} s",
                    seconds = wait.as_secs()
                ))
            })?,
        }
        let hash = self.passwords.hash(&first.password).await?;
        let token = invitation.map(user::token_hash);
        let user = self
            .store
            .write(move |tx| {
                let plan = match token {
                    Some(token) => redeem(tx, &token, now)?,
                    None => None,
                };
                let new = NewAccount {
                    name: first.business.clone(),
                    plan,
                    timezone: first.timezone.clone(),
                    region: None,
                    modules: vec![Module::ApiAccess],
                };
                let account = account::create(tx, &new, now, "registration")?;
                owner(tx, account, &first, &hash, now)
            })
            .await?;
        Ok(self.begin_session(user, user_agent, from, "registration").await?)
    }
}

fn owner(
    tx: &WriteTx<'_>,
    account: AccountId,
    first: &FirstUser,
    hash: &str,
    now: Time,
) -> Result<crate::model::ids::UserId, AccountError> {
    let new = NewUser {
        account: Some(account),
        email: first.email.clone(),
        role: Role::Owner,
        password_hash: Some(hash.to_owned()),
    };
    let user = user::create(tx, &new, now, "registration")?;
    tx.execute("UPDATE accounts SET language = ?2 WHERE id = ?1", params![account, first.language])?;
    tx.execute("UPDATE users SET language = ?2 WHERE id = ?1", params![user, first.language])?;
    Ok(user)
}

fn invite(tx: &WriteTx<'_>, link: &OneTimeLink, plan: Option<Plan>, now: Time, actor: &str) -> Result<(), StoreError> {
    let plan = plan.map(Plan::as_str);
    tx.execute(
        "INSERT INTO invitations (token_hash, plan, created_by, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![user::token_hash(&link.token), plan, actor, now, link.expires_at],
    )?;
    let entry = audit::AuditEntry {
        actor,
        account: None,
        action: "account.invite",
        target: "invitation",
        before: None,
        after: Some(plan.unwrap_or("none")),
    };
    audit::record(tx, now, &entry)
}

fn find(tx: &Tx<'_>, hash: &[u8; 32], now: Time) -> Result<Option<Option<String>>, StoreError> {
    let sql = "SELECT plan FROM invitations
               WHERE token_hash = ?1 AND used_at IS NULL AND expires_at > ?2 AND created_at <= ?3";
    tx.find(sql, params![hash, now, now.plus(SLACK)], |r| r.get(0))
}

fn redeem(tx: &WriteTx<'_>, hash: &[u8; 32], now: Time) -> Result<Option<Plan>, AccountError> {
    let plan = find(tx, hash, now)?.ok_or_else(user::link_gone)?;
    tx.execute("UPDATE invitations SET used_at = ?2 WHERE token_hash = ?1", params![hash, now])?;
    Ok(plan.as_deref().and_then(Plan::parse))
}
