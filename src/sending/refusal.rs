//! Why a request is refused: what a gate says, what the log keeps, what a caller is told.

use crate::model::{
    code::{Action, Code, Details, Extra},
    message::Retry,
};
use std::time::Duration;

/// Why a request is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The gate that refused.
    pub gate: &'static str,
    /// The code that the caller is told.
    pub code: Code,
    /// What goes with it.
    pub details: Details,
    /// When it may pass, where that is known.
    pub retry_after: Option<Duration>,
    /// Of a message that failed: whether it may go another time.
    pub retry: Option<Retry>,
    /// A plain sentence for the log.
    pub reason: String,
}

impl Refusal {
    /// A refusal without details. Its gate is named by [`judge`](super::policy::judge).
    pub fn new(code: Code, reason: impl Into<String>) -> Self {
        Self { gate: "", code, details: Details::None, retry_after: None, retry: None, reason: reason.into() }
    }

    /// A refusal of the guard, with its action and score.
    pub fn guard(code: Code, action: Action, risk_score: u8, reason: impl Into<String>) -> Self {
        Self { details: Details::Guard { action, risk_score, extra: Extra::None }, ..Self::new(code, reason) }
    }

    /// The same with further members in its details.
    #[must_use]
    pub fn with(mut self, more: Extra) -> Self {
        if let Details::Guard { extra, .. } = &mut self.details {
            *extra = more;
        }
        self
    }

    /// The same with the time after which it may pass.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The guard's action, if the code has one.
    pub fn action(&self) -> Option<Action> {
        match self.details {
            Details::Guard { action, .. } | Details::Action(action) => Some(action),
            Details::Window { .. } => Some(Action::Block),
            _ => None,
        }
    }
}
