//! Disguises of a word: look-alike letters of other scripts, digits for letters, styled letters.
//!
//! Rules: a word is disguised when it mixes scripts *and* the minority can be read as look-alikes; a code, an order
//! number or a unit is not. Ordinary Russian, Greek, Turkish, Arabic or Hebrew is never a disguise.

use crate::model::lookalike::{is_foreign, latin_twin, small_capital};

/// Which of the scripts that look alike occur, and whether a text has letters that only its own script has.
#[derive(Clone, Copy, Default, Debug)]
pub struct Scripts {
    /// A Latin letter occurs.
    pub latin: bool,
    /// A Cyrillic letter occurs.
    pub cyrillic: bool,
    /// A Greek letter occurs.
    pub greek: bool,
    /// A Cyrillic or Greek letter occurs that looks like no Latin one: the text really is in that script.
    pub genuine: bool,
}

impl Scripts {
    /// Looks at every letter of `text`.
    pub fn of(text: &str) -> Self {
        let mut seen = Self::default();
        seen.look_at(text);
        seen
    }

    /// Looks at every letter of `text` as well.
    pub fn look_at(&mut self, text: &str) {
        let kinds = text.bytes().fold(0, |kinds, byte| kinds | FIRSTS[usize::from(byte)]);
        let any = |test: &dyn Fn(char) -> bool| text.chars().any(test);
        self.latin |= kinds & ASCII > 0
            || (kinds & MARKED > 0 && any(&|c| matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')));
        self.greek |= kinds & GREEK > 0 && any(&|c| matches!(c, '\u{370}'..='\u{3ff}'));
        self.cyrillic |= kinds & CYRILLIC > 0 && any(&|c| matches!(c, '\u{400}'..='\u{52f}'));
        let foreign = self.greek || self.cyrillic;
        self.genuine = self.genuine || (foreign && any(&|c| is_foreign(c) && latin_twin(c).is_none()));
    }
}

/// What a byte says of the letter that it is, or begins.
const ASCII: u8 = 1;
const MARKED: u8 = 2;
const GREEK: u8 = 4;
const CYRILLIC: u8 = 8;

const FIRSTS: [u8; 256] = {
    let mut firsts = [0; 256];
    let mut byte = 0;
    while byte < firsts.len() {
        firsts[byte] = match byte {
            0x41..=0x5a | 0x61..=0x7a => ASCII,
            0xc3..=0xc9 | 0xe1 => MARKED,
            0xcd..=0xcf => GREEK,
            0xd0..=0xd4 => CYRILLIC,
            _ => 0,
        };
        byte += 1;
    }
    firsts
};

/// Whether `c` is a Latin letter in fancy dress: mathematical, fullwidth, circled, squared.
pub fn is_styled(c: char) -> bool {
    matches!(c,
        '\u{1d400}'..='\u{1d6a3}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' | '\u{24b6}'..='\u{24e9}'
        | '\u{1f130}'..='\u{1f149}' | '\u{1f150}'..='\u{1f169}' | '\u{1f170}'..='\u{1f189}')
        || small_capital(c).is_some()
}

/// The letter that a digit or sign stands for in leetspeak.
pub fn leet(c: char) -> Option<char> {
    Some(match c {
        '0' => 'o',
        '1' => 'i',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        _ => return None,
    })
}

/// The word behind a leetspeak spelling, if `word` (folded) can be one: at least four characters, as many letters as
/// signs or nearly so where they take turns, never three signs in a row at the beginning (that is a number in a code),
/// no sign that stands for no letter.
pub fn unleet(word: &str) -> Option<String> {
    let (mut letters, mut signs, mut run, mut turns) = (0, 0, 0, 0);
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        if c.is_ascii_alphabetic() {
            turns += usize::from(run > 0);
            letters += 1;
            run = 0;
            out.push(c);
        } else {
            turns += usize::from(run == 0);
            signs += 1;
            run += 1;
            if run > if turns > 3 { 3 } else { 2 } {
                return None;
            }
            out.push(leet(c)?);
        }
    }
    let balanced = letters >= signs || (turns > 4 && letters * 3 >= signs * 2);
    (signs > 0 && letters > 1 && balanced && letters + signs > 3).then_some(out)
}

/// Whether the digits of `word` are the 2 and 4 of "txt2win", "2for1" and "b4": numbers that are said as words.
pub fn is_text_speak(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'1' | b'2' | b'4' | b'8'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leetspeak_is_read_and_codes_are_not() {
        for (word, want) in
            [("fr33", "free"), ("d1sc0unt", "discount"), ("$ale", "sale"), ("c@sh", "cash"), ("0ffer", "offer")]
        {
            assert_eq!(unleet(word).as_deref(), Some(want));
        }
        for word in ["inv1001", "a1b2c3d9", "mp3", "12345", "gr8", "covid19", "abc"] {
            assert_eq!(unleet(word), None, "{word}");
        }
    }
}
