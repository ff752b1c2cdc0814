//! To which place and epoch a database belongs. It is replicated with the database: a copy belongs to the epoch that it
//! was made in, until who takes over writes the next one.

use crate::store::{StoreError, Tx, WriteTx};
use rusqlite::params;

/// To which place and epoch a database belongs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Membership {
    /// The word that also stands in the place.
    pub gateway: String,
    /// The epoch in which it may send; 0: the place is just being made its own.
    pub epoch: u64,
}

impl Membership {
    /// The one of this database; none: it never had a place.
    ///
    /// # Errors
    /// The store's.
    pub fn find(tx: &Tx<'_>) -> Result<Option<Self>, StoreError> {
        tx.find("SELECT gateway, epoch FROM standby WHERE id = 1", [], |r| {
            Ok(Self { gateway: r.get(0)?, epoch: r.get::<_, i64>(1)?.try_into().unwrap_or(0) })
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// The store's.
    pub fn record(&self, tx: &WriteTx<'_>) -> Result<(), StoreError> {
        let epoch = i64::try_from(self.epoch).unwrap_or(i64::MAX);
        tx.execute(
            "INSERT INTO standby (id, gateway, epoch) VALUES (1, ?1, ?2)
             ON CONFLICT (id) DO UPDATE SET gateway = excluded.gateway, epoch = excluded.epoch",
            params![self.gateway, epoch],
        )
        .map(drop)
    }
}
