//! Settings that are secrets: sealed on the way in, opened only to start the connector.

use super::InstanceError;
use crate::{
    model::{ids::InstanceId, why::why},
    store::{StoreError, Tx, Vault, WriteTx},
};
use rusqlite::params;
use std::collections::BTreeMap;

/// What a sealed setting is bound to: one instance's, of one name.
fn purpose(id: &InstanceId, name: &str) -> String {
    format!("instance:{id}:{name}")
}

/// Keeps one; an empty value takes it away.
pub(super) fn keep(
    tx: &WriteTx<'_>,
    vault: &Vault,
    id: &InstanceId,
    name: &str,
    value: &str,
) -> Result<(), StoreError> {
    if value.is_empty() {
        tx.execute("DELETE FROM instance_secrets WHERE instance_id = ?1 AND name = ?2", params![id, name])?;
        return Ok(());
    }
    tx.execute(
        "INSERT INTO instance_secrets (instance_id, name, sealed) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET sealed = excluded.sealed",
        params![id, name, vault.seal(&purpose(id, name), value)],
    )?;
    Ok(())
}

/// Which secret settings an instance has.
pub fn names(tx: &Tx<'_>, id: &InstanceId) -> Result<Vec<String>, StoreError> {
    tx.list("SELECT name FROM instance_secrets WHERE instance_id = ?1 ORDER BY name", params![id], |r| r.get(0))
}

/// All of an instance, in clear.
pub(super) fn open_all(tx: &Tx<'_>, vault: &Vault, id: &InstanceId) -> Result<BTreeMap<String, String>, InstanceError> {
    let rows = tx.list("SELECT name, sealed FROM instance_secrets WHERE instance_id = ?1", params![id], |r| {
        Ok((r.get::<_, String>(0)?, r.get::<_, Vec<u8>>(1)?))
    })?;
    let open = |(name, sealed): (String, Vec<u8>)| match vault.unseal(&purpose(id, &name), &sealed) {
        Ok(value) => Ok((name, value)),
        Err(e) => Err(InstanceError::Invalid(why!("sealed", "{name}: {e}; set it again", name = name, e = e))),
    };
    rows.into_iter().map(open).collect()
}
