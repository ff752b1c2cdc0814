//! Whether a message of ours offered a word as an answer: "Reply CANCEL to cancel", "Confirm or cancel?", a list of options.
//!
//! Rules: a question that has the word, in whatever form, offers it. A word that was offered for stopping messages ("Reply
//! CANCEL to stop messages") is an opt-out, whatever else the message offered. "Enough" answers every message that ends with a
//! question. Sentences are judged one by one: what stands in one says nothing about the words of another.

use super::{PhraseKind, Phrases};
use crate::model::text;

/// Words of a sentence that is a choice without a question mark ("Please confirm or cancel"), at most.
const CHOICE: usize = 6;

impl Phrases {
    /// Whether `our_message` offered `word` (as [`PhraseMeaning::OptOut`](super::PhraseMeaning::OptOut) has it), or its family in
    /// any language, as an answer.
    pub fn offers(&self, our_message: &str, word: &str) -> bool {
        match self.known.get(&text::words(word)).copied() {
            Some(PhraseKind::Enough) => ends_with_question(our_message),
            Some(kind @ PhraseKind::Soft(_)) => self.offers_family(our_message, kind),
            _ => false,
        }
    }

    fn offers_family(&self, our_message: &str, kind: PhraseKind) -> bool {
        let all = sentences(our_message);
        if all.iter().any(|(sentence, _)| self.is_for_stopping(sentence, kind)) {
            return false;
        }
        let folded = text::words(our_message);
        let words: Vec<&str> = folded.split(' ').collect();
        if words.iter().any(|w| self.is_reply(w)) && self.mentions(&words, kind) {
            return true;
        }
        all.iter().any(|(sentence, is_question)| self.asks_for(sentence, *is_question, kind))
            || our_message.lines().flat_map(marked).any(|part| self.known.get(&text::words(part)) == Some(&kind))
    }

    /// Whether a sentence asks whether somebody wants what the word says, or lets them choose it.
    fn asks_for(&self, sentence: &str, is_question: bool, kind: PhraseKind) -> bool {
        let folded = text::words(sentence);
        let words: Vec<&str> = folded.split(' ').collect();
        let is_choice = || words.len() <= CHOICE && words.iter().any(|w| self.alternative.iter().any(|or| or == w));
        (is_question || is_choice()) && (self.mentions(&words, kind) || self.mentions_form(&words, kind))
    }

    /// Whether the sentence offers the word so that no more messages come.
    fn is_for_stopping(&self, sentence: &str, kind: PhraseKind) -> bool {
        let clauses = self.clauses(sentence);
        let words = |clause: &str| text::words(clause);
        let has_word = |clause: &str| self.mentions(&words(clause).split(' ').collect::<Vec<_>>(), kind);
        // "Reply STOP to cancel": the word is what STOP is for.
        let is_purpose_of_stop = |clause: &str| {
            let capitals = |wanted: &dyn Fn(PhraseKind) -> bool| {
                let mut kinds = clause.split_whitespace().filter(|w| is_capitals(w));
                kinds.any(|w| self.known.get(&words(w)).is_some_and(|k| wanted(*k)))
            };
            capitals(&|k| k == PhraseKind::Always) && !capitals(&|k| k == kind)
        };
        if clauses.iter().any(|c| has_word(c) && (self.is_about_messages(c) || is_purpose_of_stop(c))) {
            return true;
        }
        // "Reply CANCEL or STOP to stop messages": what the last of several words is for, all are for, if each is an opt-out.
        let bare: Vec<&&str> = clauses.iter().filter(|c| self.is_bare(c, kind)).collect();
        let opts_out = |clause: &str| {
            let folded = words(clause);
            let last = folded.split(' ').next_back().unwrap_or_default();
            matches!(self.known.get(last), Some(k) if *k != PhraseKind::OptIn)
        };
        self.is_about_messages(sentence) && bare.iter().any(|c| has_word(c)) && bare.iter().all(|c| opts_out(c))
    }

    /// Whether a clause is an option and says nothing of what it is for.
    fn is_bare(&self, clause: &str, kind: PhraseKind) -> bool {
        let folded = text::words(clause);
        let words: Vec<&str> = folded.split(' ').filter(|w| !w.is_empty() && !self.is_reply(w)).collect();
        let Some((_, before)) = words.split_last() else { return false };
        before.len() < 2 && !self.mentions(before, kind) && !self.mentions_form(before, kind)
    }

    fn is_about_messages(&self, part: &str) -> bool {
        let folded = text::words(part);
        let words: Vec<&str> = folded.split(' ').collect();
        self.for_stopping.iter().any(|stems| {
            let starts = |some: &[&str]| some.iter().zip(stems.split(' ')).all(|(word, stem)| word.starts_with(stem));
            words.windows(stems.split(' ').count()).any(starts)
        })
    }

    /// The parts of a sentence between commas and words for "or".
    fn clauses<'m>(&self, sentence: &'m str) -> Vec<&'m str> {
        let mut clauses = Vec::new();
        for part in sentence.split([',', '،', '、']) {
            let mut from = 0;
            for word in part.split_whitespace() {
                let at = word.as_ptr() as usize - part.as_ptr() as usize;
                if self.alternative.contains(&text::words(word)) {
                    clauses.push(&part[from..at]);
                    from = at + word.len();
                }
            }
            clauses.push(&part[from..]);
        }
        clauses
    }

    fn is_reply(&self, word: &str) -> bool {
        self.reply.iter().any(|stem| word.starts_with(stem.as_str()))
    }

    fn mentions(&self, words: &[&str], kind: PhraseKind) -> bool {
        (1..=self.longest.min(words.len()))
            .any(|n| words.windows(n).any(|w| self.known.get(&w.join(" ")) == Some(&kind)))
    }

    /// The same for forms that nobody answers with: "shall we cancel" in one word, "cancelled".
    fn mentions_form(&self, words: &[&str], kind: PhraseKind) -> bool {
        let PhraseKind::Soft(family) = kind else { return false };
        words.iter().any(|word| self.forms[family].iter().any(|stem| word.starts_with(stem.as_str())))
    }
}

/// The sentences of a message, and whether each is a question.
fn sentences(message: &str) -> Vec<(&str, bool)> {
    let ends = ['.', '!', '?', '؟', '？', '\n', ';', '؛', '(', ')', '।', '۔'];
    let parts =
        message.split_inclusive(ends).map(|part| (part.trim_end_matches(ends), part.ends_with(['?', '؟', '？'])));
    parts.filter(|(part, _)| part.chars().any(char::is_alphanumeric)).collect()
}

fn ends_with_question(message: &str) -> bool {
    sentences(message).last().is_some_and(|(_, is_question)| *is_question)
}

/// The parts of a line that are set off as an option: the line itself without its bullet or number, what stands in
/// quotation marks or brackets or asterisks, and words in capitals.
fn marked(line: &str) -> Vec<&str> {
    let bullet = |c: char| !c.is_alphabetic();
    let mut parts = vec![line.trim_start_matches(bullet)];
    parts.extend(line.split(['"', '“', '”', '„', '«', '»', '\'', '‘', '’', '*', '[', ']', '(', ')', '/', '|']));
    parts.extend(line.split_whitespace().filter(|w| is_capitals(w)));
    parts
}

fn is_capitals(word: &str) -> bool {
    let mut letters = word.chars().filter(|c| c.is_alphabetic()).peekable();
    letters.peek().is_some() && letters.all(char::is_uppercase)
}
