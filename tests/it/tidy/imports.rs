//! Reading Rust for the rules: what a text imports, which types it makes, which arrows there are between rooms.

use super::{module_of, rust_files};
use std::collections::BTreeSet;

/// What a text imports of ours: the line, and the path behind `crate::` with slashes. Comments do not count.
pub(super) fn seen_from(text: &str) -> Vec<(usize, String)> {
    let code: Vec<&str> = text.lines().map(|l| if l.trim_start().starts_with("//") { "" } else { l }).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    for (at, root) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c == '$' || c == '_' || c == ':' || c.is_alphanumeric()) {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let mut paths = Vec::new();
        use_tree(&code[at + root.len()..], String::new(), &mut paths);
        found.extend(paths.into_iter().map(|path| (line, path)));
    }
    found
}

/// Reads one element of a use tree and returns what stands behind it.
fn use_tree<'a>(text: &'a str, before: String, found: &mut Vec<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
            match rest.strip_prefix('}') {
                Some(behind) => return behind,
                None if rest.is_empty() => return rest,
                None => rest = use_tree(rest, before.clone(), found),
            }
        }
    }
    let end = text.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(text.len());
    if end == 0 {
        found.push(before);
        return text.get(1..).unwrap_or_default();
    }
    let (name, mut rest) = text.split_at(end);
    let path = if before.is_empty() { name.to_owned() } else { format!("{before}/{name}") };
    let goes_on = |rest: &str| rest.starts_with(|c: char| c == '{' || c == '*' || c == '_' || c.is_alphabetic());
    if let Some(behind) = rest.strip_prefix("::").filter(|behind| goes_on(behind)) {
        return use_tree(behind, path, found);
    }
    found.push(path);
    if let Some(alias) = rest.strip_prefix(" as ") {
        rest = alias.trim_start_matches(|c: char| c == '_' || c.is_alphanumeric());
    }
    rest
}

/// Every arrow between two of ours, by what `name` makes of a path.
pub(super) fn arrows(name: impl Fn(&str) -> String) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (path, text) in rust_files(&["src"]) {
        let from = name(&module_of(&path));
        for (_, seen) in seen_from(&text) {
            let to = name(&seen);
            if from != to {
                found.insert((from.clone(), to));
            }
        }
    }
    found
}

/// The types that a text makes at its outermost level, those of our string enums among them.
pub(super) fn types(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_macro = false;
    for line in text.lines() {
        if line.starts_with("string_enum! {") {
            in_macro = true;
        } else if line == "}" {
            in_macro = false;
        }
        let own = match line.strip_prefix("pub") {
            None => line,
            Some(rest) => rest.strip_prefix('(').and_then(|r| r.split_once(')')).map_or(rest, |(_, r)| r).trim_start(),
        };
        let kinds = ["struct ", "enum ", "trait ", "type ", "union "];
        let named = kinds.iter().find_map(|kind| own.strip_prefix(kind));
        let listed = line.strip_prefix("    ").filter(|l| in_macro && l.ends_with(" {") && !l.starts_with(' '));
        let name = named.or(listed).unwrap_or_default();
        let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !name.is_empty() {
            found.push(name);
        }
    }
    found
}
