//! The house's rules that a program can hold: who may import whom, how files begin, how long they get, what is not
//! written here. Each rule is a function over a file's text, with a bad example that it must catch.

mod imports;

use imports::{arrows, seen_from, types};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Who sees whom, from the bottom up: a room, or a slice of one. It may import what stands in its own line (and itself),
/// and nothing else of ours; what is not used any more leaves the line.
const MAY_SEE: &[(&str, &str)] = &[
    ("model", ""),
    ("config", "model"),
    ("store", "model"),
    ("egress", "model"),
    ("texts/packed", ""),
    ("texts/locale", "model texts/packed"),
    ("connectors", "model egress"),
    ("accounts/scope", "model"),
    ("accounts/notices", "model store accounts/scope"),
    ("accounts", "model store accounts/notices"),
    ("events/live", "model store accounts/scope"),
    ("events/brokers", "model egress"),
    ("events/webhooks", "model store egress accounts accounts/notices events/brokers"),
    ("texts/reasons", "model connectors"),
    ("texts/notices", "model accounts/notices"),
    (
        "events/notice_delivery",
        "model config store egress texts/locale texts/notices accounts accounts/notices events/webhooks",
    ),
    ("instances/templates", "model store connectors accounts/notices"),
    ("instances", "model store connectors accounts accounts/notices events/webhooks"),
    ("people/suppression", "model store"),
    ("people/conversations", "model store connectors events/webhooks"),
    ("people/media", "model store egress connectors"),
    ("people/chats", "model store accounts/scope instances/templates people/conversations people/suppression"),
    ("people/presence", "model store connectors people/chats people/conversations"),
    (
        "sending",
        "model store connectors accounts accounts/notices events/webhooks instances instances/templates people/conversations people/media people/suppression",
    ),
    ("sending/schedule", "model store connectors accounts instances/templates sending"),
    ("ops", "model config store egress accounts/notices sending"),
    ("ops/egress_allowlist", "model store egress accounts"),
    (
        "gateway/inbound",
        "model store connectors accounts/notices events/live events/webhooks instances instances/templates people/chats people/conversations people/media people/suppression sending",
    ),
    ("gateway/retention", "model store accounts people/media people/suppression"),
    (
        "gateway",
        "model store connectors accounts events/notice_delivery events/live events/webhooks instances people/presence people/media people/suppression sending sending/schedule ops ops/egress_allowlist gateway/retention",
    ),
    ("web", "model store accounts sending ops gateway"),
    (
        "api",
        "model store texts/locale connectors accounts events/webhooks instances instances/templates people/conversations people/suppression people/media sending ops gateway web",
    ),
    (
        "dialects/chattu",
        "model store connectors accounts events/webhooks instances people/chats people/conversations people/media people/suppression sending sending/schedule gateway web api",
    ),
    ("dialects/threecx", "model store accounts events/webhooks people/conversations sending gateway web api"),
    ("dialects", "gateway"),
    (
        "portal",
        "model store texts/locale texts/notices texts/packed connectors accounts accounts/notices events/notice_delivery events/live events/webhooks instances instances/templates people/chats people/conversations people/media people/suppression sending sending/schedule ops ops/egress_allowlist gateway gateway/inbound gateway/retention web api dialects dialects/chattu dialects/threecx",
    ),
    ("app/root", "accounts"),
    ("app/routes", "accounts web api dialects dialects/chattu dialects/threecx portal"),
    ("app/scheduler", "model store accounts sending ops dialects"),
    (
        "app/commands",
        "model store connectors accounts events/webhooks instances instances/templates people/conversations people/media people/suppression sending gateway gateway/inbound web dialects dialects/threecx app/root",
    ),
    ("app/control", "dialects"),
    (
        "app",
        "model config store egress connectors accounts events/notice_delivery events/live events/webhooks instances people/presence people/media people/suppression sending sending/schedule ops ops/egress_allowlist gateway gateway/inbound gateway/retention web api dialects dialects/chattu dialects/threecx portal",
    ),
    ("app/cli", "model config store ops dialects app app/commands app/control"),
    ("people", ""),
    ("texts", ""),
    ("events", ""),
    ("lib", ""),
    ("main", "app/cli"),
];

/// Names that several types may have: each is the settings, the parts, the filter of the file that it stands in.
const SHARED_NAMES: &[&str] = &["Settings", "Command", "Parts", "Filter"];

const FILE_MAX: usize = 400;

/// Why a text breaks a rule: its line (from 1) and what is wrong.
type Found = Vec<(usize, String)>;

