//! What the lists of people, of conversations and of what was heard are asked for.

use crate::model::{
    clock::Time,
    ids::{AccountId, InstanceId},
};

/// Which people, conversations or inbound messages. What is not set does not matter.
#[derive(Clone, Debug)]
pub struct PeopleSearch {
    pub account: AccountId,
    /// Of one instance.
    pub instance: Option<InstanceId>,
    /// Of any of these; none: of whichever.
    pub among: Option<Vec<String>>,
    /// The person with this number, E.164; what they wrote.
    pub phone: Option<String>,
    /// Not older; of messages: not taken in before.
    pub since: Option<Time>,
    /// Older than this row: the page after the one that ended with it.
    pub after: Option<(Time, i64)>,
    /// At most so many.
    pub limit: u32,
}
