//! The figures that the guard and the dispatcher go by. The configuration names them; see there for the reasons.

use crate::model::{
    phone::{Impossible, PhoneReading, Region},
    purpose::Purpose,
};
use std::time::Duration;

/// Thresholds, rates and times. A rate or threshold of 0 is off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    /// How long a request waits at most.
    pub answer_timeout: Duration,
    /// Messages a minute of one instance.
    pub throttle_per_minute: u32,
    /// How many of them at once.
    pub throttle_burst: u32,
    /// Messages a minute to one recipient.
    pub recipient_per_minute: u32,
    /// How many of them at once.
    pub recipient_burst: u32,
    /// Authentication messages to one recipient within the window.
    pub authentication_limit: u32,
    pub authentication_window: Duration,
    /// People who get one text within the repetition window: support.
    pub repetition_support: u32,
    /// The same: transactional.
    pub repetition_transactional: u32,
    /// The same: operational.
    pub repetition_operational: u32,
    /// The same: internal_team.
    pub repetition_internal_team: u32,
    /// The window of repetition.
    pub repetition_window: Duration,
    /// Strangers written to within the outreach window: support.
    pub outreach_support: u32,
    /// The same: all other purposes.
    pub outreach_other: u32,
    /// The window of outreach.
    pub outreach_window: Duration,
    /// Messages in the health window from which on the health of a number is judged.
    pub health_min_messages: u32,
    /// Per cent failed for reasons of the recipient.
    pub health_failed_percent: u32,
    /// Per cent opted out.
    pub health_opted_out_percent: u32,
    /// How many times those percentages pause an instance.
    pub health_pause_factor: u32,
    /// The window of health; counted in whole hours.
    pub health_window: Duration,
    /// Content score from which on a message is refused.
    pub refuse_score: u8,
    /// Content score from which on a message is listed for review.
    pub review_score: u8,
    /// Strikes within the window that pause an instance.
    pub strikes: u32,
    pub strikes_window: Duration,
    /// What becomes of a phone whose length no number of its country has.
    pub impossible_phone: Impossible,
    /// Score and log everything, refuse nothing for content or behaviour.
    pub observe: bool,
    /// Whether one-time codes reach people who opted out.
    pub suppressed_may_get_authentication: bool,
    /// How long an Idempotency-Key is remembered.
    pub idempotency_life: Duration,
}

const HOUR: Duration = Duration::from_secs(3600);

/// Kept free of the answer's time for the send itself.
const FOR_THE_PROVIDER: Duration = Duration::from_secs(2);

impl Default for Rules {
    fn default() -> Self {
        Self {
            answer_timeout: Duration::from_secs(10),
            throttle_per_minute: 60,
            throttle_burst: 20,
            recipient_per_minute: 10,
            recipient_burst: 5,
            authentication_limit: 5,
            authentication_window: Duration::from_secs(600),
            repetition_support: 30,
            repetition_transactional: 300,
            repetition_operational: 1000,
            repetition_internal_team: 1000,
            repetition_window: HOUR,
            outreach_support: 20,
            outreach_other: 300,
            outreach_window: HOUR,
            health_min_messages: 50,
            health_failed_percent: 8,
            health_opted_out_percent: 4,
            health_pause_factor: 2,
            health_window: HOUR * 24,
            refuse_score: 80,
            review_score: 60,
            strikes: 3,
            strikes_window: HOUR,
            impossible_phone: Impossible::Refuse,
            observe: false,
            suppressed_may_get_authentication: false,
            idempotency_life: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl Rules {
    /// The longest wait for a slot: what is left of the answer's time is the provider's.
    pub fn longest_wait(&self) -> Duration {
        self.answer_timeout - FOR_THE_PROVIDER.min(self.answer_timeout / 2)
    }

    /// How a phone is read for an account with this default region.
    pub const fn reading(&self, region: Option<Region>) -> PhoneReading {
        PhoneReading { region, impossible: self.impossible_phone }
    }

    /// People who may get one text within an hour; `None`: no limit (one-time codes are alike by nature).
    pub const fn repetition(&self, purpose: Purpose) -> Option<u32> {
        let limit = match purpose {
            Purpose::Support => self.repetition_support,
            Purpose::Transactional => self.repetition_transactional,
            Purpose::Operational => self.repetition_operational,
            Purpose::InternalTeam => self.repetition_internal_team,
            Purpose::Authentication => 0,
        };
        if limit == 0 { None } else { Some(limit) }
    }

    /// Strangers who may be written to within an hour; `None`: no limit.
    pub const fn outreach(&self, purpose: Purpose) -> Option<u32> {
        let limit = match purpose {
            Purpose::Support => self.outreach_support,
            _ => self.outreach_other,
        };
        if limit == 0 { None } else { Some(limit) }
    }
}