#[test]
fn nothing_points_up() {
    check_all(&["src"], |path, text| imports(&module_of(path), text));
    let bad = "use crate::{\n    web::reply,\n    model::{clock::Time, ids},\n};\nuse crate::sending::Sending;\n";
    let found = imports("store", bad);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(imports("nobody", "use crate::model::ids;").len() == 1, "a module without a line in the table");
    let nested =
        "use crate::people::{chats::{self, ChatId as C}, media};\nlet x = crate::people::suppression::y::<u8>();";
    let found = imports("people/conversations/row", nested);
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn nobody_may_see_what_he_does_not_look_at() {
    let real = arrows(slice_of);
    let dead: Vec<_> = MAY_SEE
        .iter()
        .flat_map(|(from, seen)| seen.split_whitespace().map(|to| ((*from).to_owned(), to.to_owned())))
        .filter(|arrow| arrow.0 != "main" && !real.contains(arrow))
        .collect();
    assert!(dead.is_empty(), "{dead:?}");
}

#[test]
fn rooms_stand_in_no_circle() {
    assert_eq!(circle(&arrows(room_of)), Vec::<String>::new());
    assert_eq!(upward(MAY_SEE), Vec::<String>::new());
    assert_eq!(upward(&[("a", "b"), ("b", "a")]), ["a → b"]);
    let arrow = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    let planted = BTreeSet::from([arrow("a", "b"), arrow("b", "c"), arrow("c", "a"), arrow("c", "d")]);
    assert_eq!(circle(&planted).len(), 3);
}

#[test]
fn a_types_bare_name_is_nobody_elses() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in rust_files(&["src"]) {
        let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        for name in types(&text) {
            found.entry(name).or_default().push(shown.clone());
        }
    }
    assert!(found.len() > 500, "the types are found");
    found.retain(|name, places| places.len() > 1 && !SHARED_NAMES.contains(&name.as_str()));
    assert!(found.is_empty(), "{found:#?}");
    let planted = "pub(super) struct Line<'a> {\n}\nenum Kind {\n    Line,\n}\nstring_enum! {\n    /// How.\n    Way {\n        A = \"a\",\n    }\n}\n";
    assert_eq!(types(planted), ["Line", "Kind", "Way"]);
}

#[test]
fn the_house_has_eighteen_rooms_at_most() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).expect("lib.rs");
    let rooms: Vec<_> = lib.lines().filter(|line| line.starts_with("pub mod ")).collect();
    assert!(rooms.len() > 10 && rooms.len() <= 18, "{rooms:?}");
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

/// Calls of C that no safe library makes: the allocator's, a thread's scheduling, the clock's state, a socket that systemd
/// opened, SQLite's for a file system of one's own. All else is safe Rust.
const UNSAFE: [&str; 6] = [
    "src/app/cli/socket_activation.rs",
    "src/model/aside.rs",
    "src/ops/doctor/time.rs",
    "src/ops/memory.rs",
    "src/sending/policy/content/allocation_tests.rs",
    "src/store/engine.rs",
];

#[test]
fn unsafe_code_stands_where_c_is_called() {
    let may = |path: &Path| UNSAFE.iter().any(|file| path.ends_with(file));
    check_all(&["src"], |path, text| if may(path) { Vec::new() } else { unsafe_code(text) });
    for bad in ["#![allow(unsafe_code)]", "    #[expect(unsafe_code)]", "    let x = unsafe { y() };"] {
        assert_eq!(unsafe_code(bad).len(), 1, "{bad}");
    }
    assert!(unsafe_code("//! nothing unsafe here, says a comment").is_empty());
}

fn unsafe_code(text: &str) -> Found {
    let is_unsafe = |line: &str| {
        !line.trim_start().starts_with("//") && (line.contains("(unsafe_code)") || line.contains("unsafe {"))
    };
    let numbered = (1..).zip(text.lines()).filter(|(_, line)| is_unsafe(line));
    numbered.map(|(n, line)| (n, format!("unsafe code has its files: {}", line.trim()))).collect()
}

#[test]
fn slices_print_nothing_and_ask_for_no_environment() {
    check_all(&["src/"], |path, text| {
        let free = ["app/cli", "main"].contains(&slice_of(&module_of(path)).as_str());
        if free { Vec::new() } else { outside(text) }
    });
    assert_eq!(outside("println!(\"x\");\nstd::env::var(\"HOME\");\n").len(), 2);
}

/// Who may ask for everybody's rows without an admin's session: root on the machine, and whom the configuration names.
const MACHINE: &[&str] = &["accounts/scope", "app/root", "events/notice_delivery/plan"];

