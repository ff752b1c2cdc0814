//! How fast and how alike an instance sends: rates, authentication limits, repetition, warm-up, outreach, health.
//!
//! The counters live in memory and are touched only inside the writer's transactions, one after the other, so that two
//! requests never share the last free slot. They survive a restart because they are counted again from the message log
//! when an instance first sends; no row is written for them. Each of them is bounded.
//!
//! All of it is per instance: the number is what gets banned. Times are milliseconds.

mod bucket;
mod health;
mod load;
mod recent;

use super::rules::Rules;
use crate::{
    connectors::{Registry, new_chats::NewChatBar, warm_up::WarmUp},
    model::{clock::Time, ids::InstanceId, purpose::Purpose},
    store::{StoreError, Tx},
};
use bucket::{Bucket, Buckets, Rate};
use health::HealthWindow;
use recent::{RecentTexts, Strangers};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Mutex,
    time::Duration,
};

const A_SECOND: Duration = Duration::from_secs(1);
/// Within which new chats of a warm-up count.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The counters of all instances.
#[derive(Default)]
pub struct Pace {
    instances: Mutex<HashMap<InstanceId, Counters>>,
}

/// What is asked of the counters about one message.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub instance: &'a InstanceId,
    /// To whom: the contact, or the address of somebody who is none yet.
    pub person: &'a str,
    pub purpose: Option<Purpose>,
    /// Of the normalised text; 0: it has none that could be repeated.
    pub fingerprint: u64,
    /// Whether the account never had to do with the recipient.
    pub stranger: bool,
}

/// What the counters answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PaceFacts {
    /// Until the instance's next free slot.
    pub instance_wait: Duration,
    /// Until the recipient's next free slot.
    pub recipient_wait: Duration,
    /// Set when the recipient has had their share of authentication messages: until the next one may go.
    pub authentication_wait: Option<Duration>,
    /// Why it is sent, as far as it is one of the five.
    pub purpose: Option<Purpose>,
    /// How many people would have had this text within the window, this one included.
    pub same_text_to: u32,
    /// Until one more may have this text; zero: now.
    pub text_wait: Duration,
    /// How many strangers would have been written to within the window, this one included; 0 when this is none.
    pub strangers: u32,
    /// Until one more stranger may be written to; zero: now, or this is none.
    pub stranger_wait: Duration,
    /// How far an instance that was linked lately is with new chats, this one included; none: it may begin them freely, or
    /// this message begins none.
    pub new_chats: Option<NewChats>,
    /// That the provider lets the number begin no new chats, and for how long yet; none: it may, or this message begins none.
    pub bar: Option<(NewChatBar, Duration)>,
    /// Messages within the health window.
    pub sent: u32,
    /// Of these, failed for reasons of the recipient.
    pub failed: u32,
    /// People who opted out within it.
    pub opted_out: u32,
}

/// New chats of an instance that was linked lately.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewChats {
    /// How far it is.
    pub warm_up: WarmUp,
    /// How many it began within a day.
    pub begun: u32,
}

impl NewChats {
    /// How it stands with those that were begun until now; none: the instance has no warm-up.
    ///
    /// # Errors
    /// The store's.
    pub fn so_far(
        tx: &Tx<'_>,
        registry: &Registry,
        instance: &InstanceId,
        now: Time,
    ) -> Result<Option<Self>, StoreError> {
        let Some(warm_up) = registry.warm_up(instance) else { return Ok(None) };
        Ok(Some(Self { warm_up, begun: load::strangers(tx, instance, now.minus(DAY), now)? }))
    }

    /// How many may still be begun now.
    pub const fn left(&self) -> u32 {
        self.warm_up.new_chats.saturating_sub(self.begun)
    }
}

/// A behaviour that throttles.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Behaviour {
    /// Its name in the log and in `details.rate`.
    pub name: &'static str,
    /// Plain words.
    pub reason: String,
    /// When to try again.
    pub wait: Duration,
}

impl PaceFacts {
    /// The wait before this message may go: the longer of both rates.
    pub fn wait(&self) -> Duration {
        self.instance_wait.max(self.recipient_wait)
    }

