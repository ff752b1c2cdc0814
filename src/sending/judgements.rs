//! What people say of the guard's verdicts: right or wrong. Each is kept as the owner's own example, and leaves the
//! machine only in a file that the owner exports, for fitting the model at home (`examples/policy_fit`).
//!
//! A text that an admin found honest passes from then on, with other names and numbers in it and with links to the same
//! hosts, for its account: else whoever sends could lead people anywhere with it. Only its words count no more: links are
//! judged each time, and phrases of the admin's own stay in force.
//!
//! The text itself stays in its message and goes with it; a judgement keeps the fingerprint.

use super::{Sending, policy::content};
use crate::{
    accounts::{Scope, audit},
    model::{
        clock::Time,
        ids::{AccountId, LogId},
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;

/// A judgement to be noted.
#[derive(Clone, Debug)]
pub struct NewJudgement {
    /// Whose messages may be judged.
    pub scope: Scope,
    /// The message.
    pub log_id: LogId,
    /// Whether the guard was right.
    pub is_right: bool,
    /// Whether who judges runs the appliance: then an honest text passes from now on.
    pub may_let_pass: bool,
    /// Who judges.
    pub actor: String,
}

/// What became of a judgement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JudgementEffect {
    /// It is kept as an example.
    Noted,
    /// It is kept, and texts like it pass from now on.
    LetsPass,
}

/// A judged message, as programs that fit and measure the content policy read it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct JudgedExample {
    /// `marketing`, `chat` (honest, purpose support) or `transactional` (honest, any other).
    pub label: &'static str,
    /// The account's.
    pub language: String,
    pub text: String,
}

impl Sending {
    /// Notes that the guard was right or wrong about a message; an earlier judgement of it is replaced. None: there is no
    /// such message, or none whose text was judged.
    ///
    /// # Errors
    /// The store's.
    pub async fn judge_verdict(&self, judgement: NewJudgement) -> Result<Option<JudgementEffect>, StoreError> {
        let (now, review_score) = (self.shared.clock.now(), self.rules().review_score);
        self.shared.store.write(move |tx| note(tx, &judgement, review_score, now)).await
    }

    /// A text that passes because an admin found it honest is judged again from now on: the judgement `id`, and others of
    /// the same text. False: there is none in `scope`.
    ///
    /// # Errors
    /// The store's.
    pub async fn withdraw_allowed(&self, scope: Scope, id: i64, actor: &str) -> Result<bool, StoreError> {
        let (now, actor) = (self.shared.clock.now(), actor.to_owned());
        self.shared.store.write(move |tx| withdraw(tx, scope, id, (now, &actor))).await
    }
}

fn note(
    tx: &WriteTx<'_>,
    said: &NewJudgement,
    review_score: u8,
    now: Time,
) -> Result<Option<JudgementEffect>, StoreError> {
    let found = tx.find(
        "SELECT m.account_id, m.fingerprint, d.gate = 'content' OR (d.verdict = 'pass' AND d.score >= ?3), m.body
         FROM messages m JOIN policy_decisions d ON d.log_id = m.id
         WHERE m.id = ?1 AND (?2 IS NULL OR m.account_id = ?2) AND m.body <> '' AND m.fingerprint <> 0",
        params![said.log_id, said.scope, review_score],
        |r| {
            let was_caught = r.get::<_, Option<bool>>(2)?.unwrap_or(false);
            Ok((r.get::<_, AccountId>(0)?, r.get::<_, i64>(1)?, was_caught, r.get::<_, String>(3)?))
        },
    )?;
    let Some((account, fingerprint, was_caught, text)) = found else { return Ok(None) };
    let lets_pass = !said.is_right && was_caught && said.may_let_pass;
    if said.may_let_pass && !lets_pass {
        tx.execute(
            "UPDATE judgements SET lets_pass = 0 WHERE account_id = ?1 AND fingerprint = ?2 AND lets_pass = 1",
            params![account, fingerprint],
        )?;
    }
    tx.execute(
        "INSERT INTO judgements (log_id, account_id, fingerprint, is_right, was_caught, lets_pass, at, actor, hosts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?10)
         ON CONFLICT (log_id) DO UPDATE SET is_right = excluded.is_right, lets_pass = max(lets_pass * ?9,
             excluded.lets_pass), at = excluded.at, actor = excluded.actor",
        params![
            said.log_id,
            account,
            fingerprint,
            said.is_right,
            was_caught,
            lets_pass,
            now,
            said.actor,
            // Who does not run the appliance neither lets a text pass nor takes that back.
            !said.may_let_pass,
            content::hosts_of(&text).join(" "),
        ],
    )?;
    let entry = audit::AuditEntry {
        actor: &said.actor,
        account: Some(account),
        action: "message.judge",
        target: &said.log_id.to_string(),
        before: None,
        after: Some(if said.is_right { "right" } else { "wrong" }),
    };
    audit::record(tx, now, &entry)?;
    Ok(Some(if lets_pass { JudgementEffect::LetsPass } else { JudgementEffect::Noted }))
}

