//! Tables have owners: who writes into each table, and who else reads it. Read from the SQL in `src/`, so that a new
//! statement in a foreign slice is seen when it is written, and from the migrations, so that a new column that names a
//! person is thought of where two people become one and where somebody is erased.

use crate::tidy::{module_of, root, rust_files, slice_of};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};
use wa_gateway::model::plan::Plan;

/// Each table, the slices that write into it, and those that only read it. What is not done any more leaves its line;
/// who comes into a line has a reason. Triggers write `changes` and `message_counts`; `store` is a migration in code.
const TABLES: &[(&str, &str, &str)] = &[
    ("account_modules", "accounts", "events/webhooks sending"),
    ("accounts", "accounts", "dialects/threecx events/notice_delivery events/webhooks instances sending store"),
    ("answerable_events", "events/webhooks gateway/retention people/conversations store", ""),
    ("api_key_instances", "accounts", "people/media sending"),
    ("api_keys", "accounts", "events/webhooks sending"),
    ("attempts", "events/webhooks gateway/retention", "sending"),
    ("audit", "accounts gateway/retention store", "dialects/chattu"),
    ("calls", "gateway/inbound gateway/retention people/conversations store", "dialects/chattu"),
    ("changes", "events/live", ""),
    (
        "contact_identities",
        "gateway/retention people/conversations store",
        "dialects/chattu dialects/threecx gateway/inbound people/chats people/suppression sending",
    ),
    ("contacts", "gateway/retention people/conversations store", "people/chats people/presence sending"),
    ("conversations", "gateway/retention people/chats people/conversations store", ""),
    ("deliveries", "events/webhooks gateway/retention", "ops sending"),
    ("digest_notices", "events/notice_delivery", ""),
    ("digests", "events/notice_delivery gateway/retention", ""),
    ("appliance_settings", "ops", ""),
    ("egress_entries", "ops/egress_allowlist", ""),
    ("endpoint_answers", "events/webhooks gateway/retention people/conversations store", ""),
    ("endpoint_former_secrets", "events/webhooks", ""),
    ("endpoints", "events/webhooks", "dialects/chattu dialects/threecx ops sending"),
    ("erased_suppressions", "people/suppression", ""),
    ("events", "events/webhooks gateway/retention", "sending"),
    ("granted_limits", "accounts", "sending"),
    ("groups", "people/chats", "gateway/inbound"),
    ("guard_settings", "sending", ""),
    ("idempotency", "gateway/retention sending", ""),
    (
        "inbound_messages",
        "gateway/inbound gateway/retention people/conversations store",
        "dialects/chattu people/chats sending",
    ),
    ("instance_secrets", "instances", ""),
    (
        "instances",
        "dialects/chattu instances",
        "accounts dialects/threecx events/webhooks gateway/inbound gateway/retention instances/templates ops people/chats people/presence sending sending/schedule",
    ),
    ("invitations", "accounts", ""),
    ("jobs", "app/scheduler", "ops"),
    ("judgements", "sending", ""),
    ("key_check", "store", ""),
    ("limit_requests", "accounts", ""),
    ("login_links", "accounts", ""),
    ("media", "gateway/retention people/media", "ops people/chats"),
    ("message_counts", "", "sending"),
    (
        "messages",
        "gateway/retention people/conversations sending store",
        "accounts dialects/chattu gateway/inbound instances/templates ops people/chats sending/schedule",
    ),
    ("notices", "accounts/notices gateway/retention", "events/notice_delivery"),
    ("plans", "", "accounts sending"),
    ("policy_decisions", "gateway/retention sending", ""),
    ("policy_phrases", "sending", ""),
    ("provider_news", "gateway/inbound gateway/retention", "ops"),
    ("recovery_codes", "accounts", ""),
    ("review_notes", "sending", ""),
    ("reviews", "instances", "sending"),
    ("schedules", "gateway/retention people/conversations sending sending/schedule store", "dialects/chattu ops"),
    ("second_factors", "accounts", ""),
    ("sessions", "accounts", ""),
    ("standby", "ops", ""),
    ("strikes", "gateway/retention instances sending", ""),
    ("suppressions", "gateway/retention people/conversations people/suppression store", "gateway/inbound sending"),
    ("templates", "instances/templates", ""),
    ("threecx_cooldowns", "dialects/threecx gateway/retention", ""),
    ("threecx_counters", "dialects/threecx", ""),
    ("threecx_integrations", "dialects/threecx", "gateway/retention"),
    ("threecx_requests", "dialects/threecx gateway/retention", ""),
    ("threecx_signatures", "dialects/threecx", ""),
    ("threecx_templates", "dialects/threecx", ""),
    ("usage_days", "sending", "accounts"),
    ("usage_history", "accounts", ""),
    ("usage_months", "sending", "accounts"),
    ("users", "accounts", "store"),
];