#[test]
fn everybodys_rows_are_for_admins_and_for_root() {
    check_all(&["src"], |path, text| everybodys(&module_of(path), text));
    assert_eq!(everybodys("portal/pages/inbox", "let scope = Scope::of_the_machine();").len(), 1);
    assert_eq!(everybodys("api/guarded", "use crate::app::root::everybody;").len(), 1);
    assert!(everybodys("app/commands/key", "use crate::app::root::everybody;").is_empty());
}

#[test]
fn no_second_tls_and_no_system_library() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    for name in ["openssl-sys", "native-tls", "aws-lc-sys", "aws-lc-rs"] {
        assert!(!lock.contains(&format!("name = \"{name}\"")), "{name} came in with a dependency");
    }
    assert_eq!(lock.matches("name = \"libsqlite3-sys\"").count(), 1);
}

fn imports(path: &str, text: &str) -> Found {
    let module = slice_of(path);
    let Some((_, allowed)) = MAY_SEE.iter().find(|(name, _)| *name == module) else {
        return vec![(1, format!("{module} has no line in MAY_SEE"))];
    };
    let is_allowed = |seen: &str| seen == module || allowed.split(' ').any(|one| one == seen);
    let mut found = Vec::new();
    for (line, seen) in seen_from(text) {
        let seen = slice_of(&seen);
        if !is_allowed(&seen) {
            found.push((line, format!("{module} must not see {seen}")));
        }
    }
    found
}

/// The line of [`MAY_SEE`] that a path belongs to: `events/webhooks/retry` → `events/webhooks`, `web/body` → `web`.
pub(crate) fn slice_of(path: &str) -> String {
    let mut parts = path.split('/');
    let room = parts.next().unwrap_or_default();
    let slice = parts.next().map(|second| format!("{room}/{second}"));
    slice.filter(|slice| MAY_SEE.iter().any(|(name, _)| name == slice)).unwrap_or_else(|| room.to_owned())
}

/// The room that a path belongs to.
fn room_of(path: &str) -> String {
    path.split('/').next().unwrap_or_default().to_owned()
}

/// What a table lets point up: to a line that stands below its own.
fn upward(table: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, (from, seen)) in table.iter().enumerate() {
        let is_above = |to: &&str| !table[..at].iter().any(|(name, _)| name == to);
        found.extend(seen.split_whitespace().filter(is_above).map(|to| format!("{from} → {to}")));
    }
    found
}

/// A circle among the arrows, if there is one: rooms that nothing below them can be built without.
fn circle(arrows: &BTreeSet<(String, String)>) -> Vec<String> {
    let mut left = arrows.clone();
    loop {
        let seen: BTreeSet<String> = left.iter().map(|(from, _)| from.clone()).collect();
        let before = left.len();
        left.retain(|(_, to)| seen.contains(to));
        if left.len() == before {
            return left.into_iter().map(|(from, to)| format!("{from} → {to}")).collect();
        }
    }
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

/// Where a module asks for everybody's rows and may not.
fn everybodys(module: &str, text: &str) -> Found {
    match module {
        _ if MACHINE.contains(&module) => Vec::new(),
        _ if module.starts_with("app/commands/") => lines_with(text, &["of_the_machine("]),
        _ => lines_with(text, &["of_the_machine(", "root::everybody"]),
    }
}

fn lines_with(text: &str, bad: &[&str]) -> Found {
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(n, line)| {
            bad.iter().find(|b| line.contains(**b)).map(|b| (n + 1, format!("{b} is not for here")))
        })
        .collect()
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// `src/sending/pace/load.rs` → sending/pace/load; `src/app/mod.rs` → app.
pub(crate) fn module_of(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).unwrap_or(path).to_string_lossy().into_owned();
    let module = relative.trim_end_matches(".rs");
    module.trim_end_matches("/mod").to_owned()
}

fn is_tests(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"))
}

/// Runs a rule over every Rust file below `dirs`, and fails with all that it found.
fn check_all(dirs: &[&str], rule: impl Fn(&Path, &str) -> Found) {
    let mut problems = Vec::new();
    for (path, text) in rust_files(dirs) {
        let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        problems.extend(rule(&path, &text).into_iter().map(|(line, what)| format!("{shown}:{line}: {what}")));
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// Every Rust file below `dirs`, with its text.
pub(crate) fn rust_files(dirs: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = dirs.iter().map(|dir| root().join(dir)).collect();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).expect("a directory").map(|e| e.expect("an entry").path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).expect("a file");
            found.push((path, text));
        }
    }
    assert!(found.len() > 5, "the files are found");
    found
}
