//! A message chunk by chunk: what white space parts, most of it words of letters that are read on the way.

use super::{
    super::links::{self, Piece},
    TextReader,
};
use crate::model::text;

/// What a byte is to who looks for the end of a chunk.
const SMALL: u8 = 0;
const CAPITAL: u8 = 1;
const SPACE: u8 = 2;
/// A full stop or question mark.
const STOP: u8 = 3;
/// A mark that ends a run of single letters.
const PAUSE: u8 = 4;
const EXCLAMATION: u8 = 5;
const DIGIT: u8 = 6;
const OTHER: u8 = 7;

const KINDS: [u8; 256] = {
    let mut kinds = [OTHER; 256];
    let mut b = 0;
    while b < 128 {
        kinds[b] = match b as u8 {
            b'a'..=b'z' => SMALL,
            b'A'..=b'Z' => CAPITAL,
            b' ' | b'\t'..=b'\r' => SPACE,
            b'.' | b'?' => STOP,
            b',' | b':' | b';' => PAUSE,
            b'!' => EXCLAMATION,
            b'0'..=b'9' => DIGIT,
            _ => OTHER,
        };
        b += 1;
    }
    kinds
};

impl TextReader {
    /// What the recipient is called.
    pub(super) fn name(&mut self, name: &str) {
        self.end_spaced_run();
        let (start, letters, upper) = (self.is.text.len(), self.letters, self.upper);
        self.stretch(name);
        self.end_spaced_run();
        (self.letters, self.upper) = (letters, upper);
        self.is.names.add(start..self.is.text.len());
        self.is.greets = true;
    }

    /// A part of the message without a name in it.
    pub(super) fn stretch(&mut self, part: &str) {
        let bytes = part.as_bytes();
        let mut at = 0;
        loop {
            let start = at;
            let mut capitals = 0;
            for byte in &bytes[start..] {
                let kind = KINDS[usize::from(*byte)];
                if kind > CAPITAL {
                    break;
                }
                capitals += u32::from(kind);
                at += 1;
            }
            let letters = at - start;
            let kind = |at: usize| bytes.get(at).map_or(SPACE, |b| KINDS[usize::from(*b)]);
            let mut digits = 0;
            if letters == 0 {
                while kind(at) == DIGIT {
                    at += 1;
                }
                digits = at - start;
            }
            let mark = kind(at);
            // The end of the chunk, one mark behind its letters or digits or none.
            let end = at + usize::from(matches!(mark, STOP | PAUSE | EXCLAMATION));
            if kind(end) == SPACE {
                if letters > 1 {
                    self.small_word(&part[start..at], capitals, mark == PAUSE);
                    self.exclamations += u16::from(mark == EXCLAMATION);
                } else if digits > 0 && mark != EXCLAMATION {
                    self.small_number(&part[start..at]);
                } else if end == start {
                    // Two spaces part two spaced-out words.
                    self.end_spaced_run();
                } else {
                    self.any(&part[start..end]);
                }
                at = end;
            } else {
                let rest = &part[start..];
                let read = if digits > 0 || bytes[at] < 0x80 { None } else { self.plain(rest) };
                at = start
                    + read.unwrap_or_else(|| {
                        let chunk = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
                        self.any(chunk);
                        chunk.len()
                    });
            }
            let Some(space) = part[at..].chars().next() else { return };
            at += space.len_utf8();
        }
    }

    /// A chunk that may be anything.
    fn any(&mut self, chunk: &str) {
        // "s.a.l.e" is a word by itself, "s a l e" one of several chunks.
        let mut chars = chunk.chars().skip_while(|c| !c.is_alphanumeric());
        let begins = chars.next().is_some_and(char::is_alphabetic);
        let mark = chars.next().filter(|c| begins && !c.is_alphanumeric() && !text::is_invisible(*c));
        let is_apart = mark.is_some() && chars.next().is_some_and(char::is_alphabetic);
        // "a:H" between single letters is where one word set apart ends and another thing begins.
        if is_apart
            && self.spaced.1 > 1
            && chars.next() != mark
            && let Some(at) = mark.and_then(|mark| chunk.find(mark))
        {
            self.piece(&chunk[..at]);
            self.end_spaced_run();
            return self.piece(&chunk[at..]);
        }
        if is_apart {
            self.end_spaced_run();
        }
        self.piece(chunk);
        if is_apart {
            self.join_spaced_run(3);
        }
    }

    fn piece(&mut self, chunk: &str) {
        let may_link = chunk.bytes().any(|b| matches!(b, b'.' | b'/' | b'@'));
        if !may_link {
            return self.chunk_or_id(chunk);
        }
        match links::piece(chunk) {
            Piece::Plain => self.chunk_or_id(chunk),
            Piece::Origin => {}
            Piece::Mail => self.token("✉"),
            Piece::Link { before, link } => {
                self.chunk(before);
                self.token("↗");
                self.is.links.push(link);
            }
        }
    }
}
