//! When each key's use was noted last: a busy key asks the database once a minute, and not with each message.

use crate::{
    accounts,
    model::{clock::Time, ids::KeyId},
    store::{StoreError, WriteTx},
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// For so long a use that was noted says enough.
const A_MINUTE: Duration = Duration::from_secs(60);

/// In memory, of keys that were used since the start.
#[derive(Default)]
pub(super) struct KeyUses(Mutex<HashMap<KeyId, Time>>);

impl KeyUses {
    /// A key is used. What was noted in a transaction that came to nothing is noted again after a minute.
    pub(super) fn note(&self, tx: &WriteTx<'_>, key: KeyId, now: Time) -> Result<(), StoreError> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&key).is_some_and(|at| now.is_within(A_MINUTE, *at)) {
            return Ok(());
        }
        accounts::note_key_use(tx, key, now)?;
        noted.insert(key, now);
        Ok(())
    }
}
