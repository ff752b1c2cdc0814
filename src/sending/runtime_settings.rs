//! What an admin changes of the guard's figures while it runs. Each change is in force when it is answered, written in the
//! audit, and there again after a restart.
//!
//! The configuration stays the ground: a figure that was taken back is the configuration's again. Times stay the
//! configuration's: counters are kept by them.

use super::{Rules, Sending};
use crate::{
    accounts::audit,
    model::{
        clock::Time,
        why::{Why, why},
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

/// One figure of the guard.
pub struct GuardFigure {
    /// Its key in the configuration's section `guard`.
    pub name: &'static str,
    /// The least that can be set.
    pub least: u32,
    pub most: u32,
    read: fn(&Rules) -> u32,
    write: fn(&mut Rules, u32),
}

/// What a figure is, and what the configuration says.
pub struct Set {
    pub figure: &'static GuardFigure,
    pub value: u32,
    /// What would hold if nothing had been set here.
    pub configured: u32,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum TuningError {
    /// What would be right.
    #[error("{0}")]
    Invalid(Why),
    /// No such phrase.
    #[error("there is no such phrase")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

macro_rules! figures {
    ($($name:ident: $least:literal..=$most:literal),+ $(,)?) => {
        /// What can be set, in the order of the configuration. Where 0 is allowed, it is off.
        pub const FIGURES: &[GuardFigure] = &[$(GuardFigure {
            name: stringify!($name),
            least: $least,
            most: $most,
            read: |rules| rules.$name.into(),
            // Within its bounds it fits.
            write: |rules, n| rules.$name = n.try_into().unwrap_or(rules.$name),
        }),+];
    };
}

figures! {
    throttle_per_minute: 1..=10_000,
    throttle_burst: 1..=10_000,
    recipient_per_minute: 1..=1_000,
    recipient_burst: 1..=1_000,
    authentication_limit: 1..=100,
    refuse_score: 1..=100,
    review_score: 1..=100,
    strikes: 0..=100,
    repetition_support: 0..=100_000,
    repetition_transactional: 0..=100_000,
    repetition_operational: 0..=100_000,
    repetition_internal_team: 0..=100_000,
    outreach_support: 0..=100_000,
    outreach_other: 0..=100_000,
    health_min_messages: 1..=100_000,
    health_failed_percent: 1..=100,
    health_opted_out_percent: 1..=100,
    health_pause_factor: 1..=100,
}

/// The name under which observing is kept: 1 observes, 0 enforces.
const OBSERVE: &str = "observe";
impl Sending {
    /// Takes up what was set in an earlier run. Before anything is sent.
    pub async fn adopt_tuning(&self) -> Result<(), StoreError> {
        let kept = self.shared.store.read(settings).await?;
        self.shared.rules.store(Arc::new(tuned(&self.shared.configured, &kept)));
        self.adopt_phrases().await
    }

    /// What can be set, with what holds.
    pub fn figures(&self) -> Vec<Set> {
        let (rules, configured) = (self.rules(), &self.shared.configured);
        let set = |figure| Set { figure, value: (figure.read)(&rules), configured: (figure.read)(configured) };
        FIGURES.iter().map(set).collect()
    }

    /// Sets figures, and whether the guard only observes. A figure that is not named stays; one that is as configured is
    /// kept no more.
    ///
    /// # Errors
    /// A name that is none, a value out of its bounds, a review score above the refusing one.
    pub async fn set_figures(
        &self,
        wanted: BTreeMap<String, u32>,
        observe: bool,
        actor: &str,
    ) -> Result<(), TuningError> {
        let _one = self.tuning.lock().await;
        let before = self.rules();
        let rules = self.with_figures(wanted, observe)?;
        let kept = differing(&self.shared.configured, &rules);
        let changes = (described(&before, &rules), described(&rules, &before));
        if changes.0.is_empty() {
            return Ok(());
        }
        let (now, actor) = (self.shared.clock.now(), actor.to_owned());
        let written = self.shared.store.write(move |tx| write_settings(tx, &kept, &changes, now, &actor));
        written.await?;
        self.shared.rules.store(Arc::new(rules));
        Ok(())
    }

    /// The rules with these figures, as [`set_figures`](Self::set_figures) would put them in force.
    ///
    /// # Errors
    /// The same.
    pub(super) fn with_figures(&self, wanted: BTreeMap<String, u32>, observe: bool) -> Result<Rules, TuningError> {
        let mut rules = Rules { observe, ..(*self.rules()).clone() };
        for (name, value) in wanted {
            let figure = FIGURES.iter().find(|f| f.name == name);
            let figure = figure.ok_or_else(|| {
                TuningError::Invalid(why!("figure_unknown", "{name} is no figure of the guard", name = name))
            })?;
            if !(figure.least..=figure.most).contains(&value) {
                return Err(TuningError::Invalid(why!(
                    "figure_bounds",
                    "{name} is a number from {least} to {most}",
                    name = name,
                    least = figure.least,
                    most = figure.most
                )));
            }
            (figure.write)(&mut rules, value);
        }
        if rules.review_score > rules.refuse_score {
            return Err(TuningError::Invalid(why!("scores", "review_score is at most refuse_score")));
        }
        Ok(rules)
    }
}

fn tuned(configured: &Rules, kept: &BTreeMap<String, u32>) -> Rules {
    let mut rules = configured.clone();
    for figure in FIGURES {
        if let Some(value) = kept.get(figure.name) {
            (figure.write)(&mut rules, *value);
        }
    }
    if let Some(observe) = kept.get(OBSERVE) {
        rules.observe = *observe == 1;
    }
    rules.review_score = rules.review_score.min(rules.refuse_score);
    rules
}

/// The figures of `rules` that are not those of `ground`.
fn differing(ground: &Rules, rules: &Rules) -> BTreeMap<String, u32> {
    let figures = FIGURES.iter().filter(|f| (f.read)(ground) != (f.read)(rules));
    let mut all: BTreeMap<String, u32> = figures.map(|f| (f.name.to_owned(), (f.read)(rules))).collect();
    if ground.observe != rules.observe {
        all.insert(OBSERVE.into(), rules.observe.into());
    }
    all
}

/// For the audit: of `rules`, what is not as in `other`; empty when nothing is.
fn described(rules: &Rules, other: &Rules) -> String {
    let all = differing(other, rules);
    if all.is_empty() { String::new() } else { json!(all).to_string() }
}

fn settings(tx: &Tx<'_>) -> Result<BTreeMap<String, u32>, StoreError> {
    let rows = tx.list("SELECT name, value FROM guard_settings", [], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(rows.into_iter().collect())
}

fn write_settings(
    tx: &WriteTx<'_>,
    kept: &BTreeMap<String, u32>,
    (before, after): &(String, String),
    now: Time,
    actor: &str,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM guard_settings", [])?;
    for (name, value) in kept {
        tx.execute(
            "INSERT INTO guard_settings (name, value, changed_by, changed_at) VALUES (?1, ?2, ?3, ?4)",
            params![name, value, actor, now],
        )?;
    }
    let (before, after) = (Some(before.as_str()), Some(after.as_str()));
    let action = "policy.figures";
    audit::record(tx, now, &audit::AuditEntry { actor, account: None, action, target: "guard", before, after })
}
