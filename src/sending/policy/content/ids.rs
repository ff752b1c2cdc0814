//! What is an identifier: order and tracking numbers, UUIDs, hexadecimal, IBANs, GS1 element strings.
//!
//! An identifier is one number to the reader, whatever letters stand in it: "AB12CD34" is no "ab 12" and no leetspeak.
//! A word with digits for letters ("d1sc0unt", "FL4SH") is none. Rules: the shape alone decides, with the sign `#`
//! before it; no phrase and no language is known here.

use super::disguise;

/// Currencies that people write against the amount: "Rp50000" is a price.
const CURRENCIES: [&str; 16] =
    ["rp", "rs", "usd", "eur", "gbp", "tl", "try", "idr", "sar", "aed", "egp", "ils", "nis", "rub", "brl", "r$"];

/// Whether `word` is an amount with its currency before it, whatever unit comes behind: "rp50000", "rp45rb".
pub fn is_price(word: &str) -> bool {
    let letters = word.bytes().position(|b| b.is_ascii_digit()).unwrap_or(0);
    letters > 0 && CURRENCIES.iter().any(|c| word[..letters].eq_ignore_ascii_case(c))
}

/// What a chunk (no white space in it) of letters and digits is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Words, prices, units, dates: to be read on.
    Words,
    Id,
    /// An identifier that reads as a word if its digits are letters.
    IdOrLeet,
}

/// Letters, digits, and how often they take turns.
#[derive(Default, Clone, Copy)]
struct Make {
    letters: usize,
    digits: usize,
    turns: usize,
    upper: usize,
    hex: bool,
    first_letter: bool,
}

/// The part of `chunk` between its outer punctuation, and whether a `#` stands before it.
pub fn core(chunk: &str) -> (&str, bool) {
    let core = chunk.trim_matches(|c: char| !c.is_alphanumeric());
    let before = &chunk[..core.as_ptr() as usize - chunk.as_ptr() as usize];
    (core, before.ends_with(['#', '№']))
}

/// Judges `core`; `hash`: a `#` stands before it.
pub fn shape(core: &str, hash: bool) -> Shape {
    let whole = make(core);
    if whole.digits == 0 || !core.is_ascii() {
        return Shape::Words;
    }
    if whole.letters == 0 {
        // GS1: "01)09501101530003(17)250101", its first parenthesis trimmed.
        let gs1 = whole.digits > 7 && core.contains(')') && core.bytes().all(|b| b.is_ascii_digit() || is_gs1(b));
        return if gs1 { Shape::Id } else { Shape::Words };
    }
    if core.bytes().any(|b| !b.is_ascii_alphanumeric() && !is_separator(b)) {
        return Shape::Words;
    }
    let is_grouped = core.bytes().any(is_separator);
    if hash {
        return Shape::Id;
    }
    if is_grouped { groups(core, whole) } else { group(core, whole) }
}

/// Whether an identifier in groups of four may begin so, an IBAN or a creditor's reference: "GB29", "RF18".
pub fn begins_groups(core: &str) -> bool {
    let b = core.as_bytes();
    b.len() == 4 && b[..2].iter().all(u8::is_ascii_uppercase) && b[2..].iter().all(u8::is_ascii_digit)
}

