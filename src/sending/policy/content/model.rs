//! A small fitted model beside the rules: how much a whole message reads like those that people held for advertising or
//! fraud, from what the rules found, how it is built, and its character sequences.
//!
//! Logistic regression: a weight for each of [`NAMES`], and a table of 2^18 weights of eight bits that every sequence of
//! four folded characters, every word and every pair of words has its place in by a hash. Fitted by `examples/policy_fit`, stored in
//! `assets/policy/model.bin`. Rules: nothing is allocated here; the table stays where the program's file has it; no
//! language and no phrase is known.

use super::{links::TextLink, reading::Reading};

/// How many weights the table of character sequences and words has, as a power of two.
const TABLE_BITS: u32 = 18;

/// How many weights the table of character sequences and words has.
pub const TABLE: usize = 1 << TABLE_BITS;

/// What the model looks at besides character sequences, in the order of its weights. First points of the rules' groups
/// and bonuses (a hundredth each), then how the message is built (mostly 0 to 1), then the language it seems to be in.
pub const NAMES: [&str; 72] = [
    "context",
    "personal",
    "discount",
    "promotion",
    "urgency",
    "call",
    "praise",
    "audience",
    "sparkle",
    "price",
    "prize",
    "loan",
    "riches",
    "political",
    "outreach",
    "threat",
    "verify",
    "relative",
    "adult",
    "texting",
    "premium",
    "together.advertising",
    "together.nothing_else",
    "together.bait",
    "together.pressed",
    "together.free",
    "together.phishing",
    "together.hotline",
    "link.mixed_script",
    "link.group_invitation",
    "link.ip_address",
    "link.shortener",
    "link.punycode",
    "link.many",
    "link.lure",
    "rules",
    "rules to 150",
    "capitals",
    "per cent",
    "per cents",
    "minus and per cent",
    "emoji",
    "currency",
    "currencies",
    "exclamation",
    "exclamations",
    "question",
    "link",
    "link with a hyphen",
    "link with a rare ending",
    "link with a long path",
    "mail",
    "identifier",
    "clock",
    "date",
    "telephone",
    "numbers",
    "length",
    "long",
    "greeting",
    "lines",
    "en",
    "ar",
    "he",
    "es",
    "pt",
    "fr",
    "de",
    "tr",
    "id",
    "it",
    "ru",
];

/// Where the features of how the message is built begin: behind the signals.
pub const BUILT: usize = 35;
/// Where the languages begin.
const LANGUAGES: usize = 61;

/// A number for each of [`NAMES`].
pub type Dense = [f32; NAMES.len()];

/// The signals of fraud among [`NAMES`]: prize, loan, riches, threat, relative, together.phishing, link.ip_address,
/// link.shortener.
const FRAUD: [usize; 8] = [10, 11, 12, 15, 17, 26, 30, 31];

/// How much lower, in log-odds, the threshold is for a message with 40 points of fraud: such points are rare in honest
/// messages, and what fraudsters write changes faster than what shops write.
pub fn allowance(dense: &Dense) -> f32 {
    if FRAUD.iter().map(|place| dense[*place]).sum::<f32>() >= 0.4 { 0.8 } else { 0.0 }
}

/// Points of each signal, by its place in [`NAMES`].
pub type Points = [u32; BUILT];

/// The place of a signal among the features.
pub fn place(id: &str) -> Option<usize> {
    NAMES[..BUILT].iter().position(|name| *name == id)
}

#[derive(Debug)]
pub struct Model {
    bias: f32,
    /// What one step of the table is worth.
    step: f32,
    /// The log-odds from which a message is held for advertising or fraud.
    threshold: f32,
    dense: Dense,
    table: &'static [u8],
}

/// How far below the threshold a message is still listed for review when the rules find something, in log-odds.
const NEAR: f32 = 1.5;

/// How far above the threshold the model is sure, in log-odds: next to nothing of the rules is asked for then.
pub const FAR: f32 = 2.0;

/// What the model says of a message.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Opinion {
    /// Log-odds above the threshold, or below it.
    above: f32,
}

impl Opinion {
    /// It reads like what ought to be refused.
    pub fn agrees(self) -> bool {
        self.above >= 0.0
    }

    /// It does so by far.
    pub fn is_sure(self) -> bool {
        self.above >= FAR
    }

    /// It is not far from that.
    pub fn doubts(self) -> bool {
        self.above >= -NEAR
    }

    /// The same as a number from 0 to 100; from 50 it [agrees](Self::agrees).
    pub fn share(self) -> u8 {
        (100.0 / (1.0 + (-self.above).exp())).clamp(0.0, 100.0) as u8
    }
}

const WEIGHTS: &[u8] = include_bytes!("../../../../assets/policy/model.bin");

