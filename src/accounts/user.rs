//! People who log in, their one-time links and their sessions. Tokens have 256 random bits; only hashes are kept.

use super::{AccountError, account, audit, people};
use crate::{
    model::{
        clock::{SLACK, Time},
        ids::{AccountId, UserId},
        moment::Moment,
        random::{Random, bytes},
        string_enum::string_enum,
        why::why,
    },
    store::{StoreError, Tx, WriteTx},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rusqlite::params;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::{net::IpAddr, time::Duration};

/// A login link is for now; a password link may wait for somebody's morning.
const LOGIN_LINK: Duration = Duration::from_secs(60 * 60);
const PASSWORD_LINK: Duration = Duration::from_secs(48 * 60 * 60);
/// A session ends after this without use, and after [`SESSION_MAX`] whatever the use.
pub(super) const SESSION_IDLE: Duration = Duration::from_secs(12 * 60 * 60);
const SESSION_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

string_enum! {
    /// What a user may do.
    Role {
        /// Runs the appliance.
        Admin = "admin",
        /// Runs an account.
        Owner = "owner",
        /// Looks at an account.
        Viewer = "viewer",
    }
}

string_enum! {
    /// What a one-time link is for.
    LinkPurpose {
        /// Choosing a password.
        Password = "password",
        /// Logging in once.
        Login = "login",
    }
}

/// A user, as people are shown one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct User {
    pub id: UserId,
    /// Their account; none for an admin of the appliance alone.
    pub account_id: Option<AccountId>,
    pub email: String,
    /// admin, owner or viewer.
    pub role: String,
    /// When they were made.
    pub created_at: Time,
}

/// What makes a user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewUser {
    /// Their account; only an admin may have none.
    pub account: Option<AccountId>,
    pub email: String,
    pub role: Role,
    /// The PHC string of their password; none: they get a link.
    pub password_hash: Option<String>,
}

/// A one-time link or a new session: the token is shown here and never again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OneTimeLink {
    /// The secret part of the address, or the cookie's value.
    pub token: String,
    /// When it runs out.
    pub expires_at: Time,
}

/// What a login is checked against.
pub(super) struct Credentials {
    pub(super) id: UserId,
    pub(super) password_hash: Option<String>,
    pub(super) has_second_factor: bool,
}

pub(super) fn create(tx: &WriteTx<'_>, new: &NewUser, now: Time, actor: &str) -> Result<UserId, AccountError> {
    let email = new.email.trim();
    let plausible = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.len() > 2);
    if !plausible || email.len() > 254 || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(AccountError::Invalid(why!("email_bad", "{email:?} is no email address", email = email)));
    }
    match new.account {
        Some(id) => drop(account::find(tx, id, now)?),
        None if new.role == Role::Admin => {}
        None => return Err(people::needs_account(new.role)),
    }
    if tx.find("SELECT 1 FROM users WHERE email = ?1", params![email], |_| Ok(()))?.is_some() {
        return Err(AccountError::Invalid(why!("user_there", "there is a user {email} already", email = email)));
    }
    let id = UserId(tx.insert(
        "INSERT INTO users (account_id, email, role, password_hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![new.account, email, new.role.as_str(), new.password_hash, now],
    )?);
    record(tx, (now, actor), new.account, "user.create", (id, new.role.as_str()))?;
    Ok(id)
}

pub(super) fn list(tx: &Tx<'_>) -> Result<Vec<User>, AccountError> {
    Ok(tx.list(
        "SELECT id, account_id, email, role, created_at FROM users WHERE disabled_at IS NULL ORDER BY id",
        [],
        |r| Ok(User { id: r.get(0)?, account_id: r.get(1)?, email: r.get(2)?, role: r.get(3)?, created_at: r.get(4)? }),
    )?)
}

/// Who runs an account, as letters need it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountOwner {
    pub account: AccountId,
    /// Where letters go to.
    pub email: String,
    /// Theirs, else the account's.
    pub language: String,
}

/// The owners of all accounts.
pub fn list_owners(tx: &Tx<'_>) -> Result<Vec<AccountOwner>, StoreError> {
    tx.list(
        "SELECT u.account_id, u.email, coalesce(u.language, a.language) FROM users u JOIN accounts a ON a.id = u.account_id
         WHERE u.role = 'owner' AND u.disabled_at IS NULL ORDER BY u.id",
        [],
        |r| Ok(AccountOwner { account: r.get(0)?, email: r.get(1)?, language: r.get(2)? }),
    )
}

