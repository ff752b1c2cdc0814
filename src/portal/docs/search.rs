//! Search without a network: one index a language, built from the pages; ranked by where a word stands. Pure.

use crate::{model::text, portal::docs::library::Pages};
use serde::Serialize;

/// Words of a section that the index keeps, in characters: enough to find it, little enough to load at once.
const TEXT_MAX: usize = 400;
/// Characters of a result's excerpt.
const EXCERPT: usize = 180;

/// One section of a page, as the index has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct IndexItem {
    /// Path and anchor.
    pub path: String,
    /// The page's title.
    pub page: String,
    /// The section's heading; the page's title for its beginning.
    pub heading: String,
    /// Its first words.
    pub text: String,
}

/// A section, ready to be looked through.
#[derive(Clone, Debug)]
pub struct Indexed {
    item: IndexItem,
    heading: String,
    page: String,
    body: String,
}

/// Every section of the pages.
pub fn index(library: &Pages) -> Vec<Indexed> {
    let mut all = Vec::new();
    for (entry, page) in library {
        for section in &page.sections {
            let anchor = if section.id.is_empty() { String::new() } else { format!("#{}", section.id) };
            all.push(Indexed {
                heading: text::words(&section.heading),
                page: text::words(&page.title),
                body: text::words(&section.text),
                item: IndexItem {
                    path: format!("{}{anchor}", entry.path),
                    page: page.title.clone(),
                    heading: section.heading.clone(),
                    text: plain(&section.text).chars().take(TEXT_MAX).collect(),
                },
            });
        }
    }
    all
}

/// Text without the places that are filled in for a reader: the index is the same for everybody.
fn plain(text: &str) -> String {
    text.replace("{{base_url}}", "").replace("{{instance_id}}", "…").replace("{{api_key}}", "…")
}

/// The index as it is served.
pub fn json(index: &[Indexed]) -> String {
    let items: Vec<&IndexItem> = index.iter().map(|indexed| &indexed.item).collect();
    serde_json::to_string(&items).unwrap_or_else(|_| "[]".into())
}

/// The sections that have every word of `query`, the best first. A word is found by its beginning.
pub fn find(index: &[Indexed], query: &str, limit: usize) -> Vec<IndexItem> {
    let query = text::words(query);
    let words: Vec<&str> = query.split_whitespace().take(8).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut scored: Vec<(u32, &Indexed)> = index
        .iter()
        .filter_map(|section| {
            let scores: Option<Vec<u32>> = words.iter().map(|word| score(section, word)).collect();
            scores.map(|scores| (scores.iter().sum(), section))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().take(limit).map(|(_, section)| excerpt(section)).collect()
}

/// How well a word fits; none when it is nowhere. A heading that is the word beats one that has it.
fn score(section: &Indexed, word: &str) -> Option<u32> {
    let exact = u32::from(section.heading == word) * 40;
    let heading = u32::from(begins(&section.heading, word)) * 20;
    let page = u32::from(begins(&section.page, word)) * 8;
    let body = section.body.split(' ').filter(|w| fits(w, word)).take(5).count();
    let score = exact + heading + page + u32::try_from(body).unwrap_or(5);
    (score > 0).then_some(score)
}

fn excerpt(section: &Indexed) -> IndexItem {
    let mut item = section.item.clone();
    if item.text.chars().count() > EXCERPT {
        item.text = item.text.chars().take(EXCERPT).collect::<String>() + "…";
    }
    item
}

/// Whether one of the words of `text` begins so. Arabic and Hebrew write articles and prepositions onto the word, so
/// there a longer word is found inside another one as well.
fn begins(text: &str, word: &str) -> bool {
    text.split(' ').any(|w| fits(w, word))
}

fn fits(written: &str, word: &str) -> bool {
    written.starts_with(word) || (!word.is_ascii() && word.chars().count() > 2 && written.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{portal::docs::library::library, texts::locale::Lang};

    #[test]
    fn the_best_fitting_section_comes_first() {
        let (_, index) = library(Lang::En);
        let first = |query: &str| find(index, query, 5).first().map(|item| item.path.clone()).unwrap_or_default();
        assert_eq!(first("recipient_suppressed"), "/docs/troubleshooting#recipient_suppressed");
        assert_eq!(first("RECIPIENT suppressed"), "/docs/troubleshooting#recipient_suppressed");
        assert!(first("idempotency").starts_with("/docs/"));
        assert_eq!(find(index, "zzzznothing", 5), []);
        assert_eq!(find(index, "  ", 5), []);
        assert_eq!(find(index, "message zzzznothing", 5), [], "every word must be there");
    }

    #[test]
    fn arabic_and_hebrew_words_are_found_behind_their_prefixes() {
        assert!(fits("المفتاح", "مفتاح") && fits("בהודעה", "הודעה"));
        assert!(!fits("resend", "send") && !fits("المفتاح", "ال\u{645}ك"));
        for (language, word) in [(Lang::Ar, "مفتاح"), (Lang::He, "הודעה")] {
            assert!(!find(&library(language).1, word, 5).is_empty(), "{word}");
        }
    }
}
