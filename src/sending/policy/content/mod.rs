//! The content policy: what one message's own text says about it, as a score from 0 to 100 with its reasons.
//!
//! Four kinds of signal (contract 5): advertising and worse, by rules per language; suspicious links; purpose against
//! content; obfuscation. Each has an id, a weight and a plain reason; the total is their sum, at most 100. The engine is
//! pure and only scores: at which total a message is refused or listed for review is its caller's setting. It knows
//! neither the recipient nor the history (repetition and outreach are the guard's other gates), and nothing is looked up.
//!
//! One reading and one pass along the words, whatever the number of rules: `reading.rs` folds the message, `compile.rs`
//! makes the tries (`table.rs`) of the files that `rules.rs` describes, `packed.rs` has those of the program's own files
//! ready, `matcher.rs` adds up.
//! To silence or add phrases without a new release, put a file into `/etc/wa-gateway/policy.d/`.

mod addressee;
#[cfg(test)]
mod allocation_tests;
mod compile;
mod disguise;
#[cfg(test)]
mod dress_tests;
pub mod explain;
mod fingerprint;
mod glyphs;
mod hint;
mod ids;
#[cfg(test)]
mod kinds_tests;
mod likeness;
mod links;
mod lures;
mod matcher;
pub mod model;
#[cfg(test)]
mod names_tests;
mod packed;
mod phrases;
mod reading;
mod rules;
mod score;
#[cfg(test)]
mod soft_tests;
mod table;
#[cfg(test)]
mod tests;
mod word;

use crate::model::purpose::Purpose;
use model::Opinion;
use reading::{Disguise, Reading};
use score::{EVIDENCE, FOR_REVIEW, REFUSED, REVIEWED, own, points};

pub use fingerprint::fingerprint;
pub use likeness::Likeness;
pub use links::hosts_of;
pub use rules::{BUILT_IN, RuleError};
pub use score::{Audience, CROWD, LITTLE_EVIDENCE, SOME_EVIDENCE, Score, Signal};

/// Whether what was found sells nothing by itself: words that praise or invite, or a link and a number with no word of the
/// sender's, in which the model has nothing to read.
fn is_soft(judged: &matcher::Judged, read: &Reading, others: u32) -> bool {
    (judged.soft || (read.letters == 0 && !judged.own)) && others == 0
}

/// What the model looks at in one message.
#[derive(Debug)]
pub struct Observed {
    /// A number for each of [`model::NAMES`].
    pub dense: model::Dense,
    /// The folded text, whose character sequences count.
    pub folded: String,
    /// Points of the rules, not cut at 100; without those for disguises.
    pub rules: u32,
    /// Of them, those of what no honest answer says.
    pub hard: u32,
    /// Whether all of them are of words that invite, praise or introduce, and nothing is offered.
    pub soft: bool,
    /// Whether an admin's own phrases are among them.
    pub own: bool,
    /// Whether there is something in it to act upon: a link, an address, a number, a price.
    pub actionable: bool,
}

/// The compiled rules. Made once, shared by all.
#[derive(Debug)]
pub struct ContentPolicy {
    rules: table::Compiled,
    model: model::Model,
}

/// An authentication message longer than this, in characters, is more than a code.
const AUTHENTICATION_MAX: usize = 300;

