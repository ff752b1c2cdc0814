//! The message as the rules see it: folded words with one space between them, disguises taken off and remembered.
//!
//! What the recipient is called is remembered by its place ([`Reading::names`]) and can be left out ([`Reading::leave_out`]).
//! The text begins and ends with a space, so that a rule's phrase can carry its own word boundary. Placeholders stand
//! for what has too many spellings: `#` a number, `¤` a currency sign, `%` per cent, `↗` a link, `✉` an address, `❗`
//! several exclamation marks, `⇪` a text in capitals, `-` a minus before a number. Emoji are words of their own.
//!
//! The reader knows no phrase and no language. What is ordinary in a script is no disguise: joiners in emoji, in Persian
//! and Indic words, direction marks around words, tatweel, vowel signs, codes with digits.

mod number_run;
mod plain;
mod stretch;

use super::{
    addressee,
    disguise::{self, Scripts},
    glyphs::{c_or_digit, hides, is_emoji, is_leet_sign, is_trade_mark, joins_number},
    ids::{self, Shape},
    links::TextLink,
    word::Word,
};
use crate::model::text;
use number_run::NumberRun;

/// What a sender did to a word so that a filter would not read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disguise {
    /// Invisible characters inside it.
    Invisible,
    /// Letters of another script that look the same.
    LookAlike,
    /// Its letters are set apart.
    Spaced,
    /// Digits and signs for letters; counts only where a rule then matches.
    Leet,
    /// Mathematical, circled or fullwidth letters.
    Styled,
}

/// A message, read.
#[derive(Default, Debug)]
pub struct Reading {
    /// The folded words; see the head of this file.
    pub text: String,
    pub numbers: Vec<NumberRun>,
    pub links: Vec<TextLink>,
    /// The disguised words: how, and their byte range in `text`.
    pub disguises: Vec<(Disguise, usize, usize)>,
    /// How many identifiers.
    pub ids: u32,
    /// Where names stand that the message calls its recipient by: from their first byte in `text` to behind their last
    /// space, ascending.
    pub names: addressee::Names,
    /// Whether it calls somebody by name.
    pub greets: bool,
    /// Letters as written, and how many of them are capitals; not those of names and links.
    pub letters: u32,
    /// Those capitals.
    pub capitals: u32,
    /// Whether a word looks like a one-time code: 4 to 10 digits, or capitals with digits.
    pub code: bool,
}

impl Reading {
    /// Whether there is something in the message to act upon: a link, an address, a number, a price.
    pub fn is_actionable(&self) -> bool {
        !self.links.is_empty() || !self.numbers.is_empty() || self.text.contains(['✉', '%', '¤'])
    }

    /// Puts one sign in the place of each name for which `is_left_out` says so, and forgets its disguises. Places in `text`
    /// behind it are wrong from then on: whoever matches phrases does so before.
    pub fn leave_out(&mut self, is_left_out: impl Fn(usize) -> bool) {
        let names = std::mem::take(&mut self.names);
        for (i, name) in names.ranges().enumerate().rev() {
            if is_left_out(i) {
                self.disguises.retain(|d| !name.contains(&d.1));
                self.text.replace_range(name, "@ ");
            }
        }
    }
}

/// Reads `message`.
pub fn read(message: &str) -> Reading {
    let names = addressee::names(message);
    let mut reader = TextReader::new(message, &names);
    let mut at = 0;
    for name in names.ranges() {
        reader.stretch(&message[at..name.start]);
        reader.name(&message[name.clone()]);
        at = name.end;
    }
    reader.stretch(&message[at..]);
    reader.finish()
}

#[derive(Default)]
struct TextReader {
    is: Reading,
    world: Scripts,
    word: Word,
    /// Where the present run of single letters began, and how many there are.
    spaced: (usize, u16),
    /// Words to be tried as well, behind the text.
    also: Vec<String>,
    /// Where the last identifier ends: the numbers right behind it are its further groups, as of an IBAN.
    id_end: usize,
    /// What is read stands in groups of four, as an IBAN does: "FR14 2004 1010 0505 000M 1PPM 606".
    in_groups: bool,
    exclamations: u16,
    upper: u32,
    letters: u32,
}

impl TextReader {
    fn new(message: &str, names: &addressee::Names) -> Self {
        let mut is = Reading { text: String::with_capacity(message.len() + 16), ..Reading::default() };
        is.text.push(' ');
        let mut world = Scripts { latin: true, ..Scripts::default() };
        if !message.is_ascii() {
            // What a person is called says nothing about the language of the others.
            world = Scripts::default();
            let mut at = 0;
            for name in names.ranges() {
                world.look_at(&message[at..name.start]);
                at = name.end;
            }
            world.look_at(&message[at..]);
        }
        Self { is, world, ..Self::default() }
    }

