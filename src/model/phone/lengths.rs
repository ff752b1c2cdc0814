//! How many digits a number may have: a set of lengths, as a table says it and as people are told.

use std::fmt;

/// How many digits may follow a code: one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lengths(u16);

impl Lengths {
    /// Reads single lengths and ranges with spaces between them, such as `7 9-10`, all below 16.
    pub(super) const fn read(text: &str) -> Self {
        let (bytes, mut bits, mut at, mut from) = (text.as_bytes(), 0, 0, 0);
        while at < bytes.len() {
            let mut number = 0;
            while at < bytes.len() && bytes[at].is_ascii_digit() {
                number = number * 10 + (bytes[at] - b'0') as u16;
                at += 1;
            }
            let is_start = at < bytes.len() && bytes[at] == b'-';
            let mut bit = if from == 0 { number } else { from };
            while !is_start && bit <= number {
                bits |= 1 << bit;
                bit += 1;
            }
            from = if is_start { number } else { 0 };
            at += 1;
        }
        Self(bits)
    }

    /// Whether so many digits may follow.
    pub fn has(self, digits: usize) -> bool {
        digits < 16 && self.0 & (1 << digits) != 0
    }

    /// Each length, in rising order.
    pub fn each(self) -> impl Iterator<Item = usize> {
        (1..16).filter(move |digits| self.has(*digits))
    }

    /// In figures alone: `7, 9-10`.
    pub fn figures(self) -> String {
        let range = |(from, to): (usize, usize)| if from == to { from.to_string() } else { format!("{from}-{to}") };
        self.ranges().into_iter().map(range).collect::<Vec<_>>().join(", ")
    }

    fn ranges(self) -> Vec<(usize, usize)> {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for length in self.each() {
            match ranges.last_mut() {
                Some((_, to)) if *to + 1 == length => *to = length,
                _ => ranges.push((length, length)),
            }
        }
        ranges
    }
}

impl fmt::Display for Lengths {
    /// In words: `7 or 9 to 10`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (from, to)) in self.ranges().into_iter().enumerate() {
            let or = if at == 0 { "" } else { " or " };
            match from == to {
                true => write!(f, "{or}{from}")?,
                false => write!(f, "{or}{from} to {to}")?,
            }
        }
        Ok(())
    }
}