/// Statements whose table is put in by name: each of these files names its tables itself.
const PUT_IN: &[&str] = &["accounts/key", "accounts/usage"];

/// Columns that name a person, in whichever table they stand.
const PERSON: &[&str] = &["contact_id", "recipient", "phone"];

/// Columns of these names that name nobody who could be erased.
const NOBODY: &[(&str, &str, &str)] = &[
    ("digests", "recipient", "the address of somebody who runs an account or the appliance"),
    ("instances", "phone", "the account's own number"),
    ("threecx_requests", "phone", "masked when it is written"),
];

/// What a text does to tables: the table, and whether it writes.
type Uses = BTreeSet<(String, bool)>;

#[test]
fn pages_and_http_ask_no_table_themselves() {
    for (table, writers, readers) in TABLES {
        for room in writers.split(' ').chain(readers.split(' ')) {
            assert!(!matches!(room, "portal" | "web" | "api" | "texts"), "{table}: {room} has SQL of its own");
        }
    }
    let page = "let n = tx.one(\"SELECT count(*) FROM messages\", [], |r| r.get(0))?;";
    assert_eq!(uses(page), Uses::from([("messages".to_owned(), false)]), "it would be seen");
}

#[test]
fn every_table_is_written_and_read_by_whom_its_line_names() {
    let tables = tables();
    let mut found: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> =
        tables.iter().map(|table| (table.clone(), Default::default())).collect();
    for (path, text) in rust_files(&["src"]) {
        let slice = slice_of(&module_of(&path));
        for (table, writes) in uses(&text).into_iter().filter(|(table, _)| tables.contains(table)) {
            let line = found.entry(table).or_default();
            if writes {
                line.0.insert(slice.clone())
            } else {
                line.1.insert(slice.clone())
            };
        }
    }
    let real: Vec<String> = found.iter().map(|(table, (writers, readers))| shown(table, writers, readers)).collect();
    let stated: Vec<String> =
        TABLES.iter().map(|(table, writers, readers)| shown(table, &set(writers), &set(readers))).collect();
    let new: Vec<_> = real.iter().filter(|line| !stated.contains(line)).collect();
    let gone: Vec<_> = stated.iter().filter(|line| !real.contains(line)).collect();
    assert!(new.is_empty() && gone.is_empty(), "now:\n{new:#?}\nas the table says:\n{gone:#?}");
}

#[test]
fn statements_are_read_as_sqlite_reads_them() {
    let text = "tx.execute(\"INSERT INTO audit (at) VALUES (?1)\", x)?;\n// UPDATE ghosts SET x = 1\n\
                tx.list(\"SELECT 1 FROM messages m\n    JOIN contacts c ON 1\", x)?;\n\
                tx.execute(\"UPDATE OR IGNORE calls SET x = 1 WHERE EXISTS (SELECT 1 FROM media)\", x)?;\n\
                tx.execute(\"DELETE FROM strikes\", x)?; tx.execute(\"INSERT OR IGNORE INTO groups VALUES (1)\", x)?;";
    let expected = [
        ("audit", true),
        ("calls", true),
        ("contacts", false),
        ("groups", true),
        ("media", false),
        ("messages", false),
        ("strikes", true),
    ];
    assert_eq!(uses(text), expected.map(|(table, writes)| (table.to_owned(), writes)).into());
    assert!(uses("#[cfg(test)]\nmod tests {\n    fn x() { \"DELETE FROM messages\"; }\n}\n").is_empty());
}

#[test]
fn no_table_hides_behind_a_name_that_is_put_in() {
    let hidden = |text: &str| ["FROM {", "JOIN {", "INTO {", "UPDATE {"].iter().any(|s| code(text).contains(s));
    let found: Vec<String> = rust_files(&["src"])
        .into_iter()
        .filter(|(_, text)| hidden(text))
        .map(|(path, _)| module_of(&path))
        .filter(|module| !PUT_IN.contains(&module.as_str()))
        .collect();
    assert_eq!(found, Vec::<String>::new());
    assert!(hidden("let sql = format!(\"DELETE FROM {table}\");"));
}

