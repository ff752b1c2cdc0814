//! The rules as data: what a file of `assets/policy/` or `/etc/wa-gateway/policy.d/` may say.
//!
//! A file holds any of: `[[group]]` (a kind of language: its cap, its reason), `[[rule]]` (phrases of one group with
//! one weight), `[[number]]` (telephone numbers and short codes), `[[together]]` (points for groups that meet),
//! `language` with its everyday `words`, `shorteners` (hosts), `harmless` (phrases whose words mean something else there)
//! and `without` (phrases that shall not count). Phrases are written as people write them; a star at either end lets the
//! word go on. Numbers stand for any number, a currency sign for any currency.
//!
//! **Adding a language**: a file beside the others with rules of the known groups, its name in [`BUILT_IN`], and
//! examples in `tests/data/policy/`; then the phrases are packed anew (`packed.rs` says how). Nothing here knows how points are added up (`matcher.rs` does).

use serde::Deserialize;
use toml::Spanned;

/// The file in the program that declares the groups, and what they make together: name and text.
pub const COMMON: (&str, &str) = ("common.toml", include_str!("../../../../assets/policy/common.toml"));

/// The files below `assets/policy` whose phrases come compiled with the program, in their order.
pub const BUILT_IN: [&str; 12] = [
    COMMON.0, "en.toml", "ar.toml", "he.toml", "es.toml", "pt.toml", "fr.toml", "de.toml", "tr.toml", "id.toml",
    "it.toml", "ru.toml",
];

/// What is wrong with a rule file, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {what}")]
pub struct RuleError {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// One sentence or two.
    pub what: String,
}

/// One file, as written.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// The language of the phrases; none for what every language shares.
    #[serde(default)]
    pub language: Option<String>,
    /// Everyday words by which the language is told. Light phrases count only in a message that seems to be in their
    /// language, because "al", "sale" or "die" mean something else in the next one.
    #[serde(default)]
    pub words: Vec<String>,
    /// New kinds of language.
    #[serde(default)]
    pub group: Vec<GroupEntry>,
    #[serde(default)]
    pub rule: Vec<RuleEntry>,
    /// Telephone numbers and short codes.
    #[serde(default)]
    pub number: Vec<NumberEntry>,
    /// Points for groups that meet.
    #[serde(default)]
    pub together: Vec<TogetherEntry>,
    /// Hosts that shorten links.
    #[serde(default)]
    pub shorteners: Vec<String>,
    /// Phrases in which the words of rules mean something else: "the gift card you bought", "reply STOP to end". What a
    /// rule finds inside one of them does not count.
    #[serde(default)]
    pub harmless: Vec<Spanned<String>>,
    /// Phrases, of any rule, that shall not count.
    #[serde(default)]
    pub without: Vec<String>,
}

/// A kind of language.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct GroupEntry {
    /// Its name: the signal's id.
    pub id: Spanned<String>,
    /// The most points it can give, 0 to 100.
    pub cap: Spanned<i64>,
    /// How much of its points a message's businesslike context takes away at most, in per cent.
    #[serde(default)]
    pub calmed: u8,
    /// Whether it is that context: its points then calm the others and are not counted.
    #[serde(default)]
    pub context: bool,
    /// Whether people speak like that in an honest chat as well: alone, such groups refuse no answer in one.
    #[serde(default)]
    pub weak: bool,
    /// Whether it invites, praises or introduces without naming what is to be had: alone, such groups refuse no text, they
    /// list it for review.
    #[serde(default)]
    pub soft: bool,
    /// Whether a text with one of its phrases sounds like advertising where many get it, whatever else is said in it.
    #[serde(default)]
    pub invites: bool,
    /// What the log says, a sentence without its full stop.
    pub reason: String,
}

/// Phrases of one group with one weight.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct RuleEntry {
    /// The group's id.
    pub group: Spanned<String>,
    /// Points for one of the phrases, 0 to 100.
    pub weight: Spanned<i64>,
    pub phrases: Vec<Spanned<String>>,
}

/// Numbers that say something by themselves.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct NumberEntry {
    /// The group's id.
    pub group: Spanned<String>,
    /// Points, 0 to 100.
    pub weight: Spanned<i64>,
    /// How many digits: least and most.
    pub digits: [usize; 2],
    /// Beginnings, at most eight digits each; none means any.
    #[serde(default)]
    pub starts: Vec<String>,
    /// Words of which one stands right before; none means any.
    #[serde(default)]
    pub after: Vec<String>,
}

/// Points for groups that meet in one message.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct TogetherEntry {
    /// The signal's id; of several entries with one id the heaviest counts.
    pub id: Spanned<String>,
    pub of: Vec<Spanned<String>>,
    /// How many of them at least.
    pub least: usize,
    /// How many points a group needs to be one of them; 0 asks only for a match.
    #[serde(default)]
    pub points: u32,
    /// How many points the heaviest of them needs.
    #[serde(default)]
    pub top: u32,
    /// The most points of context with which this still counts; none means any.
    #[serde(default)]
    pub context_max: Option<u32>,
    /// Points, 0 to 100.
    pub weight: Spanned<i64>,
    /// As for groups.
    #[serde(default)]
    pub calmed: u8,
    /// Whether groups of soft words that meet like this sell as much as an offer does.
    #[serde(default)]
    pub offers: bool,
    /// What the log says.
    pub reason: String,
}

/// Reads one file.
///
/// # Errors
/// A text that is no TOML, or has an unknown key or a value of the wrong kind.
pub fn parse(file: &str, text: &str) -> Result<RuleFile, RuleError> {
    toml::from_str(text).map_err(|e| RuleError {
        file: file.to_owned(),
        line: e.span().map_or(1, |s| line_of(text, s.start)),
        what: e.message().trim().to_owned(),
    })
}

/// The line, from 1, of a byte of `text`.
pub fn line_of(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|b| **b == b'\n').count() + 1
}
