//! Measures the content policy on labelled messages.
//!
//! `cargo run --release --example policy_report -- [--json|--figures] [--split dev|test] [--group a|b] [--show LABEL] FILES`
//!
//! The files are tab-separated with a heading line that names the columns `label`, `language` and `text`. Labels
//! `transactional`, `spam` and `marketing` are judged as purpose transactional, `chat` as support
//! inside a conversation. Prints, per label and
//! language, how many messages the content score alone would refuse (80 and more), or with `--json` a list of
//! `{"label","language","messages","refused"}`. `--split` takes only the development or the test half: a message
//! belongs to the test half when the first byte of the SHA-256 of its text is odd. `--show LABEL` lists what
//! was judged wrongly under that label, with its source and signals.

mod rows;

use rows::{Row, share};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, error::Error};
use wa_gateway::{
    model::purpose::Purpose,
    sending::policy::content::{ContentPolicy, Score},
};

/// The default of the setting: from here on a message is refused.
const REFUSE_FROM: u8 = 80;

#[derive(Default)]
struct Options {
    json: bool,
    split: Option<String>,
    group: Option<String>,
    show: Option<String>,
    figures: bool,
    files: Vec<String>,
}

#[derive(Default, Clone, Copy)]
struct Count {
    messages: u32,
    review: u32,
    refused: u32,
}

impl Count {
    fn add(&mut self, more: Self) {
        self.messages += more.messages;
        self.review += more.review;
        self.refused += more.refused;
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options(std::env::args().skip(1))?;
    let policy = rows::rules()?;
    let mut table: BTreeMap<(String, String), Count> = BTreeMap::new();
    let mut kinds: BTreeMap<(String, String), Count> = BTreeMap::new();
    for row in rows::read(&options.files)? {
        let passed_over = options.split.as_deref().is_some_and(|s| s != split(&row.text))
            || options.group.as_deref().is_some_and(|g| (g == "b") != row.is_held_back);
        if passed_over {
            continue;
        }
        let score = judge(&policy, &row);
        let counted = Count {
            messages: 1,
            review: u32::from((60..REFUSE_FROM).contains(&score.total)),
            refused: u32::from(score.total >= REFUSE_FROM),
        };
        table.entry((row.label.clone(), row.language.clone())).or_default().add(counted);
        if options.figures {
            let kind = if row.label == "marketing" && row.is_offer() { "explicit offers" } else { row.label.as_str() };
            let kind = if kind == "marketing" { "soft and cold" } else { kind };
            for language in [row.language.as_str(), "all"] {
                kinds.entry((kind.to_owned(), language.to_owned())).or_default().add(counted);
            }
        }
        show(&options, &row, &score);
    }
    if options.figures {
        print_figures(&kinds);
        return Ok(());
    }
    if options.json {
        print_json(&table)
    } else {
        print_table(&table)
    }
    Ok(())
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut o = Options::default();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => o.json = true,
            "--split" => o.split = args.next(),
            "--group" => o.group = args.next(),
            "--figures" => o.figures = true,
            "--show" => o.show = args.next(),
            _ if arg.starts_with("--") => {
                return Err(format!("unknown option {arg}: --json, --figures, --split, --group or --show"));
            }
            _ => o.files.push(arg),
        }
    }
    if o.files.is_empty() {
        return Err("name at least one tab-separated file with the columns label, language and text".into());
    }
    Ok(o)
}

fn split(text: &str) -> &'static str {
    if Sha256::digest(text.as_bytes())[0] % 2 == 1 { "test" } else { "dev" }
}

/// Chat is judged as answers within a conversation.
fn judge(policy: &ContentPolicy, row: &Row) -> Score {
    match row.label.as_str() {
        "chat" => policy.score(Purpose::Support, &row.text).as_answer(),
        _ => policy.score(Purpose::Transactional, &row.text),
    }
}

/// Lists a message that was judged wrongly: advertising let through, or an honest message refused.
fn show(options: &Options, row: &Row, score: &Score) {
    if options.show.as_deref() != Some(&row.label) {
        return;
    }
    if row.is_bad() != (score.total >= REFUSE_FROM) {
        let signals: Vec<String> = score.signals.iter().map(|s| format!("{} {}", s.id, s.weight)).collect();
        let source = if row.is_sourced { &row.source } else { "no source" };
        println!("{:3} {} ({source}) {}\n      [{}]", score.total, row.language, row.text, signals.join(", "));
    }
}

fn print_json(table: &BTreeMap<(String, String), Count>) {
    let list: Vec<_> = table
        .iter()
        .map(|((label, language), c)| {
            serde_json::json!({"label": label, "language": language, "messages": c.messages, "refused": c.refused})
        })
        .collect();
    println!("{:#}", serde_json::Value::from(list));
}

fn print_table(table: &BTreeMap<(String, String), Count>) {
    println!("{:<14} {:<8} {:>8} {:>8} {:>8} {:>8}", "label", "language", "messages", "review", "refused", "share");
    for ((label, language), c) in table {
        let share = f64::from(c.refused) * 100.0 / f64::from(c.messages);
        println!("{label:<14} {language:<8} {:>8} {:>8} {:>8} {share:>7.2}%", c.messages, c.review, c.refused);
    }
}

/// A table in Markdown, with the shares' 95 % intervals; advertisements parted into explicit offers and the others.
fn print_figures(kinds: &BTreeMap<(String, String), Count>) {
    println!("| | language | messages | refused | to review |");
    println!("|---|---|---|---|---|");
    for ((kind, language), c) in kinds {
        println!(
            "| {kind} | {language} | {} | {} | {} |",
            c.messages,
            share(c.refused, c.messages),
            share(c.review, c.messages)
        );
    }
}
