//! What would have happened: thresholds or phrases as they would be, over the last week's messages, before they are in
//! force. Reads the log and changes nothing.
//!
//! Each message is judged again by its text, as it is now and as it would be: how many people had it, whether it was an
//! answer and whether a person had found its text honest is taken as it was. What other gates refused is left out.

use super::{
    Sending,
    own_phrases::NewPhrase,
    policies::Policies,
    policy::content::{Audience, CROWD, Score},
    rules::Rules,
    runtime_settings::TuningError,
};
use crate::{
    accounts::Scope,
    model::{clock::Time, ids::LogId, purpose::Purpose},
    store::{StoreError, Tx},
};
use rusqlite::{Row, params};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How far back is looked.
const BACK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The most messages that are judged again, the newest: enough to see, and done within a moment.
pub const MOST: u32 = 10_000;
/// The most messages that are shown of those that another verdict would have met.
const SHOWN: usize = 20;
/// The most characters that are shown of a text.
const CLIP: usize = 300;

/// What the content policy does with a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ContentVerdict {
    /// Sent.
    Passes,
    /// Sent, and listed for review.
    Listed,
    /// Not sent.
    Refused,
}

/// How many messages met each verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct VerdictCounts {
    /// Sent and not listed.
    pub passed: u64,
    /// Sent and listed for review.
    pub listed: u64,
    /// Not sent.
    pub refused: u64,
}

impl VerdictCounts {
    fn count(&mut self, verdict: ContentVerdict) {
        match verdict {
            ContentVerdict::Passes => self.passed += 1,
            ContentVerdict::Listed => self.listed += 1,
            ContentVerdict::Refused => self.refused += 1,
        }
    }
}

/// A message that another verdict would have met.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangedMessage {
    /// Its row in the log.
    pub log_id: LogId,
    /// Its text, cut at 300 characters.
    pub text: String,
    /// As things are.
    pub before: ContentVerdict,
    /// As they would be.
    pub after: ContentVerdict,
}

/// The last week's messages, judged twice.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rehearsal {
    /// As things are.
    pub before: VerdictCounts,
    /// As they would be.
    pub after: VerdictCounts,
    /// The newest that another verdict would have met, at most 20.
    pub changed: Vec<ChangedMessage>,
}

/// Content policies and the scores that they refuse and list at.
struct Judge {
    policies: Arc<Policies>,
    rules: Arc<Rules>,
}

impl Sending {
    /// The last week's messages of `scope` by the figures that [`set_figures`](Self::set_figures) would set.
    ///
    /// # Errors
    /// Those of `set_figures`.
    pub async fn rehearse_figures(
        &self,
        wanted: BTreeMap<String, u32>,
        observe: bool,
        scope: Scope,
    ) -> Result<Rehearsal, TuningError> {
        let rules = Arc::new(self.with_figures(wanted, observe)?);
        self.rehearse(Judge { rules, ..self.present_judge() }, scope).await
    }

    /// The last week's messages of `scope` by the phrases, if [`add_phrase`](Self::add_phrase) added one.
    ///
    /// # Errors
    /// Those of `add_phrase`.
    pub async fn rehearse_phrase(&self, new: NewPhrase, scope: Scope) -> Result<Rehearsal, TuningError> {
        let (policies, _) = self.with_phrase(new).await?;
        self.rehearse(Judge { policies: Arc::new(policies), ..self.present_judge() }, scope).await
    }

    fn present_judge(&self) -> Judge {
        Judge { policies: self.shared.policies.load_full(), rules: self.rules() }
    }

    async fn rehearse(&self, after: Judge, scope: Scope) -> Result<Rehearsal, TuningError> {
        let (before, since) = (self.present_judge(), self.shared.clock.now().minus(BACK));
        Ok(self.shared.store.read(move |tx| read(tx, (since, scope), &before, &after)).await?)
    }
}

/// The figures stand in the order of `gate_figures.rs`; in rows of earlier versions by their names.
fn read(tx: &Tx<'_>, (since, scope): (Time, Scope), before: &Judge, after: &Judge) -> Result<Rehearsal, StoreError> {
    let judged = tx.list(
        "SELECT m.id, m.purpose, m.body,
                max(coalesce(d.figures ->> '$[3]', d.figures ->> 'same_text_to', 0),
                    coalesce(d.figures ->> '$[4]', d.figures ->> 'strangers', 0)),
                m.purpose = 'support' AND EXISTS (
                    SELECT 1 FROM inbound_messages i WHERE i.contact_id = m.contact_id
                        AND i.created_at <= m.created_at AND i.created_at > m.created_at - 86400000),
                EXISTS (SELECT 1 FROM judgements j
                        WHERE j.account_id = m.account_id AND j.fingerprint = m.fingerprint AND j.lets_pass = 1),
                m.account_id, coalesce(d.figures ->> '$[5]', d.figures ->> 'crowd', ?3)
         FROM messages m JOIN policy_decisions d ON d.log_id = m.id
         WHERE m.id > (SELECT coalesce(max(id), 0) FROM messages) - ?1 AND m.created_at > ?2 AND m.body <> ''
           AND (?4 IS NULL OR m.account_id = ?4) AND m.fingerprint <> 0 AND (d.verdict = 'pass' OR d.gate = 'content')
         ORDER BY m.id DESC",
        params![MOST, since, CROWD, scope],
        |r| judge_twice(r, before, after),
    )?;
    let mut rehearsal = Rehearsal::default();
    for message in judged.into_iter().flatten() {
        rehearsal.before.count(message.before);
        rehearsal.after.count(message.after);
        if message.before != message.after && rehearsal.changed.len() < SHOWN {
            rehearsal.changed.push(message);
        }
    }
    Ok(rehearsal)
}

/// None: its purpose is none that is served.
fn judge_twice(r: &Row<'_>, before: &Judge, after: &Judge) -> rusqlite::Result<Option<ChangedMessage>> {
    let Some(purpose) = Purpose::parse(&r.get::<_, String>(1)?) else { return Ok(None) };
    let (text, people): (String, u32) = (r.get(2)?, r.get(3)?);
    let (answers, is_allowed): (bool, bool) = (r.get(4)?, r.get(5)?);
    let account = Some(r.get(6)?);
    let audience = Audience { answers, people, crowd: r.get(7)?, is_unanswered: false };
    let verdict = |judge: &Judge| {
        let score = judge.policies.of(account).score(purpose, &text).in_context(purpose, audience);
        verdict(&if is_allowed { score.as_allowed() } else { score }, &judge.rules)
    };
    let (before, after) = (verdict(before), verdict(after));
    let text = if before == after { String::new() } else { text.chars().take(CLIP).collect() };
    Ok(Some(ChangedMessage { log_id: r.get(0)?, text, before, after }))
}

/// What becomes of a message with this score.
pub fn verdict(score: &Score, rules: &Rules) -> ContentVerdict {
    match score.total {
        total if total >= rules.refuse_score && !rules.observe => ContentVerdict::Refused,
        total if total >= rules.review_score => ContentVerdict::Listed,
        _ => ContentVerdict::Passes,
    }
}
