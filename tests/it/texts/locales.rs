//! The texts of the pages: every key in three languages, none missing, none unused, the same placeholders in each.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use wa_gateway::{
    connectors::state_words::SENTENCES,
    texts::locale::{Lang, all},
};

/// Keys that code makes from a value: `word("status", …)` asks for `status.…`.
const FAMILIES: &[&str] = &["word(\"", "count(\""];
/// Keys whose plural forms differ by language.
const FORMS: &[&str] = &["zero", "one", "two", "few", "many", "other"];

fn files(dir: &Path, end: &str, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, end, out);
        } else if path.extension().is_some_and(|e| e == end) {
            out.push(path);
        }
    }
}

fn sources() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    files(&root.join("assets/templates"), "html", &mut found);
    files(&root.join("src/portal"), "rs", &mut found);
    files(&root.join("src/events/notice_delivery"), "rs", &mut found);
    files(&root.join("src/texts"), "rs", &mut found);
    files(&root.join("src/events/notice_delivery"), "rs", &mut found);
    found.iter().map(|path| fs::read_to_string(path).expect("a text")).collect()
}

/// Texts in quotes that look like a key: `file.name`, perhaps deeper.
fn quoted(source: &str) -> BTreeSet<String> {
    let is_key = |text: &&str| {
        let parts: Vec<&str> = text.split('.').collect();
        parts.len() >= 2
            && !["html", "js", "css", "csv", "svg"].contains(parts.last().unwrap_or(&""))
            && parts.iter().all(|p| {
                !p.is_empty()
                    && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
            })
    };
    source.split('"').filter(is_key).map(str::to_owned).collect()
}

/// The families that are asked for by value.
fn families(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for mark in FAMILIES {
        for (at, _) in source.match_indices(mark) {
            let rest = &source[at + mark.len()..];
            found.extend(rest.split('"').next().map(str::to_owned));
        }
    }
    found
}

/// Keys without their plural form.
fn stem(key: &str) -> &str {
    match key.rsplit_once('.') {
        Some((stem, form)) if FORMS.contains(&form) && stem.contains('.') => stem,
        _ => key,
    }
}

#[test]
fn the_three_languages_have_the_same_keys() {
    let keys: BTreeMap<Lang2, BTreeSet<&str>> =
        Lang::ALL.iter().map(|l| (l.as_str(), all(*l).keys().map(|k| stem(k)).collect())).collect();
    assert!(keys["en"].len() > 100, "the texts were not found");
    for (lang, set) in &keys {
        let missing: Vec<_> = keys["en"].difference(set).collect();
        let more: Vec<_> = set.difference(&keys["en"]).collect();
        assert!(missing.is_empty() && more.is_empty(), "{lang}: missing {missing:?}, only there {more:?}");
    }
}

type Lang2 = &'static str;

/// What slices say is wrong, by its name, with the figures that go with it.
fn wrongs() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "rs", &mut found);
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in &found {
        let text = fs::read_to_string(path).expect("a text");
        // The macro's own file: what it says itself counts, its pattern and its tests do not.
        let own = text.split("pub(crate) use why;").nth(1).and_then(|rest| rest.split("#[cfg(test)]").next());
        let text = own.unwrap_or(&text);
        for mark in ["why!(", "Why::new("] {
            for (at, _) in text.match_indices(mark) {
                let rest = &text[at + mark.len()..];
                let Some(rest) = rest.trim_start().strip_prefix('"') else { continue };
                let Some((name, rest)) = rest.split_once('"') else { continue };
                let figures = all.entry(name.to_owned()).or_default();
                figures.extend(figures_of(mark, rest));
            }
        }
    }
    all
}

/// `name = value` behind the text of a `why!`, or the names in the list of a `Why::new`.
fn figures_of(mark: &str, rest: &str) -> Vec<String> {
    let rest = rest.split("));").next().unwrap_or(rest).split("why!(").next().unwrap_or(rest);
    if mark == "Why::new(" {
        let listed = rest.split("(\"").skip(1).filter_map(|part| part.split('"').next());
        return listed.map(str::to_owned).collect();
    }
    let word = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase()) && !text.is_empty();
    let names = rest.split(" = ").filter_map(|part| part.rsplit([' ', '\n', ',', '(']).next());
    names.filter(|name| word(name)).map(str::to_owned).collect()
}

#[test]
fn the_pages_know_everything_that_a_slice_says_is_wrong() {
    let wrongs = wrongs();
    assert!(wrongs.len() > 60, "they were not found: {}", wrongs.len());
    let texts = all(Lang::En);
    let phone: Vec<&str> = texts.keys().filter_map(|key| key.strip_prefix("wrong.phone_")).collect();
    assert_eq!(phone.len(), 12, "one for each way of not being a phone number: {phone:?}");
    let missing: Vec<_> = wrongs.keys().filter(|name| !texts.contains_key(&format!("wrong.{name}"))).collect();
    assert!(missing.is_empty(), "said by a slice, and not on the pages: {missing:?}");
    let names = |key: &&str| !key.starts_with("phone_") && *key != "region_unknown";
    let own: Vec<&str> = texts.keys().filter_map(|key| key.strip_prefix("wrong.")).filter(names).collect();
    let idle: Vec<_> = own.iter().filter(|name| !wrongs.contains_key(**name)).collect();
    assert!(idle.is_empty(), "no slice says so: {idle:?}");
    for (name, figures) in &wrongs {
        let text = &texts[&format!("wrong.{name}")];
        let asked = text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name));
        for figure in asked {
            let known = figures.contains(figure) || (name.starts_with("place_") && figure == "entry");
            assert!(known, "{name} asks for {figure}, and is given {figures:?}");
        }
    }
}

