//! The background task: tells states that could not be told, looks whether the token holds, reads the templates.
//!
//! One round is [`CloudInner::step`]; it says when the next one is due. A line that is closed rests until a person has seen to
//! it: the token is set anew, or they ask for it to be connected again.

use super::{
    CloudInner,
    client::GraphFailure,
    listing::{self, PAGES_MAX},
};
use crate::{
    connectors::{
        ActionError, EventKind,
        meta_error::{self, ErrorClass, GraphError},
    },
    model::{
        clock::Time,
        instance::InstanceState,
        phone::{Impossible, Phone, PhoneReading},
    },
};
use futures_util::FutureExt as _;
use serde_json::Value;
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

const SECOND: Duration = Duration::from_secs(1);
/// Between two looks at a token that holds.
const LOOK: Duration = Duration::from_secs(24 * 3600);
/// After a look without an answer; twice as long after each, up to an hour.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));
/// Between two readings of the templates.
const LIST: Duration = Duration::from_secs(3600);

/// When what is due.
pub(super) struct CloudTimetable {
    /// Since when the line is open, as far as that lies in this life.
    pub(super) opened_at: Time,
    look_at: Time,
    pause: Duration,
    list_at: Time,
}

impl CloudTimetable {
    pub(super) fn begin(now: Time) -> Self {
        Self { opened_at: now, look_at: now, pause: LOOK_AGAIN.0, list_at: now }
    }

    fn due(&self) -> Time {
        self.look_at.min(self.list_at)
    }

    /// A look is due now, unless the last ones had no answer and the next one is near.
    pub(super) fn look_soon(&mut self, now: Time) {
        if now.left(self.look_at, LOOK_AGAIN.1).is_none() {
            self.look_at = self.look_at.min(now);
        }
    }

    fn looked(&mut self, answered: bool, now: Time) {
        if answered {
            (self.look_at, self.pause) = (now.plus(LOOK), LOOK_AGAIN.0);
        } else {
            self.look_at = now.plus(self.pause);
            self.pause = (self.pause * 2).min(LOOK_AGAIN.1);
        }
    }
}

/// Round after round.
pub(super) async fn run(inner: Arc<CloudInner>) {
    loop {
        let round = AssertUnwindSafe(inner.step()).catch_unwind().await;
        let due = round.unwrap_or_else(|_| {
            tracing::error!("a round of a Cloud API instance broke down; the next one is due in a minute");
            inner.clock.now().plus(LOOK_AGAIN.0)
        });
        tokio::select! {
            () = inner.line.wake.notified() => {}
            () = inner.clock.sleep_until(due) => {}
        }
    }
}

impl CloudInner {
    /// Does what is due, and says when something is due again.
    pub(super) async fn step(&self) -> Time {
        let is_open = || self.line.state() == InstanceState::Open;
        let now = self.clock.now();
        if is_open() && now.left(self.plan().look_at, LOOK).is_none() {
            self.look().await;
        }
        if is_open() && now.left(self.plan().list_at, LIST).is_none() {
            self.plan().list_at = now.plus(LIST);
            self.list_templates(None).await;
        }
        let recorded = self.line.tell_news().await;
        let now = self.clock.now();
        let due = if is_open() { self.plan().due() } else { now.plus(LOOK) };
        if recorded { due } else { due.min(now.plus(SECOND)) }
    }

    /// Asks Meta for the number's own fields.
    async fn look(&self) {
        let answer = self.client.number().await;
        let now = self.clock.now();
        self.plan().looked(!matches!(answer, Err(GraphFailure::NoAnswer(_))), now);
        match answer {
            Ok(fields) => self.seen(&fields).await,
            // A token that may send need not be allowed to look: only one that is no good at all closes the line.
            Err(GraphFailure::Refused { error: Some(error), .. }) if meta_error::is_bad_token(error.code) => {
                self.line.not_open(InstanceState::Close, &error.text()).await;
            }
            Err(GraphFailure::NoAnswer(why)) => {
                tracing::info!("a Cloud API number could not be looked at: {why}");
                self.line.open_although(&why, None).await;
            }
            Err(trouble) => {
                tracing::info!("a Cloud API number could not be looked at: {}", trouble.text());
                self.line.open(self.line.standing().phone).await;
            }
        }
    }