/// Whether it may go on so.
pub fn is_further_group(core: &str) -> bool {
    (1..=4).contains(&core.len()) && core.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// What such a further group is.
pub fn group_shape(core: &str) -> Shape {
    let m = make(core);
    if m.letters == 0 || m.digits == 0 { Shape::Words } else { or_leet(core, m) }
}

fn is_separator(b: u8) -> bool {
    matches!(b, b'-' | b'/' | b'_' | b'.' | b':') || is_gs1(b)
}

fn is_gs1(b: u8) -> bool {
    matches!(b, b'(' | b')')
}

fn make(text: &str) -> Make {
    let mut m = Make { hex: true, ..Make::default() };
    let mut last = None;
    for b in text.bytes() {
        let letter = b.is_ascii_alphabetic();
        if !letter && !b.is_ascii_digit() {
            continue;
        }
        m.letters += usize::from(letter);
        m.digits += usize::from(!letter);
        m.upper += usize::from(b.is_ascii_uppercase());
        m.hex &= b.is_ascii_hexdigit();
        match last {
            Some(before) => m.turns += usize::from(before != letter),
            None => m.first_letter = letter,
        }
        last = Some(letter);
    }
    m
}

/// One run of letters and digits.
fn group(text: &str, m: Make) -> Shape {
    let is_upper = m.upper == m.letters;
    let length = m.letters + m.digits;
    if m.turns == 1 {
        let is_id = if m.first_letter {
            m.letters < 5 && !is_price(text) && (m.digits > 3 || (is_upper && m.digits > 1))
        } else {
            // "150ppm", "18yrs", "50rb" are units.
            (m.digits > 4 && m.letters < 3) || (m.digits > 2 && m.letters > 5 && is_upper)
        };
        return if is_id { or_leet(text, m) } else { Shape::Words };
    }
    if length > 15 || (m.hex && length > 6) {
        return Shape::Id;
    }
    // "2for1", "txt2win", "b2b", "4u2"; "3x2", "80x120".
    let short = if m.digits == 1 { 14 } else { 9 };
    let measure = m.letters == 1 && m.turns == 2 && text.contains(['x', 'X']);
    if measure || (m.digits < 3 && length < short && (!is_upper || length < 5) && disguise::is_text_speak(text)) {
        return Shape::Words;
    }
    match disguise::unleet(&text.to_ascii_lowercase()) {
        Some(_) if !is_upper || m.letters > m.digits => Shape::Words,
        Some(_) => Shape::IdOrLeet,
        None => Shape::Id,
    }
}

fn or_leet(text: &str, m: Make) -> Shape {
    let leet = m.letters + m.digits < 8 && disguise::unleet(&text.to_ascii_lowercase()).is_some();
    if leet { Shape::IdOrLeet } else { Shape::Id }
}

/// Several runs with separators between them.
fn groups(text: &str, whole: Make) -> Shape {
    let parts = || text.split(|c: char| c.is_ascii() && is_separator(c as u8)).filter(|p| !p.is_empty());
    // "s-4-l-e" is a word set apart.
    if parts().all(|p| p.len() == 1) {
        return Shape::Words;
    }
    let lengths = parts().map(str::len);
    let is_uuid = whole.hex && lengths.eq([8, 4, 4, 4, 12]);
    let is_upper = whole.upper == whole.letters;
    let mixed = |p: &str| {
        let m = make(p);
        m.letters > 0 && m.digits > 0 && (is_upper || group(p, m) != Shape::Words)
    };
    let leet = |p: &str| disguise::unleet(&p.to_ascii_lowercase()).is_some();
    // "RE-2024-00012", "ab-18"; "COVID-19" and "9am-5pm" are words.
    let lettered = whole.letters < 5 && whole.first_letter && is_upper && whole.digits > 1;
    // One part that no leetspeak explains is enough: "6jk8p-b57d", though "b57d" might be "bstd".
    let is_id = is_uuid || lettered || parts().any(|p| mixed(p) && (is_upper || !leet(p)));
    // A clock, "10:30AM", and a plain unit have their digits first.
    let is_unit = !whole.first_letter && whole.turns == 1 && whole.letters < 3;
    if is_id && !is_unit { Shape::Id } else { Shape::Words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_told_from_words() {
        let of = |chunk: &str| {
            let (core, hash) = core(chunk);
            shape(core, hash)
        };
        for id in [
            "#AB12CD34",
            "AB123456",
            "ab1892",
            "AB-18",
            "#ab18",
            "550e8400-e29b-41d4-a716-446655440000",
            "12345678-1234-4123-8123-123456789abc",
            "a3f5c01",
            "9f86d081884c7d65",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "1Z999AA10123456784",
            "(01)09501101530003(17)250101(10)ABC123",
            "(01)09501101530003(17)250101",
            "RF18539007547034",
            "DE89370400440532013000",
            "DE89",
            "RE-2024-00012",
            "ORD-7F3K9.",
            "SO10234",
            "BX4410A",
            "48213A",
            "X7K-4419-QP",
            "ord-6jk8p-b57d",
            "ord-4lt7p-38d4",
        ] {
            assert_eq!(of(id), Shape::Id, "{id}");
        }
        for word in [
            "150ppm",
            "18yrs",
            "50rb",
            "Rp50000",
            "USD100",
            "2for1",
            "txt2win",
            "B2B",
            "4u",
            "d1sc0unt",
            "FL4SH",
            "S4LE",
            "0FF",
            "0ffer",
            "g1ft",
            "9am-5pm",
            "10:30AM",
            "COVID-19",
            "10.05.2026",
            "12/2026",
            "hello",
            "48213",
            "mp3",
            "SUMMER2026",
            "50%",
            "s-4-l-e",
            "s4l3-2d4y",
            "4kt10n5pr315",
            "iPhone14",
            "3D",
        ] {
            assert_eq!(of(word), Shape::Words, "{word}");
        }
        for either in ["FR33", "S4L3"] {
            assert_eq!(of(either), Shape::IdOrLeet, "{either}");
        }
    }
}
