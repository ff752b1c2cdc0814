//! The private places that may be called: those of the configuration (`egress.allow`), and those that an admin adds in
//! the portal. A change is in force from the next request on, and stands in the audit.
//!
//! What an entry allows, and what no entry can allow, is decided by `egress`.

use crate::{
    accounts::audit,
    egress::Egress,
    model::{
        clock::{Clock, Time},
        egress::EgressEntry,
        short_text,
        why::{Why, why},
    },
    store::{Store, StoreError, Tx, WriteTx},
};
use rusqlite::params;
use std::sync::Arc;

/// The slice's door.
pub struct EgressAllowlist {
    store: Store,
    clock: Arc<dyn Clock>,
    egress: Egress,
    configured: Vec<EgressEntry>,
    /// One change at a time, so that what is in force is what is written.
    changing: tokio::sync::Mutex<()>,
}

/// An entry that was added in the portal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Added {
    /// `host:port`.
    pub entry: String,
    /// What it is for.
    pub reason: String,
    pub added_by: String,
    pub added_at: Time,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// What would be right.
    #[error("{0}")]
    Invalid(Why),
    /// No such entry.
    #[error("there is no such entry")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EgressAllowlist {
    /// Puts what was added in earlier runs in force, beside `configured`.
    pub async fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        egress: Egress,
        configured: Vec<EgressEntry>,
    ) -> Result<Self, StoreError> {
        let reach = Self { store, clock, egress, configured, changing: tokio::sync::Mutex::default() };
        reach.put_in_force().await?;
        Ok(reach)
    }

    /// The entries of the configuration; they are changed there.
    pub fn configured(&self) -> &[EgressEntry] {
        &self.configured
    }

    /// The entries that were added, in their order.
    pub async fn added(&self) -> Result<Vec<Added>, StoreError> {
        self.store.read(list).await
    }

    /// Adds an entry, spelt `host:port`.
    ///
    /// # Errors
    /// A text that is no entry, one that is there, no reason.
    pub async fn add(&self, entry: &str, reason: &str, actor: &str) -> Result<(), ReachError> {
        let _one = self.changing.lock().await;
        let entry: EgressEntry =
            entry.trim().parse().map_err(|e: String| ReachError::Invalid(why!("entry_bad", "{text}", text = e)))?;
        let reason = short_text::reason(reason).map_err(ReachError::Invalid)?;
        if reason.is_empty() {
            return Err(ReachError::Invalid(why!("entry_reason", "say what stands there: others will ask")));
        }
        if self.configured.contains(&entry) {
            return Err(ReachError::Invalid(why!(
                "entry_configured",
                "{entry} stands in the configuration already",
                entry = entry
            )));
        }
        let new = Added { entry: entry.to_string(), reason, added_by: actor.to_owned(), added_at: self.clock.now() };
        self.store.write(move |tx| insert(tx, &new)).await?;
        Ok(self.put_in_force().await?)
    }

    /// Takes an entry away that was added here.
    ///
    /// # Errors
    /// No such entry.
    pub async fn remove(&self, entry: &str, actor: &str) -> Result<(), ReachError> {
        let _one = self.changing.lock().await;
        let (entry, actor, now) = (entry.to_owned(), actor.to_owned(), self.clock.now());
        let gone = self.store.write(move |tx| delete(tx, &entry, &actor, now)).await?;
        if !gone {
            return Err(ReachError::NotFound);
        }
        Ok(self.put_in_force().await?)
    }

    async fn put_in_force(&self) -> Result<(), StoreError> {
        let added = self.added().await?;
        let added = added.iter().filter_map(|a| a.entry.parse().ok());
        self.egress.set_allow(self.configured.iter().cloned().chain(added).collect());
        Ok(())
    }
}

fn list(tx: &Tx<'_>) -> Result<Vec<Added>, StoreError> {
    tx.list("SELECT entry, reason, added_by, added_at FROM egress_entries ORDER BY entry", [], |r| {
        Ok(Added { entry: r.get(0)?, reason: r.get(1)?, added_by: r.get(2)?, added_at: r.get(3)? })
    })
}

fn insert(tx: &WriteTx<'_>, new: &Added) -> Result<(), ReachError> {
    if tx.find("SELECT 1 FROM egress_entries WHERE entry = ?1", params![new.entry], |_| Ok(()))?.is_some() {
        return Err(ReachError::Invalid(why!("entry_there", "{entry} is on the list already", entry = new.entry)));
    }
    tx.execute(
        "INSERT INTO egress_entries (entry, reason, added_by, added_at) VALUES (?1, ?2, ?3, ?4)",
        params![new.entry, new.reason, new.added_by, new.added_at],
    )?;
    let entry = audit::AuditEntry {
        actor: &new.added_by,
        account: None,
        action: "egress.add",
        target: &new.entry,
        before: None,
        after: Some(&new.reason),
    };
    Ok(audit::record(tx, new.added_at, &entry)?)
}

fn delete(tx: &WriteTx<'_>, entry: &str, actor: &str, now: Time) -> Result<bool, StoreError> {
    let reason = tx.find("DELETE FROM egress_entries WHERE entry = ?1 RETURNING reason", params![entry], |r| {
        r.get::<_, String>(0)
    })?;
    let Some(reason) = reason else { return Ok(false) };
    let entry = audit::AuditEntry {
        actor,
        account: None,
        action: "egress.remove",
        target: entry,
        before: Some(&reason),
        after: None,
    };
    audit::record(tx, now, &entry)?;
    Ok(true)
}
