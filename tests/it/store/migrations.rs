//! Migrations on data that is there: for each released schema, rows of all its tables (`tests/data/migrations/`), which
//! must come through every later step as they were. The step itself and its backup are tried in `src/store/open.rs`.

use rusqlite::{Connection, types::Value};
use std::{collections::BTreeMap, fs, path::Path};
use tempfile::TempDir;
use wa_gateway::{
    model::clock::Time,
    store::{SCHEMA_VERSION, Store, StoreError},
};

const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/migrations");
const ROWS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/migrations");

/// The files of a folder in their order: name and text.
fn files(folder: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|e| e == "sql"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(path).expect("a text"))
        })
        .collect();
    files.sort();
    files
}

fn tables(db: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut statement = db.prepare(sql).expect("a statement");
    let names = statement.query_map([], |r| r.get(0)).expect("rows");
    names.collect::<Result<_, _>>().expect("names")
}

/// Every row as texts of its values; by the names of its columns, so that a new column does not disturb.
fn rows(db: &Connection, table: &str, columns: &[String]) -> Vec<String> {
    let list = columns.iter().map(|c| format!("\"{c}\"")).collect::<Vec<_>>().join(", ");
    let mut statement = db.prepare(&format!("SELECT {list} FROM {table}")).expect("a statement");
    let rows = statement.query_map([], |r| {
        let values: Result<Vec<Value>, _> = (0..columns.len()).map(|n| r.get(n)).collect();
        Ok(format!("{:?}", values?))
    });
    let mut rows: Vec<String> = rows.expect("rows").collect::<Result<_, _>>().expect("rows");
    rows.sort();
    rows
}

fn columns(db: &Connection, table: &str) -> Vec<String> {
    let mut statement = db.prepare("SELECT name FROM pragma_table_info(?1)").expect("a statement");
    let names = statement.query_map([table], |r| r.get(0)).expect("rows");
    names.collect::<Result<_, _>>().expect("names")
}

/// A database as the release with `schema` would have left it: its migrations, its number, its rows.
fn older(path: &Path, schema: usize) -> Connection {
    let data = files(ROWS);
    older_with(path, schema, |n| &data[n].1)
}

/// The same with other rows: what to run behind each step.
pub fn older_with<'a>(path: &Path, schema: usize, rows: impl Fn(usize) -> &'a str) -> Connection {
    let db = Connection::open(path).expect("a database");
    db.pragma_update(None, "foreign_keys", true).expect("a setting");
    for (n, (name, migration)) in files(MIGRATIONS).into_iter().take(schema).enumerate() {
        db.execute_batch(&migration).expect("a migration");
        db.execute_batch(rows(n)).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    db.pragma_update(None, "user_version", schema).expect("a number");
    db
}

async fn open_and_close(dir: &Path) {
    let store = Store::open(dir, Time::parse("2026-06-01T08:00:00Z").expect("a time")).expect("it opens");
    let version = store.read(|tx| tx.one("PRAGMA user_version", [], |r| r.get::<_, usize>(0))).await;
    assert_eq!(version.map_err(|e: StoreError| e.to_string()), Ok(SCHEMA_VERSION));
    store.close().await;
}

#[test]
fn every_migration_has_rows_to_be_tried_on() {
    let (migrations, data) = (files(MIGRATIONS), files(ROWS));
    assert_eq!(migrations.len(), SCHEMA_VERSION, "each file has its line in open::MIGRATIONS");
    assert_eq!(data.len(), SCHEMA_VERSION, "a new migration needs rows in {ROWS}");
    for (n, (migration, rows)) in migrations.iter().zip(&data).enumerate() {
        let number = format!("{:04}_", n + 1);
        assert!(migration.0.starts_with(&number) && rows.0.starts_with(&number), "{} {}", migration.0, rows.0);
    }
}

#[test]
fn the_rows_fill_every_table_and_every_column() {
    let dir = TempDir::new().expect("a directory");
    let db = older(&dir.path().join("wa-gateway.db"), SCHEMA_VERSION);
    for table in tables(&db) {
        for column in columns(&db, &table) {
            let sql = format!("SELECT count(*) FROM {table} WHERE \"{column}\" IS NOT NULL");
            let filled: i64 = db.query_row(&sql, [], |r| r.get(0)).expect("a count");
            assert!(filled > 0, "{table}.{column} is empty in tests/data/migrations");
        }
    }
    let dangling: i64 =
        db.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |r| r.get(0)).expect("a count");
    assert_eq!(dangling, 0);
}