impl ContentPolicy {
    /// The rules that came with the program.
    ///
    /// # Panics
    /// Never in a program that passed its tests: its phrases are part of it, and a test compiles them.
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
        compile::compile(files).map(|rules| Self { rules, model: model::Model::built_in() })
    }

    /// Of rule files alone (name and TOML text), those of [`BUILT_IN`] in their order first: for who changes them and measures
    /// what comes of it, before the phrases are packed.
    ///
    /// # Errors
    /// The first mistake, with file, line and what would be right.
    pub fn of_files(files: &[(String, String)]) -> Result<Self, RuleError> {
        compile::compile_files(files).map(|rules| Self { rules, model: model::Model::built_in() })
    }

    /// Scores `text` as a message sent for `purpose`.
    pub fn score(&self, purpose: Purpose, text: &str) -> Score {
        let mut read = reading::read(text);
        let fingerprint = fingerprint::of(text, &read, &[]);
        let mut judged = matcher::judge(&self.rules, &read);
        read.leave_out(|name| !judged.speaking[name]);
        let mut signals = std::mem::take(&mut judged.signals);
        let of_words = signals.len();
        self.links(&read, &mut signals);
        if purpose == Purpose::Authentication {
            authentication(&read, text, &mut signals);
        }
        let others = points(&signals[of_words..]);
        let plain = points(&signals);
        let opinion = self.model.judge(&features(&judged, &signals, &read, text), &read);
        obfuscation(&read, judged.unmasked, &mut signals);
        let soft = is_soft(&judged, &read, others);
        let found = Found { plain, others, words: judged.words, own: judged.own, soft };
        let firm = found.own || found.others >= REFUSED;
        let total = weigh(&found, opinion, &mut signals);
        signals.retain(|s| s.weight > 0);
        signals.sort_by_key(|s| std::cmp::Reverse(s.weight));
        signals.extend(hint::hint(purpose, &read, &signals));
        let points = |n: u32| u8::try_from(n.min(100)).unwrap_or(100);
        let has_number = read.ids > 0 || !read.numbers.is_empty();
        let score = Score {
            total: points(total),
            signals,
            hard: points(judged.hard + others),
            firm,
            actionable: read.is_actionable(),
            model: opinion.share(),
            invites: judged.invites,
            businesslike: has_number && judged.context >= SOME_EVIDENCE,
            insisted: false,
            fingerprint,
        };
        if purpose == Purpose::Support { score.for_support() } else { score }
    }

    /// The words of `text` that its signals rest on, for who tries a text.
    pub fn marks(&self, text: &str) -> Vec<explain::MarkedWord> {
        let read = reading::read(text);
        let spans = matcher::spans(&self.rules, &read);
        explain::marks(text, &read.text, spans)
    }

    /// What the model looks at in `text`, for who fits one: see `examples/policy_fit`.
    pub fn observe(&self, text: &str) -> Observed {
        let mut read = reading::read(text);
        let mut judged = matcher::judge(&self.rules, &read);
        read.leave_out(|name| !judged.speaking[name]);
        let mut signals = std::mem::take(&mut judged.signals);
        let of_words = signals.len();
        self.links(&read, &mut signals);
        let dense = features(&judged, &signals, &read, text);
        let others = points(&signals[of_words..]);
        Observed {
            dense,
            rules: points(&signals),
            hard: judged.hard + others,
            soft: is_soft(&judged, &read, others),
            own: judged.own,
            actionable: read.is_actionable(),
            folded: read.text,
        }
    }

    /// Memory of the phrases and the model, in bytes.
    pub fn memory_usage(&self) -> usize {
        self.rules.words.memory_usage() + self.rules.inner.memory_usage() + size_of::<Self>() + model::TABLE
    }

    /// The kinds of language whose points count, by name, with what the log says of them.
    pub fn groups(&self) -> Vec<(String, String)> {
        let counting = self.rules.groups.iter().filter(|group| !group.context);
        counting.map(|group| (group.id.to_string(), group.reason.to_string())).collect()
    }

    /// How many phrases the rules know.
    pub fn phrases(&self) -> usize {
        self.rules.words.len() + self.rules.inner.len()
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
        add(any(&|l| l.is_program()), "link.program", 60, "hands out a program to install");
        add(any(&|l| l.is_punycode()), "link.punycode", 40, "a link's host is written in punycode");
        add(any(&|l| l.is_lure()), "link.lure", 30, "a link's host borrows the name of a bank, a parcel or a login");
        match links::hosts(&read.links) {
            0..3 => {}
            3..5 => add(true, "link.many", 25, "has links to three sites or more"),
            _ => add(true, "link.many", 45, "has links to five sites or more"),
        }
    }
}

/// Points of the rules before disguises are counted.
struct Found {
    plain: u32,
    /// Of them, those of links and of what does not fit the purpose.
    others: u32,
    /// Of them, those of words, without bonuses.
    words: u32,
    /// An admin's own phrases are among them.
    own: bool,
    /// All are of words that invite, praise or introduce, and nothing is offered.
    soft: bool,
}

/// The sum of the signals, as the model's opinion and what they are made of let it stand.
fn weigh(found: &Found, opinion: Opinion, signals: &mut Vec<Signal>) -> u32 {
    let sum = points(signals);
    // What an admin wrote, and links and purposes that speak for themselves, ask for no opinion.
    if found.own || found.others >= REFUSED {
        return sum;
    }
    let mut raise = |to: u32| {
        let weight = u8::try_from(to.saturating_sub(sum)).unwrap_or(0);
        signals.push(own("model", weight, "reads as a whole like advertising or fraud"));
        sum.max(to)
    };
    let needed = if opinion.is_sure() { LITTLE_EVIDENCE } else { SOME_EVIDENCE };
    if opinion.agrees() && found.plain >= needed {
        // "We have not seen you", "15 minutes for a demo": behaviour has to speak as well before such words are refused.
        return if found.soft { raise(REVIEWED).min(FOR_REVIEW) } else { raise(REFUSED) };
    }
    // A disguise and one weak word beneath it are for a person to judge, and so is what only the rules refuse.
    if sum >= REFUSED && (!opinion.agrees() || found.words + found.others < EVIDENCE) {
        return FOR_REVIEW;
    }
    if opinion.is_sure() || (opinion.doubts() && found.plain >= EVIDENCE) {
        return raise(REVIEWED);
    }
    sum
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

/// `signals`: those of the links are among them.
fn features(judged: &matcher::Judged, signals: &[Signal], read: &Reading, text: &str) -> model::Dense {
    let mut points = judged.points;
    for s in signals.iter().filter(|s| s.id.starts_with("link.")) {
        if let Some(place) = model::place(&s.id) {
            points[place] = u32::from(s.weight);
        }
    }
    model::features(&points, judged.language.checked_sub(1), read, text)
}
