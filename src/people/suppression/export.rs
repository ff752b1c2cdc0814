//! The list for people to take away: who is suppressed, and on request who was, for proof.

use crate::{
    model::{
        clock::Time,
        ids::{AccountId, ContactId},
    },
    store::{StoreError, Tx},
};
use rusqlite::{Row, params};
use std::borrow::Cow;

/// A suppression, in force or lifted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PastSuppression {
    /// E.164; none for a hidden number.
    pub phone: Option<String>,
    pub contact: ContactId,
    pub reason: String,
    /// recipient or manual.
    pub source: String,
    pub since: Time,
    /// Until when.
    pub lifted_at: Option<Time>,
    /// Who lifted it.
    pub lifted_by: Option<String>,
}

impl PastSuppression {
    /// The names of the cells. The first two are what an import reads.
    pub const COLUMNS: [&'static str; 6] = ["phone", "reason", "source", "since", "lifted_at", "lifted_by"];

    /// Its cells. A hidden number stands as `contact:ID`.
    pub fn cells(&self) -> Vec<Cow<'_, str>> {
        let text = |time: Option<Time>| Cow::from(time.map(Time::rfc3339).unwrap_or_default());
        vec![
            self.phone.as_deref().map_or_else(|| Cow::from(format!("contact:{}", self.contact)), Cow::from),
            self.reason.as_str().into(),
            self.source.as_str().into(),
            text(Some(self.since)),
            text(self.lifted_at),
            self.lifted_by.as_deref().unwrap_or_default().into(),
        ]
    }
}

const SELECT: &str = "SELECT (SELECT i.value FROM contact_identities i
             WHERE i.contact_id = s.contact_id AND i.kind = 'phone'
             ORDER BY i.former_at IS NOT NULL, i.is_variant, i.value LIMIT 1),
            s.contact_id, s.reason, s.source, s.since, s.lifted_at, s.lifted_by FROM suppressions s";

/// The suppressions of an account, oldest first; with `all` the lifted ones too.
pub fn export(tx: &Tx<'_>, account: AccountId, all: bool) -> Result<Vec<PastSuppression>, StoreError> {
    let sql = format!("{SELECT} WHERE s.account_id = ?1 AND (?2 OR s.lifted_at IS NULL) ORDER BY s.since, s.id");
    tx.list(&sql, params![account, all], read)
}

/// Every suppression that one person ever had, newest first.
pub fn history(tx: &Tx<'_>, account: AccountId, contact: ContactId) -> Result<Vec<PastSuppression>, StoreError> {
    let sql = format!("{SELECT} WHERE s.account_id = ?1 AND s.contact_id = ?2 ORDER BY s.since DESC, s.id DESC");
    tx.list(&sql, params![account, contact], read)
}

fn read(r: &Row<'_>) -> rusqlite::Result<PastSuppression> {
    Ok(PastSuppression {
        phone: r.get(0)?,
        contact: r.get(1)?,
        reason: r.get(2)?,
        source: r.get(3)?,
        since: r.get(4)?,
        lifted_at: r.get(5)?,
        lifted_by: r.get(6)?,
    })
}
