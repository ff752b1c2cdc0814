//! The house's rules that a program can hold: who may import whom, how files begin, how long they get, what is not
//! written here. Each rule is a function over a file's text, with a bad example that it must catch.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Who sees whom, from the bottom up. A module may import what stands in its own line, and nothing else of ours.
const MAY_SEE: &[(&str, &str)] = &[
    ("model", ""),
    ("config", "model"),
    ("store", "model"),
    ("egress", "model"),
    ("connectors", "model egress"),
    ("notices", "model store"),
    ("live", "model store"),
    ("chats", "model store conversations suppression templates"),
    ("attention", "model store chats connectors conversations"),
    ("webhooks", "model store egress accounts notices"),
    ("media", "model store egress connectors"),
    ("accounts", "model store notices"),
    ("instances", "model store notices accounts webhooks connectors"),
    ("conversations", "model store webhooks connectors"),
    ("templates", "model store notices connectors"),
    ("suppression", "model store webhooks"),
    ("sending", "model store notices media accounts instances conversations suppression templates webhooks connectors"),
    (
        "inbound",
        "model store notices media instances conversations suppression templates webhooks sending connectors live",
    ),
    ("schedule", "model store sending connectors"),
    ("chattu", "model store accounts instances conversations suppression webhooks sending schedule connectors"),
    ("threecx", "model store accounts conversations webhooks sending"),
    ("retention", "model store media suppression"),
    ("digests", "model config store egress notices webhooks accounts"),
    ("reach", "model store egress accounts"),
    (
        "gateway",
        "model store media retention accounts instances suppression webhooks sending schedule chattu threecx connectors ops digests reach live attention",
    ),
    ("ops", "model config store egress notices sending http"),
    ("scheduler", "model store notices accounts gateway ops"),
    (
        "portal",
        "model store media accounts instances conversations suppression templates webhooks sending threecx connectors gateway http notices digests ops reach retention live chats schedule chattu",
    ),
    (
        "http",
        "model store media accounts instances sending webhooks schedule chattu chats threecx connectors gateway portal ops",
    ),
    (
        "control",
        "model store accounts instances conversations suppression webhooks sending threecx connectors gateway http ops",
    ),
    (
        "app",
        "model config store egress media retention suppression accounts instances webhooks sending inbound schedule chattu threecx connectors gateway http control scheduler ops digests portal reach live attention",
    ),
    ("cli", "model config store media gateway control ops app"),
    ("lib", ""),
    ("main", ""),
];

const FILE_MAX: usize = 400;

/// Why a text breaks a rule: its line (from 1) and what is wrong.
type Found = Vec<(usize, String)>;

#[test]
fn nothing_points_up() {
    check_all(&["src"], |path, text| imports(&module_of(path), text));
    let bad = "use crate::{\n    http::reply,\n    model::{clock::Time, ids},\n};\nuse crate::sending::Sending;\n";
    let found = imports("store", bad);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(imports("nobody", "use crate::model::ids;").len() == 1, "a module without a line in the table");
}

#[test]
fn every_file_says_what_it_is() {
    let rule = |text: &str| match text.starts_with("//! ") {
        true => Vec::new(),
        false => vec![(1, "the file does not open with //!".to_owned())],
    };
    check_all(&["src", "tests", "examples"], |_, text| rule(text));
    assert_eq!(rule("use std::fmt;\n").len(), 1);
}

#[test]
fn files_stay_readable() {
    check_all(&["src"], |path, text| if is_tests(path) { Vec::new() } else { length(text) });
    assert_eq!(length(&"x;\n".repeat(FILE_MAX + 1)).len(), 1);
    let with_tests = format!("x;\n#[cfg(test)]\nmod tests {{\n{}}}\n", "x;\n".repeat(FILE_MAX));
    assert!(length(&with_tests).is_empty());
}

#[test]
fn what_is_not_written_here() {
    check_all(
        &["src", "tests", "examples"],
        |path, text| {
            if path.ends_with("tidy.rs") { Vec::new() } else { words(text) }
        },
    );
    for bad in ["#[allow(dead_code)]", "todo!()", "unimplemented!()", "// FIXME later", "dbg!(x)"] {
        assert_eq!(words(bad).len(), 1, "{bad}");
    }
}

