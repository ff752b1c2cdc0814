//! What is known of a visitor before a page's own code runs, in one read: the session, whose rows they look at, and what
//! needs their hand.

use super::{
    banner::{self, Banner},
    page_subject,
};
use crate::{
    accounts::{Account, AccountError, Role, Session},
    model::{clock::Time, ids::AccountId, plan::Zone},
    people::chats::count_unread,
    store::{StoreError, Tx},
    web::{Incoming, cookie, form::Fields},
};

/// Where somebody is, and whose rows they ask for there.
pub(super) struct PageWish {
    path: String,
    query: Fields,
    /// The account that an admin wants to look at, as the cookie says.
    kept: Option<String>,
}

impl PageWish {
    /// As a request says it.
    pub(super) fn of(incoming: &Incoming) -> Self {
        Self {
            path: incoming.path.clone(),
            query: Fields::parse(&incoming.query),
            kept: cookie::find(incoming, cookie::ACCOUNT).map(str::to_owned),
        }
    }

    /// The account of this one page, else the one that is kept.
    fn account(&self) -> Option<&str> {
        self.query.some("account").or(self.kept.as_deref())
    }
}

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
    /// Reads them.
    pub(super) fn load(tx: &Tx<'_>, token: &str, wish: &PageWish, now: Time) -> Result<Self, StoreError> {
        let facts = Self::load_quietly(tx, token, wish, now)?;
        let Some(who) = &facts.who else { return Ok(facts) };
        let account = facts.account.as_ref().filter(|account| Some(account.id) == facts.chosen);
        let Some(scope) = who.scope(facts.chosen) else { return Ok(facts) };
        let banners = banner::list(tx, (scope, who.everybody()), account, now)?;
        Ok(Self { banners, unread: count_unread(tx, scope)?, ..facts })
    }

    /// The same without banners.
    pub(super) fn load_quietly(tx: &Tx<'_>, token: &str, wish: &PageWish, now: Time) -> Result<Self, StoreError> {
        let Some(who) = Session::find(tx, token, now)? else { return Ok(Self::default()) };
        let accounts = if who.role == Role::Admin { Account::names(tx)? } else { Vec::new() };
        let chosen = chosen(tx, &who, wish, &accounts);
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

/// The account that an admin looks at, that of the one thing that they opened first; everybody else has one. Where there
/// is one alone, it is not asked for.
fn chosen(tx: &Tx<'_>, who: &Session, wish: &PageWish, all: &[(AccountId, String)]) -> Option<AccountId> {
    let Some(everybody) = who.everybody() else { return who.account };
    if let [(only, _)] = all {
        return Some(*only);
    }
    let wanted = match wish.account() {
        Some("all") => return None,
        Some(id) => id.parse().ok().filter(|id| all.iter().any(|(known, _)| known == id)),
        None => None,
    };
    page_subject::account(tx, everybody, &wish.path, &wish.query).or(wanted).or(who.account)
}

fn find(tx: &Tx<'_>, id: AccountId, now: Time) -> Result<Option<Account>, StoreError> {
    match Account::find(tx, id, now) {
        Ok(account) => Ok(Some(account)),
        Err(AccountError::Store(e)) => Err(e),
        Err(_) => Ok(None),
    }
}