/// What was said of a message: whether the guard was right.
///
/// # Errors
/// The store's.
pub fn find(tx: &Tx<'_>, scope: Scope, id: LogId) -> Result<Option<bool>, StoreError> {
    tx.find(
        "SELECT is_right FROM judgements WHERE log_id = ?1 AND (?2 IS NULL OR account_id = ?2)",
        params![id, scope],
        |r| r.get(0),
    )
}

/// The judged messages whose text is still there, oldest first.
///
/// # Errors
/// The store's.
pub fn examples(tx: &Tx<'_>, scope: Scope) -> Result<Vec<JudgedExample>, StoreError> {
    tx.list(
        "SELECT j.is_right = j.was_caught, m.purpose, a.language, m.body
         FROM judgements j JOIN messages m ON m.id = j.log_id JOIN accounts a ON a.id = j.account_id
         WHERE (?1 IS NULL OR j.account_id = ?1) AND m.body <> '' ORDER BY j.id",
        params![scope],
        |r| {
            let (is_bad, purpose) = (r.get(0)?, r.get::<_, String>(1)?);
            let label = match purpose.as_str() {
                _ if is_bad => "marketing",
                "support" => "chat",
                _ => "transactional",
            };
            Ok(JudgedExample { label, language: r.get(2)?, text: r.get(3)? })
        },
    )
}

/// Judged messages as a file for `examples/policy_fit`: tab-separated label, language, text, with a heading line. A text
/// is one cell of one line.
pub fn tab_separated(examples: &[JudgedExample]) -> String {
    let line = |e: &JudgedExample| {
        let text = e.text.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{}\t{}\t{text}\n", e.label, e.language)
    };
    let lines: String = examples.iter().map(line).collect();
    format!("label\tlanguage\ttext\n{lines}")
}

/// A text that passes because an admin found it honest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllowedText {
    /// The judgement's.
    pub id: i64,
    /// Its message; none: it is gone by now, and the text passes still.
    pub log_id: Option<LogId>,
    /// Empty: it was erased, or its message is gone.
    pub text: String,
    /// When it was found honest.
    pub at: Time,
    /// By whom.
    pub actor: String,
}

/// How many allowed texts a page shows, the newest.
const ALLOWED_SHOWN: u32 = 200;

/// The texts that pass because an admin found them honest, the newest first, each once.
///
/// # Errors
/// The store's.
pub fn allowed(tx: &Tx<'_>, scope: Scope) -> Result<Vec<AllowedText>, StoreError> {
    tx.list(
        "SELECT max(j.id), j.log_id, coalesce(m.body, ''), j.at, j.actor
         FROM judgements j LEFT JOIN messages m ON m.id = j.log_id
         WHERE j.lets_pass = 1 AND (?1 IS NULL OR j.account_id = ?1)
         GROUP BY j.account_id, j.fingerprint ORDER BY 1 DESC LIMIT ?2",
        params![scope, ALLOWED_SHOWN],
        |r| Ok(AllowedText { id: r.get(0)?, log_id: r.get(1)?, text: r.get(2)?, at: r.get(3)?, actor: r.get(4)? }),
    )
}