pub(super) fn create_link(
    tx: &WriteTx<'_>,
    email: &str,
    purpose: LinkPurpose,
    moment: Moment<'_>,
    actor: &str,
) -> Result<OneTimeLink, AccountError> {
    let Moment { now, random, .. } = moment;
    let user = tx.find(
        "SELECT id, account_id FROM users WHERE email = ?1 AND disabled_at IS NULL",
        params![email.trim()],
        |r| Ok((r.get::<_, UserId>(0)?, r.get::<_, Option<AccountId>>(1)?)),
    )?;
    let (user, account) =
        user.ok_or_else(|| AccountError::NotFound(format!("there is no user {email}; `wa-gateway user list`")))?;
    tx.execute("DELETE FROM login_links WHERE user_id = ?1 AND purpose = ?2", params![user, purpose.as_str()])?;
    let life = if purpose == LinkPurpose::Login { LOGIN_LINK } else { PASSWORD_LINK };
    let link = OneTimeLink { token: new_token(random), expires_at: now.plus(life) };
    tx.execute(
        "INSERT INTO login_links (token_hash, user_id, purpose, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![token_hash(&link.token), user, purpose.as_str(), now, link.expires_at],
    )?;
    record(tx, (now, actor), account, "user.link", (user, purpose.as_str()))?;
    Ok(link)
}

pub(super) fn redeem_login(
    tx: &WriteTx<'_>,
    token: &str,
    user_agent: &str,
    from: IpAddr,
    moment: Moment<'_>,
) -> Result<OneTimeLink, AccountError> {
    let now = moment.now;
    let user = tx.find(
        "UPDATE login_links SET used_at = ?2
         WHERE token_hash = ?1 AND purpose = 'login' AND used_at IS NULL AND expires_at > ?2 AND created_at <= ?3
         RETURNING user_id",
        params![token_hash(token), now, now.plus(SLACK)],
        |r| r.get::<_, UserId>(0),
    )?;
    let user = user.ok_or_else(link_gone)?;
    Ok(begin_session(tx, user, user_agent, &format!("login link, from {from}"), moment)?)
}

pub(super) fn begin_session(
    tx: &WriteTx<'_>,
    user: UserId,
    user_agent: &str,
    how: &str,
    moment: Moment<'_>,
) -> Result<OneTimeLink, StoreError> {
    let Moment { now, random, .. } = moment;
    let session = OneTimeLink { token: new_token(random), expires_at: now.plus(SESSION_MAX) };
    let agent: String = user_agent.chars().take(200).collect();
    tx.execute(
        "INSERT INTO sessions (token_hash, user_id, created_at, last_seen_at, expires_at, user_agent)
         VALUES (?1, ?2, ?3, ?3, ?4, ?5)",
        params![token_hash(&session.token), user, now, session.expires_at, agent],
    )?;
    record(tx, (now, "self"), None, "session.create", (user, how))?;
    Ok(session)
}

pub(super) fn end_session(tx: &WriteTx<'_>, token: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sessions WHERE token_hash = ?1", params![token_hash(token)]).map(drop)
}

pub(super) fn touch_session(tx: &WriteTx<'_>, token: &str, now: Time) -> Result<(), StoreError> {
    let sql = "UPDATE sessions SET last_seen_at = max(last_seen_at, ?2) WHERE token_hash = ?1";
    tx.execute(sql, params![token_hash(token), now]).map(drop)
}

pub(super) fn credentials(tx: &Tx<'_>, email: &str) -> Result<Option<Credentials>, StoreError> {
    tx.find(
        "SELECT id, password_hash,
                EXISTS (SELECT 1 FROM second_factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL)
         FROM users u WHERE email = ?1 AND disabled_at IS NULL
           AND (role = 'admin' OR NOT EXISTS (
             SELECT 1 FROM accounts a WHERE a.id = u.account_id AND a.disabled_at IS NOT NULL))",
        params![email],
        |r| Ok(Credentials { id: r.get(0)?, password_hash: r.get(1)?, has_second_factor: r.get(2)? }),
    )
}

pub(super) fn has_second_factor(tx: &Tx<'_>, user: UserId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM second_factors WHERE user_id = ?1 AND confirmed_at IS NOT NULL";
    Ok(tx.find(sql, params![user], |_| Ok(()))?.is_some())
}

pub(super) fn password_hash(tx: &Tx<'_>, user: UserId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT password_hash FROM users WHERE id = ?1 AND disabled_at IS NULL";
    Ok(tx.find(sql, params![user], |r| r.get(0))?.flatten())
}

/// Sets a password; all sessions end but the one whose token is `keep`.
pub(super) fn set_password(
    tx: &WriteTx<'_>,
    user: UserId,
    hash: &str,
    keep: Option<&str>,
    now: Time,
) -> Result<(), StoreError> {
    tx.execute("UPDATE users SET password_hash = ?2 WHERE id = ?1", params![user, hash])?;
    let keep = keep.map(token_hash);
    tx.execute("DELETE FROM sessions WHERE user_id = ?1 AND token_hash IS NOT ?2", params![user, keep])?;
    tx.execute("DELETE FROM login_links WHERE user_id = ?1", params![user])?;
    record(tx, (now, "self"), None, "user.password", (user, "changed"))
}

