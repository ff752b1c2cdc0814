//! From rule files to one automaton: every phrase of every file becomes one pattern, searched in a single pass.
//!
//! Rules: a phrase goes through the same reader as a message; its word boundaries are part of its pattern, save the
//! front of an Arabic or Hebrew word, where articles and prepositions grow (`matcher.rs` looks at those).

use super::{
    reading,
    rules::{BUILT_IN, NumberEntry, RuleError, RuleFile, TogetherEntry, line_of, parse},
};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::{collections::HashMap, sync::Arc};
use toml::Spanned;

/// A kind of language, compiled.
#[derive(Debug)]
pub struct RuleFamily {
    pub id: Arc<str>,
    pub cap: u32,
    pub calmed: u32,
    pub context: bool,
    pub reason: Arc<str>,
}

/// Phrases lighter than this, and single words, count only where their language seems to be spoken.
const LIGHT: u8 = 35;

/// In the place of a group: the pattern only tells the language.
pub const WORD: u16 = u16::MAX;

/// What a pattern of the automaton stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    /// The group, or [`WORD`] for an everyday word of `language`.
    pub group: u16,
    /// 0 when it is of no language, or of one whose everyday words nobody listed.
    pub language: u8,
    pub weight: u8,
    /// Too light or too short to count in a message of another language.
    pub native: bool,
    /// The front is open to Arabic or Hebrew prefixes, which must be looked at.
    pub clitics: bool,
}

/// A rule about numbers.
#[derive(Debug)]
pub struct NumberRule {
    pub group: u16,
    pub weight: u8,
    pub digits: [usize; 2],
    pub starts: Vec<String>,
    pub after: Vec<String>,
}

/// Points for groups that meet.
#[derive(Debug)]
pub struct Together {
    pub id: Arc<str>,
    pub of: Vec<u16>,
    pub least: usize,
    pub points: u32,
    pub top: u32,
    pub context_max: u32,
    pub weight: u32,
    pub calmed: u32,
    pub reason: Arc<str>,
}

/// All rules, ready to be matched.
#[derive(Debug)]
pub struct Compiled {
    pub groups: Vec<RuleFamily>,
    /// How many languages are told apart.
    pub languages: usize,
    pub patterns: Vec<Pattern>,
    pub automaton: AhoCorasick,
    pub numbers: Vec<NumberRule>,
    pub together: Vec<Together>,
    /// Lower case, sorted.
    pub shorteners: Vec<String>,
}

/// Compiles the built-in files and `extra` ones after them.
///
/// # Errors
/// The first mistake of the files, with its place.
pub fn compile(extra: impl IntoIterator<Item = (String, String)>) -> Result<Compiled, RuleError> {
    let mut b = Builder::default();
    let files: Vec<(String, String)> =
        BUILT_IN.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).chain(extra).collect();
    let parsed = files.iter().map(|(name, text)| parse(name, text)).collect::<Result<Vec<_>, _>>()?;
    // Groups first: a rule may name a group of any file.
    for ((name, text), file) in files.iter().zip(&parsed) {
        RulePlace { name, text }.groups(&mut b, file)?;
    }
    for ((name, text), file) in files.iter().zip(parsed) {
        RulePlace { name, text }.rest(&mut b, file)?;
    }
    b.finish()
}

#[derive(Default)]
struct Builder {
    groups: Vec<RuleFamily>,
    /// By pattern text, group and language, the heaviest weight.
    phrases: HashMap<(String, u16, u8), (u8, bool)>,
    /// Languages whose everyday words are known; number 1 is the first.
    languages: Vec<String>,
    numbers: Vec<NumberRule>,
    together: Vec<Together>,
    shorteners: Vec<String>,
    without: Vec<String>,
}

