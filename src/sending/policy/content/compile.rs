//! From rule files to two tries: of the phrases that begin with a word, and of the few that may begin inside one.
//!
//! Rules: a phrase goes through the same reader as a message; the boundary at its end is part of it. Before an Arabic or
//! Hebrew word articles and prepositions may grow (`matcher.rs` looks at those). The phrases that come with the program
//! were compiled before (`packed.rs`); an admin's are added to them here.

use super::{
    model,
    packed::{self, Packed},
    reading,
    rules::{COMMON, NumberEntry, RuleError, RuleFile, TogetherEntry, line_of, parse},
    table::{Compiled, HARMLESS, NumberRule, Pattern, RuleFamily, RuleTable, Together, WORD, bit},
};
use std::collections::HashMap;
use toml::Spanned;

/// The built-in rules with an admin's files after them: name and text.
///
/// # Errors
/// The first mistake of the files, with its place.
pub fn compile(extra: impl IntoIterator<Item = (String, String)>) -> Result<Compiled, RuleError> {
    let extra: Vec<(String, String)> = extra.into_iter().collect();
    let common = RulePlace { name: COMMON.0, text: COMMON.1, own: false };
    let mut shared = parse(common.name, common.text)?;
    // Its phrases are among those that were compiled.
    shared.rule.clear();
    shared.harmless.clear();
    let mut b = Builder::default();
    common.groups(&mut b, &shared)?;
    common.rest(&mut b, shared)?;
    let Packed { languages, words, inner } = packed::built_in();
    b.languages = languages;
    if extra.is_empty() {
        return Ok(b.with_tables(words, inner));
    }
    b.add_table(&words, false);
    b.add_table(&inner, true);
    b.add_files(&extra, true)?;
    b.finish()
}

/// Of files alone: all there are, the one with the groups first.
///
/// # Errors
/// The first mistake of the files, with its place.
pub fn compile_files(files: &[(String, String)]) -> Result<Compiled, RuleError> {
    let mut b = Builder::default();
    b.add_files(files, false)?;
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

    /// Groups first: a rule may name a group of any file.
    fn add_files(&mut self, files: &[(String, String)], own: bool) -> Result<(), RuleError> {
        let places: Vec<RulePlace<'_>> = files.iter().map(|(name, text)| RulePlace { name, text, own }).collect();
        let parsed = places.iter().map(|p| parse(p.name, p.text)).collect::<Result<Vec<_>, _>>()?;
        for (place, file) in places.iter().zip(&parsed) {
            place.groups(self, file)?;
        }
        places.iter().zip(parsed).try_for_each(|(place, file)| place.rest(self, file))
    }

    /// What was compiled before.
    fn add_table(&mut self, table: &RuleTable, inner: bool) {
        for (number, text) in table.phrases.texts().into_iter().enumerate() {
            let text = String::from_utf8_lossy(&text).into_owned();
            for p in table.of(number) {
                let phrase = Phrase { text: text.clone(), inner, clitics: p.has_clitics() };
                self.phrases.insert((phrase, p.group, p.language), (p.weight, p.is_own()));
            }
        }
    }

    fn finish(mut self) -> Result<Compiled, RuleError> {
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
        Ok(self.with_tables(words, inner))
    }

    fn with_tables(mut self, words: RuleTable, inner: RuleTable) -> Compiled {
        self.shorteners.sort_unstable();
        self.shorteners.dedup();
        Compiled {
            groups: self.groups,
            languages: self.languages,
            words,
            inner,
            numbers: self.numbers,
            together: self.together,
            shorteners: self.shorteners,
        }
    }
}

fn pattern(((phrase, group, language), (weight, own)): &((Phrase, u8, u8), (u8, bool))) -> Pattern {
    let is_word = !phrase.text.trim().contains(' ');
    Pattern::new([*group, *language, *weight], is_word, phrase.clitics, *own)
}
