//! Known contacts as CSV: phone and, optionally, a name. An imported contact is no stranger to the guard.

use super::contact::{Identity, find_or_add};
use crate::{
    model::{
        clock::Time,
        ids::AccountId,
        phone::{Phone, Region},
    },
    store::{StoreError, WriteTx},
};
use rusqlite::params;
use serde::Serialize;

/// What an import did. Lines that could not be taken are named; the others are in.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct ImportReport {
    /// Lines taken.
    pub imported: usize,
    /// Lines left out: number (from 1) and why. At most 100 of them.
    pub problems: Vec<String>,
    /// How many lines were left out.
    pub skipped: usize,
}

impl ImportReport {
    /// Notes one line that was left out.
    pub fn skip(&mut self, line: usize, why: &str) {
        self.skipped += 1;
        if self.problems.len() < 100 {
            self.problems.push(format!("line {line}: {why}"));
        }
    }
}

/// Marks the people of `rows` (line number, phone, name) as known to the account.
///
/// # Errors
/// The store's; then nothing is imported.
pub fn import(
    tx: &WriteTx<'_>,
    account: AccountId,
    region: Option<Region>,
    rows: &[(usize, String, Option<String>)],
    now: Time,
) -> Result<ImportReport, StoreError> {
    let mut report = ImportReport::default();
    for (line, phone, name) in rows {
        let phone = match Phone::parse(phone, region) {
            Ok(phone) => phone,
            Err(e) => {
                report.skip(*line, &e.to_string());
                continue;
            }
        };
        let id = find_or_add(tx, account, &Identity::phone(phone.as_str()), now)?;
        tx.execute(
            "UPDATE contacts SET imported_at = coalesce(imported_at, ?2), name = coalesce(?3, name) WHERE id = ?1",
            params![id, now, name.as_deref().map(str::trim).filter(|n| !n.is_empty())],
        )?;
        report.imported += 1;
    }
    Ok(report)
}
