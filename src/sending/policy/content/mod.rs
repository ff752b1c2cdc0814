//! The content policy: what one message's own text says about it, as a score from 0 to 100 with its reasons.
//!
//! Four kinds of signal (contract 5): advertising and worse, by rules per language; suspicious links; purpose against
//! content; obfuscation. Each has an id, a weight and a plain reason; the total is their sum, at most 100. The engine is
//! pure and only scores: at which total a message is refused or listed for review is its caller's setting. It knows
//! neither the recipient nor the history (repetition and outreach are the guard's other gates), and nothing is looked up.
//!
//! One reading and one pass of one automaton, whatever the number of rules: `reading.rs` folds the message,
//! `compile.rs` makes the automaton of the files that `rules.rs` describes, `matcher.rs` adds up.
//! To silence or add phrases without a new release, put a file into `/etc/wa-gateway/policy.d/`.

mod compile;
mod disguise;
mod fingerprint;
mod glyphs;
mod links;
mod matcher;
mod reading;
mod rules;
#[cfg(test)]
mod tests;

use crate::model::purpose::Purpose;
use reading::{Disguise, Reading};
use std::sync::Arc;

pub use fingerprint::fingerprint;
pub use rules::RuleError;

/// One reason for a score.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Signal {
    /// Stable name: a group of the rules, or `link.…`, `purpose.…`, `obfuscation.…`.
    #[serde(serialize_with = "as_text")]
    pub id: Arc<str>,
    /// Points, 0 to 100, after what a businesslike context took away.
    pub weight: u8,
    /// A plain English clause for the log, such as "speaks of a discount".
    #[serde(serialize_with = "as_text")]
    pub reason: Arc<str>,
}

/// What the content of one message is worth.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Score {
    /// 0 (nothing to see) to 100.
    pub total: u8,
    /// Why, heaviest first; empty when `total` is 0.
    pub signals: Vec<Signal>,
}

/// The compiled rules. Made once, shared by all.
#[derive(Debug)]
pub struct ContentPolicy {
    rules: compile::Compiled,
}

/// An authentication message longer than this, in characters, is more than a code.
const AUTHENTICATION_MAX: usize = 300;

impl ContentPolicy {
    /// The rules that came with the program.
    ///
    /// # Panics
    /// Never in a program that passed its tests: the files are part of it, and a test compiles them.
    pub fn built_in() -> Self {
        match Self::with_extra([]) {
            Ok(policy) => policy,
            Err(e) => panic!("the built-in rules are wrong: {e}"),
        }
    }

    /// The built-in rules and an admin's additions: pairs of file name and TOML text.
    ///
    /// # Errors
    /// The first mistake, with file, line and what would be right.
    pub fn with_extra(files: impl IntoIterator<Item = (String, String)>) -> Result<Self, RuleError> {
        compile::compile(files).map(|rules| Self { rules })
    }

    /// Scores `text` as a message sent for `purpose`.
    pub fn score(&self, purpose: Purpose, text: &str) -> Score {
        let read = reading::read(text);
        let (mut signals, unmasked) = matcher::judge(&self.rules, &read);
        self.links(&read, &mut signals);
        if purpose == Purpose::Authentication {
            authentication(&read, text, &mut signals);
        }
        obfuscation(&read, unmasked, &mut signals);
        signals.retain(|s| s.weight > 0);
        signals.sort_by_key(|s| std::cmp::Reverse(s.weight));
        let total = signals.iter().map(|s| u32::from(s.weight)).sum::<u32>().min(100);
        Score { total: u8::try_from(total).unwrap_or(100), signals }
    }

    /// Memory of the automaton, in bytes.
    pub fn memory_usage(&self) -> usize {
        self.rules.automaton.memory_usage() + self.rules.patterns.len() * size_of::<compile::Pattern>()
    }

    /// The kinds of language whose points count, by name, with what the log says of them.
    pub fn groups(&self) -> Vec<(String, String)> {
        let counting = self.rules.groups.iter().filter(|group| !group.context);
        counting.map(|group| (group.id.to_string(), group.reason.to_string())).collect()
    }

    /// How many phrases the automaton knows.
    pub fn phrases(&self) -> usize {
        self.rules.patterns.len()
    }

    fn links(&self, read: &Reading, signals: &mut Vec<Signal>) {
        let any = |test: &dyn Fn(&links::TextLink) -> bool| read.links.iter().any(test);
        let mut add =
            |found: bool, id: &str, weight, reason: &str| signals.extend(found.then(|| own(id, weight, reason)));
        add(any(&|l| l.is_mixed()), "link.mixed_script", 80, "a link's host mixes letters of scripts that look alike");
        add(any(&|l| l.is_group_invitation()), "link.group_invitation", 60, "invites into a group or channel");
        add(any(&|l| l.is_address()), "link.ip_address", 60, "a link leads to a bare network address");
        add(
            any(&|l| l.is_shortened(&self.rules.shorteners)),
            "link.shortener",
            60,
            "a shortened link hides where it leads",
        );
        add(any(&|l| l.is_punycode()), "link.punycode", 40, "a link's host is written in punycode");
        match read.links.len() {
            0..3 => {}
            3..5 => add(true, "link.many", 25, "has three links or more"),
            _ => add(true, "link.many", 45, "has five links or more"),
        }
    }
}

fn authentication(read: &Reading, text: &str, signals: &mut Vec<Signal>) {
    if !read.code {
        signals.push(own("purpose.no_code", 60, "an authentication message without a code"));
    }
    if !read.links.is_empty() {
        signals.push(own("purpose.link", 60, "an authentication message with a link"));
    }
    if text.chars().count() > AUTHENTICATION_MAX {
        signals.push(own("purpose.long", 40, "an authentication message of more than 300 characters"));
    }
}

fn obfuscation(read: &Reading, unmasked: bool, signals: &mut Vec<Signal>) {
    if read.disguises.is_empty() {
        return;
    }
    let once_or_more = |kind, one, more| match matcher::count(read, kind) {
        0 => 0,
        1 => one,
        _ => more,
    };
    for (kind, id, one, more, reason) in [
        (Disguise::Invisible, "obfuscation.invisible", 20, 35, "invisible characters inside words"),
        (Disguise::LookAlike, "obfuscation.look_alike", 20, 40, "letters of another script that look the same"),
        (Disguise::Spaced, "obfuscation.spaced", 15, 30, "letters of a word set apart"),
        (Disguise::Styled, "obfuscation.styled", 5, 15, "letters in fancy dress"),
    ] {
        let weight = once_or_more(kind, one, more);
        if weight > 0 {
            signals.push(own(id, weight, reason));
        }
    }
    if unmasked {
        signals.push(own("obfuscation.hidden_word", 30, "a disguised word is one that the rules know"));
    }
}

fn own(id: &str, weight: u8, reason: &str) -> Signal {
    Signal { id: id.into(), weight, reason: reason.into() }
}

fn as_text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}