    /// The first behaviour signal (5 to 7 of the contract's policy) that is over its threshold.
    pub fn behaviour(&self, rules: &Rules) -> Option<Behaviour> {
        // What is over in less than a second is asked for again after one.
        let over = |name, reason, wait: Duration| Some(Behaviour { name, reason, wait: wait.max(A_SECOND) });
        let purpose = self.purpose?;
        if let Some((bar, wait)) = self.bar {
            let name = if bar.is_lock { "new_chats_locked" } else { "new_chats_used_up" };
            return Some(Behaviour { name, reason: bar.reason(), wait });
        }
        if let Some(limit) = rules.repetition(purpose)
            && self.same_text_to > limit
        {
            let reason =
                format!("one text to more than {limit} people within {} min", rules.repetition_window.as_secs() / 60);
            return over("repetition", reason, self.text_wait);
        }
        if let Some(NewChats { warm_up, begun }) = self.new_chats
            && begun > warm_up.new_chats
        {
            let (day, days, limit) = (warm_up.day, warm_up.days, warm_up.new_chats);
            let reason = format!(
                "more than {limit} people written to for the first time within 24 h, on day {day} of {days} since the \
                 number was linked"
            );
            return over("warm_up", reason, DAY / 4);
        }
        if let Some(limit) = rules.outreach(purpose)
            && self.strangers > limit
        {
            let minutes = rules.outreach_window.as_secs() / 60;
            let reason = format!("more than {limit} people written to for the first time within {minutes} min");
            return over("outreach", reason, self.stranger_wait);
        }
        self.is_unhealthy(rules, 1).then(|| Behaviour {
            name: "health",
            reason: format!(
                "of {} messages lately {} failed for reasons of the recipient, {} people opted out",
                self.sent, self.failed, self.opted_out
            ),
            wait: rules.health_window / 24,
        })
    }

    /// Whether it is bad enough to pause the instance: twice the thresholds of health.
    pub fn must_pause(&self, rules: &Rules) -> bool {
        self.is_unhealthy(rules, u64::from(rules.health_pause_factor))
    }

    fn is_unhealthy(&self, rules: &Rules, times: u64) -> bool {
        let sent = u64::from(self.sent);
        let over = |n: u32, percent: u32| percent > 0 && u64::from(n) * 100 > sent * u64::from(percent) * times;
        sent > u64::from(rules.health_min_messages)
            && (over(self.failed, rules.health_failed_percent) || over(self.opted_out, rules.health_opted_out_percent))
    }
}

#[derive(Default)]
struct Counters {
    slots: Bucket,
    recipients: Buckets,
    codes: recent::Windows,
    texts: RecentTexts,
    strangers: Strangers,
    health: HealthWindow,
}

impl Pace {
    /// What the counters say about a message at `now`. Changes nothing but what they forget with time.
    ///
    /// # Errors
    /// The store's, when an instance is counted for the first time.
    pub fn facts(&self, tx: &Tx<'_>, ask: &Question<'_>, rules: &Rules, now: Time) -> Result<PaceFacts, StoreError> {
        let mut all = self.lock();
        let counters = loaded(&mut all, tx, ask.instance, rules, now)?;
        let key = key_of(ask.person);
        let purpose = ask.purpose;
        let is_code = purpose == Some(Purpose::Authentication);
        let (sent, failed, opted_out) = counters.health.figures(rules, now);
        let mut same_text_to = 0;
        let mut text_wait = Duration::ZERO;
        if ask.fingerprint != 0 {
            same_text_to = counters.texts.people_with(text_key(ask), key, rules.repetition_window, now);
            // Found only where it is needed: it goes through all that is remembered.
            if let Some(limit) =
                purpose.and_then(|purpose| rules.repetition(purpose)).filter(|limit| same_text_to > *limit)
            {
                text_wait = counters.texts.free_in(text_key(ask), (limit, rules.repetition_window), now);
            }
        }
        let mut strangers = 0;
        let mut stranger_wait = Duration::ZERO;
        if ask.stranger {
            strangers = counters.strangers.lately(purpose, rules.outreach_window, now) + 1;
            if let Some(limit) = purpose.and_then(|purpose| rules.outreach(purpose)).filter(|limit| strangers > *limit)
            {
                stranger_wait = counters.strangers.free_in(purpose, (limit, rules.outreach_window), now);
            }
        }
        Ok(PaceFacts {
            instance_wait: counters.slots.wait(&instance_rate(rules), now),
            recipient_wait: counters.recipients.wait(key, &recipient_rate(rules), now),
            authentication_wait: is_code.then(|| counters.codes.full(key, rules, now)).flatten(),
            purpose,
            same_text_to,
            text_wait,
            strangers,
            stranger_wait,
            new_chats: None,
            bar: None,
            sent,
            failed,
            opted_out,
        })
    }

