//! From rule files to two tries: of the phrases that begin with a word, and of the few that may begin inside one.
//!
//! Rules: a phrase goes through the same reader as a message; the boundary at its end is part of it. Before an Arabic or
//! Hebrew word articles and prepositions may grow (`matcher.rs` looks at those).

use super::{
    model,
    phrases::SignalPhrases,
    reading,
    rules::{BUILT_IN, NumberEntry, RuleError, RuleFile, TogetherEntry, line_of, parse},
};
use std::{collections::HashMap, sync::Arc};
use toml::Spanned;

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
    /// How many languages are told apart.
    pub languages: usize,
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
    /// By phrase, where its patterns begin, and one more.
    firsts: Vec<u16>,
    patterns: Vec<Pattern>,
}

impl RuleTable {
    /// What the phrase with this number stands for.
    pub fn of(&self, phrase: usize) -> &[Pattern] {
        &self.patterns[usize::from(self.firsts[phrase])..usize::from(self.firsts[phrase + 1])]
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Its memory, in bytes.
    pub fn memory_usage(&self) -> usize {
        self.phrases.memory_usage() + self.patterns.capacity() * size_of::<Pattern>() + self.firsts.capacity() * 2
    }

    /// Of sorted phrases; none when they are too many.
    fn new(entries: &[(&str, Pattern)]) -> Option<Self> {
        let mut texts: Vec<&[u8]> = Vec::new();
        let mut firsts = Vec::new();
        for (i, (text, _)) in entries.iter().enumerate() {
            if texts.last() != Some(&text.as_bytes()) {
                texts.push(text.as_bytes());
                firsts.push(u16::try_from(i).ok()?);
            }
        }
        firsts.push(u16::try_from(entries.len()).ok()?);
        firsts.shrink_to_fit();
        let first_word = |text: &&[u8]| text.iter().position(|b| *b == b' ').unwrap_or(text.len());
        let shortest = texts.iter().map(first_word).min().unwrap_or(0);
        let patterns = entries.iter().map(|(_, pattern)| *pattern).collect();
        Some(Self { phrases: SignalPhrases::new(&texts)?, shortest, firsts, patterns })
    }
}

/// Compiles the built-in files and `extra` ones after them.
///
/// # Errors
/// The first mistake of the files, with its place.
pub fn compile(extra: impl IntoIterator<Item = (String, String)>) -> Result<Compiled, RuleError> {
    let mut b = Builder::default();
    let extra: Vec<(String, String)> = extra.into_iter().collect();
    let places: Vec<RulePlace<'_>> = BUILT_IN
        .iter()
        .map(|(name, text)| RulePlace { name, text, own: false })
        .chain(extra.iter().map(|(name, text)| RulePlace { name, text, own: true }))
        .collect();
    let parsed = places.iter().map(|p| parse(p.name, p.text)).collect::<Result<Vec<_>, _>>()?;
    // Groups first: a rule may name a group of any file.
    for (place, file) in places.iter().zip(&parsed) {
        place.groups(&mut b, file)?;
    }
    for (place, file) in places.iter().zip(parsed) {
        place.rest(&mut b, file)?;
    }
    b.finish()
}

#[derive(Default)]
struct Builder {
    groups: Vec<RuleFamily>,
    /// By phrase, group and language: the heaviest.
    phrases: HashMap<(Phrase, u8, u8), (u8, bool)>,
    /// Languages whose everyday words are known; number 1 is the first.
    languages: Vec<String>,
    numbers: Vec<NumberRule>,
    together: Vec<Together>,
    shorteners: Vec<String>,
    without: Vec<String>,
}

/// A phrase, folded, with a space at its end unless a star lets the word go on.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Phrase {
    text: String,
    /// A star at its front.
    inner: bool,
    clitics: bool,
}

/// The file that is being read, for error messages.
struct RulePlace<'a> {
    name: &'a str,
    text: &'a str,
    own: bool,
}

