//! The short way of reading: words of letters that wear no disguise, which most are.

use super::TextReader;
use crate::model::text;

impl TextReader {
    /// The short way for what most chunks are: letters of one script that wear no disguise, and a mark behind them.
    /// Whether it was one; else nothing is done.
    pub(super) fn plain(&mut self, chunk: &str) -> bool {
        if chunk.is_ascii() {
            return false;
        }
        let before = self.is.text.len();
        let (mut letters, mut upper, mut latin, mut cyrillic) = (0, 0, false, false);
        let mut rest = chunk.chars();
        for c in rest.by_ref() {
            match text::everyday(c) {
                Some(folded) => {
                    self.is.text.push(folded);
                    letters += 1;
                    upper += u32::from(c.is_ascii_uppercase() || (!c.is_ascii() && c != folded && c.is_uppercase()));
                    latin |= c < '\u{370}';
                    cyrillic |= matches!(c, '\u{400}'..='\u{52f}');
                }
                None if rest.as_str().is_empty() && matches!(c, '.' | ',' | '?' | ':' | ';' | '،' | '؟') => {
                    let ends_run = matches!(c, ',' | ':' | ';' | '،');
                    return self.end_plain(before, (letters, upper), self.is_disguise(latin, cyrillic), ends_run);
                }
                None => {
                    self.is.text.truncate(before);
                    return false;
                }
            }
        }
        self.end_plain(before, (letters, upper), self.is_disguise(latin, cyrillic), false)
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
