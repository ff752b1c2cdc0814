//! What is known of a visitor before a page's own code runs, in one read: the session, whose rows they look at, and what
//! needs their hand.

use super::banner::{self, Banner};
use crate::{
    accounts::{Account, AccountError, Role, Session},
    model::{clock::Time, ids::AccountId, plan::Zone},
    people::chats::count_unread,
    store::{StoreError, Tx},
};

/// What one read brings; of a stranger nothing.
#[derive(Default)]
pub(super) struct PageFacts {
    /// Who is logged in.
    pub(super) who: Option<Session>,
    /// The account that they look at; none: an admin looks at all of them.
    pub(super) chosen: Option<AccountId>,
    /// That account; with all of them before one's eyes, one's own.
    pub(super) account: Option<Account>,
    /// All accounts, for an admin to choose from.
    pub(super) accounts: Vec<(AccountId, String)>,
    /// What needs a hand; left out for who only listens.
    pub(super) banners: Vec<Banner>,
    /// Chats that wait to be read, as far as they are counted; the same.
    pub(super) unread: u32,
}

impl PageFacts {
    /// Reads them. `wish`: the account that an admin wants to look at, as the cookie says.
    pub(super) fn load(tx: &Tx<'_>, token: &str, wish: Option<&str>, now: Time) -> Result<Self, StoreError> {
        let facts = Self::load_quietly(tx, token, wish, now)?;
        let Some(who) = &facts.who else { return Ok(facts) };
        let account = facts.account.as_ref().filter(|account| Some(account.id) == facts.chosen);
        let Some(scope) = who.scope(facts.chosen) else { return Ok(facts) };
        let banners = banner::list(tx, (scope, who.role == Role::Admin), account, now)?;
        Ok(Self { banners, unread: count_unread(tx, scope)?, ..facts })
    }

    /// The same without banners.
    pub(super) fn load_quietly(tx: &Tx<'_>, token: &str, wish: Option<&str>, now: Time) -> Result<Self, StoreError> {
        let Some(who) = Session::find(tx, token, now)? else { return Ok(Self::default()) };
        let accounts = if who.role == Role::Admin { Account::names(tx)? } else { Vec::new() };
        let chosen = chosen(&who, wish, &accounts);
        let account = match chosen.or(who.account) {
            Some(id) => find(tx, id, now)?,
            None => None,
        };
        Ok(Self { who: Some(who), chosen, account, accounts, banners: Vec::new(), unread: 0 })
    }

    /// The zone in which times are shown.
    pub(super) fn zone(&self) -> Zone {
        self.account.as_ref().map_or_else(|| Zone::stored("UTC".into(), None), Account::zone)
    }
}

/// The account that an admin looks at; everybody else has one. Where there is one alone, it is not asked for.
fn chosen(who: &Session, wish: Option<&str>, all: &[(AccountId, String)]) -> Option<AccountId> {
    if who.role != Role::Admin {
        return who.account;
    }
    if let [(only, _)] = all {
        return Some(*only);
    }
    match wish {
        Some("all") => None,
        Some(id) => id.parse().ok().filter(|id| all.iter().any(|(known, _)| known == id)).or(who.account),
        None => who.account,
    }
}

fn find(tx: &Tx<'_>, id: AccountId, now: Time) -> Result<Option<Account>, StoreError> {
    match Account::find(tx, id, now) {
        Ok(account) => Ok(Some(account)),
        Err(AccountError::Store(e)) => Err(e),
        Err(_) => Ok(None),
    }
}