/// The first bytes of the file of weights: what it is, and for how many features.
const HEAD: [u8; 8] = [b'w', b'a', b'g', b'm', 3, 0, 0, NAMES.len() as u8];

impl Model {
    /// The weights that came with the program.
    ///
    /// # Panics
    /// Never in a program that passed its tests: the file is part of it, and a test reads it.
    pub fn built_in() -> Self {
        Self::read(WEIGHTS).expect("the weights are for other features than this program's: fit them again")
    }

    fn read(file: &'static [u8]) -> Option<Self> {
        let rest = file.strip_prefix(&HEAD)?;
        let (numbers, table) = rest.split_at_checked(4 * (3 + NAMES.len()))?;
        let mut numbers = numbers.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let (bias, step, threshold) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let mut dense = [0.0; NAMES.len()];
        dense.iter_mut().zip(numbers).for_each(|(to, from)| *to = from);
        (table.len() == TABLE).then_some(Self { bias, step, threshold, dense, table })
    }

    /// Judges a message by its features and its folded text.
    pub fn judge(&self, dense: &Dense, read: &Reading) -> Opinion {
        let known: f32 = self.dense.iter().zip(dense).map(|(w, x)| w * x).sum();
        let (mut sum, mut n) = (0_i32, 0_u32);
        sequences(&read.text, |place| {
            sum += i32::from(self.table[place].cast_signed());
            n += 1;
        });
        let odds = self.bias + known + self.step * sum as f32 / (n.max(1) as f32).sqrt();
        Opinion { above: odds - self.threshold + allowance(dense) }
    }
}

/// The file of weights: `step` is what one step of the table is worth, `threshold` the log-odds from which a message is
/// held for advertising or fraud.
pub fn write(bias: f32, step: f32, threshold: f32, dense: &Dense, table: &[i8]) -> Vec<u8> {
    let mut file = HEAD.to_vec();
    for number in [bias, step, threshold].iter().chain(dense) {
        file.extend(number.to_le_bytes());
    }
    file.extend(table.iter().map(|w| w.cast_unsigned()));
    file
}

/// Hands on the place in the table of every sequence of four characters of `text`, of every word and of every pair of words
/// beside each other. (Sequences of two to five characters are no better on unknown senders, and four times as slow; words
/// and pairs are: of texts by a hand that was left out, a tenth more of the offers are told from honest ones.)
pub fn sequences(text: &str, mut at: impl FnMut(usize)) {
    const P: u32 = 0x0100_0193;
    const P2: u32 = P.wrapping_mul(P);
    const P3: u32 = P2.wrapping_mul(P);
    let mut before = [0_u32; 3];
    // Of the word that is being read, and of the one before it.
    let (mut word, mut last) = (0_u32, 0_u32);
    for (n, c) in text.chars().enumerate() {
        let c = u32::from(c);
        let hash = before[2]
            .wrapping_mul(P3)
            .wrapping_add(before[1].wrapping_mul(P2))
            .wrapping_add(before[0].wrapping_mul(P))
            .wrapping_add(c);
        if n > 2 {
            at(spot(hash));
        }
        before = [c, before[0], before[1]];
        if c != u32::from(' ') {
            word = (word ^ c).wrapping_mul(P);
        } else if word != 0 {
            // Told apart from a sequence of characters and from a pair.
            at(spot(word ^ 0x1234_5678));
            if last != 0 {
                at(spot(last.wrapping_mul(31).wrapping_add(word ^ 0x5bd1_e995)));
            }
            last = word;
            word = 0;
        }
    }
}

/// The place of a hash.
fn spot(hash: u32) -> usize {
    (hash.wrapping_mul(0x9e37_79b1) >> (32 - TABLE_BITS)) as usize
}

