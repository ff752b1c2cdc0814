//! How long what is kept, and what is kept of one person.
//!
//! - [`Retention::step`] takes away what is too old, class by class, some hundred rows a transaction, so that messages
//!   never wait long behind it. No limit and no deduplication depends on what it removes: usage is counted in tables of
//!   its own, a message whose Idempotency-Key lives stays, contacts stay.
//! - `person.rs` shows everything about one person, and erases it; `traces.rs` knows where they are named inside of
//!   something else.
//!
//! It knows the tables of all slices, and nothing of what the rows do.

mod person;
mod traces;

pub use person::ErasureReport;

use crate::{
    model::clock::{Clock, Time},
    people::{media::Media, suppression::Erased},
    store::{Store, StoreError, WriteTx},
};
use rusqlite::params;
use std::{sync::Arc, time::Duration};

/// How long each class is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Periods {
    /// Texts of messages, in and out. Their rows stay.
    pub texts: Duration,
    /// Rows of the log, of inbound messages and of calls.
    pub log: Duration,
    pub media: Duration,
    /// Events and what became of their deliveries.
    pub deliveries: Duration,
    /// Who changed what.
    pub audit: Duration,
    /// Notices whose cause is gone.
    pub notices: Duration,
}

/// What can go wrong with one person's data; each text says what would be right.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// Nobody is known by that number.
    #[error("nobody is known by this number")]
    Unknown,
    /// Messages to them are on their way.
    #[error("{0} messages to this number are on their way: try again when they have an outcome")]
    OnTheirWay(u64),
    /// The file of a sandbox's phones.
    #[error("the sandbox's file of {0} could not be written")]
    Sandbox(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The slice's door.
pub struct Retention {
    store: Store,
    clock: Arc<dyn Clock>,
    media: Arc<Media>,
    erased: Erased,
    periods: Periods,
}

/// Rows in one transaction.
const BATCH: u32 = 500;

/// One class of rows: which are too old (behind ?1, from before ?2, at most ?3; their numbers), and what is done with
/// those whose numbers stand in the JSON list ?1.
struct RetentionClass {
    old: &'static str,
    done: &'static [&'static str],
}

/// One that waits is kept, and is as old as it is since it went or failed.
const OUTBOUND_TEXTS: RetentionClass = RetentionClass {
    old: "SELECT id FROM messages WHERE id > ?1 AND created_at < ?2 AND (body <> '' OR content IS NOT NULL)
          AND status <> 'accepted' AND quota <> 'reserved' AND coalesce(sending_at, failed_at, created_at) < ?2
          ORDER BY id LIMIT ?3",
    done: &["UPDATE messages SET body = '', content = NULL WHERE id IN (SELECT value FROM json_each(?1))"],
};
const INBOUND_TEXTS: RetentionClass = RetentionClass {
    old: "SELECT id FROM inbound_messages WHERE id > ?1 AND created_at < ?2 AND (body <> '' OR raw IS NOT NULL)
          ORDER BY id LIMIT ?3",
    done: &["UPDATE inbound_messages SET body = '', raw = NULL WHERE id IN (SELECT value FROM json_each(?1))"],
};
const LOG: RetentionClass = RetentionClass {
    old: "SELECT id FROM messages m WHERE id > ?1 AND created_at < ?2 AND status <> 'accepted' AND quota <> 'reserved'
          AND coalesce(sending_at, failed_at, created_at) < ?2
          AND NOT EXISTS (SELECT 1 FROM idempotency i WHERE i.log_id = m.id) ORDER BY id LIMIT ?3",
    done: &[
        "DELETE FROM policy_decisions WHERE log_id IN (SELECT value FROM json_each(?1))",
        "DELETE FROM messages WHERE id IN (SELECT value FROM json_each(?1))",
    ],
};
const INBOUND: RetentionClass = RetentionClass {
    old: "SELECT id FROM inbound_messages WHERE id > ?1 AND created_at < ?2 ORDER BY id LIMIT ?3",
    done: &["DELETE FROM inbound_messages WHERE id IN (SELECT value FROM json_each(?1))"],
};
/// What providers told beside messages may hold words of people: their row stays, so that it is known as told.
const NEWS_TEXTS: RetentionClass = RetentionClass {
    old: "SELECT id FROM provider_news WHERE id > ?1 AND created_at < ?2 AND raw <> '' ORDER BY id LIMIT ?3",
    done: &["UPDATE provider_news SET raw = '' WHERE id IN (SELECT value FROM json_each(?1))"],
};
const NEWS: RetentionClass = RetentionClass {
    old: "SELECT id FROM provider_news WHERE id > ?1 AND created_at < ?2 ORDER BY id LIMIT ?3",
    done: &["DELETE FROM provider_news WHERE id IN (SELECT value FROM json_each(?1))"],
};
const CALLS: RetentionClass = RetentionClass {
    old: "SELECT id FROM calls WHERE id > ?1 AND started_at < ?2 ORDER BY id LIMIT ?3",
    done: &["DELETE FROM calls WHERE id IN (SELECT value FROM json_each(?1))"],
};
const FILES: RetentionClass = RetentionClass {
    old: "SELECT id FROM media WHERE id > ?1 AND created_at < ?2 AND state IN ('removed', 'failed') ORDER BY id LIMIT ?3",
    done: &["DELETE FROM media WHERE id IN (SELECT value FROM json_each(?1))"],
};
const EVENTS: RetentionClass = RetentionClass {
    old: "SELECT id FROM events e WHERE id > ?1 AND created_at < ?2
          AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event_id = e.id AND d.state = 'pending')
          ORDER BY id LIMIT ?3",
    done: EVENTS_GO,
};
/// Events with all that hangs on them, behind the list of their numbers; in an order in which nothing hangs on what is gone.
const EVENTS_GO: &[&str] = &[
    "DELETE FROM attempts WHERE delivery_id IN
         (SELECT id FROM deliveries WHERE event_id IN (SELECT value FROM json_each(?1)))",
    "DELETE FROM deliveries WHERE event_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM endpoint_answers WHERE event_row IN (SELECT value FROM json_each(?1))",
    "DELETE FROM answerable_events WHERE event_row IN (SELECT value FROM json_each(?1))",
    "DELETE FROM events WHERE id IN (SELECT value FROM json_each(?1))",
];
/// What callers were told that no endpoint was asked about: no event takes it along.
const UNASKED: RetentionClass = RetentionClass {
    old: "SELECT id FROM endpoint_answers WHERE id > ?1 AND created_at < ?2 AND event_row IS NULL
          AND done_at IS NOT NULL ORDER BY id LIMIT ?3",
    done: &["DELETE FROM endpoint_answers WHERE id IN (SELECT value FROM json_each(?1))"],
};
/// Messages that waited for their time and have ended.
const SCHEDULED_TEXTS: RetentionClass = RetentionClass {
    old: "SELECT id FROM schedules WHERE id > ?1 AND ended_at < ?2 AND (body <> '' OR media IS NOT NULL OR request IS NOT NULL)
          ORDER BY id LIMIT ?3",
    done: &["UPDATE schedules SET body = '', media = NULL, request = NULL WHERE id IN (SELECT value FROM json_each(?1))"],
};
const SCHEDULED: RetentionClass = RetentionClass {
    old: "SELECT id FROM schedules WHERE id > ?1 AND ended_at < ?2 ORDER BY id LIMIT ?3",
    done: &["DELETE FROM schedules WHERE id IN (SELECT value FROM json_each(?1))"],
};
const AUDIT: RetentionClass = RetentionClass {
    old: "SELECT id FROM audit WHERE id > ?1 AND at < ?2 ORDER BY id LIMIT ?3",
    done: &["DELETE FROM audit WHERE id IN (SELECT value FROM json_each(?1))"],
};
/// Notices of limits are told once a period: they stay until the longest period is over, which every setting is behind.
const NOTICES: RetentionClass = RetentionClass {
    old: "SELECT id FROM notices WHERE id > ?1 AND cleared_at < ?2 ORDER BY id LIMIT ?3",
    done: &["DELETE FROM notices WHERE id IN (SELECT value FROM json_each(?1))"],
};
/// Letters about notices that were sent, or given up.
const DIGESTS: RetentionClass = RetentionClass {
    old: "SELECT id FROM digests WHERE id > ?1 AND created_at < ?2 AND state <> 'pending' ORDER BY id LIMIT ?3",
    done: &["DELETE FROM digests WHERE id IN (SELECT value FROM json_each(?1))"],
};

