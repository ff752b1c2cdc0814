//! From a text to its digits: which characters may stand in a written phone number.
//!
//! Digits are ASCII, fullwidth, Arabic-Indic and Persian ones. What people and programs put between and around them is
//! skipped: spaces of every width, dashes of every length (the Hebrew maqaf too), dots, slashes, brackets, and the
//! invisible marks that come with text copied from right-to-left pages. A line break inside is refused: two cells of a
//! table are not one number. So is every letter. `+` stands before the first digit.
//! A number that a spreadsheet has taken for an amount is told apart from one that people wrote with a dot in it.
//!
//! This file must not know what the digits mean.

use super::PhoneError;

/// The digits of a text, as values 0 to 9.
pub(super) struct Scanned {
    /// Whether a `+` stood in front.
    pub plus: bool,
    values: [u8; CAPACITY],
    len: usize,
}

/// Fifteen digits, and room for the longest prefix that is taken off them.
const CAPACITY: usize = 20;

impl Scanned {
    /// In the order in which they were written; at least one.
    pub fn digits(&self) -> &[u8] {
        &self.values[..self.len]
    }
}

/// Takes a text apart.
pub(super) fn scan(text: &str) -> Result<Scanned, PhoneError> {
    if is_from_a_spreadsheet(text) {
        return Err(PhoneError::Spreadsheet);
    }
    let mut scanned = Scanned { plus: false, values: [0; CAPACITY], len: 0 };
    for c in text.trim().chars() {
        if let Some(value) = digit_value(c) {
            *scanned.values.get_mut(scanned.len).ok_or(PhoneError::TooLong)? = value;
            scanned.len += 1;
        } else if is_plus(c) {
            if scanned.plus || scanned.len > 0 {
                return Err(PhoneError::Plus);
            }
            scanned.plus = true;
        } else if !is_skipped(c) {
            return Err(PhoneError::Character(c));
        }
    }
    if scanned.len == 0 { Err(PhoneError::Empty) } else { Ok(scanned) }
}

/// Whether a text is an amount as spreadsheets and data frames write it: digits with zeros behind one decimal sign
/// (`966500000120.0`), or with an exponent (`9.66500000120E+11`). The digits of such a number are not those of a phone:
/// there is one zero too many, or the last ones are lost.
pub(super) fn is_from_a_spreadsheet(text: &str) -> bool {
    const DECIMALS_MAX: usize = 3;
    let is_mark = |c: char| is_skipped(c) && !matches!(c, '.' | '-' | '\u{2212}') || c == '\'';
    let text = text.trim_matches(is_mark);
    let text = text.strip_prefix(is_plus).unwrap_or(text);
    let all_digits = |s: &str| !s.is_empty() && s.chars().all(|c| digit_value(c).is_some());
    let is_decimal = |c: char| matches!(c, '.' | ',' | '\u{66b}');
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return text.split_once(is_decimal).is_some_and(|(whole, zeros)| {
            let is_zeros = all_digits(zeros) && zeros.chars().all(|c| digit_value(c) == Some(0));
            all_digits(whole) && is_zeros && zeros.chars().count() <= DECIMALS_MAX
        });
    };
    let (whole, decimals) = mantissa.split_once(is_decimal).unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['+', '-', '\u{2212}']).unwrap_or(exponent);
    all_digits(whole) && all_digits(decimals) && all_digits(exponent)
}

fn digit_value(c: char) -> Option<u8> {
    let zero = match c {
        '0'..='9' => '0',
        '\u{660}'..='\u{669}' => '\u{660}', // Arabic-Indic
        '\u{6f0}'..='\u{6f9}' => '\u{6f0}', // Persian, Urdu
        '\u{ff10}'..='\u{ff19}' => '\u{ff10}',
        _ => return None,
    };
    Some((c as u32 - zero as u32) as u8)
}

/// Plain, fullwidth, small, and the Hebrew letter-like plus.
fn is_plus(c: char) -> bool {
    matches!(c, '+' | '\u{ff0b}' | '\u{fe62}' | '\u{fb29}')
}

fn is_skipped(c: char) -> bool {
    match c {
        ' ' | '\t' | '-' | '.' | '/' | '(' | ')' | '[' | ']' => true,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => true, // spaces
        '\u{ad}' | '\u{5be}' | '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' => true,               // dashes
        '\u{30fc}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => true, // dashes of East Asia
        '\u{b7}' | '\u{2022}' | '\u{2024}' | '\u{2027}' | '\u{ff0e}' | '\u{ff0f}' => true, // dots, slash
        '\u{ff08}' | '\u{ff09}' | '\u{ff3b}' | '\u{ff3d}' => true, // brackets
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true, // bidi marks
        '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => true, // zero width
        _ => false,
    }
}
