//! The errors of failed statuses: their code decides, their words are for people.

use serde_json::Value;

/// Longest words that are kept, in characters.
const WORDS_MAX: usize = 300;

/// An error of Meta's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failure {
    /// Its code; 0 where it has none.
    pub(super) code: i64,
    /// What it says, with numbers masked.
    pub(super) words: String,
}

impl Failure {
    /// Reads one of a list of errors.
    pub(super) fn read(error: &Value) -> Self {
        let code = error["code"].as_i64().or_else(|| error["code"].as_str()?.parse().ok()).unwrap_or(0);
        let said = [&error["error_data"]["details"], &error["message"], &error["title"]];
        let words = said.into_iter().find_map(Value::as_str).filter(|t| !t.trim().is_empty());
        let words = words.unwrap_or("WhatsApp refused the message without saying why");
        let plain: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS_MAX).collect();
        Self { code, words: masked(&plain) }
    }

    /// The same without anybody's number.
    pub(super) fn masked(text: &str) -> String {
        masked(text)
    }
}

/// Whether the reason lies with the recipient.
pub(super) const fn is_recipients(code: i64) -> bool {
    matches!(code, 131_021 | 131_026 | 131_030 | 131_062)
}

/// Digits that may be somebody's number become stars, but for the last three.
fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut digits = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        match digits.len() {
            0..=6 => out.push_str(&digits),
            n => out.push_str(&format!("****{}", &digits[n - 3..])),
        }
        digits.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}