#[test]
fn every_key_that_a_page_asks_for_is_there_and_none_is_idle() {
    let source = sources();
    let (quoted, families) = (quoted(&source), families(&source));
    let texts = all(Lang::En);
    let stems: BTreeSet<&str> = texts.keys().map(|k| stem(k)).collect();
    let files: BTreeSet<&str> = stems.iter().filter_map(|k| k.split('.').next()).collect();
    let missing: Vec<_> = quoted
        .iter()
        .filter(|key| files.contains(key.split('.').next().unwrap_or_default()))
        .filter(|key| !stems.contains(key.as_str()) && !families.contains(key.as_str()))
        .collect();
    assert!(missing.is_empty(), "asked for, and not there: {missing:?}");
    let idle: Vec<_> = stems
        .iter()
        .filter(|key| !quoted.contains(**key) && !families.contains(**key))
        .filter(|key| !families.iter().any(|family| key.starts_with(&format!("{family}."))))
        .filter(|key| !key.starts_with("done.") && !key.starts_with("wrong."))
        .collect();
    assert!(idle.is_empty(), "nobody asks for them: {idle:?}");
}

#[test]
fn placeholders_agree_and_nothing_is_left_in_english() {
    let marks = |text: &str| -> BTreeSet<String> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name.to_owned())).collect()
    };
    for lang in [Lang::Ar, Lang::He] {
        for (key, text) in all(lang) {
            let Some(english) = all(Lang::En).get(key) else { continue };
            let (mut ours, theirs) = (marks(text), marks(english));
            // "one" and "two" may be spelt out.
            if ["one", "two"].iter().any(|form| key.ends_with(&format!(".{form}"))) {
                ours.extend(theirs.clone());
            }
            assert_eq!(ours, theirs, "{lang} {key}");
            let words = english.split_whitespace().filter(|w| w.chars().all(char::is_alphabetic)).count();
            assert!(text != english || words < 4, "{lang} {key} is not translated: {text}");
        }
    }
}

/// A sign before Latin letters or digits belongs to them: without a mark, a text that runs from right to left puts it on
/// their other side, and `$SECRET` reads "SECRET$".
#[test]
fn what_begins_with_a_sign_keeps_it_on_its_side() {
    const MARKS: [char; 3] = ['\u{200e}', '\u{2066}', '\u{2068}'];
    for lang in [Lang::Ar, Lang::He] {
        for (key, text) in all(lang) {
            for word in text.split([' ', '(', '«', '"']) {
                let word = word.trim_start_matches(['\u{200f}', '\u{2067}']);
                let signs = word.trim_start_matches(MARKS).trim_start_matches(['$', '+', '/', '.', '#', '@', '-']);
                let begins = signs.starts_with(|c: char| c.is_ascii_alphanumeric());
                let has_sign = begins && word.starts_with(|c: char| "$+/.#@-".contains(c));
                assert!(!has_sign, "{lang} {key}: {word} wants a left-to-right mark before it: {text}");
            }
        }
    }
}

/// What a connector says of its state, or of a message, is there for every reader.
#[test]
fn each_sentence_of_a_connector_is_there_in_every_language() {
    for lang in [Lang::En, Lang::Ar, Lang::He] {
        let mut said: BTreeSet<String> = SENTENCES.iter().map(|(_, name)| format!("connector_state.{name}")).collect();
        said.retain(|key| !all(lang).contains_key(key.as_str()));
        assert!(said.is_empty(), "{lang}: {said:?}");
        let known = all(lang).keys().filter(|key| key.starts_with("connector_state.")).count();
        assert_eq!(known, SENTENCES.len(), "{lang}: no sentence is idle");
    }
}

/// What the gateway stores as a reason, and the pages tell in their languages, is what it says: no sentence is idle.
#[test]
fn each_reason_that_the_pages_know_is_said_somewhere() {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "rs", &mut found);
    let said: String = found.iter().map(|path| fs::read_to_string(path).expect("a text")).collect();
    // A text that goes on in the next line.
    let said = said.split("\\\n").map(str::trim_start).collect::<String>();
    let mut seen = 0;
    for (key, text) in all(Lang::En).iter().filter(|(key, _)| key.starts_with("reason.")) {
        // Words of the operating system's, and of another sentence put in another's place.
        if key.starts_with("reason.place_") || key.ends_with("_there") {
            continue;
        }
        let words = |part: &'static str| part.split_once('}').map_or(part, |(_, own)| own).trim_end_matches([':', ' ']);
        let own: Vec<&str> = text.split('{').map(words).filter(|own| own.len() > 8).collect();
        assert!(own.iter().any(|own| said.contains(own)), "{key}: nobody says {own:?}");
        seen += 1;
    }
    assert!(seen > 100, "{seen}");
}
