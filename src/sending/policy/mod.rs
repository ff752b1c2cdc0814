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

pub use super::refusal::Refusal;

use super::{
    facts::{Facts, ModuleStanding},
    request::{FileWanted, Request},
    rules::Rules,
};
use crate::{
    connectors::{Address, Content},
    model::plan::PlanLimits,
};

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

/// What the gates have proved of a request. Only [`judge`] makes one, and only from one is a message accepted.
#[derive(Clone, PartialEq, Debug)]
pub struct Passed<'a, F = FileWanted> {
    /// Where the message goes.
    pub address: &'a Address,
    /// The limits that it counts against.
    pub limits: PlanLimits,
    /// The provider's id of the message that it answers.
    pub reply_to: Option<&'a str>,
    /// Whether it goes although the recipient's window is closed.
    pub outside_window: bool,
    /// What is sent; its file as far as it is had.
    pub content: Content<F>,
    proof: Proof,
}

/// What nobody outside of this module can write down.
#[derive(Clone, PartialEq, Debug)]
struct Proof;

impl<'a, F> Passed<'a, F> {
    /// The same with its file, if the message has one.
    ///
    /// # Errors
    /// Why the file cannot be had.
    pub fn with_file<G>(self, file: impl FnOnce(F) -> Result<G, Refusal>) -> Result<Passed<'a, G>, Refusal> {
        let Self { address, limits, reply_to, outside_window, content, proof } = self;
        Ok(Passed { address, limits, reply_to, outside_window, content: content.resolve(file, Ok)?, proof })
    }
}

/// The first two gates, for a caller whose contract asks them before there is a request.
pub(super) fn judge_standing(module: ModuleStanding, limits: Option<PlanLimits>) -> Result<(), Refusal> {
    let named = |gate, verdict: Result<(), Refusal>| verdict.map_err(|refusal| Refusal { gate, ..refusal });
    named("module", gates::module_stands(module)).and_then(|()| named("plan", gates::plan_stands(limits).map(drop)))
}

/// All that the gates have against a message, in their order.
pub fn refusals(request: &Request, facts: &Facts, rules: &Rules) -> impl Iterator<Item = Refusal> {
    GATES.iter().filter_map(|gate| {
        let refusal = (gate.check)(request, facts, rules).err()?;
        Some(Refusal { gate: gate.name, ..refusal })
    })
}

/// Asks the gates in their order.
///
/// # Errors
/// The first refusal.
pub fn judge<'a>(request: &Request, facts: &'a Facts, rules: &Rules) -> Result<Passed<'a>, Refusal> {
    refusals(request, facts, rules).next().map_or(Ok(()), Err)?;
    let about = |_| gates::about(request, facts).cloned().map_err(gates::not_possible);
    Ok(Passed {
        address: gates::address(facts).map_err(gates::not_possible)?,
        limits: gates::plan_stands(facts.limits)?,
        reply_to: request.reply_to.as_ref().and(facts.reply_to.as_deref()),
        outside_window: gates::goes_directly(request, facts),
        content: request.draft.clone().resolve(Ok, about)?,
        proof: Proof,
    })
}
