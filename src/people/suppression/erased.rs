//! Suppressions of people who were erased: a keyed hash of each name that they were known by. It says nothing to
//! whoever reads the database, and still hits when somebody writes to that number.

use super::SuppressionSource;
use crate::{
    model::{clock::Time, ids::AccountId},
    store::{StoreError, Tx, WriteTx},
};
use ring::hmac;
use rusqlite::params;

/// Makes and finds the hashes. Cheap to clone.
#[derive(Clone)]
pub struct Erased(hmac::Key);

impl Erased {
    /// With a key that is used for nothing else and lies outside the database.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Keeps a suppression of somebody known by `value` (of the kind `phone`, `lid`, …).
    pub fn keep(
        &self,
        tx: &WriteTx<'_>,
        account: AccountId,
        (kind, value): (&str, &str),
        (source, since): (&str, Time),
    ) -> Result<(), StoreError> {
        tx.execute(
            "INSERT INTO erased_suppressions (account_id, hash, source, since) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
            params![account, self.hash(account, kind, value), source, since],
        )?;
        Ok(())
    }

    /// Why nothing may be sent to somebody known by one of `values` (of one kind: a name, or the forms of a number), if
    /// they were suppressed when they were erased.
    pub fn active(
        &self,
        tx: &Tx<'_>,
        account: AccountId,
        kind: &str,
        values: &[&str],
    ) -> Result<Option<String>, StoreError> {
        for value in values {
            // One at a time: a list would cost the database a table of its own for each message.
            let source = tx.find(
                "SELECT source FROM erased_suppressions WHERE account_id = ?1 AND hash = ?2 LIMIT 1",
                params![account, self.hash(account, kind, value)],
                |r| r.get::<_, String>(0),
            )?;
            if let Some(source) = source {
                return Ok(Some(format!("suppressed ({source}) before the person was erased")));
            }
        }
        Ok(None)
    }

    /// All of `names` (kind and value) are one person's: what is kept under one of them holds under each.
    pub fn spread(&self, tx: &WriteTx<'_>, account: AccountId, names: &[(&str, &str)]) -> Result<(), StoreError> {
        let mut kept: Vec<(String, Time)> = Vec::new();
        for (kind, value) in names {
            kept.extend(tx.list(
                "SELECT source, since FROM erased_suppressions WHERE account_id = ?1 AND hash = ?2",
                params![account, self.hash(account, kind, value)],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )?);
        }
        for (source, since) in &kept {
            for name in names {
                self.keep(tx, account, *name, (source, *since))?;
            }
        }
        Ok(())
    }

    /// Lifts what was kept of somebody known by `value`; says how many.
    pub fn lift(
        &self,
        tx: &WriteTx<'_>,
        account: AccountId,
        (kind, value): (&str, &str),
        sources: &[SuppressionSource],
    ) -> Result<usize, StoreError> {
        let hash = self.hash(account, kind, value);
        let mut lifted = 0;
        for source in sources {
            lifted += tx.execute(
                "DELETE FROM erased_suppressions WHERE account_id = ?1 AND hash = ?2 AND source = ?3",
                params![account, hash, source.as_str()],
            )?;
        }
        Ok(lifted)
    }

    fn hash(&self, account: AccountId, kind: &str, value: &str) -> Vec<u8> {
        hmac::sign(&self.0, format!("{account}\n{kind}\n{value}").as_bytes()).as_ref().to_vec()
    }
}
