//! Refusals that repeat: the same one to the same recipient within a minute is counted on one row, so that a script in
//! a loop does not fill the log. In memory and bounded: after a restart the next refusal simply gets a row of its own.

use crate::model::{
    clock::Time,
    code::Code,
    ids::{AccountId, InstanceId, KeyId, LogId, MessageId},
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

const WITHIN: Duration = Duration::from_secs(60);
const MAX: usize = 4096;

/// What makes two refusals alike: who, by which key, why, from which instance, to whom, and, where it was refused for what
/// it says, the fingerprint of that (else 0): whoever decides about a refused text has to see each.
pub(super) type Like = (AccountId, Option<KeyId>, Code, InstanceId, String, u64);

#[derive(Default)]
pub(super) struct Repeats {
    rows: Mutex<HashMap<Like, (LogId, MessageId, Time)>>,
}

impl Repeats {
    /// The row of a like refusal within the last minute.
    pub(super) fn earlier(&self, like: &Like, now: Time) -> Option<(LogId, MessageId)> {
        let rows = self.lock();
        let (log_id, message_id, _) = rows.get(like).filter(|(.., at)| now.is_within(WITHIN, *at))?;
        Some((*log_id, message_id.clone()))
    }

    pub(super) fn remember(&self, like: Like, log_id: LogId, message_id: MessageId, now: Time) {
        let mut rows = self.lock();
        if rows.len() >= MAX {
            rows.retain(|_, (.., at)| now.is_within(WITHIN, *at));
        }
        if rows.len() < MAX {
            rows.insert(like, (log_id, message_id, now));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Like, (LogId, MessageId, Time)>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