pub(super) fn redeem_password_link(
    tx: &WriteTx<'_>,
    token: &str,
    hash: &str,
    now: Time,
) -> Result<UserId, AccountError> {
    let user = tx.find(
        "UPDATE login_links SET used_at = ?2
         WHERE token_hash = ?1 AND purpose = 'password' AND used_at IS NULL AND expires_at > ?2 AND created_at <= ?3
         RETURNING user_id",
        params![token_hash(token), now, now.plus(SLACK)],
        |r| r.get::<_, UserId>(0),
    )?;
    let user = user.ok_or_else(link_gone)?;
    set_password(tx, user, hash, None, now)?;
    Ok(user)
}

pub(super) fn create_setup_link(tx: &WriteTx<'_>, now: Time, random: &dyn Random) -> Result<OneTimeLink, AccountError> {
    if tx.find("SELECT 1 FROM users LIMIT 1", [], |_| Ok(()))?.is_some() {
        return Err(people::set_up_already());
    }
    tx.execute("DELETE FROM login_links WHERE purpose = 'setup'", [])?;
    let link = OneTimeLink { token: new_token(random), expires_at: now.plus(PASSWORD_LINK) };
    tx.execute(
        "INSERT INTO login_links (token_hash, user_id, purpose, created_at, expires_at) VALUES (?1, NULL, 'setup', ?2, ?3)",
        params![token_hash(&link.token), now, link.expires_at],
    )?;
    Ok(link)
}

/// Whether a set-up link would be taken at `now`.
pub(super) fn is_setup_link(tx: &Tx<'_>, token: &str, now: Time) -> Result<bool, StoreError> {
    let found = tx.find(
        "SELECT 1 FROM login_links WHERE token_hash = ?1 AND purpose = 'setup' AND used_at IS NULL AND expires_at > ?2 AND created_at <= ?3",
        params![token_hash(token), now, now.plus(SLACK)],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// The e-mail of the person whose password a link would set at `now`.
pub(super) fn password_link_email(tx: &Tx<'_>, token: &str, now: Time) -> Result<Option<String>, StoreError> {
    tx.find(
        "SELECT u.email FROM login_links l JOIN users u ON u.id = l.user_id
         WHERE l.token_hash = ?1 AND l.purpose = 'password' AND l.used_at IS NULL AND l.expires_at > ?2
           AND l.created_at <= ?3",
        params![token_hash(token), now, now.plus(SLACK)],
        |r| r.get(0),
    )
}

pub(super) fn redeem_setup_link(tx: &WriteTx<'_>, token: &str, now: Time) -> Result<(), AccountError> {
    let used = tx.execute(
        "UPDATE login_links SET used_at = ?2
         WHERE token_hash = ?1 AND purpose = 'setup' AND used_at IS NULL AND expires_at > ?2 AND created_at <= ?3
           AND NOT EXISTS (SELECT 1 FROM users)",
        params![token_hash(token), now, now.plus(SLACK)],
    )?;
    if used == 1 { Ok(()) } else { Err(link_gone()) }
}

pub(super) fn set_disabled(
    tx: &WriteTx<'_>,
    user: UserId,
    disabled: bool,
    now: Time,
    actor: &str,
) -> Result<(), AccountError> {
    let at = disabled.then_some(now);
    let changed = tx.execute("UPDATE users SET disabled_at = ?2 WHERE id = ?1", params![user, at])?;
    if changed == 0 {
        return Err(AccountError::NotFound(format!("there is no user {user}")));
    }
    // An appliance may have no admin at all; the last one stays.
    let sql = "SELECT (SELECT role = 'admin' FROM users WHERE id = ?1)
                   AND NOT EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND disabled_at IS NULL)";
    if tx.one(sql, params![user], |r| r.get::<_, bool>(0))? {
        return Err(people::last_admin());
    }
    tx.execute("DELETE FROM sessions WHERE user_id = ?1", params![user])?;
    tx.execute("DELETE FROM login_links WHERE user_id = ?1", params![user])?;
    let word = if disabled { "user.disable" } else { "user.enable" };
    Ok(record(tx, (now, actor), None, word, (user, ""))?)
}

pub(super) fn link_gone() -> AccountError {
    AccountError::NotFound("this link was used or has run out".into())
}

pub(super) fn expire(tx: &WriteTx<'_>, now: Time) -> Result<usize, AccountError> {
    let sessions = tx.execute(
        "DELETE FROM sessions WHERE expires_at <= ?1 OR last_seen_at <= ?2 OR created_at > ?3",
        params![now, now.minus(SESSION_IDLE), now.plus(SLACK)],
    )?;
    let links = tx.execute("DELETE FROM login_links WHERE expires_at <= ?1", params![now])?;
    let invitations = tx.execute("DELETE FROM invitations WHERE expires_at <= ?1", params![now])?;
    Ok(sessions + links + invitations)
}

pub(super) fn new_token(random: &dyn Random) -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>(random))
}

pub(super) fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn record(
    tx: &WriteTx<'_>,
    (now, actor): (Time, &str),
    account: Option<AccountId>,
    action: &str,
    (user, after): (UserId, &str),
) -> Result<(), StoreError> {
    let target = user.to_string();
    audit::record(
        tx,
        now,
        &audit::AuditEntry { actor, account, action, target: &target, before: None, after: Some(after) },
    )
}
