//! The secrets that sign an endpoint's deliveries: the one in force, and those before it that still sign beside it.

use super::{
    WebhookError,
    endpoint::{EndpointId, SEALED_FOR},
    signature::Secret,
};
use crate::{
    model::{
        clock::{SLACK, Time},
        why::why,
    },
    store::{StoreError, Tx, Vault, WriteTx},
};
use rusqlite::params;
use std::time::Duration;

/// How long a secret signs on after it was replaced.
const OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// Puts a secret in force. The one before it signs on for a day, and so do those before that one, each to its own end.
pub(super) fn replace(
    tx: &WriteTx<'_>,
    id: EndpointId,
    secret: &Secret,
    vault: &Vault,
    now: Time,
) -> Result<(), StoreError> {
    tx.outdate();
    tx.execute("DELETE FROM endpoint_former_secrets WHERE endpoint_id = ?1 AND until <= ?2", params![id, now])?;
    tx.execute(
        "INSERT INTO endpoint_former_secrets (endpoint_id, secret, until)
         SELECT id, previous_secret, previous_until FROM endpoints
         WHERE id = ?1 AND previous_secret IS NOT NULL AND previous_until > ?2",
        params![id, now],
    )?;
    tx.execute(
        "UPDATE endpoints SET previous_secret = secret, previous_until = ?3, secret = ?2 WHERE id = ?1",
        params![id, vault.seal(SEALED_FOR, secret.as_str()), now.plus(OVERLAP)],
    )?;
    Ok(())
}

/// The secrets that sign now, the newest first.
pub(super) fn list(tx: &Tx<'_>, id: EndpointId, vault: &Vault, now: Time) -> Result<Vec<Secret>, WebhookError> {
    let current = tx.one("SELECT secret FROM endpoints WHERE id = ?1", params![id], |r| r.get::<_, Vec<u8>>(0))?;
    let former = tx.list(
        "SELECT previous_secret, previous_until AS until FROM endpoints
         WHERE id = ?1 AND previous_secret IS NOT NULL AND previous_until > ?2 AND previous_until <= ?3
         UNION ALL
         SELECT secret, until FROM endpoint_former_secrets WHERE endpoint_id = ?1 AND until > ?2 AND until <= ?3
         ORDER BY until DESC",
        // An end further away than a rotation can set it is a clock's that was put back since.
        params![id, now, now.plus(OVERLAP).plus(SLACK)],
        |r| r.get::<_, Vec<u8>>(0),
    )?;
    let open = |sealed: &Vec<u8>| vault.unseal(SEALED_FOR, sealed).map(Secret::from_text);
    let mut all = vec![open(&current).map_err(|e| WebhookError::Invalid(why!("sealed", "{e}", e = e)))?];
    all.extend(former.iter().filter_map(|sealed| open(sealed).ok()));
    Ok(all)
}
