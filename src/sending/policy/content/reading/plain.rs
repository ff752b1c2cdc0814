//! The short way of reading: words of letters that wear no disguise, which most are.

use super::TextReader;
use crate::model::text;

impl TextReader {
    /// The short way for what most chunks are: letters of one script that wear no disguise, and a mark behind them. How long
    /// the chunk is that `rest` begins with, if it is one; else nothing is done.
    pub(super) fn plain(&mut self, rest: &str) -> Option<usize> {
        let before = self.is.text.len();
        let (mut letters, mut upper, mut latin, mut cyrillic) = (0, 0, false, false);
        // Letters that stay as they are are copied together.
        let mut copied = 0;
        let mut chars = rest.char_indices();
        while let Some((at, c)) = chars.next() {
            let Some(folded) = text::everyday(c) else {
                let is_mark = matches!(c, '.' | ',' | '?' | '!' | ':' | ';' | '،' | '؟');
                let next = if is_mark { chars.next().map(|(_, next)| next) } else { Some(c) };
                if next.is_none_or(char::is_whitespace) {
                    self.is.text.push_str(&rest[copied..at]);
                    let length = at + if is_mark { c.len_utf8() } else { 0 };
                    let ends_run = matches!(c, ',' | ':' | ';' | '،');
                    let disguised = self.is_disguise(latin, cyrillic);
                    let is_plain = self.end_plain(before, (letters, upper), disguised, ends_run);
                    self.exclamations += u16::from(is_plain && c == '!');
                    return is_plain.then_some(length);
                }
                self.is.text.truncate(before);
                return None;
            };
            letters += 1;
            latin |= c < '\u{370}';
            cyrillic |= matches!(c, '\u{400}'..='\u{52f}');
            if folded != c {
                upper += u32::from(c.is_ascii() || c.is_uppercase());
                self.is.text.push_str(&rest[copied..at]);
                self.is.text.push(folded);
                copied = at + c.len_utf8();
            }
        }
        self.is.text.push_str(&rest[copied..]);
        let disguised = self.is_disguise(latin, cyrillic);
        self.end_plain(before, (letters, upper), disguised, false).then_some(rest.len())
    }

    /// The same for a word of two letters of ASCII and more; `ends_run`: a mark behind it ends a run of single letters.
    pub(super) fn small_word(&mut self, word: &str, capitals: u32, ends_run: bool) {
        let start = self.is.text.len();
        self.is.text.push_str(word);
        if capitals > 0 {
            self.is.text[start..].make_ascii_lowercase();
        }
        self.end_plain(start, (word.len() as u32, capitals), false, ends_run);
    }

    /// The same for a number of digits of ASCII alone.
    pub(super) fn small_number(&mut self, digits: &str) {
        self.end_spaced_run();
        self.is.code |= (4..=10).contains(&digits.len());
        self.number(digits);
    }

    /// Whether a word with such letters may wear one: it mixes scripts, or is Cyrillic in a Latin text.
    fn is_disguise(&self, latin: bool, cyrillic: bool) -> bool {
        cyrillic && (latin || (self.world.latin && !self.world.genuine))
    }

    fn end_plain(&mut self, start: usize, letters: (u32, u32), disguised: bool, ends_run: bool) -> bool {
        if letters.0 < 2 || disguised {
            self.is.text.truncate(start);
            return false;
        }
        if self.spaced.1 > 0 {
            let word = self.is.text.split_off(start);
            self.end_spaced_run();
            self.is.text.push_str(&word);
        }
        self.is.text.push(' ');
        self.letters += letters.0;
        self.upper += letters.1;
        if ends_run {
            self.end_spaced_run();
        }
        true
    }
}
