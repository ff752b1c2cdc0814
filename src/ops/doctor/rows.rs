//! What the database knows: numbers that are not connected, webhooks that fail, jobs that failed, a clock that was ahead.

use super::{CheckStatus, Finding, fail, finding, ok, warn};
use crate::{
    model::{
        clock::Time,
        instance::{Health, InstanceState},
    },
    ops::status::{InstanceSurvey, Stranger, Survey, Webhook},
    store::{self, StoreError},
};
use std::{path::Path, time::Duration};

/// Deliveries that are late by more than this are said: the first retries come sooner.
const LATE: Duration = Duration::from_secs(15 * 60);
/// Clocks are corrected by seconds; a job that ran in a future farther than this was run by a wrong clock.
const AHEAD: Duration = Duration::from_secs(10 * 60);

pub(super) fn read(file: &Path, now: Time) -> Result<Survey, StoreError> {
    store::peek(file, |tx| Survey::take(tx, now))
}

/// How many people the next start will make one with others, in a database that no newer program has opened yet.
pub(super) fn known_twice(file: &Path) -> Finding {
    match store::peek(file, store::known_twice) {
        Ok(0) => ok("people", "nobody is known twice, under two forms of one number"),
        Ok(n) => warn(
            "people",
            format!(
                "{n} contacts are known a second time under another form of their number (such as Brazil's ninth \
                 digit): the next start makes each pair one, an opt-out of either holds, and the audit log lists them"
            ),
        ),
        Err(e) => warn("people", format!("the database cannot be asked about contacts: {e}")),
    }
}

pub(super) fn findings(survey: &Survey, running: bool, now: Time) -> Vec<Finding> {
    let mut all = Vec::new();
    if let Some(at) = survey.last_job_at.filter(|at| *at > now && at.since(now) > AHEAD) {
        all.push(fail("clock", format!("it is {now}, but a job has run at {at}: one of the two times was wrong")));
    }
    let unwell: Vec<Finding> = survey.numbers.iter().filter_map(|n| number(n, running)).collect();
    if unwell.is_empty() && survey.strangers.is_empty() {
        all.push(ok("instances", format!("{} of them, all as they should be", survey.numbers.len())));
    }
    all.extend(unwell);
    all.extend(survey.strangers.iter().map(stranger));
    if survey.troubled.is_empty() {
        all.push(ok("webhooks", format!("none fails; {} deliveries wait", survey.waiting)));
    }
    all.extend(survey.troubled.iter().map(webhook));
    let late = survey.waiting_since.map(|at| now.since(at)).filter(|late| running && *late > LATE);
    if let Some(late) = late {
        let minutes = late.as_secs() / 60;
        all.push(warn(
            "webhooks",
            format!("deliveries are late by {minutes} minutes, {} wait: look at the log", survey.waiting),
        ));
    }
    for (name, problem) in &survey.failed_jobs {
        all.push(warn("jobs", format!("{name} failed when it last ran: {problem}")));
    }
    all
}

fn number(number: &InstanceSurvey, running: bool) -> Option<Finding> {
    let InstanceSurvey { id, state, reason, health, paused_at, .. } = number;
    if let Some(at) = paused_at {
        let text =
            format!("{id} is paused since {at}: look at its messages, then wa-gateway instance resume {id} --note T");
        return Some(warn("instances", text));
    }
    let why = reason.as_deref().map_or_else(String::new, |r| format!(" ({r})"));
    // What is not running is known as it last was.
    let broken = if running { CheckStatus::Fail } else { CheckStatus::Warn };
    match (state, health) {
        (InstanceState::Open, Health::Ok) => {
            let text =
                format!("{id} is set up, and its provider gives no answer{why}: look at the network, then base_url");
            reason.as_ref().map(|_| warn("instances", text))
        }
        (InstanceState::Open, Health::Deaf) => Some(warn(
            "instances",
            format!("{id} is connected but hears nothing: write to it from a phone, or reconnect"),
        )),
        (InstanceState::Qr, _) => {
            Some(warn("instances", format!("{id} waits for a phone to be linked: wa-gateway instance pair {id}")))
        }
        (InstanceState::Connecting, _) => Some(warn("instances", format!("{id} is connecting{why}"))),
        (InstanceState::Close, _) => {
            let text =
                format!("{id} is not connected{why}: wa-gateway instance status {id} says more; check its token");
            Some(finding("instances", broken, text))
        }
    }
}

