//! What single characters of a message mean to the reader: separators inside numbers, signs for letters, emoji, and
//! invisible characters that hide a word from a filter.
//!
//! Rules: each answer looks at one character and its two neighbours as written. What has an honest use in some script
//! is honest there.

use crate::model::text;

/// A digit of any script as ASCII; everything else as it was written.
pub fn c_or_digit(c: char, folded: char) -> char {
    if folded.is_ascii_digit() && text::digit(c).is_some() { folded } else { c }
}

/// Whether an invisible character stands where only someone who hides a word puts it.
pub fn hides(c: char, previous: char, next: char) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{52f}');
    let semitic = |c: char| matches!(c, '\u{590}'..='\u{6ff}' | '\u{750}'..='\u{77f}');
    match c {
        // Tatweel, soft hyphens and variation selectors have honest uses inside words.
        '\u{640}' | '\u{ad}' | '\u{fe00}'..='\u{fe0f}' => false,
        // Joiners and direction marks belong to Arabic and Hebrew writing.
        '\u{200c}'..='\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            plain(previous) && (plain(next) || text::is_invisible(next))
        }
        _ => (plain(previous) || semitic(previous)) && (plain(next) || semitic(next) || text::is_invisible(next)),
    }
}

/// Whether `c` belongs to the number around it.
pub fn joins_number(c: char, previous: char, next: char) -> bool {
    matches!(c, '.' | ',' | '٫' | '٬') && text::digit(previous).is_some() && text::digit(next).is_some()
}

/// `c@sh`, `$ale`, `fr€e`: a sign between letters, or before one at the beginning of a word.
pub fn is_leet_sign(c: char, previous: char, next: char) -> bool {
    match c {
        '@' => previous.is_ascii_alphabetic() && next.is_ascii_alphabetic(),
        '$' | '€' => next.is_ascii_alphabetic() && text::digit(previous).is_none(),
        _ => false,
    }
}

/// Whether `c` is a sign that folding would turn into letters of the word before it.
pub fn is_trade_mark(c: char) -> bool {
    matches!(c, '™' | '©' | '®' | '℠')
}

/// Whether `c` is an emoji or symbol that stands as a word of its own.
pub fn is_emoji(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}