fn withdraw(tx: &WriteTx<'_>, scope: Scope, id: i64, (now, actor): (Time, &str)) -> Result<bool, StoreError> {
    let found = tx.find(
        "SELECT account_id, fingerprint, log_id FROM judgements
         WHERE id = ?1 AND lets_pass = 1 AND (?2 IS NULL OR account_id = ?2)",
        params![id, scope],
        |r| Ok((r.get::<_, AccountId>(0)?, r.get::<_, i64>(1)?, r.get::<_, Option<LogId>>(2)?)),
    )?;
    let Some((account, fingerprint, log_id)) = found else { return Ok(false) };
    tx.execute(
        "UPDATE judgements SET lets_pass = 0 WHERE account_id = ?1 AND fingerprint = ?2",
        params![account, fingerprint],
    )?;
    let entry = audit::AuditEntry {
        actor,
        account: Some(account),
        action: "message.withdraw_allowed",
        target: &log_id.map_or_else(String::new, |id| id.to_string()),
        before: None,
        after: None,
    };
    audit::record(tx, now, &entry)?;
    Ok(true)
}

/// A text that an admin found honest, beside another one.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct NearestExample {
    /// Its message.
    pub log_id: LogId,
    pub text: String,
    /// How alike they are, 0 to 100; 100: but for numbers and links.
    pub likeness: u8,
}

/// How many texts that were found honest are compared, the newest.
const COMPARED: u32 = 500;

/// How alike a text has to be to be shown.
const ALIKE: u8 = 30;

/// Of the texts that an admin found honest the one that is most like `text`; none: none is like it.
///
/// # Errors
/// The store's.
pub fn nearest(tx: &Tx<'_>, scope: Scope, text: &str) -> Result<Option<NearestExample>, StoreError> {
    let asked = content::Likeness::of(text);
    let all = tx.list(
        "SELECT m.id, m.body FROM judgements j JOIN messages m ON m.id = j.log_id
         WHERE j.lets_pass = 1 AND (?1 IS NULL OR j.account_id = ?1) AND m.body <> '' ORDER BY j.id DESC LIMIT ?2",
        params![scope, COMPARED],
        |r| {
            let (log_id, text): (LogId, String) = (r.get(0)?, r.get(1)?);
            let likeness = asked.to(&content::Likeness::of(&text));
            Ok(NearestExample { log_id, text, likeness })
        },
    )?;
    Ok(all.into_iter().filter(|e| e.likeness >= ALIKE).max_by_key(|e| e.likeness))
}

/// The score of a text, without its words where an admin found them honest.
///
/// Those that were found honest before their hosts were noted (null) pass with any.
pub(super) fn as_allowed(
    tx: &Tx<'_>,
    account: AccountId,
    (fingerprint, text): (u64, &str),
    score: content::Score,
) -> Result<content::Score, StoreError> {
    if score.total == 0 || fingerprint == 0 {
        return Ok(score);
    }
    let found = tx.list(
        "SELECT hosts FROM judgements WHERE account_id = ?1 AND fingerprint = ?2 AND lets_pass = 1",
        params![account, fingerprint.cast_signed()],
        |r| r.get::<_, Option<String>>(0),
    )?;
    if found.is_empty() {
        return Ok(score);
    }
    let hosts = content::hosts_of(text);
    let leads_there = |known: &str| hosts.iter().all(|host| known.split(' ').any(|k| k == host));
    Ok(if found.iter().any(|known| known.as_deref().is_none_or(leads_there)) { score.as_allowed() } else { score })
}