#[test]
fn every_column_that_names_a_person_is_thought_of_in_merging_and_in_erasing() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("a file");
    let merging = read("src/people/conversations/merge.rs");
    let erasing = read("src/gateway/retention/person.rs");
    let personal = personal(&schema());
    assert!(personal.len() > 10, "the columns are found: {personal:?}");
    assert_eq!(forgotten(&personal, &merging, &erasing), Vec::<String>::new());
    // A table that nobody thought of is told, in both places.
    let more = schema();
    more.execute_batch("CREATE TABLE birthdays (contact_id INTEGER, phone TEXT)").expect("a table");
    let told = forgotten(&self::personal(&more), &merging, &erasing);
    assert_eq!(
        told,
        ["birthdays is not merged", "birthdays.contact_id is not erased", "birthdays.phone is not erased"]
    );
    // What is excused is there, or leaves the list.
    for (table, column, _) in NOBODY {
        assert!(personal.contains(&((*table).to_owned(), (*column).to_owned())), "{table}.{column}");
    }
}

#[test]
fn the_plans_have_the_figures_that_their_page_names() {
    let connection = schema();
    let mut statement = connection.prepare("SELECT id, daily, monthly FROM plans ORDER BY daily").expect("a statement");
    let rows = statement.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, u64>(1)?, r.get::<_, u64>(2)?)));
    let stored: Vec<_> = rows.expect("rows").map(|row| row.expect("a row")).collect();
    let named = |plan: &Plan| (plan.as_str().to_owned(), plan.limits().daily, plan.limits().monthly);
    assert_eq!(stored, Plan::ALL.iter().map(named).collect::<Vec<_>>());
}

/// What is missing where two people become one, or where somebody is erased.
fn forgotten(personal: &BTreeSet<(String, String)>, merging: &str, erasing: &str) -> Vec<String> {
    let changes = |text: &str, table: &str| uses(text).contains(&(table.to_owned(), true));
    let mut told = Vec::new();
    for (table, column) in personal {
        if NOBODY.iter().any(|(t, c, _)| t == table && c == column) {
            continue;
        }
        if column == "contact_id" && !changes(merging, table) {
            told.push(format!("{table} is not merged"));
        }
        if !changes(erasing, table) {
            told.push(format!("{table}.{column} is not erased"));
        }
    }
    told
}

/// Tables and columns that name a person.
fn personal(schema: &rusqlite::Connection) -> BTreeSet<(String, String)> {
    let sql = "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'";
    let mut statement = schema.prepare(sql).expect("a statement");
    let rows = statement.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?))).expect("rows");
    rows.map(|row| row.expect("a row")).filter(|(_, column)| PERSON.contains(&column.as_str())).collect()
}

/// A database as the migrations make it.
fn schema() -> rusqlite::Connection {
    let mut files: Vec<_> = fs::read_dir(root().join("src/store/migrations"))
        .expect("the migrations")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let connection = rusqlite::Connection::open_in_memory().expect("a database");
    for file in files {
        connection.execute_batch(&fs::read_to_string(&file).expect("a migration")).expect("a migration");
    }
    connection
}

fn tables() -> BTreeSet<String> {
    let connection = schema();
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut statement = connection.prepare(sql).expect("a statement");
    let names = statement.query_map([], |r| r.get(0)).expect("rows");
    names.map(|name| name.expect("a name")).collect()
}

/// The tables that a file's SQL names, tests aside.
fn uses(text: &str) -> Uses {
    let code = code(text);
    let words: Vec<&str> =
        code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect();
    let mut found = Uses::new();
    for (at, word) in words.iter().enumerate() {
        let before = |n: usize| at.checked_sub(n).map_or("", |i| words[i]);
        let writes = match before(1) {
            "INTO" | "UPDATE" => true,
            "IGNORE" | "REPLACE" => before(2) == "OR" && before(3) == "UPDATE",
            "FROM" => before(2) == "DELETE",
            "JOIN" => false,
            _ => continue,
        };
        let is_a_name = word.starts_with(|c: char| c.is_ascii_lowercase());
        let reads = matches!(before(1), "FROM" | "JOIN");
        if is_a_name && (writes || reads) {
            found.insert(((*word).to_owned(), writes));
        }
    }
    // Who writes a table need not be told to read it, too.
    let written: Vec<String> = found.iter().filter(|(_, writes)| *writes).map(|(table, _)| table.clone()).collect();
    found.retain(|(table, writes)| *writes || !written.contains(table));
    found
}

/// A file's text without its comments and its tests.
fn code(text: &str) -> String {
    let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let lines = own.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n").replace("\\n", " ")
}

fn set(words: &str) -> BTreeSet<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

fn shown(table: &str, writers: &BTreeSet<String>, readers: &BTreeSet<String>) -> String {
    let line = |slices: Vec<&String>| slices.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(" ");
    let readers = readers.iter().filter(|reader| !writers.contains(*reader)).collect();
    format!("(\"{table}\", \"{}\", \"{}\"),", line(writers.iter().collect()), line(readers))
}
