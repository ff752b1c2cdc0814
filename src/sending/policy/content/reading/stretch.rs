//! A message chunk by chunk: what white space parts, most of it words of letters that are read on the way.

use super::{
    super::links::{self, Piece},
    TextReader,
};

/// What a byte is to who looks for the end of a chunk.
const SMALL: u8 = 0;
const CAPITAL: u8 = 1;
const SPACE: u8 = 2;
/// A full stop or question mark.
const STOP: u8 = 3;
/// A mark that ends a run of single letters.
const PAUSE: u8 = 4;
const OTHER: u8 = 5;

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
            _ => OTHER,
        };
        b += 1;
    }
    kinds
};

impl TextReader {
    /// A part of the message without a name in it.
    pub(super) fn stretch(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        loop {
            let start = at;
            let mut capitals = 0;
            while let Some(kind) = bytes.get(at).map(|b| KINDS[usize::from(*b)]).filter(|kind| *kind <= CAPITAL) {
                capitals += u32::from(kind);
                at += 1;
            }
            let letters = at - start;
            let kind = |at: usize| bytes.get(at).map_or(SPACE, |b| KINDS[usize::from(*b)]);
            let mark = kind(at);
            // The end of the chunk, one mark behind its letters or none.
            let end = at + usize::from(matches!(mark, STOP | PAUSE));
            if kind(end) == SPACE {
                if letters > 1 {
                    self.small_word(&text[start..at], capitals, mark == PAUSE);
                } else if end == start {
                    // Two spaces part two spaced-out words.
                    self.end_spaced_run();
                } else {
                    self.any(&text[start..end]);
                }
                at = end;
            } else {
                let rest = &text[start..];
                let chunk = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
                self.any(chunk);
                at = start + chunk.len();
            }
            let Some(space) = text[at..].chars().next() else { return };
            at += space.len_utf8();
        }
    }

    /// A chunk that may be anything.
    fn any(&mut self, chunk: &str) {
        // Letters alone are no link either.
        if !chunk.is_empty() && self.plain(chunk) {
            return;
        }
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
