//! Whose rows a question sees: one account's, or everybody's.
//!
//! Everybody's can be asked for by an admin's session ([`Session::scope`](super::Session::scope)), or on the machine
//! itself, where root works. Nobody else can write such a scope down, so a question that forgets to ask for the account
//! does not compile:
//!
//! ```compile_fail,E0423
//! use wa_gateway::accounts::scope::{Admin, Scope};
//! let everybody = Scope::All(Admin(()));
//! ```
//!
//! ```compile_fail,E0624
//! use wa_gateway::accounts::scope::Scope;
//! let everybody = Scope::of_the_machine();
//! ```
//!
//! ```compile_fail,E0308
//! use wa_gateway::accounts::scope::Scope;
//! let everybody: Scope = None;
//! ```
//!
//! One account's is anybody's who names it:
//!
//! ```
//! use wa_gateway::{accounts::scope::Scope, model::ids::AccountId};
//! let mine = Scope::Account(AccountId(7));
//! assert!(mine.sees(AccountId(7)) && !mine.sees(AccountId(8)));
//! ```

use crate::model::ids::AccountId;
use rusqlite::{
    ToSql,
    types::{ToSqlOutput, Value},
};

/// Whose rows. As a parameter of a statement it is the account's number, or NULL for everybody's:
/// `?1 IS NULL OR account_id = ?1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Everybody's.
    All(Admin),
    /// One account's.
    Account(AccountId),
}

/// Says that an admin asks, or root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admin(());

impl Admin {
    /// For a session whose role was read from its row.
    pub(super) const fn by_role() -> Self {
        Self(())
    }
}

impl Scope {
    /// For what root asks for on the machine itself: the command line over its socket, and who is named in the
    /// configuration. The house's rules hold who may call it.
    pub(crate) const fn of_the_machine() -> Self {
        Self::All(Admin(()))
    }

    /// Whether a row of this account is seen.
    pub fn sees(self, account: AccountId) -> bool {
        self.account().is_none_or(|own| own == account)
    }

    /// The one account; none: everybody's are seen.
    pub const fn account(self) -> Option<AccountId> {
        match self {
            Self::All(_) => None,
            Self::Account(id) => Some(id),
        }
    }
}

impl ToSql for Scope {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::All(_) => Ok(ToSqlOutput::Owned(Value::Null)),
            Self::Account(id) => id.to_sql(),
        }
    }
}
