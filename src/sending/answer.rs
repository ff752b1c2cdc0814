//! What a caller is told. `http/reply.rs` and the other dialects turn it into their own words.

use super::refusal::Refusal;
use crate::model::{
    clock::Time,
    ids::{LogId, MessageId},
    message::Status,
    phone::Unusual,
    plan::{Period, PlanLimits},
    string_enum::string_enum,
};
use std::time::Duration;

string_enum! {
    /// How a request ended, as far as it is known when it is answered; `X-Message-Status`.
    Outcome {
        /// The provider took it.
        Sent = "sent",
        /// The provider has it in hand; events tell the rest.
        Accepted = "accepted",
        /// It certainly did not go: trying again is safe.
        Failed = "failed",
        /// It may have gone: do not try again.
        Unknown = "unknown",
        /// The guard refused it.
        Blocked = "blocked",
    }
}

impl From<Status> for Outcome {
    fn from(status: Status) -> Self {
        match status {
            Status::Sent | Status::Delivered | Status::Read => Self::Sent,
            Status::Accepted | Status::Sending => Self::Accepted,
            Status::Unknown => Self::Unknown,
            Status::Failed => Self::Failed,
            Status::Blocked => Self::Blocked,
        }
    }
}

/// The answer to one request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// How it ended.
    pub outcome: Outcome,
    /// Its row in the log.
    pub log_id: LogId,
    /// Its stable id.
    pub message_id: MessageId,
    /// Why not, for everything but `sent` and `accepted`.
    pub refusal: Option<Refusal>,
    /// The account's limits after this request; none where they were not asked.
    pub quota: Option<Quota>,
    /// Whether this is the answer to an earlier request with the same Idempotency-Key.
    pub replayed: bool,
    /// What is unusual about the number that it was for; nothing that kept it from going.
    pub unusual: Option<Unusual>,
}

impl Answer {
    /// A refusal that has a row of its own.
    pub(super) const fn blocked(log_id: LogId, message_id: MessageId, refusal: Refusal, quota: Option<Quota>) -> Self {
        Self {
            outcome: Outcome::Blocked,
            log_id,
            message_id,
            refusal: Some(refusal),
            quota,
            replayed: false,
            unusual: None,
        }
    }
}

/// The account's limits and what is used of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quota {
    /// The limits in force.
    pub limits: PlanLimits,
    /// Used of the day's.
    pub day_used: u64,
    /// Used of the month's.
    pub month_used: u64,
    /// The local day and month.
    pub period: Period,
    /// When this was so.
    pub at: Time,
}

impl Quota {
    /// What is left of the day and of the month.
    pub const fn left(&self) -> (u64, u64) {
        (self.limits.daily.saturating_sub(self.day_used), self.limits.monthly.saturating_sub(self.month_used))
    }

    /// The same with one message given back.
    #[must_use]
    pub fn one_less(self) -> Self {
        Self { day_used: self.day_used.saturating_sub(1), month_used: self.month_used.saturating_sub(1), ..self }
    }

    /// Until the day and the month end.
    pub fn resets(&self) -> (Duration, Duration) {
        (self.period.day_ends.since(self.at), self.period.month_ends.since(self.at))
    }
}