fn stranger(stranger: &Stranger) -> Finding {
    let Stranger { instance, kind, whose, count, last_at } = stranger;
    let what = kind.strip_prefix("other_").unwrap_or(kind);
    warn(
        "instances",
        format!(
            "the provider brought {count} calls for the {what} {whose}, which no instance has, to the address of {instance}, \
             the last one at {last_at}, and what they said is lost: make an instance for it with the same secret, or have \
             the provider call elsewhere"
        ),
    )
}

fn webhook(webhook: &Webhook) -> Finding {
    let Webhook { id, place, failing_since, disabled_at } = webhook;
    let since = failing_since.map_or_else(String::new, |at| format!(" since {at}"));
    let text = match disabled_at {
        Some(at) => format!(
            "{id} ({place}) failed{since} and is off since {at}: mend the receiver, then wa-gateway webhook enable {id} \
             and wa-gateway webhook resend --endpoint {id} --failed-since {at}"
        ),
        None => format!(
            "{id} ({place}) fails{since}: wa-gateway webhook deliveries --failed --endpoint {id} shows the answers"
        ),
    };
    warn("webhooks", text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        ids::{AccountId, InstanceId},
        instance::ConnectorKind,
    };

    fn time(text: &str) -> Time {
        Time::parse(text).expect("a time")
    }

    fn line(state: InstanceState, health: Health, paused_at: Option<Time>) -> InstanceSurvey {
        let id = InstanceId::parse("shop").expect("an id");
        let reason = (state == InstanceState::Close).then(|| "the token has expired".to_owned());
        InstanceSurvey {
            id,
            account: AccountId(1),
            connector: ConnectorKind::Sandbox,
            base_url: None,
            state,
            reason,
            health,
            paused_at,
        }
    }

    #[test]
    fn each_trouble_is_said_with_what_to_do() {
        let now = time("2026-06-01T08:00:00Z");
        let failing = |disabled_at| Webhook {
            id: 3,
            place: "https://shop.example".into(),
            failing_since: Some(time("2026-06-01T06:00:00Z")),
            disabled_at,
        };
        let with = |change: &dyn Fn(&mut Survey)| {
            let mut survey = Survey::default();
            change(&mut survey);
            findings(&survey, true, now)
        };
        assert!(with(&|_| {}).iter().all(|f| f.status == CheckStatus::Ok));
        let strange = |last_at| Stranger {
            instance: InstanceId::parse("sales").expect("an id"),
            kind: "other_number".into(),
            whose: "1002".into(),
            count: 3,
            last_at,
        };
        type Change = Box<dyn Fn(&mut Survey)>;
        let lines = |n: InstanceSurvey| -> Change { Box::new(move |s: &mut Survey| s.numbers = vec![n.clone()]) };
        let rows: Vec<(Change, CheckStatus, &str)> = vec![
            (lines(line(InstanceState::Close, Health::Ok, None)), CheckStatus::Fail, "the token has expired"),
            (lines(line(InstanceState::Qr, Health::Ok, None)), CheckStatus::Warn, "instance pair shop"),
            (lines(line(InstanceState::Open, Health::Deaf, None)), CheckStatus::Warn, "hears nothing"),
            (lines(line(InstanceState::Open, Health::Ok, Some(now))), CheckStatus::Warn, "instance resume shop"),
            (Box::new(move |s| s.troubled = vec![failing(None)]), CheckStatus::Warn, "--failed --endpoint 3"),
            (Box::new(move |s| s.troubled = vec![failing(Some(now))]), CheckStatus::Warn, "webhook enable 3"),
            (
                Box::new(|s| s.waiting_since = Some(time("2026-06-01T07:30:00Z"))),
                CheckStatus::Warn,
                "late by 30 minutes",
            ),
            (Box::new(|s| s.failed_jobs = vec![("backup".into(), "no room".into())]), CheckStatus::Warn, "no room"),
            (Box::new(|s| s.last_job_at = Some(time("2026-06-01T09:00:00Z"))), CheckStatus::Fail, "a job has run"),
            (Box::new(move |s| s.strangers = vec![strange(now)]), CheckStatus::Warn, "3 calls for the number 1002"),
        ];
        for (change, status, said) in rows {
            let found = with(&change);
            assert!(found.iter().any(|f| f.status == status && f.text.contains(said)), "{said}: {found:?}");
        }
        let off = findings(
            &Survey { numbers: vec![line(InstanceState::Close, Health::Ok, None)], ..Survey::default() },
            false,
            now,
        );
        assert!(off.iter().all(|f| f.status != CheckStatus::Fail), "what does not run is not connected: {off:?}");
    }
}
