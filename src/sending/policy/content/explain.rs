//! Where in a message the words stand that a verdict rests on: for who tries a text, never for a log.
//!
//! The rules see folded words; here each of them is led back to the piece of the message that it came from.

use super::reading;
use std::{ops::Range, sync::Arc};

/// Words that a signal rests on.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct MarkedWord {
    /// Their bytes in the message.
    pub range: Range<usize>,
    /// The signal's id.
    #[serde(serialize_with = "super::score::as_text")]
    pub signal: Arc<str>,
}

/// A stretch of a message, for showing it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// As written.
    pub text: String,
    /// The signal whose words these are; empty: none's.
    pub signal: String,
}

/// Leads `spans` of the folded text back to `message`: in the order of the message, the first of overlapping ones.
pub fn marks(message: &str, folded: &str, spans: Vec<(Range<usize>, Arc<str>)>) -> Vec<MarkedWord> {
    let places = places(message, folded);
    let mut marks: Vec<MarkedWord> = spans
        .into_iter()
        .filter_map(|(span, signal)| {
            let mut within = places.iter().filter(|(at, _)| span.contains(at)).map(|(_, range)| range);
            let first = within.next()?;
            let end = within.next_back().unwrap_or(first).end;
            Some(MarkedWord { range: first.start..end, signal })
        })
        .collect();
    marks.sort_by_key(|mark| (mark.range.start, std::cmp::Reverse(mark.range.end)));
    let mut end = 0;
    marks.retain(|mark| {
        let is_free = mark.range.start >= end;
        end = if is_free { mark.range.end } else { end };
        is_free
    });
    marks
}

/// `message` in stretches, marked or not; `marks` as [`marks`] makes them.
pub fn stretches(message: &str, marks: &[MarkedWord]) -> Vec<Stretch> {
    let mut all = Vec::new();
    let mut at = 0;
    let mut push = |range: Range<usize>, signal: &str| {
        let text = message.get(range).unwrap_or_default();
        if !text.is_empty() {
            all.push(Stretch { text: text.to_owned(), signal: signal.to_owned() });
        }
    };
    for mark in marks {
        push(at..mark.range.start, "");
        push(mark.range.clone(), &mark.signal);
        at = mark.range.end;
    }
    push(at..message.len(), "");
    all
}

/// Where each folded word begins, and the piece of the message that it comes from.
fn places(message: &str, folded: &str) -> Vec<(usize, Range<usize>)> {
    let pieces: Vec<(String, Range<usize>)> = message
        .split_whitespace()
        .flat_map(|piece| {
            let start = piece.as_ptr() as usize - message.as_ptr() as usize;
            let text = reading::read(piece).text;
            let words: Vec<String> = text.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect();
            let plain = words.iter().position(|word| word == "|").unwrap_or(words.len());
            words.into_iter().take(plain).map(move |word| (word, start..start + piece.len()))
        })
        .collect();
    let mut pieces = pieces.into_iter();
    let mut places = Vec::new();
    let mut at = 0;
    for word in folded.split(' ') {
        let start = at;
        at += word.len() + 1;
        if word.is_empty() {
            continue;
        }
        // A word that was set apart comes from several pieces.
        let Some((mut seen, mut range)) = pieces.next() else { break };
        while seen != word && word.starts_with(&seen) {
            let Some((more, further)) = pieces.next() else { break };
            seen.push_str(&more);
            range.end = further.end;
        }
        if seen != word {
            break;
        }
        places.push((start, range));
    }
    places
}
