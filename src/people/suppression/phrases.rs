//! The words by which a person opts out or in: a list in thirteen languages, and nothing cleverer.
//!
//! Rules: the *whole* message, folded ([`crate::model::text`]), equals a phrase; everything longer or different is no
//! opt-out, but for a word of courtesy before or behind it and for the phrase said over and over. Letters set apart and
//! look-alike letters are read as what they look like. CANCEL, END, QUIT and theirs are
//! an answer when our last message offered them, so [`PhraseMeaning::OptOut`] says whether a phrase opts out whatever we wrote;
//! who asks about the last message, and within how long, is the caller's business. Only text and template quick
//! replies (their titles, then what they stand for) are to be read; captions, groups and interactive replies never come here.
//!
//! **Adding a phrase**: `assets/policy/opt-out.toml`; case, accents and punctuation need no second spelling.

use crate::model::{lookalike, text};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// What a whole message means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PhraseMeaning {
    /// The person wants no more messages.
    OptOut {
        /// Whether it is meant so whatever we wrote before; `false` for the CANCEL, END and QUIT families.
        always: bool,
        /// The phrase as the list has it, folded.
        word: String,
    },
    /// The person wants messages again.
    OptIn,
}

/// What a phrase of the list is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum PhraseKind {
    Always,
    /// With the number of its family.
    Soft(usize),
    OptIn,
}

/// The list, ready to be looked up.
#[derive(Debug)]
pub struct Phrases {
    known: HashMap<String, PhraseKind>,
    /// What is said for courtesy, folded.
    courtesy: Vec<String>,
    /// Stems of the words by which a message offers an answer, folded.
    reply: Vec<String>,
    /// Words for "or", folded.
    alternative: Vec<String>,
    /// What a question may name as one of two.
    chosen: Option<PhraseKind>,
    /// Words in the longest phrase.
    longest: usize,
}

