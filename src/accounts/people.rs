//! What an admin sees of the people who log in, and does to them: roles, who is let in, a lost second factor.

use super::{AccountError, Accounts, Role, Scope, login::note};
use crate::{
    model::{
        clock::Time,
        ids::{AccountId, UserId},
        why::why,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::{ToSql, params};

/// Somebody who logs in, as an admin is shown them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    pub id: UserId,
    /// Their account; none for an admin of the appliance alone.
    pub account: Option<AccountId>,
    /// The account's name.
    pub account_name: Option<String>,
    pub email: String,
    /// admin, owner or viewer.
    pub role: String,
    /// Whether they chose a password yet.
    pub has_password: bool,
    /// Whether logins ask for a code.
    pub has_second_factor: bool,
    /// When a session of theirs was last in use, as far as one is open.
    pub seen_at: Option<Time>,
    /// When they were made.
    pub created_at: Time,
    /// Since when they are not let in.
    pub disabled_at: Option<Time>,
}

impl Accounts {
    /// Everybody who logs in or could once: of one account or of all.
    pub async fn list_people(&self, scope: Scope) -> Result<Vec<Person>, StoreError> {
        self.store.read(move |tx| list(tx, scope)).await
    }

    /// One of them.
    ///
    /// # Errors
    /// No such user.
    pub async fn find_person(&self, user: UserId) -> Result<Person, AccountError> {
        let found = self.store.read(move |tx| select(tx, "u.id = ?1", user)).await?;
        found.into_iter().next().ok_or_else(|| unknown(user))
    }

    /// Gives a user another role: their sessions end, so that none goes on with the old one.
    ///
    /// # Errors
    /// No such user; the last admin; a role that needs an account, for somebody who has none.
    pub async fn set_role(&self, user: UserId, role: Role, actor: &str) -> Result<(), AccountError> {
        let (now, actor) = (self.clock.now(), actor.to_owned());
        self.store.write(move |tx| set_role(tx, user, role, now, &actor)).await
    }
}

/// The people of one account (none: all), in a read that brings more.
pub fn list(tx: &Tx<'_>, scope: Scope) -> Result<Vec<Person>, StoreError> {
    select(tx, "?1 IS NULL OR u.account_id = ?1", scope)
}

fn select(tx: &Tx<'_>, which: &str, value: impl ToSql) -> Result<Vec<Person>, StoreError> {
    let sql = format!(
        "SELECT u.id, u.account_id, a.name, u.email, u.role, u.password_hash IS NOT NULL,
                EXISTS (SELECT 1 FROM second_factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL),
                (SELECT max(last_seen_at) FROM sessions s WHERE s.user_id = u.id), u.created_at, u.disabled_at
         FROM users u LEFT JOIN accounts a ON a.id = u.account_id
         WHERE {which} ORDER BY u.email COLLATE NOCASE"
    );
    tx.list(&sql, params![value], |r| {
        Ok(Person {
            id: r.get(0)?,
            account: r.get(1)?,
            account_name: r.get(2)?,
            email: r.get(3)?,
            role: r.get(4)?,
            has_password: r.get(5)?,
            has_second_factor: r.get(6)?,
            seen_at: r.get(7)?,
            created_at: r.get(8)?,
            disabled_at: r.get(9)?,
        })
    })
}

pub(super) fn needs_account(role: Role) -> AccountError {
    AccountError::Invalid(why!("role_account", "a user with the role {role} needs an account", role = role))
}

pub(super) fn set_up_already() -> AccountError {
    AccountError::Invalid(why!(
        "set_up_already",
        "there is a user already; `wa-gateway user reset-password EMAIL` lets somebody in again"
    ))
}

pub(super) fn last_admin() -> AccountError {
    AccountError::Invalid(why!("last_admin", "this is the last admin: make another first"))
}

fn set_role(tx: &WriteTx<'_>, user: UserId, role: Role, now: Time, actor: &str) -> Result<(), AccountError> {
    let sql = "SELECT account_id, role FROM users WHERE id = ?1";
    let known = tx.find(sql, params![user], |r| Ok((r.get::<_, Option<AccountId>>(0)?, r.get::<_, String>(1)?)))?;
    let (account, before) = known.ok_or_else(|| unknown(user))?;
    if account.is_none() && role != Role::Admin {
        return Err(needs_account(role));
    }
    tx.execute("UPDATE users SET role = ?2 WHERE id = ?1", params![user, role.as_str()])?;
    // An appliance may have none at all; the last one stays.
    let admins = "SELECT 1 FROM users WHERE role = 'admin' AND disabled_at IS NULL LIMIT 1";
    if before == Role::Admin.as_str() && tx.find(admins, [], |_| Ok(()))?.is_none() {
        return Err(last_admin());
    }
    tx.execute("DELETE FROM sessions WHERE user_id = ?1", params![user])?;
    Ok(note(tx, (now, actor), "user.role", user, role.as_str())?)
}

fn unknown(user: UserId) -> AccountError {
    AccountError::NotFound(format!("there is no user {user}"))
}