impl RulePlace<'_> {
    fn wrong(&self, byte: usize, what: String) -> RuleError {
        RuleError { file: self.name.to_owned(), line: line_of(self.text, byte), what }
    }

    fn groups(&self, b: &mut Builder, file: &RuleFile) -> Result<(), RuleError> {
        for g in &file.group {
            if b.groups.iter().any(|known| *known.id == **g.id.get_ref()) {
                let what = format!("the group {:?} exists already: give the new one another id", g.id.get_ref());
                return Err(self.wrong(g.id.span().start, what));
            }
            if b.groups.len() >= usize::from(HARMLESS) {
                let what = format!("{HARMLESS} groups are the most: give the phrases of this one to another");
                return Err(self.wrong(g.id.span().start, what));
            }
            b.groups.push(RuleFamily {
                id: g.id.get_ref().as_str().into(),
                cap: u32::from(self.points(&g.cap)?),
                calmed: u32::from(g.calmed.min(100)),
                context: g.context,
                weak: g.weak,
                soft: g.soft,
                invites: g.invites,
                own: self.own,
                place: model::place(g.id.get_ref()),
                reason: g.reason.as_str().into(),
            });
        }
        Ok(())
    }

    fn rest(&self, b: &mut Builder, file: RuleFile) -> Result<(), RuleError> {
        let language = b.language(file.language.as_deref(), !file.words.is_empty());
        for word in &file.words {
            let phrase = Phrase { text: format!("{} ", folded(word)), inner: false, clitics: false };
            b.phrases.insert((phrase, WORD, language), (0, false));
        }
        for phrase in &file.harmless {
            b.phrases.insert((self.phrase(phrase)?, HARMLESS, language), (0, false));
        }
        for rule in file.rule {
            let group = self.group(b, &rule.group)?;
            let weight = self.points(&rule.weight)?;
            for phrase in &rule.phrases {
                let slot = b.phrases.entry((self.phrase(phrase)?, group, language)).or_insert((weight, self.own));
                if weight > slot.0 {
                    *slot = (weight, self.own);
                }
            }
        }
        for n in file.number {
            let rule = self.number(b, n)?;
            b.numbers.push(rule);
        }
        for t in file.together {
            let rule = self.together(b, t)?;
            b.together.push(rule);
        }
        b.shorteners.extend(file.shorteners.iter().map(|s| s.to_lowercase()));
        b.without.extend(file.without.iter().map(|p| folded(p)));
        Ok(())
    }

    fn number(&self, b: &Builder, n: NumberEntry) -> Result<NumberRule, RuleError> {
        let group = self.group(b, &n.group)?;
        let weight = self.points(&n.weight)?;
        Ok(NumberRule { group, weight, digits: n.digits, starts: n.starts, after: n.after })
    }

    fn together(&self, b: &Builder, t: TogetherEntry) -> Result<Together, RuleError> {
        let of = t.of.iter().map(|g| self.group(b, g)).collect::<Result<Vec<_>, _>>()?;
        let bits = of.iter().fold(0, |bits, group| bits | bit(*group));
        Ok(Together {
            id: t.id.get_ref().as_str().into(),
            of,
            bits,
            least: u32::try_from(t.least).unwrap_or(u32::MAX),
            points: t.points,
            top: t.top,
            context_max: t.context_max.unwrap_or(u32::MAX),
            weight: u32::from(self.points(&t.weight)?),
            calmed: u32::from(t.calmed.min(100)),
            offers: t.offers,
            place: model::place(t.id.get_ref()),
            reason: t.reason.as_str().into(),
        })
    }

    fn points(&self, n: &Spanned<i64>) -> Result<u8, RuleError> {
        u8::try_from(*n.get_ref()).ok().filter(|n| *n <= 100).ok_or_else(|| {
            self.wrong(n.span().start, format!("{} is no number of points: 0 to 100 would be", n.get_ref()))
        })
    }

    fn group(&self, b: &Builder, id: &Spanned<String>) -> Result<u8, RuleError> {
        let found = b.groups.iter().position(|g| *g.id == **id.get_ref());
        found.and_then(|i| u8::try_from(i).ok()).ok_or_else(|| {
            let near = b.groups.iter().max_by(|x, y| {
                strsim::jaro_winkler(&x.id, id.get_ref()).total_cmp(&strsim::jaro_winkler(&y.id, id.get_ref()))
            });
            let near = near.map_or_else(String::new, |g| format!("; did you mean {:?}?", g.id));
            let what = format!("there is no group {:?}{near} A new one is declared with [[group]]", id.get_ref());
            self.wrong(id.span().start, what)
        })
    }

    fn phrase(&self, phrase: &Spanned<String>) -> Result<Phrase, RuleError> {
        let written = phrase.get_ref();
        let words = folded(written);
        if words.chars().all(|c| matches!(c, ' ' | '#')) {
            let what = format!(
                "{written:?} has no word in it: a phrase is a word or several, a star may end it; what reads as an order \
                 number is none"
            );
            return Err(self.wrong(phrase.span().start, what));
        }
        let inner = written.starts_with('*');
        let clitics = !inner && matches!(words.chars().next(), Some('\u{590}'..='\u{6ff}'));
        let back = if written.ends_with('*') { "" } else { " " };
        Ok(Phrase { text: format!("{words}{back}"), inner, clitics })
    }
}