impl Retention {
    /// The slice over its parts.
    pub fn new(store: Store, clock: Arc<dyn Clock>, media: Arc<Media>, erased: Erased, periods: Periods) -> Self {
        Self { store, clock, media, erased, periods }
    }

    /// For how long events are kept.
    pub const fn events_kept(&self) -> Duration {
        self.periods.deliveries
    }

    /// Takes away everything that is too old; says how many rows and files were touched.
    ///
    /// # Errors
    /// The store's; what was taken away by then stays so.
    pub async fn step(&self) -> Result<usize, StoreError> {
        let (now, periods) = (self.clock.now(), self.periods);
        let mut touched = self.media.retire(now.minus(periods.media)).await?;
        touched += self.media.sweep().await?;
        for (class, period) in [
            (&OUTBOUND_TEXTS, periods.texts),
            (&INBOUND_TEXTS, periods.texts),
            (&NEWS_TEXTS, periods.texts),
            (&SCHEDULED_TEXTS, periods.texts),
            (&EVENTS, periods.deliveries),
            (&UNASKED, periods.deliveries),
            (&LOG, periods.log),
            (&SCHEDULED, periods.log),
            (&INBOUND, periods.log),
            (&NEWS, periods.log),
            (&CALLS, periods.log),
            (&FILES, periods.log),
            (&AUDIT, periods.audit),
            (&NOTICES, periods.notices),
            (&DIGESTS, periods.notices),
        ] {
            touched += self.apply(class, now.minus(period)).await?;
        }
        Ok(touched)
    }

    async fn apply(&self, class: &'static RetentionClass, before: Time) -> Result<usize, StoreError> {
        let (mut behind, mut touched) = (0_i64, 0);
        loop {
            let ids = self.store.read(move |tx| tx.list(class.old, params![behind, before, BATCH], |r| r.get(0)));
            let ids: Vec<i64> = ids.await?;
            let Some(last) = ids.last() else { return Ok(touched) };
            behind = *last;
            touched += ids.len();
            self.store.write(move |tx| carry_out(tx, class.done, &ids)).await?;
        }
    }
}

fn carry_out(tx: &WriteTx<'_>, statements: &[&str], ids: &[i64]) -> Result<(), StoreError> {
    let list = serde_json::to_string(ids).unwrap_or_else(|_| "[]".into());
    statements.iter().try_for_each(|sql| tx.execute(sql, params![list]).map(drop))
}
