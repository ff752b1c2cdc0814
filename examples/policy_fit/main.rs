//! Fits the model of the content policy to labelled messages, and measures it on senders that it was not fitted to.
//!
//! `cargo run --release --example policy_fit -- [--out FILE] [--mistakes] FILES`
//!
//! The files are those of `policy_report`, with a column `source` where it is known who wrote a message; rows of group
//! `b` are passed over. Messages of files without that column, which somebody wrote for this purpose, count several
//! times: as they are, between a `greeting` and a `closing` of the same language (labels of their own), and, so that an
//! advertisement behind an order's news is one, beside each other.
//!
//! Every source is left out once, with the others of its eighth, and judged by the weights of the rest: those figures
//! are printed, and the threshold is set on them, a little above where of a thousand honest messages three would be
//! refused. With `--out` the weights of all rows are then written to FILE. Equal files give equal weights. With
//! `--mistakes` the ten worst of each kind and language are shown, to be read: what was refused wrongly, what was missed,
//! and how far from the threshold.

mod fit;
#[path = "../policy_report/rows.rs"]
mod rows;
mod varied;

use fit::{Sample, Weights};
use rows::{Row, share};
use std::{collections::BTreeMap, error::Error, fs};
use wa_gateway::sending::policy::content::{LITTLE_EVIDENCE, SOME_EVIDENCE, model};

/// How many parts the sources are dealt to.
const PARTS: u64 = 8;

/// The source of rows that were written as hard cases: honest ones near advertising, and advertising dressed as news.
const WRITTEN: &str = "written";

/// Of a thousand honest messages, how many may be refused.
const REFUSED_OF_1000: usize = 3;

/// How far above that the threshold is set, in log-odds: honest messages of other hands score higher than those of the senders
/// that are left out (`examples/policy_report/FIGURES.md`, "A hard set", has what each threshold costs).
const MARGIN: f32 = 0.4;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut files, mut out, mut mistakes) = (Vec::new(), None, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--out" => out = Some(args.next().ok_or("--out needs a file")?),
            "--mistakes" => mistakes = true,
            _ if arg.starts_with("--") => return Err(format!("unknown option {arg}: --out or --mistakes").into()),
            _ => files.push(arg),
        }
    }
    let mut rows = rows::read(&files)?;
    rows.retain(|row| !row.is_held_back);
    // The figures do not depend on the order of the files.
    let key = |row: &Row| (row.source.clone(), row.label.clone(), row.language.clone(), row.text.clone());
    rows.sort_by_cached_key(key);
    let policy = rows::rules()?;
    let rows = varied::varied(rows);
    let samples: Vec<Sample> = rows.iter().map(|row| Sample::of(&policy, row)).collect();
    let odds = left_out(&rows, &samples);
    let threshold = threshold(&rows, &samples, &odds);
    let judged: Vec<Judged<'_>> = rows
        .iter()
        .zip(&samples)
        .zip(odds)
        .filter_map(|((row, sample), odds)| Some(Judged::of(row, sample, odds?, threshold)))
        .collect();
    print_figures(&judged, threshold);
    if mistakes {
        print_mistakes(judged);
    }
    if let Some(out) = out {
        let all: Vec<&Sample> = samples.iter().collect();
        let weights = fit::fit(&all).rounded();
        fs::write(&out, model::write(weights.bias, weights.step, threshold, &weights.dense, &weights.table))?;
        println!("\nwritten to {out}");
    }
    Ok(())
}

/// The log-odds of every message of a known source by weights that were fitted without the source.
fn left_out(rows: &[Row], samples: &[Sample]) -> Vec<Option<f32>> {
    let part = |row: &Row| row.is_sourced.then(|| varied::hash(&row.source) % PARTS);
    let mut odds = vec![None; rows.len()];
    for left in 0..PARTS {
        let rest: Vec<&Sample> =
            rows.iter().zip(samples).filter(|(row, _)| part(row) != Some(left)).map(|(_, sample)| sample).collect();
        let weights: Weights = fit::fit(&rest);
        for i in (0..rows.len()).filter(|i| part(&rows[*i]) == Some(left)) {
            odds[i] = Some(weights.odds(&samples[i]));
        }
    }
    odds
}

/// The log-odds above which no more honest messages are than may be refused, and the margin.
fn threshold(rows: &[Row], samples: &[Sample], odds: &[Option<f32>]) -> f32 {
    let is_honest = |row: &Row| row.label == "transactional" && row.source != WRITTEN;
    let honest = |i: &usize| is_honest(&rows[*i]) && odds[*i].is_some();
    let n = (0..rows.len()).filter(honest).count();
    let compared = |i: usize| odds[i].map(|odds| odds + model::allowance(&samples[i].dense));
    let mut top: Vec<f32> = (0..rows.len())
        .filter(honest)
        .filter(|i| samples[*i].rules >= SOME_EVIDENCE && !samples[*i].soft)
        .filter_map(compared)
        .collect();
    top.sort_by(|a, b| b.total_cmp(a));
    top.get(n * REFUSED_OF_1000 / 1000).map_or(0.0, |odds| odds + MARGIN)
}