    /// Counts a message that was accepted at `now` and goes out after `wait`.
    pub fn record(&self, ask: &Question<'_>, wait: Duration, rules: &Rules, now: Time) {
        if let Some(counters) = self.lock().get_mut(ask.instance) {
            counters.count(ask, now.plus(wait), rules, now);
        }
    }

    /// Two contacts became one: all is counted again from the log when an instance sends next. Called inside the
    /// writer's transaction that merges them; what is counted again too early is what stood there before.
    pub fn recount(&self) {
        self.lock().clear();
    }

    /// A message failed for reasons of its recipient.
    pub fn note_failure(&self, instance: &InstanceId, now: Time) {
        if let Some(counters) = self.lock().get_mut(instance) {
            counters.health.failed(now);
        }
    }

    /// Somebody opted out.
    pub fn note_opt_out(&self, instance: &InstanceId, now: Time) {
        if let Some(counters) = self.lock().get_mut(instance) {
            counters.health.opted_out(now);
        }
    }

    /// A person looked at the instance and resumed it: its health is judged anew from now on.
    pub fn forgive(&self, instance: &InstanceId) {
        if let Some(counters) = self.lock().get_mut(instance) {
            counters.health = HealthWindow::default();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<InstanceId, Counters>> {
        // A panic while counting leaves counters that are off by one, which is better than a gateway that stops.
        self.instances.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Counters {
    fn count(&mut self, ask: &Question<'_>, goes_at: Time, rules: &Rules, now: Time) {
        let key = key_of(ask.person);
        self.slots.take(&instance_rate(rules), goes_at);
        self.recipients.take(key, &recipient_rate(rules), goes_at, now);
        if ask.purpose == Some(Purpose::Authentication) {
            self.codes.add(key, rules, now);
        }
        if let Some(limit) = ask.purpose.and_then(|p| rules.repetition(p)).filter(|_| ask.fingerprint != 0) {
            self.texts.add(text_key(ask), key, limit, now);
        }
        if ask.stranger {
            self.strangers.add(ask.purpose, now);
        }
        self.health.sent(now);
    }
}

fn loaded<'a>(
    all: &'a mut HashMap<InstanceId, Counters>,
    tx: &Tx<'_>,
    instance: &InstanceId,
    rules: &Rules,
    now: Time,
) -> Result<&'a mut Counters, StoreError> {
    if !all.contains_key(instance) {
        let counters = load::counters(tx, instance, rules, now)?;
        all.insert(instance.clone(), counters);
    }
    Ok(all.get_mut(instance).expect("just put there"))
}

fn instance_rate(rules: &Rules) -> Rate {
    Rate::new(rules.throttle_per_minute, rules.throttle_burst, rules.longest_wait())
}

fn recipient_rate(rules: &Rules) -> Rate {
    Rate::new(rules.recipient_per_minute, rules.recipient_burst, rules.longest_wait())
}

/// A short stand-in for a person. Not stored: it may differ between two versions of the program.
fn key_of(person: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    person.hash(&mut hasher);
    hasher.finish()
}

/// The same words for two purposes are two texts, because their thresholds differ.
fn text_key(ask: &Question<'_>) -> u64 {
    ask.fingerprint ^ ask.purpose.map_or(0, |p| p as u64 + 1)
}

#[cfg(test)]
mod tests;