#[test]
fn slices_print_nothing_and_ask_for_no_environment() {
    check_all(&["src/"], |path, text| {
        let free = ["cli", "main"].contains(&module_of(path).as_str());
        if free { Vec::new() } else { outside(text) }
    });
    assert_eq!(outside("println!(\"x\");\nstd::env::var(\"HOME\");\n").len(), 2);
}

#[test]
fn no_second_tls_and_no_system_library() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    for name in ["openssl-sys", "native-tls", "aws-lc-sys", "aws-lc-rs"] {
        assert!(!lock.contains(&format!("name = \"{name}\"")), "{name} came in with a dependency");
    }
    assert_eq!(lock.matches("name = \"libsqlite3-sys\"").count(), 1);
}

fn imports(module: &str, text: &str) -> Found {
    let Some((_, allowed)) = MAY_SEE.iter().find(|(name, _)| *name == module) else {
        return vec![(1, format!("{module} has no line in MAY_SEE"))];
    };
    let mut found = Vec::new();
    for (at, rest) in text.match_indices("crate::").map(|(at, m)| (at, &text[at + m.len()..])) {
        let line = text[..at].matches('\n').count() + 1;
        let is_comment = text.lines().nth(line - 1).is_some_and(|l| l.trim_start().starts_with("//"));
        if is_comment {
            continue;
        }
        for seen in first_segments(rest) {
            if seen != module && !allowed.split(' ').any(|one| one == seen) {
                found.push((line, format!("{module} must not see {seen}")));
            }
        }
    }
    found
}

/// The first names behind `crate::`: one, or those of a `{…}` list.
fn first_segments(rest: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(list) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut depth, mut segments, mut at_start) = (0, Vec::new(), true);
    for (i, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            c if at_start && c.is_alphabetic() => {
                segments.push(name(&list[i..]));
                at_start = false;
            }
            _ => {}
        }
    }
    segments
}

fn length(text: &str) -> Found {
    let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let lines = own.lines().count();
    if lines <= FILE_MAX { Vec::new() } else { vec![(FILE_MAX, format!("{lines} lines are more than {FILE_MAX}"))] }
}

fn words(text: &str) -> Found {
    let bad = ["#[allow(", "todo!(", "unimplemented!(", "FIXME", "XXX", "dbg!("];
    lines_with(text, &bad)
}

fn outside(text: &str) -> Found {
    let own = text.split("#[cfg(test)]").next().unwrap_or(text);
    lines_with(own, &["println!(", "std::env::", "print!("])
}

fn lines_with(text: &str, bad: &[&str]) -> Found {
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(n, line)| {
            bad.iter().find(|b| line.contains(**b)).map(|b| (n + 1, format!("{b} is not for here")))
        })
        .collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// `src/sending/pace/load.rs` → sending; `src/app.rs` → app.
fn module_of(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).unwrap_or(path);
    let first = relative.components().next().map(|c| c.as_os_str().to_string_lossy().into_owned());
    first.unwrap_or_default().trim_end_matches(".rs").to_owned()
}

fn is_tests(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"))
}

/// Runs a rule over every Rust file below `dirs`, and fails with all that it found.
fn check_all(dirs: &[&str], rule: impl Fn(&Path, &str) -> Found) {
    let mut problems = Vec::new();
    let mut seen = 0;
    for dir in dirs {
        let mut waiting = vec![root().join(dir)];
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                waiting.extend(fs::read_dir(&path).expect("a directory").map(|e| e.expect("an entry").path()));
            } else if path.extension().is_some_and(|e| e == "rs") {
                seen += 1;
                let text = fs::read_to_string(&path).expect("a file");
                let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
                problems.extend(rule(&path, &text).into_iter().map(|(line, what)| format!("{shown}:{line}: {what}")));
            }
        }
    }
    assert!(seen > 5, "the files are found");
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