/// A message of a sender that was left out.
struct Judged<'a> {
    row: &'a Row,
    sample: &'a Sample,
    /// Log-odds above the threshold.
    above: f32,
    /// Whether rules and model refuse it together.
    is_refused: bool,
}

impl<'a> Judged<'a> {
    fn of(row: &'a Row, sample: &'a Sample, odds: f32, threshold: f32) -> Self {
        let above = odds - threshold + model::allowance(&sample.dense);
        // An answer in a conversation is refused for hard evidence, by a model that is sure.
        let is_sure = sample.hard >= 40 && odds >= threshold + 1.5 && sample.actionable;
        let needed = if above >= model::FAR { LITTLE_EVIDENCE } else { SOME_EVIDENCE };
        let is_refused = !sample.soft && sample.rules >= needed && above >= 0.0 && (row.label != "chat" || is_sure);
        Self { row, sample, above, is_refused }
    }

    /// One of [`KINDS`].
    fn kind(&self) -> &'static str {
        KINDS.iter().find(|(_, is_kind)| is_kind(self.row)).map_or("", |(name, _)| name)
    }
}

/// A name, and which rows it is of.
type Kind = (&'static str, fn(&Row) -> bool);

const KINDS: [Kind; 7] = [
    ("chat", |r| r.label == "chat"),
    ("honest", |r| r.label == "transactional" && r.source != WRITTEN),
    ("near misses", |r| r.label == "transactional" && r.source == WRITTEN),
    ("explicit offers", |r| r.label == "marketing" && r.source != WRITTEN && r.is_offer()),
    ("soft and cold", |r| r.label == "marketing" && r.source != WRITTEN && !r.is_offer()),
    ("disguised as news", |r| r.label == "marketing" && r.source == WRITTEN),
    ("scam", |r| r.label == "spam"),
];

/// Per kind and language: how many would be refused by the rules alone, by both together, and by the model's veto only.
fn print_figures(judged: &[Judged<'_>], threshold: f32) {
    println!("Threshold, in log-odds: {threshold:.2}\n");
    println!("| | language | messages | rules alone | rules, model as veto | rules and model |");
    println!("|---|---|---|---|---|---|");
    for (name, _) in KINDS {
        let mut table: BTreeMap<&str, [u32; 4]> = BTreeMap::new();
        for j in judged.iter().filter(|j| j.kind() == name) {
            for language in [j.row.language.as_str(), "all"] {
                let counts = table.entry(language).or_default();
                counts[0] += 1;
                counts[1] += u32::from(j.sample.rules >= 80);
                counts[2] += u32::from(j.sample.rules >= 80 && j.above >= 0.0);
                counts[3] += u32::from(j.is_refused);
            }
        }
        for (language, [n, rules, veto, both]) in table {
            println!("| {name} | {language} | {n} | {} | {} | {} |", share(rules, n), share(veto, n), share(both, n));
        }
    }
}

/// How many mistakes of one kind in one language are shown.
const SHOWN: usize = 10;

/// The worst mistakes, with the log-odds above the threshold, the rules' points and the heaviest features.
fn print_mistakes(mut judged: Vec<Judged<'_>>) {
    judged.retain(|j| j.row.is_bad() != j.is_refused);
    let key = |j: &Judged<'_>| (j.kind(), j.row.language.clone());
    // What is refused wrongly is the worse the higher, what is missed the lower.
    judged.sort_by(|a, b| key(a).cmp(&key(b)).then(b.above.abs().total_cmp(&a.above.abs())));
    for group in judged.chunk_by(|a, b| key(a) == key(b)) {
        let (kind, language) = key(&group[0]);
        println!("\n{kind}, {language}: {} of them wrong", group.len());
        for Judged { row, sample, above, .. } in group.iter().take(SHOWN) {
            println!(
                "{above:+.2}, rules {} ({})\n      {}\n      [{}]",
                sample.rules,
                row.source,
                row.text,
                named(sample)
            );
        }
    }
}

/// The points of the rules' groups in a message.
fn named(sample: &Sample) -> String {
    let points = model::NAMES.iter().zip(&sample.dense).take(model::BUILT).filter(|(_, x)| **x > 0.0);
    points.map(|(name, x)| format!("{name} {:.0}", x * 100.0)).collect::<Vec<_>>().join(", ")
}