#[test]
fn every_table_is_strict_and_has_a_comment() {
    let dir = TempDir::new().expect("a directory");
    let db = older(&dir.path().join("wa-gateway.db"), SCHEMA_VERSION);
    let text: String = files(MIGRATIONS).into_iter().map(|(_, text)| text).collect();
    let lines: Vec<&str> = text.lines().collect();
    for table in tables(&db) {
        let sql = "SELECT strict FROM pragma_table_list WHERE schema = 'main' AND name = ?1";
        let strict: bool = db.query_row(sql, [&table], |r| r.get(0)).expect("a table");
        assert!(strict, "{table} is not STRICT");
        let at = lines.iter().position(|l| l.starts_with(&format!("CREATE TABLE {table} (")));
        let at = at.unwrap_or_else(|| panic!("{table} is not made on a line of its own"));
        assert!(lines[at - 1].starts_with("-- "), "{table} has no comment");
    }
}

/// Columns that a later schema has no more, and whose figures stand elsewhere.
const GIVEN_UP: [(&str, &str); 2] = [("usage_days", "reserved"), ("usage_months", "reserved")];

#[tokio::test]
async fn rows_of_every_older_schema_come_through_unchanged() {
    for schema in 1..=SCHEMA_VERSION {
        let dir = TempDir::new().expect("a directory");
        let path = dir.path().join("wa-gateway.db");
        let db = older(&path, schema);
        let mut before = BTreeMap::new();
        for table in tables(&db) {
            let mut columns = columns(&db, &table);
            columns.retain(|column| !GIVEN_UP.contains(&(table.as_str(), column.as_str())));
            before.insert(table.clone(), (rows(&db, &table, &columns), columns));
        }
        drop(db);
        // Twice: the second opening has nothing to do.
        open_and_close(dir.path()).await;
        open_and_close(dir.path()).await;
        let db = Connection::open(&path).expect("the database");
        for (table, (rows_before, columns)) in &before {
            assert!(!rows_before.is_empty(), "{table}");
            assert_eq!(&rows(&db, table, columns), rows_before, "{table} of schema {schema}");
        }
    }
}

#[tokio::test]
async fn what_was_reserved_and_not_yet_known_is_taken_of_the_quota() {
    let dir = TempDir::new().expect("a directory");
    let db = older(&dir.path().join("wa-gateway.db"), 23);
    db.execute("UPDATE usage_days SET counted = 3, reserved = 2", []).expect("an update");
    db.execute("UPDATE usage_months SET counted = 7, reserved = 2", []).expect("an update");
    drop(db);
    open_and_close(dir.path()).await;
    let db = Connection::open(dir.path().join("wa-gateway.db")).expect("the database");
    let number = |sql: &str| db.query_row(sql, [], |r| r.get::<_, i64>(0)).expect("a number");
    let taken = ("SELECT counted FROM usage_days", "SELECT counted FROM usage_months");
    assert_eq!((number(taken.0), number(taken.1)), (5, 9));
}

#[tokio::test]
async fn a_new_database_and_one_from_the_migrations_files_are_alike() {
    let schema = |db: &Connection| {
        let mut statement =
            db.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").expect("sql");
        let texts = statement.query_map([], |r| r.get::<_, String>(0)).expect("rows");
        texts.collect::<Result<Vec<_>, _>>().expect("texts")
    };
    let (new, stepped) = (TempDir::new().expect("a directory"), TempDir::new().expect("a directory"));
    open_and_close(new.path()).await;
    let new = Connection::open(new.path().join("wa-gateway.db")).expect("the database");
    let stepped = older(&stepped.path().join("wa-gateway.db"), SCHEMA_VERSION);
    assert_eq!(schema(&new), schema(&stepped));
}
