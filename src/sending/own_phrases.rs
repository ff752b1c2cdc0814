//! Phrases that an admin adds to the content policy while it runs: for everybody's messages or for one account's. Each
//! change is in force when it is answered, written in the audit, and there again after a restart.
//!
//! They stand beside the files of `guard.policy_dir`. An account with phrases of its own has a compiled policy of its own.

use super::{Sending, policies::Policies, policy::content::ContentPolicy, runtime_settings::TuningError};
use crate::{
    accounts::audit,
    model::{
        clock::Time,
        ids::AccountId,
        why::{Why, why},
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use serde_json::json;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// A phrase that an admin added.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddedPhrase {
    pub id: i64,
    /// The account whose messages it is for; none: everybody's.
    pub account: Option<AccountId>,
    /// As people write it; a star at either end lets the word go on.
    pub phrase: String,
    /// The kind of language and the points; none: it shall not count, whatever rule has it.
    pub counts: Option<(String, u8)>,
    pub added_by: String,
    pub added_at: Time,
}

/// A phrase to be added.
#[derive(Clone, Debug)]
pub struct NewPhrase {
    /// The account whose messages it is for; none: everybody's.
    pub account: Option<AccountId>,
    /// As people write it; a star at either end lets the word go on.
    pub phrase: String,
    /// The kind of language and the points, 1 to 100; none: it shall not count, whatever rule has it.
    pub counts: Option<(String, u8)>,
    /// Who adds it.
    pub actor: String,
}

/// The name of the file that the phrases would be.
const PORTAL: &str = "portal";
const PHRASE_MAX: usize = 200;
const PHRASES_MAX: usize = 2000;

/// How many accounts may have phrases of their own: each of them has a policy of half a MiB in memory.
const ACCOUNTS_MAX: usize = 100;

impl Sending {
    /// Takes up the phrases of an earlier run.
    pub(super) async fn adopt_phrases(&self) -> Result<(), StoreError> {
        let phrases = self.phrases().await?;
        if phrases.is_empty() {
            return Ok(());
        }
        match self.compile(phrases).await {
            Ok(policies) => self.shared.policies.store(Arc::new(policies)),
            // A file of the policy's directory changed so that a phrase does not fit any more: the guard goes on without
            // the phrases rather than not at all.
            Err(e) => tracing::error!("the phrases that were added in the portal are not in force: {e}"),
        }
        Ok(())
    }

    /// The phrases that were added, oldest first.
    pub async fn phrases(&self) -> Result<Vec<AddedPhrase>, StoreError> {
        self.shared.store.read(list).await
    }

    /// The kinds of language that phrases can belong to, with what the log says of them.
    pub fn phrase_groups(&self) -> Vec<(String, String)> {
        self.shared.policies.load().of(None).groups()
    }

    /// Adds a phrase: of a kind of language with so many points, or one that shall not count.
    ///
    /// # Errors
    /// A phrase that cannot be one, a group or an account that is none.
    pub async fn add_phrase(&self, new: NewPhrase) -> Result<(), TuningError> {
        let _one = self.tuning.lock().await;
        let (policies, new) = self.with_phrase(new).await?;
        self.shared.store.write(move |tx| insert(tx, &new)).await?;
        self.shared.policies.store(Arc::new(policies));
        Ok(())
    }

    /// The policies with this phrase, and the phrase, as [`add_phrase`](Self::add_phrase) would put them in force.
    ///
    /// # Errors
    /// The same.
    pub(super) async fn with_phrase(&self, new: NewPhrase) -> Result<(Policies, AddedPhrase), TuningError> {
        let NewPhrase { account, phrase, counts, actor } = new;
        let phrase = phrase.trim().to_owned();
        let mut all = self.phrases().await?;
        let invalid = |why: Why| Err(TuningError::Invalid(why));
        if phrase.is_empty() || phrase.chars().count() > PHRASE_MAX || phrase.contains(['\n', '\r', '\0']) {
            return invalid(why!("phrase_long", "a phrase is one line of at most 200 characters"));
        }
        if counts.as_ref().is_some_and(|(_, weight)| !(1..=100).contains(weight)) {
            return invalid(why!("phrase_points", "a phrase has 1 to 100 points"));
        }
        if all.iter().any(|p| p.phrase == phrase && p.account == account) {
            return invalid(why!("phrase_there", "this phrase is there already: take it away first"));
        }
        let accounts: BTreeSet<AccountId> = all.iter().filter_map(|p| p.account).chain(account).collect();
        if all.len() >= PHRASES_MAX || accounts.len() > ACCOUNTS_MAX {
            return invalid(why!(
                "phrases_many",
                "2,000 phrases are enough here: put more into a file of guard.policy_dir"
            ));
        }
        if let Some(account) = account {
            let find = move |tx: &Tx<'_>| tx.find("SELECT 1 FROM accounts WHERE id = ?1", params![account], |_| Ok(()));
            self.shared.store.read(find).await?.ok_or(TuningError::NotFound)?;
        }
        all.push(AddedPhrase { id: 0, account, phrase, counts, added_by: actor, added_at: self.shared.clock.now() });
        let policies = self.compile(all.clone()).await?;
        Ok((policies, all.pop().ok_or(TuningError::NotFound)?))
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
        let policies = self.compile(all).await?;
        let (now, actor) = (self.shared.clock.now(), actor.to_owned());
        self.shared.store.write(move |tx| delete(tx, &gone, now, &actor)).await?;
        self.shared.policies.store(Arc::new(policies));
        Ok(())
    }

    /// The policies with these phrases; compiling takes long enough to be done elsewhere.
    async fn compile(&self, phrases: Vec<AddedPhrase>) -> Result<Policies, TuningError> {
        let files = self.shared.content_files.clone();
        let compiled = tokio::task::spawn_blocking(move || policies(&files, &phrases)).await;
        compiled.map_err(|e| StoreError::Panicked(e.to_string()))?
    }
}

fn policies(files: &[(String, String)], phrases: &[AddedPhrase]) -> Result<Policies, TuningError> {
    let with = |account: Option<AccountId>| {
        let its = phrases.iter().filter(|p| p.account.is_none() || p.account == account);
        let own = (PORTAL.to_owned(), file_of(&its.collect::<Vec<_>>()));
        ContentPolicy::with_extra(files.iter().cloned().chain([own])).map(Arc::new).map_err(|e| {
            let text = if e.file == PORTAL { e.what } else { e.to_string() };
            TuningError::Invalid(why!("phrase_bad", "{text}", text = text))
        })
    };
    let accounts: BTreeSet<AccountId> = phrases.iter().filter_map(|p| p.account).collect();
    let own = accounts.into_iter().map(|account| Ok((account, with(Some(account))?)));
    Ok(Policies::new(with(None)?, own.collect::<Result<HashMap<_, _>, TuningError>>()?))
}

/// The phrases as a file of the policy. JSON's strings are TOML's, too.
fn file_of(phrases: &[&AddedPhrase]) -> String {
    let quoted = |text: &str| json!(text).to_string();
    let silent: Vec<String> = phrases.iter().filter(|p| p.counts.is_none()).map(|p| quoted(&p.phrase)).collect();
    let mut file = format!("without = [{}]\n", silent.join(", "));
    for (phrase, (group, weight)) in phrases.iter().filter_map(|p| Some((&p.phrase, p.counts.as_ref()?))) {
        let (group, phrase) = (quoted(group), quoted(phrase));
        file += &format!("[[rule]]\ngroup = {group}\nweight = {weight}\nphrases = [{phrase}]\n");
    }
    file
}

fn list(tx: &Tx<'_>) -> Result<Vec<AddedPhrase>, StoreError> {
    tx.list(
        "SELECT id, phrase, rule_group, weight, added_by, added_at, account_id FROM policy_phrases ORDER BY id",
        [],
        |r| {
            Ok(AddedPhrase {
                id: r.get(0)?,
                phrase: r.get(1)?,
                counts: r.get::<_, Option<String>>(2)?.zip(r.get(3)?),
                added_by: r.get(4)?,
                added_at: r.get(5)?,
                account: r.get(6)?,
            })
        },
    )
}

fn insert(tx: &WriteTx<'_>, new: &AddedPhrase) -> Result<(), StoreError> {
    let (group, weight) = new.counts.clone().unzip();
    tx.insert(
        "INSERT INTO policy_phrases (phrase, rule_group, weight, added_by, added_at, account_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![new.phrase, group, weight, new.added_by, new.added_at, new.account],
    )?;
    let (action, after) = ("policy.phrase_add", shown(new));
    let (actor, target) = (new.added_by.as_str(), new.phrase.as_str());
    let entry = audit::AuditEntry { actor, account: new.account, action, target, before: None, after: Some(&after) };
    audit::record(tx, new.added_at, &entry)
}

fn delete(tx: &WriteTx<'_>, gone: &AddedPhrase, now: Time, actor: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM policy_phrases WHERE id = ?1", params![gone.id])?;
    let (action, target, before) = ("policy.phrase_remove", gone.phrase.as_str(), shown(gone));
    audit::record(
        tx,
        now,
        &audit::AuditEntry { actor, account: gone.account, action, target, before: Some(&before), after: None },
    )
}

fn shown(phrase: &AddedPhrase) -> String {
    phrase.counts.as_ref().map_or_else(|| "does not count".into(), |(group, weight)| format!("{group}, {weight}"))
}