    fn chunk_or_id(&mut self, chunk: &str) {
        if !chunk.bytes().any(|b| b.is_ascii_digit()) {
            self.in_groups = self.in_groups && ids::is_further_group(chunk);
            return self.chunk(chunk);
        }
        let (core, hash) = ids::core(chunk);
        let is_further = self.in_groups && ids::is_further_group(core);
        self.in_groups = (is_further || ids::begins_groups(core)) && chunk.ends_with(core);
        if is_further {
            self.id_end = self.is.text.len();
        }
        let shape = if is_further { ids::group_shape(core) } else { ids::shape(core, hash) };
        if shape == Shape::Words {
            return self.chunk(chunk);
        }
        let length = core.len();
        let is_capital = !core.bytes().any(|b| b.is_ascii_lowercase());
        self.is.code |= is_capital && (4..=10).contains(&length);
        self.is.ids += 1;
        self.token("#");
        self.id_end = self.is.text.len();
        if shape == Shape::IdOrLeet {
            self.also.extend(disguise::unleet(&core.to_ascii_lowercase()));
        }
    }

    fn chunk(&mut self, chunk: &str) {
        let mut chars = chunk.chars().peekable();
        let mut previous = ' ';
        while let Some(c) = chars.next() {
            let next = chars.peek().copied().unwrap_or(' ');
            if c.is_ascii_alphanumeric() {
                self.take(c);
            } else if text::is_invisible(c) {
                self.word.pending |= hides(c, previous, next);
                continue;
            } else if joins_number(c, previous, next) {
            } else if is_leet_sign(c, previous, next) {
                self.word.folded.push(c);
                self.word.twin.push(c);
                self.word.signs = true;
            } else {
                self.mark(c, previous, next);
            }
            previous = c;
        }
        self.end_word();
    }

    /// A letter or digit, as written.
    fn take(&mut self, c: char) {
        let w = &mut self.word;
        if std::mem::take(&mut w.pending) && !w.folded.is_empty() {
            w.invisible = true;
        }
        w.last = Some(c);
        if c.is_ascii_digit() {
            w.digits += 1;
            w.folded.push(c);
            w.twin.push(c);
            return;
        }
        self.letters += 1;
        w.letters += 1;
        if c.is_uppercase() {
            self.upper += 1;
            w.capitals += 1;
        }
        if c.is_ascii() {
            w.latin += 1;
            w.folded.push(c.to_ascii_lowercase());
            w.twin.push(c.to_ascii_lowercase());
            return;
        }
        w.take_foreign(c);
    }

    /// Whatever is no ASCII letter or digit.
    fn mark(&mut self, c: char, previous: char, next: char) {
        if !c.is_ascii() && !is_trade_mark(c) {
            let mut first = None;
            text::fold(c, &mut |f| first = first.or(Some(f)));
            match first {
                None => return, // an accent or vowel sign on the letter before
                Some(f) if text::is_word_char(f) => return self.take(c_or_digit(c, f)),
                Some(_) => {}
            }
        }
        match c {
            '\'' | '’' | '`' | '&' | '´' | ',' | ':' | ';' | '(' | ')' | '،' | '؛' => {
                self.end_word();
                self.end_spaced_run();
            }
            '!' | '！' => {
                self.exclamations += 1;
                self.end_word();
            }
            '%' | '٪' | '％' => self.token("%"),
            '$' | '€' | '£' | '₺' | '₪' | '₹' | '₽' | '¥' | '﷼' | '₨' => self.token("¤"),
            '-' | '−' | '–' if text::digit(next).is_some() && !previous.is_alphanumeric() => self.token("-"),
            '+' if text::digit(next).is_some() && text::digit(previous).is_some() => self.token("+"),
            _ if is_emoji(c) => {
                self.end_word();
                self.end_spaced_run();
                self.is.text.push(c);
                self.is.text.push(' ');
            }
            _ => self.end_word(),
        }
    }

    fn token(&mut self, token: &str) {
        self.end_word();
        self.end_spaced_run();
        self.is.text.push_str(token);
        self.is.text.push(' ');
    }

