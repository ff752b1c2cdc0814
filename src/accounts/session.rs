//! Who is logged in, by a session's token.

use super::{
    scope::{Admin, Scope},
    user::{Role, SESSION_IDLE, token_hash},
};
use crate::{
    model::{
        clock::{SLACK, Time},
        ids::{AccountId, UserId},
    },
    store::{StoreError, Tx},
};
use rusqlite::params;

/// Who is logged in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    pub user: UserId,
    pub email: String,
    pub role: Role,
    pub account: Option<AccountId>,
    /// The language that they chose.
    pub language: Option<String>,
    /// When the session was last in use, to the minute.
    pub seen_at: Time,
    /// Nobody makes one who did not read its row.
    from: FromRow,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct FromRow;

impl Session {
    /// The session with this token, if it is in force and its user and their account are not switched off.
    pub fn find(tx: &Tx<'_>, token: &str, now: Time) -> Result<Option<Self>, StoreError> {
        tx.find(
            "SELECT u.id, u.email, u.role, u.account_id, u.language, s.last_seen_at FROM sessions s JOIN users u ON u.id = s.user_id
             WHERE s.token_hash = ?1 AND s.expires_at > ?2 AND s.last_seen_at > ?3 AND s.created_at <= ?4
               AND u.disabled_at IS NULL
               AND (u.role = 'admin' OR NOT EXISTS (
                 SELECT 1 FROM accounts a WHERE a.id = u.account_id AND a.disabled_at IS NOT NULL))",
            params![token_hash(token), now, now.minus(SESSION_IDLE), now.plus(SLACK)],
            |r| {
                let role = Role::parse(&r.get::<_, String>(2)?).unwrap_or(Role::Viewer);
                Ok(Self {
                    user: r.get(0)?,
                    email: r.get(1)?,
                    role,
                    account: r.get(3)?,
                    language: r.get(4)?,
                    seen_at: r.get(5)?,
                    from: FromRow,
                })
            },
        )
    }

    /// Whose rows they see: an admin those of the account that was chosen, else everybody's; anybody else those of
    /// their account. None: nothing, for somebody who is no admin and has no account.
    pub fn scope(&self, chosen: Option<AccountId>) -> Option<Scope> {
        let own = if self.role == Role::Admin { chosen } else { self.account };
        own.map(Scope::Account).or_else(|| self.everybody())
    }

    /// Everybody's rows; none: they are no admin.
    pub fn everybody(&self) -> Option<Scope> {
        (self.role == Role::Admin).then(|| Scope::All(Admin::by_role()))
    }
}
