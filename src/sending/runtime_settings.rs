//! What an admin changes of the guard while it runs: figures, and phrases of the content policy. Each change is in force
//! when it is answered, written in the audit, and there again after a restart.
//!
//! The configuration stays the ground: a figure that was taken back is the configuration's again, and phrases stand beside
//! the files of `guard.policy_dir`. Times stay the configuration's: counters are kept by them.

use super::{Rules, Sending, policy::content::ContentPolicy};
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

/// A phrase that an admin added.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddedPhrase {
    pub id: i64,
    /// As people write it; a star at either end lets the word go on.
    pub phrase: String,
    /// The kind of language and the points; none: it shall not count, whatever rule has it.
    pub counts: Option<(String, u8)>,
    pub added_by: String,
    pub added_at: Time,
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
        /// What can be set, in the order of the configuration. A rate or threshold of 0 is off.
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
/// The name of the file that the phrases would be.
const PORTAL: &str = "portal";
const PHRASE_MAX: usize = 200;
const PHRASES_MAX: usize = 2000;

impl Sending {
    /// Takes up what was set in an earlier run. Before anything is sent.
    pub async fn adopt_tuning(&self) -> Result<(), StoreError> {
        let (kept, phrases) = self.shared.store.read(|tx| Ok::<_, StoreError>((settings(tx)?, list(tx)?))).await?;
        self.shared.rules.store(Arc::new(tuned(&self.shared.configured, &kept)));
        if phrases.is_empty() {
            return Ok(());
        }
        match self.compile(phrases).await {
            Ok(content) => self.shared.content.store(Arc::new(content)),
            // A file of the policy's directory changed so that a phrase does not fit any more: the guard goes on without
            // the phrases rather than not at all.
            Err(e) => tracing::error!("the phrases that were added in the portal are not in force: {e}"),
        }
        Ok(())
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

    /// The phrases that were added, oldest first.
    pub async fn phrases(&self) -> Result<Vec<AddedPhrase>, StoreError> {
        self.shared.store.read(list).await
    }

    /// The kinds of language that phrases can belong to, with what the log says of them.
    pub fn phrase_groups(&self) -> Vec<(String, String)> {
        self.shared.content.load().groups()
    }

    /// Adds a phrase: of a kind of language with so many points, or one that shall not count.
    ///
    /// # Errors
    /// A phrase that cannot be one, a group that is none.
    pub async fn add_phrase(&self, phrase: &str, counts: Option<(String, u8)>, actor: &str) -> Result<(), TuningError> {
        let _one = self.tuning.lock().await;
        let (content, new) = self.with_phrase(phrase, counts, actor).await?;
        self.shared.store.write(move |tx| insert(tx, &new)).await?;
        self.shared.content.store(Arc::new(content));
        Ok(())
    }

    /// The rules with this phrase, and the phrase, as [`add_phrase`](Self::add_phrase) would put them in force.
    ///
    /// # Errors
    /// The same.
    pub(super) async fn with_phrase(
        &self,
        phrase: &str,
        counts: Option<(String, u8)>,
        actor: &str,
    ) -> Result<(ContentPolicy, AddedPhrase), TuningError> {
        let phrase = phrase.trim().to_owned();
        let mut all = self.phrases().await?;
        let invalid = |why: Why| Err(TuningError::Invalid(why));
        if phrase.is_empty() || phrase.chars().count() > PHRASE_MAX || phrase.contains(['\n', '\r', '\0']) {
            return invalid(why!("phrase_long", "a phrase is one line of at most 200 characters"));
        }
        if counts.as_ref().is_some_and(|(_, weight)| !(1..=100).contains(weight)) {
            return invalid(why!("phrase_points", "a phrase has 1 to 100 points"));
        }
        if all.iter().any(|p| p.phrase == phrase) {
            return invalid(why!("phrase_there", "this phrase is there already: take it away first"));
        }
        if all.len() >= PHRASES_MAX {
            return invalid(why!(
                "phrases_many",
                "2,000 phrases are enough here: put more into a file of guard.policy_dir"
            ));
        }
        let (now, actor) = (self.shared.clock.now(), actor.to_owned());
        all.push(AddedPhrase { id: 0, phrase, counts, added_by: actor.clone(), added_at: now });
        let content = self.compile(all.clone()).await?;
        Ok((content, all.pop().ok_or(TuningError::NotFound)?))
    }

    /// Takes a phrase away.
    ///
    /// # Errors
    /// No such phrase.
    pub async fn remove_phrase(&self, id: i64, actor: &str) -> Result<(), TuningError> {
        let _one = self.tuning.lock().await;
        let mut all = self.phrases().await?;
        let at = all.iter().position(|p| p.id == id).ok_or(TuningError::NotFound)?;
        let gone = all.remove(at);
        let content = self.compile(all).await?;
        let (now, actor) = (self.shared.clock.now(), actor.to_owned());
        self.shared.store.write(move |tx| delete(tx, &gone, now, &actor)).await?;
        self.shared.content.store(Arc::new(content));
        Ok(())
    }

    /// The rules with these phrases; compiling takes long enough to be done elsewhere.
    async fn compile(&self, phrases: Vec<AddedPhrase>) -> Result<ContentPolicy, TuningError> {
        let mut files = self.shared.content_files.clone();
        files.push((PORTAL.to_owned(), file_of(&phrases)));
        let compiled = tokio::task::spawn_blocking(move || ContentPolicy::with_extra(files)).await;
        let compiled = compiled.map_err(|e| StoreError::Panicked(e.to_string()))?;
        compiled.map_err(|e| {
            let text = if e.file == PORTAL { e.what } else { e.to_string() };
            TuningError::Invalid(why!("phrase_bad", "{text}", text = text))
        })
    }
}

/// The phrases as a file of the policy. JSON's strings are TOML's, too.
fn file_of(phrases: &[AddedPhrase]) -> String {
    let quoted = |text: &str| json!(text).to_string();
    let silent: Vec<String> = phrases.iter().filter(|p| p.counts.is_none()).map(|p| quoted(&p.phrase)).collect();
    let mut file = format!("without = [{}]\n", silent.join(", "));
    for (phrase, (group, weight)) in phrases.iter().filter_map(|p| Some((&p.phrase, p.counts.as_ref()?))) {
        let (group, phrase) = (quoted(group), quoted(phrase));
        file += &format!("[[rule]]\ngroup = {group}\nweight = {weight}\nphrases = [{phrase}]\n");
    }
    file
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

fn list(tx: &Tx<'_>) -> Result<Vec<AddedPhrase>, StoreError> {
    tx.list("SELECT id, phrase, rule_group, weight, added_by, added_at FROM policy_phrases ORDER BY id", [], |r| {
        Ok(AddedPhrase {
            id: r.get(0)?,
            phrase: r.get(1)?,
            counts: r.get::<_, Option<String>>(2)?.zip(r.get(3)?),
            added_by: r.get(4)?,
            added_at: r.get(5)?,
        })
    })
}

fn insert(tx: &WriteTx<'_>, new: &AddedPhrase) -> Result<(), StoreError> {
    let (group, weight) = new.counts.clone().unzip();
    tx.insert(
        "INSERT INTO policy_phrases (phrase, rule_group, weight, added_by, added_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![new.phrase, group, weight, new.added_by, new.added_at],
    )?;
    let (action, after) = ("policy.phrase_add", shown(new));
    let (actor, target) = (new.added_by.as_str(), new.phrase.as_str());
    let entry = audit::AuditEntry { actor, account: None, action, target, before: None, after: Some(&after) };
    audit::record(tx, new.added_at, &entry)
}

fn delete(tx: &WriteTx<'_>, gone: &AddedPhrase, now: Time, actor: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM policy_phrases WHERE id = ?1", params![gone.id])?;
    let (action, target, before) = ("policy.phrase_remove", gone.phrase.as_str(), shown(gone));
    audit::record(
        tx,
        now,
        &audit::AuditEntry { actor, account: None, action, target, before: Some(&before), after: None },
    )
}

fn shown(phrase: &AddedPhrase) -> String {
    phrase.counts.as_ref().map_or_else(|| "does not count".into(), |(group, weight)| format!("{group}, {weight}"))
}
