//! The row above a list that says how many new ones there are.

use crate::{
    events::live::feed,
    gateway::Gateway,
    portal::{PageContext, PageError},
    store::{StoreError, Tx},
};

/// What the row goes by.
pub(super) struct Fresh {
    /// `out` or `in`: which messages the list has.
    pub(super) side: &'static str,
    /// The newest row when the page was made.
    pub(super) newest: i64,
    /// The position from which on the page listens.
    pub(super) position: i64,
    /// The one instance that is listed; empty: all.
    pub(super) instance: String,
}

/// The row of a list whose newest ones are shown and which is filtered by instance alone; none for others, where nobody
/// could tell what is new. Before the list is read: what is committed in between is told.
pub(super) async fn begin(
    gateway: &Gateway,
    v: &PageContext,
    side: &'static str,
    filters: &[&str],
) -> Result<Option<Fresh>, PageError> {
    if filters.iter().chain(&["after"]).any(|name| v.query.some(name).is_some()) {
        return Ok(None);
    }
    let table = if side == "out" { "messages" } else { "inbound_messages" };
    let sql = format!("SELECT coalesce(max(id), 0) FROM {table}");
    let read = move |tx: &Tx<'_>| Ok::<_, StoreError>((feed::newest(tx)?, tx.one(&sql, [], |r| r.get(0))?));
    let (position, newest) = gateway.store.read(read).await?;
    Ok(Some(Fresh { side, newest, position, instance: v.query.text("instance").to_owned() }))
}
