//! The guard: gates in the documented order, each a pure function over facts. Load, judge, record: this is "judge".
//!
//! A gate answers "pass" or a [`Refusal`]; it does no I/O, asks for no time, and changes nothing. The first refusal
//! answers. What led to a verdict is written by `record.rs`, so that an admin can say why a message was not sent.
//!
//! The earlier checks (content type, key, JSON, fields) need no facts: `http/guarded_api` and `request.rs` make them.
//!
//! Adding a gate: a function in `gates.rs`, a line in [`GATES`] at its documented place, what it asks for in
//! [`Facts`](super::facts::Facts), a row in the table test of `gates.rs` and one in `tests/it/sending/order.rs`.

pub mod content;
mod gates;

use super::{
    facts::{Facts, ModuleStanding},
    request::Request,
    rules::Rules,
};
use crate::model::{
    code::{Action, Code, Details, Extra},
    plan::PlanLimits,
};
use std::time::Duration;

/// One check of the guard.
pub struct Gate {
    /// Its name in the log.
    pub name: &'static str,
    /// The check itself.
    pub check: fn(&Request, &Facts, &Rules) -> Result<(), Refusal>,
}

/// The gates of contract 1, numbers 5 to 12, in their order.
pub const GATES: [Gate; 13] = [
    Gate { name: "module", check: gates::module },
    Gate { name: "plan", check: gates::plan },
    Gate { name: "instance", check: gates::instance },
    Gate { name: "capability", check: gates::capability },
    Gate { name: "purpose", check: gates::purpose },
    Gate { name: "daily_limit", check: gates::daily_limit },
    Gate { name: "monthly_limit", check: gates::monthly_limit },
    Gate { name: "suppression", check: gates::suppression },
    Gate { name: "pace", check: gates::pace },
    Gate { name: "pause", check: gates::pause },
    Gate { name: "content", check: gates::content },
    Gate { name: "template", check: gates::template },
    Gate { name: "window", check: gates::window },
];

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
    /// A plain sentence for the log.
    pub reason: String,
}

impl Refusal {
    /// A refusal without details. The gate's name is filled in by [`judge`].
    pub fn new(code: Code, reason: impl Into<String>) -> Self {
        Self { gate: "", code, details: Details::None, retry_after: None, reason: reason.into() }
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

/// The first two gates, for a caller whose contract asks them before there is a request.
pub(super) fn judge_standing(module: ModuleStanding, limits: Option<PlanLimits>) -> Result<(), Refusal> {
    let named = |gate, verdict: Result<(), Refusal>| verdict.map_err(|refusal| Refusal { gate, ..refusal });
    named("module", gates::module_stands(module)).and_then(|()| named("plan", gates::plan_stands(limits)))
}

/// Asks the gates in their order.
///
/// # Errors
/// The first refusal.
pub fn judge(request: &Request, facts: &Facts, rules: &Rules) -> Result<(), Refusal> {
    GATES.iter().try_for_each(|gate| {
        (gate.check)(request, facts, rules).map_err(|refusal| Refusal { gate: gate.name, ..refusal })
    })
}
