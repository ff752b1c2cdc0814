//! One word for one thing: the documentation and the texts of the pages name things as the navigation does, in each language.
//! `tests/data/glossary.tsv` lists what a thing is called and what it is not called any more.

use std::fs;
use wa_gateway::{
    model::{clock::Time, plan::Zone},
    portal::{
        docs::{catalogue::PAGES, source},
        navigation::SIDE,
    },
    texts::locale::{Lang, Locale},
};

const GLOSSARY: &str = include_str!("../../data/glossary.tsv");

fn locale(lang: Lang) -> Locale {
    Locale::new(lang, Zone::stored("UTC".into(), None), Time::from_millis(0))
}

/// The links of a Markdown text: what they say, and where they lead.
fn links(text: &str) -> Vec<(&str, &str)> {
    let ends = text.match_indices("](").filter_map(|(at, _)| {
        let says = text[..at].rsplit('[').next()?;
        Some((says, text[at + 2..].split(')').next()?))
    });
    ends.collect()
}

#[test]
fn the_documentation_calls_pages_what_the_navigation_calls_them() {
    assert_eq!(links("See [Inbound logs](/inbound-logs) and [x](y)."), [("Inbound logs", "/inbound-logs"), ("x", "y")]);
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for lang in Lang::ALL {
        let locale = locale(*lang);
        for entry in PAGES {
            let text = source::page(*lang, entry.file);
            for (says, to) in links(&text) {
                let Some((_, key)) = SIDE.iter().find(|(path, _)| *path == to && to != "/docs") else { continue };
                seen += 1;
                if says.trim_matches('*') != locale.t(key) {
                    wrong.push(format!("{lang} {}: {says} is {}", entry.file, locale.t(key)));
                }
            }
        }
    }
    assert!(seen > 12, "{seen} links");
    assert_eq!(wrong, Vec::<String>::new());
}

/// Whether a text has this word, and not only a longer one with it inside.
fn has_word(text: &str, word: &str) -> bool {
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(word)
        .any(|(at, _)| is_edge(text[..at].chars().next_back()) && is_edge(text[at + word.len()..].chars().next()))
}

#[test]
fn nothing_is_called_what_it_was_called_once() {
    assert!(has_word("all lines here", "lines") && !has_word("guidelines", "lines"));
    let (mut wrong, mut rows) = (Vec::new(), 0);
    for row in GLOSSARY.lines().filter(|row| !row.is_empty() && !row.starts_with('#')) {
        let [lang, is, not]: [&str; 3] = row.split('\t').collect::<Vec<_>>().try_into().expect("three columns");
        rows += 1;
        for folder in ["locales", "docs"] {
            let folder = format!("{}/assets/{folder}/{lang}", env!("CARGO_MANIFEST_DIR"));
            for file in fs::read_dir(folder).expect("a folder") {
                let path = file.expect("a file").path();
                // A telephone system has lines of its own.
                if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("3cx")) {
                    continue;
                }
                let text = fs::read_to_string(&path).expect("a text");
                let lines = text.lines().filter(|line| !line.contains("3CX") && !line.starts_with("trunk"));
                wrong.extend(
                    lines.filter(|line| has_word(line, not)).map(|line| format!("{is}: {}: {line}", path.display())),
                );
            }
        }
    }
    assert!(rows > 8, "{rows} rows");
    assert_eq!(wrong, Vec::<String>::new());
}
