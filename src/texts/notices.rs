//! Words for notices, on pages and in letters: what happened, why, what to do.

use super::locale::Locale;
use crate::{accounts::notices::Notice, model::clock::Time};
use serde_json::Value;
use std::fmt::Display;

/// A notice in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Words {
    /// What happened, in two or three words.
    pub title: String,
    /// The same with its figures.
    pub text: String,
    /// What to do.
    pub advice: String,
}

/// What texts of notices may name.
const NAMES: &[&str] = &[
    "name", "reason", "url", "period", "limit", "used", "until", "free_mb", "subject", "daily", "monthly", "answer",
    "asked", "told",
];

/// A notice in the words of a language.
pub fn words(locale: &Locale, notice: &Notice) -> Words {
    let value = |name: &str| match (name, &notice.parameters[name]) {
        ("subject", _) => notice.subject.clone(),
        ("reason", Value::String(text)) => locale.reason(text),
        ("until", Value::String(text)) => Time::parse(text).map_or_else(|_| text.clone(), |t| locale.date(&t)),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Null) => "–".to_owned(),
        (_, other) => other.to_string(),
    };
    let values: Vec<(&str, String)> = NAMES.iter().map(|name| (*name, value(name))).collect();
    let values: Vec<(&str, &dyn Display)> = values.iter().map(|(name, value)| (*name, value as &dyn Display)).collect();
    Words {
        title: locale.word("notice_title", &notice.kind),
        text: locale.fill_text(&locale.word("notice_text", &notice.kind), &values),
        advice: locale.word("notice_advice", &notice.kind),
    }
}