    fn end_word(&mut self) {
        if self.word.folded.is_empty() {
            self.word.pending = false;
            return;
        }
        let mut w = std::mem::take(&mut self.word);
        let start = self.is.text.len();
        let alone = w.letters == 1 && w.digits == 0 && !w.signs;
        if !alone {
            self.end_spaced_run();
        }
        let start = if alone { start } else { self.is.text.len() };
        self.note_code(&w);
        let disguise = w.unmask(self.world);
        if w.digits == 0 && !w.signs {
            self.is.text.push_str(&w.folded);
        } else if let Some(word) = w.in_place() {
            self.is.text.push_str(&word);
            self.is.disguises.push((Disguise::Leet, start, start + word.len()));
        } else {
            self.split(&w.folded);
        }
        if let Some(kind) = disguise {
            self.is.disguises.push((kind, start, self.is.text.len()));
        }
        if !self.is.text.ends_with(' ') {
            self.is.text.push(' ');
        }
        if alone {
            if self.spaced.1 == 0 {
                self.spaced.0 = start;
            }
            self.spaced.1 += 1;
        }
        // The next word has the room of this one.
        w.folded.clear();
        w.twin.clear();
        self.word = Word { folded: w.folded, twin: w.twin, ..Word::default() };
    }

    fn note_code(&mut self, w: &Word) {
        let length = w.folded.len();
        let digits_only = w.letters == 0 && (4..=10).contains(&length);
        let mixed = w.digits > 0 && w.letters > 0 && w.capitals == w.letters && (4..=10).contains(&length);
        self.is.code |= digits_only || mixed;
    }

    /// A word with digits in it: its letters as words, its digits as numbers.
    fn split(&mut self, word: &str) {
        let mut rest = word;
        while let Some(c) = rest.chars().next() {
            let digits = c.is_ascii_digit();
            let end = rest.find(|d: char| d.is_ascii_digit() != digits).unwrap_or(rest.len());
            let (piece, tail) = rest.split_at(end);
            if digits {
                self.number(piece);
            } else {
                let start = self.is.text.len();
                self.is.text.extend(piece.chars().filter(|c| text::is_word_char(*c)));
                if !self.is.text.ends_with(' ') {
                    self.is.text.push(' ');
                }
                // "10r i b u": the letter behind a number is the first of a word set apart.
                if tail.is_empty() && piece.chars().nth(1).is_none() {
                    self.spaced = (start, 1);
                }
            }
            rest = tail;
        }
        // "1oan" reads like "1 oan": tried apart, because "1week" does so as well. "15gb" and "50rb" are units.
        if word.len() > 3
            && word.starts_with(['1', '5', '4', '3'])
            && !word.as_bytes()[1].is_ascii_digit()
            && let Some(whole) = disguise::unleet(word)
        {
            self.also.push(whole);
        }
    }

    fn number(&mut self, digits: &str) {
        let start = self.is.text.len();
        self.is.text.push_str("# ");
        if self.id_end == start {
            self.id_end = start + 2;
            return;
        }
        if let Some(last) = self.is.numbers.last_mut()
            && last.end + 1 == start
        {
            last.end = start + 1;
            last.extend(digits);
            // "123 456" is a code as good as "123456".
            self.is.code |= last.digits == 6;
            return;
        }
        self.is.numbers.push(NumberRun::new(start, digits));
    }

    /// Four and more single letters in a row are one word, set apart.
    fn end_spaced_run(&mut self) {
        self.join_spaced_run(4);
    }

    /// The same for `least` letters and more; three are an abbreviation as well, and no disguise.
    fn join_spaced_run(&mut self, least: u16) {
        let (start, count) = std::mem::take(&mut self.spaced);
        if count < least || start >= self.is.text.len() {
            return;
        }
        let joined: String = self.is.text[start..].chars().filter(|c| *c != ' ').collect();
        self.is.text.truncate(start);
        self.is.text.push_str(&joined);
        if count > 3 {
            self.is.disguises.push((Disguise::Spaced, start, self.is.text.len()));
        }
        self.is.text.push(' ');
    }

    fn finish(mut self) -> Reading {
        self.end_word();
        self.end_spaced_run();
        for word in std::mem::take(&mut self.also) {
            self.is.text.push_str("| ");
            let start = self.is.text.len();
            self.is.text.push_str(&word);
            self.is.disguises.push((Disguise::Leet, start, self.is.text.len()));
            self.is.text.push(' ');
        }
        if self.exclamations > 2 {
            self.is.text.push_str("| ❗ ");
        }
        if self.letters > 24 && self.upper * 2 > self.letters {
            self.is.text.push_str("| ⇪ ");
        }
        (self.is.letters, self.is.capitals) = (self.letters, self.upper);
        self.is
    }
}