/// The file that is being read, for error messages.
struct RulePlace<'a> {
    name: &'a str,
    text: &'a str,
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
            b.groups.push(RuleFamily {
                id: g.id.get_ref().as_str().into(),
                cap: u32::from(self.points(&g.cap)?),
                calmed: u32::from(g.calmed.min(100)),
                context: g.context,
                reason: g.reason.as_str().into(),
            });
        }
        Ok(())
    }

    fn rest(&self, b: &mut Builder, file: RuleFile) -> Result<(), RuleError> {
        let language = b.language(file.language.as_deref(), !file.words.is_empty());
        for word in &file.words {
            b.phrases.insert((format!(" {} ", folded(word)), WORD, language), (0, false));
        }
        for rule in file.rule {
            let group = self.group(b, &rule.group)?;
            let weight = self.points(&rule.weight)?;
            for phrase in &rule.phrases {
                let (pattern, clitics) = self.pattern(phrase)?;
                let slot = b.phrases.entry((pattern, group, language)).or_insert((weight, clitics));
                slot.0 = slot.0.max(weight);
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
        Ok(Together {
            id: t.id.get_ref().as_str().into(),
            of,
            least: t.least,
            points: t.points,
            top: t.top,
            context_max: t.context_max.unwrap_or(u32::MAX),
            weight: u32::from(self.points(&t.weight)?),
            calmed: u32::from(t.calmed.min(100)),
            reason: t.reason.as_str().into(),
        })
    }

    fn points(&self, n: &Spanned<i64>) -> Result<u8, RuleError> {
        u8::try_from(*n.get_ref()).ok().filter(|n| *n <= 100).ok_or_else(|| {
            self.wrong(n.span().start, format!("{} is no number of points: 0 to 100 would be", n.get_ref()))
        })
    }

    fn group(&self, b: &Builder, id: &Spanned<String>) -> Result<u16, RuleError> {
        let found = b.groups.iter().position(|g| *g.id == **id.get_ref());
        found.and_then(|i| u16::try_from(i).ok()).ok_or_else(|| {
            let near = b.groups.iter().max_by(|x, y| {
                strsim::jaro_winkler(&x.id, id.get_ref()).total_cmp(&strsim::jaro_winkler(&y.id, id.get_ref()))
            });
            let near = near.map_or_else(String::new, |g| format!("; did you mean {:?}?", g.id));
            let what = format!("there is no group {:?}{near} A new one is declared with [[group]]", id.get_ref());
            self.wrong(id.span().start, what)
        })
    }

    /// A phrase as the automaton searches it, and whether its front is open to prefixes.
    fn pattern(&self, phrase: &Spanned<String>) -> Result<(String, bool), RuleError> {
        let written = phrase.get_ref();
        let words = folded(written);
        if words.chars().all(|c| matches!(c, ' ' | '#')) {
            let what = format!("{written:?} has no word in it: a phrase is a word or several, a star may end it");
            return Err(self.wrong(phrase.span().start, what));
        }
        let clitics = matches!(words.chars().next(), Some('\u{590}'..='\u{6ff}'));
        let front = if clitics || written.starts_with('*') { "" } else { " " };
        let back = if written.ends_with('*') { "" } else { " " };
        Ok((format!("{front}{words}{back}"), clitics && !written.starts_with('*')))
    }
}

fn folded(phrase: &str) -> String {
    reading::read(phrase.trim_matches('*')).text.trim().to_owned()
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
            self.phrases.drain().filter(|((p, ..), _)| !without.iter().any(|w| w == p.trim())).collect();
        // A stable order, so that equal programs have equal automata.
        entries.sort_unstable();
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::Standard)
            .build(entries.iter().map(|((p, ..), _)| p.as_bytes()))
            .map_err(|e| RuleError { file: "all files together".into(), line: 1, what: e.to_string() })?;
        let patterns = entries
            .iter()
            .map(|((phrase, group, language), (weight, clitics))| Pattern {
                group: *group,
                language: *language,
                weight: *weight,
                native: *language > 0 && (*weight < LIGHT || !phrase.trim().contains(' ')),
                clitics: *clitics,
            })
            .collect();
        Ok(Compiled {
            groups: self.groups,
            languages: self.languages.len(),
            patterns,
            automaton,
            numbers: self.numbers,
            together: self.together,
            shorteners: self.shorteners,
        })
    }
}