/// What the model looks at in `message`, besides character sequences. `language`: its place among the languages of
/// [`NAMES`], if the message seems to be in one.
pub fn features(points: &Points, language: Option<usize>, read: &Reading, message: &str) -> Dense {
    let mut x = [0.0; NAMES.len()];
    x.iter_mut().zip(points).for_each(|(x, points)| *x = *points as f32 / 100.0);
    // Context and a person's tone are no points against a message.
    let sum: u32 = points[2..].iter().sum();
    let built = &mut x[BUILT..LANGUAGES];
    let m = Marks::of(message);
    let share = |n: u32, of: u32| if of == 0 { 0.0 } else { n as f32 / of as f32 };
    let some = |n: u32| if n > 0 { 1.0 } else { 0.0 };
    let many = |n: u32, most: u32| n.min(most) as f32 / most as f32;
    let any_link = |test: fn(&TextLink) -> bool| if read.links.iter().any(test) { 1.0 } else { 0.0 };
    let phones = read.numbers.iter().filter(|n| (9..=14).contains(&n.digits)).count() as u32;
    let values = [
        (sum.min(100)) as f32 / 100.0,
        (sum.min(150)) as f32 / 150.0,
        share(read.capitals, read.letters),
        some(m.per_cents),
        many(m.per_cents, 4),
        if m.per_cents > 0 && read.text.contains("- # %") { 1.0 } else { 0.0 },
        many(m.emoji, 5),
        some(m.currencies),
        many(m.currencies, 5),
        some(m.exclamations),
        many(m.exclamations, 5),
        some(m.questions),
        some(read.links.len() as u32),
        any_link(|l| l.host.contains('-')),
        any_link(TextLink::has_rare_ending),
        any_link(|l| l.path.len() > 12),
        if message.contains('@') && read.text.contains('✉') { 1.0 } else { 0.0 },
        many(read.ids, 2),
        some(m.clocks),
        some(m.dates),
        some(phones),
        many(read.numbers.len() as u32, 8),
        (read.letters.max(1) as f32).ln() / 6.0,
        many(read.letters, 600),
        if read.greets { 1.0 } else { 0.0 },
        many(m.lines, 6),
    ];
    built.copy_from_slice(&values);
    if let Some(x) = language.and_then(|language| x.get_mut(LANGUAGES + language)) {
        *x = 1.0;
    }
    x
}

/// What a message counts of, as written.
#[derive(Default)]
struct Marks {
    per_cents: u32,
    emoji: u32,
    currencies: u32,
    exclamations: u32,
    questions: u32,
    clocks: u32,
    dates: u32,
    lines: u32,
}

/// Which bytes are looked at one by one: signs of ASCII that count, and first bytes of other characters.
const TELLS: [bool; 256] = {
    let mut tells = [false; 256];
    let signs = b"%$!?\n:./";
    let mut i = 0;
    while i < signs.len() {
        tells[signs[i] as usize] = true;
        i += 1;
    }
    let firsts = [0xc2, 0xd8, 0xd9, 0xe2, 0xef, 0xf0];
    let mut i = 0;
    while i < firsts.len() {
        tells[firsts[i]] = true;
        i += 1;
    }
    tells
};

impl Marks {
    fn of(message: &str) -> Self {
        let bytes = message.as_bytes();
        let mut m = Self::default();
        for (i, byte) in bytes.iter().enumerate() {
            if !TELLS[usize::from(*byte)] {
                continue;
            }
            match *byte {
                0xe2 | 0xef | 0xf0 => m.note_wide(bytes, i),
                // Arabic's percent sign and question mark, among its letters.
                0xd9 => m.per_cents += u32::from(bytes.get(i + 1) == Some(&0xaa)),
                0xd8 => m.questions += u32::from(bytes.get(i + 1) == Some(&0x9f)),
                _ => m.note_sign(bytes, i),
            }
        }
        m
    }

    /// A character of ASCII that is no letter.
    fn note_sign(&mut self, bytes: &[u8], i: usize) {
        let digit = |i: Option<usize>| i.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_digit);
        let around = |n: usize| digit(i.checked_sub(n)) && digit(Some(i + n));
        match bytes[i] {
            b'%' => self.per_cents += 1,
            b'$' => self.currencies += 1,
            // The pound's sign.
            0xc2 => self.currencies += u32::from(bytes.get(i + 1) == Some(&0xa3)),
            b'!' => self.exclamations += 1,
            b'?' => self.questions += 1,
            b'\n' => self.lines += 1,
            b':' => self.clocks += u32::from(around(1)),
            // "12.05" and "12/05", and no third such sign as in a version.
            b'.' | b'/' if around(1) && around(2) => {
                self.dates += u32::from(bytes.get(i + 3).is_none_or(|b| *b == bytes[i]));
            }
            _ => {}
        }
    }

    /// The sign of three bytes or four that begins here.
    fn note_wide(&mut self, bytes: &[u8], i: usize) {
        let wide = bytes.get(i..i + 4).unwrap_or(&bytes[i..]);
        match wide {
            [0xe2, 0x82, 0xa0..=0xbf, ..] => self.currencies += 1,
            // The full width of ASCII's signs: a percent sign, a dollar's, an exclamation and a question mark.
            [0xef, 0xbc, 0x85, ..] => self.per_cents += 1,
            [0xef, 0xbc, 0x84, ..] => self.currencies += 1,
            [0xef, 0xbc, 0x81, ..] => self.exclamations += 1,
            [0xef, 0xbc, 0x9f, ..] => self.questions += 1,
            [0xe2, 0x86..=0xaf, ..] | [0xf0, 0x9f, ..] => self.emoji += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
