//! `wa-gateway policy …`

use super::{CommandResult, Execute, group};
use crate::{dialects::AppState, model::purpose::Purpose};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

group! { PolicyCommand is Policy: Check(PolicyCheck) }

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
        let score = gateway.sending.check_text(purpose, &text);
        let rules = gateway.sending.rules();
        let verdict = match score.total {
            _ if rules.observe => "sent (observe)",
            total if total >= rules.refuse_score => "refused",
            total if total >= rules.review_score => "sent, listed for review",
            _ => "sent",
        };
        let marks = gateway.sending.mark_text(&text);
        let words: Vec<_> =
            marks.iter().map(|m| json!({"words": &text[m.range.clone()], "signal": *m.signal})).collect();
        Ok(json!({
            "ok": true, "score": score.total, "verdict": verdict, "signals": score.signals, "model": score.model,
            "words": words,
        }))
    }
}
