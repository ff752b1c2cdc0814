//! Numbers of a message that stand together: how many digits they have, and the first of them.

/// A run of numbers with only separators between them.
#[derive(Clone, Debug)]
pub struct NumberRun {
    /// From its first `#` in the reading's text …
    pub start: usize,
    /// … to behind its last.
    pub end: usize,
    /// How many digits in all.
    pub digits: usize,
    /// The first eight digits; behind fewer of them zeros.
    lead: [u8; 8],
}

impl NumberRun {
    /// Of `digits`, whose `#` stands at `start`.
    pub fn new(start: usize, digits: &str) -> Self {
        let mut run = Self { start, end: start + 1, digits: 0, lead: [0; 8] };
        run.extend(digits);
        run
    }

    /// Whether its first digits are those of `digits`, at most eight.
    pub fn starts_with(&self, digits: &str) -> bool {
        self.lead[..self.digits.min(8)].starts_with(digits.as_bytes())
    }

    /// Puts more `digits` behind it.
    pub fn extend(&mut self, digits: &str) {
        for (place, digit) in self.lead.iter_mut().skip(self.digits).zip(digits.bytes()) {
            *place = digit;
        }
        self.digits += digits.len();
    }
}
