//! The row above a list that says how many new ones there are.

use crate::{
    events::live::feed,
    people::chats,
    portal::PageContext,
    sending::log,
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

/// Whether a list has the row: its newest ones are shown, and it is filtered by instance alone. For others nobody could
/// tell what is new.
pub(super) fn is_wanted(v: &PageContext, filters: &[&str]) -> bool {
    !filters.iter().chain(&["after"]).any(|name| v.query.some(name).is_some())
}

/// The row, in the read that brings the list: what is committed after it is told.
pub(super) fn begin(tx: &Tx<'_>, side: &'static str, instance: String) -> Result<Fresh, StoreError> {
    let newest = if side == "out" { log::newest(tx)? } else { chats::newest_heard(tx)? };
    Ok(Fresh { side, newest, position: feed::newest(tx)?, instance })
}
