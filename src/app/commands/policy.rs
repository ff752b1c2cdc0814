//! `wa-gateway policy …`

use super::{CLI, CommandResult, Execute, account::region_of, group, text};
use crate::{
    accounts::Scope,
    app::root::everybody,
    dialects::AppState,
    model::{
        ids::{AccountId, LogId},
        purpose::Purpose,
    },
    sending::judgements::{self, JudgementEffect, NewJudgement},
};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::PathBuf;

group! { PolicyCommand is Policy: Check(PolicyCheck), Judge(PolicyJudge), Examples(PolicyExamples) }

/// Score a text without sending it
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct PolicyCheck {
    /// What
    pub text: String,
    /// Why
    #[arg(long, default_value = "transactional")]
    pub purpose: String,
}

impl Execute for PolicyCheck {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let Self { text, purpose } = self;
        let purpose = Purpose::parse(&purpose).ok_or_else(|| format!("{purpose:?} is not one of the five purposes"))?;
        let score = gateway.sending.check_text(None, purpose, &text);
        let rules = gateway.sending.rules();
        let asked = text.clone();
        let nearest = gateway.store.read(move |tx| judgements::nearest(tx, everybody(), &asked)).await;
        let nearest = nearest.map_err(|e| e.to_string())?;
        let verdict = match score.total {
            _ if rules.observe => "sent (observe)",
            total if total >= rules.refuse_score => "refused",
            total if total >= rules.review_score => "sent, listed for review",
            _ => "sent",
        };
        let marks = gateway.sending.mark_text(None, &text);
        let words: Vec<_> =
            marks.iter().map(|m| json!({"words": &text[m.range.clone()], "signal": *m.signal})).collect();
        Ok(json!({
            "ok": true, "score": score.total, "verdict": verdict, "signals": score.signals, "model": score.model,
            "words": words, "nearest_allowed": nearest,
        }))
    }
}

/// Say whether the guard was right about a message; one it was wrong to stop passes from now on
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct PolicyJudge {
    /// Its log id
    pub log_id: i64,
    /// right or wrong
    pub verdict: String,
}

impl Execute for PolicyJudge {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let is_right = match self.verdict.as_str() {
            "right" => true,
            "wrong" => false,
            other => return Err(format!("the guard was right or wrong, not {other:?}")),
        };
        let log_id = LogId(self.log_id);
        let said = NewJudgement { scope: everybody(), log_id, is_right, may_let_pass: true, actor: CLI.to_owned() };
        let judged = gateway.sending.judge_verdict(said).await.map_err(text)?;
        let judged = judged.ok_or_else(|| format!("there is no message with log id {log_id} whose text was judged"))?;
        Ok(
            json!({"ok": true, "log_id": self.log_id, "verdict": self.verdict, "passes": judged == JudgementEffect::LetsPass}),
        )
    }
}

/// Export judged messages: tab-separated label, language, text
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct PolicyExamples {
    /// Of one account
    #[arg(long)]
    pub account: Option<i64>,
    /// The file, which must not exist yet [default: stdout]
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

impl Execute for PolicyExamples {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        if let Some(account) = self.account {
            region_of(gateway, AccountId(account)).await?;
        }
        let scope = self.account.map_or_else(everybody, |account| Scope::Account(AccountId(account)));
        let examples = gateway.store.read(move |tx| judgements::examples(tx, scope)).await.map_err(text)?;
        Ok(json!({"ok": true, "rows": examples.len(), "csv": judgements::tab_separated(&examples)}))
    }
}