/// As the message's words are; not what the reader tries as well behind them.
fn folded(phrase: &str) -> String {
    let read = reading::read(phrase.trim_matches('*')).text;
    read.split(" | ").next().unwrap_or_default().trim().to_owned()
}

impl Builder {
    /// The number of a language: known ones keep theirs, one without everyday words has none.
    fn language(&mut self, name: Option<&str>, has_words: bool) -> u8 {
        let Some(name) = name else { return 0 };
        if has_words && !self.languages.iter().any(|l| l == name) {
            self.languages.push(name.to_owned());
        }
        self.languages.iter().position(|l| l == name).and_then(|i| u8::try_from(i + 1).ok()).unwrap_or(0)
    }

    fn finish(mut self) -> Result<Compiled, RuleError> {
        self.shorteners.sort_unstable();
        self.shorteners.dedup();
        let without = std::mem::take(&mut self.without);
        let mut entries: Vec<_> =
            self.phrases.drain().filter(|((p, ..), _)| !without.iter().any(|w| w == p.text.trim())).collect();
        // A stable order, so that equal programs have equal tables.
        entries.sort_unstable();
        let table = |inner: bool| {
            let of: Vec<(&str, Pattern)> = entries
                .iter()
                .filter(|((p, ..), _)| p.inner == inner)
                .map(|e| (e.0.0.text.as_str(), pattern(e)))
                .collect();
            let what = "more than 65,000 phrases: fewer are needed".to_owned();
            RuleTable::new(&of).ok_or(RuleError { file: "all files together".into(), line: 1, what })
        };
        let (words, inner) = (table(false)?, table(true)?);
        Ok(Compiled {
            groups: self.groups,
            languages: self.languages.len(),
            words,
            inner,
            numbers: self.numbers,
            together: self.together,
            shorteners: self.shorteners,
        })
    }
}

fn pattern(((phrase, group, language), (weight, own)): &((Phrase, u8, u8), (u8, bool))) -> Pattern {
    let is_native = *language > 0 && (*weight < LIGHT || !phrase.text.trim().contains(' '));
    let traits = [(is_native, NATIVE), (phrase.clitics, CLITICS), (*own, OWN)];
    let traits = traits.iter().filter(|(has, _)| *has).fold(0, |all, (_, one)| all | one);
    Pattern { group: *group, language: *language, weight: *weight, traits }
}