/// `assets/policy/opt-out.toml` as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PhraseFile {
    always: BTreeMap<String, Vec<String>>,
    soft: Vec<Family>,
    opt_in: OptIn,
    courtesy: Courtesy,
    reply: Stems,
    alternative: AlternativeWords,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    #[serde(rename = "family")]
    name: String,
    phrases: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OptIn {
    phrases: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Courtesy {
    words: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlternativeWords {
    /// Of which family a question may name a phrase as one of two.
    family: String,
    words: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stems {
    stems: Vec<String>,
}

/// The list in the binary.
const BUILT_IN: &str = include_str!("../../../assets/policy/opt-out.toml");

impl Phrases {
    /// The list that came with the program.
    ///
    /// # Panics
    /// Never in a program that passed its tests: the list is part of it, and a test reads it.
    pub fn built_in() -> Self {
        match toml::from_str::<PhraseFile>(BUILT_IN) {
            Ok(file) => Self::of(&file),
            Err(e) => panic!("the built-in opt-out list is wrong: {e}"),
        }
    }

    fn of(file: &PhraseFile) -> Self {
        let mut known = HashMap::new();
        // The first meaning stays: what opts out always must not become softer by a homograph of another language.
        let mut learn = |phrase: &String, kind| {
            known.entry(text::words(phrase)).or_insert(kind);
        };
        file.always.values().flatten().for_each(|p| learn(p, PhraseKind::Always));
        for (i, family) in file.soft.iter().enumerate() {
            family.phrases.iter().for_each(|p| learn(p, PhraseKind::Soft(i)));
        }
        file.opt_in.phrases.iter().for_each(|p| learn(p, PhraseKind::OptIn));
        let longest = known.keys().map(|p| p.split(' ').count()).max().unwrap_or(0);
        let folded = |words: &[String]| words.iter().map(|s| text::words(s)).collect();
        let chosen = file.soft.iter().position(|family| family.name == file.alternative.family);
        Self {
            known,
            courtesy: folded(&file.courtesy.words),
            reply: folded(&file.reply.stems),
            alternative: folded(&file.alternative.words),
            chosen: chosen.map(PhraseKind::Soft),
            longest,
        }
    }

    /// What the whole of `message` means, if it is one of the phrases.
    pub fn hear(&self, message: &str) -> Option<PhraseMeaning> {
        // No phrase comes near this length, however it is dressed up; a long message costs nothing.
        if message.len() > 1000 {
            return None;
        }
        let (word, kind) = self.find(message)?;
        Some(match kind {
            PhraseKind::Always => PhraseMeaning::OptOut { always: true, word },
            PhraseKind::Soft(_) => PhraseMeaning::OptOut { always: false, word },
            PhraseKind::OptIn => PhraseMeaning::OptIn,
        })
    }

    /// Whether `our_message` offered `word` (as [`PhraseMeaning::OptOut`] has it), or its family in any language, as an answer:
    /// it stands in quotation marks, in capitals or alone on its line, the message asks for a reply, or a question names it
    /// beside an "or" ("Confirm or cancel?").
    pub fn offers(&self, our_message: &str, word: &str) -> bool {
        let Some(kind @ PhraseKind::Soft(_)) = self.known.get(&text::words(word)).copied() else { return false };
        let folded = text::words(our_message);
        let words: Vec<&str> = folded.split(' ').collect();
        let asks = words.iter().any(|w| self.reply.iter().any(|stem| w.starts_with(stem.as_str())));
        if asks && self.mentions(&words, kind) {
            return true;
        }
        if self.chosen == Some(kind) && questions(our_message).any(|question| self.is_one_of_two(question, kind)) {
            return true;
        }
        our_message.lines().flat_map(marked).any(|part| self.known.get(&text::words(part)) == Some(&kind))
    }

    /// Whether a phrase stands next to an "or": only whole phrases, for more people must not be written to than wanted to.
    fn is_one_of_two(&self, question: &str, kind: PhraseKind) -> bool {
        let folded = text::words(question);
        let words: Vec<&str> = folded.split(' ').collect();
        let is_or = |word: &&str| self.alternative.iter().any(|or| or == word);
        (0..words.len()).filter(|at| is_or(&words[*at])).any(|at| {
            let (before, after) = (&words[..at], &words[at + 1..]);
            (1..=self.longest).any(|n| {
                let is = |phrase: Option<&[&str]>| phrase.is_some_and(|p| self.known.get(&p.join(" ")) == Some(&kind));
                is(before.len().checked_sub(n).map(|from| &before[from..])) || is(after.get(..n))
            })
        })
    }

    fn mentions(&self, words: &[&str], kind: PhraseKind) -> bool {
        (1..=self.longest.min(words.len()))
            .any(|n| words.windows(n).any(|w| self.known.get(&w.join(" ")) == Some(&kind)))
    }

    fn find(&self, message: &str) -> Option<(String, PhraseKind)> {
        let folded = text::words(message);
        let twins = [lookalike::as_latin(message), lookalike::as_cyrillic(&folded)];
        let dressed = twins.into_iter().flatten().map(|t| text::words(&t));
        let plain = [Some(folded.clone()), joined(&folded)];
        let all = plain.into_iter().flatten().chain(dressed.flat_map(|d| [joined(&d), Some(d)]).flatten());
        all.flat_map(|candidate| [said_once(self.bare(&candidate)).to_owned(), candidate]).find_map(|candidate| {
            let kind = *self.known.get(&candidate)?;
            Some((candidate, kind))
        })
    }

    /// The message without words of courtesy around it; nothing else than those is left as it is.
    fn bare<'m>(&self, folded: &'m str) -> &'m str {
        let mut bare = folded;
        let shorter = |text: &'m str| {
            self.courtesy.iter().find_map(|word| {
                let behind = text.strip_prefix(word.as_str()).and_then(|rest| rest.strip_prefix(' '));
                behind.or_else(|| text.strip_suffix(word.as_str()).and_then(|rest| rest.strip_suffix(' ')))
            })
        };
        while let Some(rest) = shorter(bare) {
            bare = rest;
        }
        bare
    }
}

/// The sentences of a message that ask.
fn questions(message: &str) -> impl Iterator<Item = &str> {
    let ends = ['.', '!', '?', '؟', '？', '\n', ';', '؛'];
    message.split_inclusive(ends).filter(|sentence| sentence.ends_with(['?', '؟', '？']))
}

/// One "stop" of "stop stop stop".
fn said_once(folded: &str) -> &str {
    let first = folded.split(' ').next().unwrap_or_default();
    if folded.split(' ').all(|word| word == first) { first } else { folded }
}

/// "s t o p" as one word; `None` when a word has more than one letter.
fn joined(folded: &str) -> Option<String> {
    let apart = folded.contains(' ') && folded.split(' ').all(|w| w.chars().count() == 1);
    apart.then(|| folded.replace(' ', ""))
}

/// The parts of a line that are set off as an option: the line itself without its bullet or number, what stands in
/// quotation marks or brackets or asterisks, and words in capitals.
fn marked(line: &str) -> Vec<&str> {
    let bullet = |c: char| !c.is_alphabetic();
    let mut parts = vec![line.trim_start_matches(bullet)];
    parts.extend(line.split(['"', '“', '”', '„', '«', '»', '\'', '‘', '’', '*', '[', ']', '(', ')', '/', '|']));
    parts.extend(line.split_whitespace().filter(|w| {
        let mut letters = w.chars().filter(|c| c.is_alphabetic()).peekable();
        letters.peek().is_some() && letters.all(char::is_uppercase)
    }));
    parts
}

#[cfg(test)]
#[path = "phrases_tests.rs"]
mod tests;
