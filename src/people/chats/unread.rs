//! How many chats wait to be read: what stands beside "Chat" on every page.

use crate::{
    accounts::scope::Scope,
    store::{StoreError, Tx},
};
use rusqlite::params;

/// Chats that are counted at most: who has more has many, and a page waits for no exact figure.
pub const COUNTED: u32 = 100;

/// Chats in which something was heard that nobody here has read, of all numbers that one sees; at most [`COUNTED`].
pub fn count_unread(tx: &Tx<'_>, scope: Scope) -> Result<u32, StoreError> {
    // As the list counts them: a reaction, and what the number's own phone wrote, waits for nobody.
    tx.one(
        "SELECT count(*) FROM (
           SELECT 1 FROM instances i JOIN conversations c ON c.instance_id = i.id AND c.unread_count > 0
             WHERE i.deleted_at IS NULL AND (?1 IS NULL OR i.account_id = ?1)
           UNION ALL
           SELECT 1 FROM instances i JOIN groups g ON g.instance_id = i.id
             WHERE i.deleted_at IS NULL AND (?1 IS NULL OR i.account_id = ?1) AND EXISTS (
               SELECT 1 FROM inbound_messages m WHERE m.instance_id = g.instance_id AND m.chat = g.group_id
                 AND m.heard_at > coalesce(g.read_at, 0) AND m.kind <> 'reaction' AND m.origin IS NULL)
           LIMIT ?2)",
        params![scope, COUNTED],
        |r| r.get(0),
    )
}
