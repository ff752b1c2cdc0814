//! Measures the content policy on labelled messages.
//!
//! `cargo run --release --example policy_report -- [--json] [--split dev|test] [--show LABEL] FILES`
//!
//! The files are tab-separated with a heading line that names the columns `label`, `language` and `text`. Labels
//! `transactional`, `spam` and `marketing` are judged as purpose transactional, `chat` as support
//! inside a conversation. Prints, per label and
//! language, how many messages the content score alone would refuse (80 and more), or with `--json` a list of
//! `{"label","language","messages","refused"}`. `--split` takes only the development or the test half: a message
//! belongs to the test half when the first byte of the SHA-256 of its text is odd. `--show LABEL` lists what
//! was judged wrongly under that label, with its signals.

use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, error::Error, fs};
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
    show: Option<String>,
    files: Vec<String>,
}

#[derive(Default, Clone, Copy)]
struct Count {
    messages: u32,
    review: u32,
    refused: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options(std::env::args().skip(1))?;
    let policy = ContentPolicy::built_in();
    let mut table: BTreeMap<(String, String), Count> = BTreeMap::new();
    for file in &options.files {
        let text = fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?;
        for row in rows(file, &text)? {
            if options.split.as_deref().is_some_and(|s| s != split(row.text)) {
                continue;
            }
            let score = judge(&policy, &row);
            let count = table.entry((row.label.to_owned(), row.language.to_owned())).or_default();
            count.messages += 1;
            count.refused += u32::from(score.total >= REFUSE_FROM);
            count.review += u32::from((60..REFUSE_FROM).contains(&score.total));
            show(&options, &row, &score);
        }
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
            "--show" => o.show = args.next(),
            _ if arg.starts_with("--") => return Err(format!("unknown option {arg}: --json, --split or --show")),
            _ => o.files.push(arg),
        }
    }
    if o.files.is_empty() {
        return Err("name at least one tab-separated file with the columns label, language and text".into());
    }
    Ok(o)
}

struct Row<'a> {
    label: &'a str,
    language: &'a str,
    text: &'a str,
}

fn rows<'a>(file: &str, text: &'a str) -> Result<Vec<Row<'a>>, String> {
    let mut lines = text.lines();
    let heading: Vec<&str> = lines.next().unwrap_or("").split('\t').map(str::trim).collect();
    let column = |name: &str| {
        heading
            .iter()
            .position(|h| *h == name)
            .ok_or_else(|| format!("{file}: the heading line has no column {name:?}"))
    };
    let (label, language, body) = (column("label")?, column("language")?, column("text")?);
    lines
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(n, line)| {
            let cells: Vec<&str> = line.split('\t').collect();
            let cell =
                |i: usize| cells.get(i).copied().ok_or_else(|| format!("{file}, line {}: too few columns", n + 2));
            Ok(Row { label: cell(label)?, language: cell(language)?, text: cell(body)? })
        })
        .collect()
}

fn split(text: &str) -> &'static str {
    if Sha256::digest(text.as_bytes())[0] % 2 == 1 { "test" } else { "dev" }
}

/// Chat is judged as answers within a conversation.
fn judge(policy: &ContentPolicy, row: &Row<'_>) -> Score {
    match row.label {
        "chat" => policy.score(Purpose::Support, row.text).as_answer(),
        _ => policy.score(Purpose::Transactional, row.text),
    }
}

/// Lists a message that was judged wrongly: advertising let through, or an honest message refused.
fn show(options: &Options, row: &Row<'_>, score: &Score) {
    if options.show.as_deref() != Some(row.label) {
        return;
    }
    let advertising = matches!(row.label, "spam" | "marketing");
    if advertising != (score.total >= REFUSE_FROM) {
        let signals: Vec<String> = score.signals.iter().map(|s| format!("{} {}", s.id, s.weight)).collect();
        println!("{:3} {} {}\n      [{}]", score.total, row.language, row.text, signals.join(", "));
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