    /// The number's own fields: it is open, as this number.
    async fn seen(&self, fields: &Value) {
        self.line.heard_now();
        if self.line.state() == InstanceState::Open {
            let phone = own_number(fields).or_else(|| self.line.standing().phone);
            self.line.open(phone).await;
        }
    }

    /// Reads the list of templates if it is due; `wanted` is one that somebody needs now.
    pub(super) async fn list_templates(&self, wanted: Option<(&str, &str)>) {
        if !self.templates().is_due(wanted, self.clock.now()) {
            return;
        }
        let _one = self.listing.lock().await;
        if !self.templates().is_due(wanted, self.clock.now()) {
            return;
        }
        self.templates().tried(self.clock.now());
        let (mut all, mut after) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let page = match self.client.templates(after.as_deref()).await {
                None => return,
                Some(Ok(page)) => page,
                Some(Err(trouble)) => {
                    tracing::info!("the templates of a Cloud API number could not be read: {}", trouble.text());
                    return;
                }
            };
            let (items, next) = listing::read(&page);
            all.extend(items);
            after = next;
            if after.is_none() {
                break;
            }
        }
        self.templates().replace(all.clone(), self.clock.now());
        if let Err(e) = self.line.tell(self.clock.now(), EventKind::Templates(all)).await {
            tracing::debug!("the list of templates is told with the next one: {e}");
        }
    }

    /// A person wants the line open again.
    pub(super) async fn reconnect(&self) -> Result<(), ActionError> {
        let answer = self.client.number().await;
        let fields = match answer {
            Ok(fields) => fields,
            Err(GraphFailure::Refused { error: Some(error), .. }) if forbids_all(&error) => {
                self.line.not_open(InstanceState::Close, &error.text()).await;
                return Err(ActionError(error.text()));
            }
            Err(GraphFailure::NoAnswer(why)) => return Err(ActionError(why)),
            Err(GraphFailure::Refused { .. }) => Value::Null,
        };
        *self.plan() = CloudTimetable::begin(self.clock.now());
        let phone = own_number(&fields).or_else(|| self.line.standing().phone);
        self.line.open(phone).await;
        self.line.wake.notify_one();
        Ok(())
    }

    /// For the doctor: does the token hold, and for which number?
    pub(super) async fn examine(&self) -> Result<String, ActionError> {
        let fields = self.client.number().await.map_err(|trouble| ActionError(trouble.text()))?;
        let number = fields["display_phone_number"].as_str().unwrap_or("(not told)");
        let quality = fields["quality_rating"].as_str().unwrap_or("not told").to_lowercase();
        Ok(format!("Meta takes the access token; the number is {number}, its quality {quality}"))
    }
}

/// Whether an answer to a look tells that nothing can go at all. Being allowed to send and being allowed to look are two
/// permissions.
fn forbids_all(error: &GraphError) -> bool {
    let is_permission = matches!(error.code, 3 | 10 | 200..=299);
    error.class() == ErrorClass::CloseLine && !is_permission
}

fn own_number(fields: &Value) -> Option<String> {
    let shown = fields["display_phone_number"].as_str()?;
    // Meta shows it with and without the plus.
    let text = if shown.trim_start().starts_with('+') { shown.to_owned() } else { format!("+{shown}") };
    Phone::parse(&text, PhoneReading { region: None, impossible: Impossible::Warn })
        .ok()
        .map(|phone| phone.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_reaches_nobody_has_it_looked_at_soon_and_not_all_the_time() {
        let at = |seconds: u64| Time::from_millis(1_778_234_400_000).plus(Duration::from_secs(seconds));
        let mut plan = CloudTimetable::begin(at(0));
        plan.list_at = at(100 * 24 * 3600);
        plan.looked(true, at(0));
        assert_eq!(plan.due(), at(24 * 3600));
        plan.look_soon(at(7200));
        assert_eq!(plan.due(), at(7200));
        plan.looked(false, at(7200));
        plan.look_soon(at(7201));
        assert_eq!(plan.due(), at(7260), "the next look is near anyway");
    }
}
