//! Messages that were written for fitting, in more dresses than they were written in.

use super::rows::Row;
use std::collections::BTreeMap;

/// How often a written message counts with a greeting and closings, and an advertisement beside honest news.
const TIMES: usize = 2;

/// `rows` and their variations; greetings and closings themselves are no messages.
pub fn varied(rows: Vec<Row>) -> Vec<Row> {
    let (fragments, rows): (Vec<Row>, Vec<Row>) =
        rows.into_iter().partition(|row| matches!(row.label.as_str(), "greeting" | "closing"));
    let mut dice = Dice(777);
    let mut more = Vec::new();
    let languages: BTreeMap<&str, Speech<'_>> = fragments.iter().fold(BTreeMap::new(), |mut all, row| {
        let speech: &mut Speech<'_> = all.entry(&row.language).or_default();
        let list = if row.label == "greeting" { &mut speech.greetings } else { &mut speech.closings };
        list.push(&row.text);
        all
    });
    let written: Vec<&Row> = rows.iter().filter(|row| !row.is_sourced && row.label != "chat").collect();
    for row in &written {
        let Some(speech) = languages.get(row.language.as_str()) else { continue };
        let honest: Vec<&&Row> = written.iter().filter(|r| r.language == row.language && !r.is_bad()).collect();
        for _ in 0..TIMES {
            more.push(with_text(row, speech.dressed(&row.text, &mut dice)));
        }
        if honest.is_empty() {
            continue;
        }
        for _ in 0..if row.is_bad() { TIMES } else { 1 } {
            let other = honest[dice.below(honest.len())];
            let (first, second) = if dice.below(2) == 0 { (&other.text, &row.text) } else { (&row.text, &other.text) };
            more.push(with_text(row, format!("{first} {second}")));
        }
    }
    rows.into_iter().chain(more).collect()
}

#[derive(Default)]
struct Speech<'a> {
    greetings: Vec<&'a str>,
    closings: Vec<&'a str>,
}

impl Speech<'_> {
    fn dressed(&self, text: &str, dice: &mut Dice) -> String {
        let mut dressed = String::new();
        if dice.below(3) > 0 && !self.greetings.is_empty() {
            dressed.push_str(self.greetings[dice.below(self.greetings.len())]);
            dressed.push(' ');
        }
        dressed.push_str(text);
        for _ in 0..dice.below(3) {
            if let Some(closing) = self.closings.get(dice.below(self.closings.len().max(1))) {
                dressed.push(' ');
                dressed.push_str(closing);
            }
        }
        dressed
    }
}

fn with_text(row: &Row, text: String) -> Row {
    Row { text, source: format!("{}, varied", row.source), ..row.clone() }
}

/// Numbers that look random and are the same in every run.
pub struct Dice(pub u64);

impl Dice {
    /// One of the numbers below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % n
    }
}

/// The FNV-1a hash of `text`, its bits mixed.
pub fn hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    (hash ^ (hash >> 29)) >> 7
}
