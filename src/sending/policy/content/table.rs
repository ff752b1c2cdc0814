//! The rules, ready to be matched: kinds of language, phrases and what each stands for.
//!
//! The phrases and patterns are bytes that are read where they lie: those that came with the program in the program's own
//! pages, which cost memory only when a message is judged; those with an admin's additions in a buffer of their own.
//! Nothing here knows a file (`compile.rs`), or how points are added up (`matcher.rs`).

use super::phrases::SignalPhrases;
use bytes::Bytes;
use std::sync::Arc;

/// A kind of language, compiled.
#[derive(Debug)]
pub struct RuleFamily {
    pub id: Arc<str>,
    pub cap: u32,
    pub calmed: u32,
    pub context: bool,
    pub weak: bool,
    pub soft: bool,
    pub invites: bool,
    /// An admin's file declared it.
    pub own: bool,
    /// Its place among the model's features.
    pub place: Option<usize>,
    pub reason: Arc<str>,
}

/// Phrases lighter than this, and single words, count only where their language seems to be spoken.
pub const LIGHT: u8 = 35;

/// In the place of a group: the pattern only tells the language.
pub const WORD: u8 = u8::MAX;

/// In the place of a group: what lies inside the phrase means something else there. Groups have the numbers below.
pub const HARMLESS: u8 = u8::MAX - 1;

/// What a phrase stands for, in four bytes: there are some twenty thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    /// The group, or [`WORD`] for an everyday word of `language`.
    pub group: u8,
    /// 0 when it is of no language, or of one whose everyday words nobody listed.
    pub language: u8,
    pub weight: u8,
    /// Some of the three below.
    traits: u8,
}

const NATIVE: u8 = 1;
const CLITICS: u8 = 2;
const OWN: u8 = 4;

impl Pattern {
    /// Of a phrase that has this weight in a group and a language.
    pub fn new([group, language, weight]: [u8; 3], is_word: bool, has_clitics: bool, is_own: bool) -> Self {
        let is_native = language > 0 && (weight < LIGHT || is_word);
        let traits = [(is_native, NATIVE), (has_clitics, CLITICS), (is_own, OWN)];
        let traits = traits.iter().filter(|(has, _)| *has).fold(0, |all, (_, one)| all | one);
        Self { group, language, weight, traits }
    }

    fn from_bytes([group, language, weight, traits]: [u8; 4]) -> Self {
        Self { group, language, weight, traits }
    }

    fn to_bytes(self) -> [u8; 4] {
        [self.group, self.language, self.weight, self.traits]
    }

    /// Too light or too short to count in a message of another language.
    pub fn is_native(self) -> bool {
        self.traits & NATIVE > 0
    }

    /// The front is open to Arabic or Hebrew prefixes, which must be looked at.
    pub fn has_clitics(self) -> bool {
        self.traits & CLITICS > 0
    }

    /// It stands in an admin's file.
    pub fn is_own(self) -> bool {
        self.traits & OWN > 0
    }
}

/// A rule about numbers.
#[derive(Debug)]
pub struct NumberRule {
    pub group: u8,
    pub weight: u8,
    pub digits: [usize; 2],
    pub starts: Vec<String>,
    pub after: Vec<String>,
}

/// Points for groups that meet.
#[derive(Debug)]
pub struct Together {
    pub id: Arc<str>,
    pub of: Vec<u8>,
    /// The same as bits.
    pub bits: u64,
    pub least: u32,
    pub points: u32,
    pub top: u32,
    pub context_max: u32,
    pub weight: u32,
    pub calmed: u32,
    pub offers: bool,
    pub place: Option<usize>,
    pub reason: Arc<str>,
}

/// A group as a bit, one of 64: groups behind the first 64 share theirs.
pub fn bit(group: u8) -> u64 {
    1 << (group % 64)
}

/// All rules, ready to be matched.
#[derive(Debug)]
pub struct Compiled {
    pub groups: Vec<RuleFamily>,
    /// The languages that are told apart by everyday words; number 1 is the first.
    pub languages: Vec<String>,
    /// Phrases that begin where a word begins.
    pub words: RuleTable,
    /// Phrases that may begin inside a word.
    pub inner: RuleTable,
    pub numbers: Vec<NumberRule>,
    pub together: Vec<Together>,
    /// Lower case, sorted.
    pub shorteners: Vec<String>,
}

/// Phrases and what they stand for: several groups, or one group in several languages, may share one.
#[derive(Debug)]
pub struct RuleTable {
    pub phrases: SignalPhrases,
    /// How many bytes the shortest first word of a phrase has.
    pub shortest: usize,
    /// By phrase, where its patterns begin, and one more: two bytes each.
    firsts: Bytes,
    /// Four bytes each.
    patterns: Bytes,
}

impl RuleTable {
    /// Of sorted phrases; none when they are too many (65,000).
    pub fn new(entries: &[(&str, Pattern)]) -> Option<Self> {
        let mut texts: Vec<&[u8]> = Vec::new();
        let mut firsts = Vec::new();
        for (i, (text, _)) in entries.iter().enumerate() {
            if texts.last() != Some(&text.as_bytes()) {
                texts.push(text.as_bytes());
                firsts.extend(u16::try_from(i).ok()?.to_le_bytes());
            }
        }
        firsts.extend(u16::try_from(entries.len()).ok()?.to_le_bytes());
        let first_word = |text: &&[u8]| text.iter().position(|b| *b == b' ').unwrap_or(text.len());
        let shortest = texts.iter().map(first_word).min().unwrap_or(0);
        let patterns: Vec<u8> = entries.iter().flat_map(|(_, pattern)| pattern.to_bytes()).collect();
        Some(Self { phrases: SignalPhrases::new(&texts)?, shortest, firsts: firsts.into(), patterns: patterns.into() })
    }

    /// From `shortest` and what [`Self::parts`] gave.
    pub fn from_parts(shortest: usize, parts: [Bytes; PARTS]) -> Self {
        let [labels, nodes, ends, tail_starts, tails, firsts, patterns] = parts;
        let phrases = SignalPhrases::from_parts([labels, nodes, ends, tail_starts, tails]);
        Self { phrases, shortest, firsts, patterns }
    }

    /// All of it but `shortest`, to be stored.
    #[cfg(test)]
    pub fn parts(&self) -> [&[u8]; PARTS] {
        let [labels, nodes, ends, tail_starts, tails] = self.phrases.parts();
        [labels, nodes, ends, tail_starts, tails, &self.firsts, &self.patterns]
    }

    /// What the phrase with this number stands for.
    pub fn of(&self, phrase: usize) -> impl Iterator<Item = Pattern> {
        let firsts = self.firsts.as_chunks::<2>().0;
        let first = |phrase: usize| usize::from(u16::from_le_bytes(firsts[phrase]));
        self.patterns.as_chunks().0[first(phrase)..first(phrase + 1)].iter().map(|bytes| Pattern::from_bytes(*bytes))
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.patterns.len() / size_of::<Pattern>()
    }

    /// Its memory, in bytes, the program's own pages among it.
    pub fn memory_usage(&self) -> usize {
        self.phrases.memory_usage() + self.patterns.len() + self.firsts.len()
    }
}

/// How many pieces a stored table has.
pub const PARTS: usize = 7;
