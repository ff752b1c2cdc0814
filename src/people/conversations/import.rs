//! Known contacts as CSV: phone and, optionally, a name. An imported contact is no stranger to the guard.

use super::contact::{Identity, find_or_add};
use crate::{
    model::{
        clock::Time,
        ids::AccountId,
        phone::{Listed, Phone, PhoneReading},
        short_text,
    },
    store::{StoreError, WriteTx},
};
use rusqlite::params;
use serde::Serialize;

/// What an import did. Lines that could not be taken are named; the others are in.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct ImportReport {
    pub imported: usize,
    /// Lines left out: number (from 1) and why. At most 100 of them.
    pub problems: Vec<String>,
    /// How many lines were left out.
    pub skipped: usize,
    /// Lines that were taken and are worth a look: number (from 1) and what is doubtful. At most 100 of them.
    pub warnings: Vec<String>,
}

impl ImportReport {
    /// Notes one line that was left out.
    pub fn skip(&mut self, line: usize, why: &str) {
        self.skipped += 1;
        if self.problems.len() < 100 {
            self.problems.push(format!("line {line}: {why}"));
        }
    }

    /// Notes one line that was taken and is doubtful.
    pub fn warn(&mut self, line: usize, what: &str) {
        if self.warnings.len() < 100 {
            self.warnings.push(format!("line {line}: {what}"));
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
    how: PhoneReading,
    rows: &[(usize, String, Option<String>)],
    now: Time,
) -> Result<ImportReport, StoreError> {
    let mut report = ImportReport::default();
    for (line, phone, name) in rows {
        let listed = match Listed::read(phone, how) {
            // A number that is only one with its 0 back is somebody's guess: a message to a stranger is the price.
            Ok(Listed { phone: None, .. }) | Err(_) => {
                let problem = Phone::parse(phone, how).err().map(|e| e.to_string()).unwrap_or_default();
                report.skip(*line, &problem);
                continue;
            }
            Ok(listed) => listed,
        };
        let Some(phone) = &listed.phone else { continue };
        let named = name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let name = match named.map(|name| short_text::name(name, "a name", short_text::NAME_MAX)).transpose() {
            Ok(name) => name,
            Err(why) => {
                report.skip(*line, &why.to_string());
                continue;
            }
        };
        if let Some(doubt) = listed.doubt() {
            report.warn(*line, &doubt);
        }
        let id = find_or_add(tx, account, &Identity::phone(phone.as_str()), now)?;
        tx.execute(
            "UPDATE contacts SET imported_at = coalesce(imported_at, ?2), name = coalesce(?3, name) WHERE id = ?1",
            params![id, now, name],
        )?;
        report.imported += 1;
    }
    Ok(report)
}
