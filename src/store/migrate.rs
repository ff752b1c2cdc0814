//! The steps from schema to schema, taken at once behind a copy of the file as it was.

use super::{
    StoreError, former, one_person,
    open::{FILE_NAME, RESTORED_AT, check_file},
};
use crate::model::clock::Time;
use rusqlite::{Connection, Transaction};
use rusqlite_migration::{M, Migrations};
use std::path::Path;

/// All migrations, oldest first.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_foundation.sql"),
    include_str!("migrations/0002_inbound_webhooks.sql"),
    include_str!("migrations/0003_instance_secrets.sql"),
    include_str!("migrations/0004_second_factors.sql"),
    include_str!("migrations/0005_log_search.sql"),
    include_str!("migrations/0006_threecx.sql"),
    include_str!("migrations/0007_media_retention.sql"),
    include_str!("migrations/0008_chattu.sql"),
    include_str!("migrations/0009_cloud_api.sql"),
    include_str!("migrations/0010_digests.sql"),
    include_str!("migrations/0011_administration.sql"),
    include_str!("migrations/0012_changes.sql"),
    include_str!("migrations/0013_read_marks.sql"),
    include_str!("migrations/0014_former_secrets.sql"),
    include_str!("migrations/0015_one_person.sql"),
    include_str!("migrations/0016_key_check.sql"),
    include_str!("migrations/0017_judgements.sql"),
    include_str!("migrations/0018_key_scopes.sql"),
    include_str!("migrations/0019_echoes.sql"),
    include_str!("migrations/0020_client_ids.sql"),
    include_str!("migrations/0021_cheaper_sends.sql"),
    include_str!("migrations/0022_account_phrases.sql"),
    include_str!("migrations/0023_key_addresses.sql"),
    include_str!("migrations/0024_quota_taken_once.sql"),
    include_str!("migrations/0025_changes_counted.sql"),
    include_str!("migrations/0026_event_feed.sql"),
    include_str!("migrations/0027_waiting_messages.sql"),
    include_str!("migrations/0028_sealed_addresses.sql"),
    include_str!("migrations/0029_appliance_settings.sql"),
    include_str!("migrations/0030_broker_deliveries.sql"),
    include_str!("migrations/0031_standby.sql"),
    include_str!("migrations/0032_unread.sql"),
    include_str!("migrations/0033_template_frames.sql"),
    include_str!("migrations/0034_waited.sql"),
    include_str!("migrations/0035_counts_at_rest.sql"),
    include_str!("migrations/0036_due_at_once.sql"),
    include_str!("migrations/0037_allowed_hosts.sql"),
];

/// The step to this schema is more than its SQL: what is done after it, in its transaction.
const ONE_PERSON: usize = 15;

/// The newest schema that this program knows.
pub const SCHEMA_VERSION: usize = MIGRATIONS.len();

/// How to go back to the file as it was before a newer program stepped it up: commands to be run as they stand.
pub(super) fn way_back(path: &Path) -> String {
    let dir = path.parent().unwrap_or(Path::new("."));
    let prefix = former::prefix(SCHEMA_VERSION + 1);
    let entries = std::fs::read_dir(dir.join("backups")).into_iter().flatten().flatten();
    let names = entries.map(|e| e.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|n| n.starts_with(&prefix) && n.ends_with(".db")).collect();
    names.sort();
    // An earlier version wrote them in place: one that a crash cut off is none.
    match names.into_iter().rev().find(|name| check_file(&dir.join("backups").join(name)).is_ok()) {
        Some(name) => format!(
            "go back to the database as it was before the upgrade (remove the folder newer when all is well), without what came \
             after it: cd {:?} && mkdir newer && mv {FILE_NAME}* newer/ && cp -p backups/{name} {FILE_NAME} && touch {RESTORED_AT}",
            dir.display().to_string()
        ),
        None => "restore a backup that was made before the upgrade into an empty directory".into(),
    }
}

/// Takes all steps that are missing in one transaction, behind one copy of the file as it was: what lies between was never
/// run by any release, and a step that fails or a kill leaves the file to the program that wrote it. A new file has nothing to
/// copy.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    steps: &[&'static str],
    from: usize,
    now: Time,
) -> Result<(), StoreError> {
    let to = steps.len();
    if from >= to {
        return Ok(());
    }
    let step = |(at, sql): (usize, &&'static str)| match at + 1 {
        ONE_PERSON => M::up_with_hook(sql, move |tx: &Transaction<'_>| Ok(one_person::merge(tx, now)?)),
        _ => M::up(sql),
    };
    let migrations = Migrations::new(steps.iter().enumerate().map(step).collect());
    if from > 0 {
        let copy = former::back_up(connection, path, from + 1, now)?;
        tracing::info!(
            from,
            to,
            copy = %copy.display(),
            days = former::KEPT_DAYS,
            "the database is taken to a newer schema; a copy as it was is kept for so many days"
        );
    }
    migrations.to_version(connection, to).map_err(|e| StoreError::Unusable {
        path: path.to_owned(),
        problem: format!("the step from schema {from} to {to} failed and was taken back: {e}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::open::writer_connection;
    use std::{path::PathBuf, time::Duration};
    use tempfile::TempDir;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    const GOOD: &str = "CREATE TABLE later (x INTEGER NOT NULL) STRICT; INSERT INTO later VALUES (1);";
    const BROKEN: &str = "CREATE TABLE later (x INTEGER NOT NULL) STRICT; INSERT INTO no_such_table VALUES (1);";

    fn now() -> Time {
        Time::parse("2026-06-01T08:00:00Z").expect("a time")
    }

    /// A database of today with a row in it.
    fn today() -> (TempDir, PathBuf, Connection) {
        let dir = TempDir::new().expect("a directory");
        let path = dir.path().join(FILE_NAME);
        let connection = writer_connection(&path, now()).expect("a database");
        connection.execute("INSERT INTO jobs (name, due_at) VALUES ('kept', 7)", []).expect("a row");
        (dir, path, connection)
    }

    fn with(step: &'static str) -> Vec<&'static str> {
        MIGRATIONS.iter().copied().chain([step]).collect()
    }

    fn number(connection: &Connection, sql: &str) -> i64 {
        connection.query_row(sql, [], |r| r.get(0)).expect(sql)
    }

    fn backups(path: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path.with_file_name("backups"));
        entries.map(|all| all.map(|e| e.expect("an entry").path()).collect()).unwrap_or_default()
    }

    #[test]
    fn a_new_database_needs_no_backup() {
        let (_dir, path, connection) = today();
        assert_eq!(number(&connection, "PRAGMA user_version"), i64::try_from(SCHEMA_VERSION).expect("a number"));
        assert_eq!(backups(&path), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_step_is_taken_behind_a_backup_of_the_file_as_it_was() {
        use std::os::unix::fs::MetadataExt;
        let (_dir, path, mut connection) = today();
        migrate(&mut connection, &path, &with(GOOD), SCHEMA_VERSION, now()).expect("the step");
        assert_eq!(number(&connection, "SELECT count(*) FROM later"), 1);
        assert_eq!(number(&connection, "SELECT due_at FROM jobs WHERE name = 'kept'"), 7);
        let made = backups(&path);
        let [backup] = &made[..] else { panic!("one backup: {made:?}") };
        let expected = format!("before-schema-{}-20260601T080000Z.db", SCHEMA_VERSION + 1);
        assert_eq!(backup.file_name().expect("a name"), expected.as_str());
        assert_eq!(std::fs::metadata(backup).expect("it is there").mode() & 0o777, 0o600);
        check_file(backup).expect("this version can open the backup");
        let old = Connection::open(backup).expect("the backup");
        assert_eq!(number(&old, "SELECT due_at FROM jobs WHERE name = 'kept'"), 7);
        assert_eq!(number(&old, "SELECT count(*) FROM sqlite_schema WHERE name = 'later'"), 0);
        // And this version refuses what the step left, with the way back.
        drop(connection);
        let refused = writer_connection(&path, now()).expect_err("a newer schema").to_string();
        let commands = refused.split("after it: ").nth(1).expect("commands");
        let done = std::process::Command::new("sh").args(["-ec", commands]).status().expect("a shell");
        assert!(done.success(), "{commands}");
        assert!(path.with_file_name(RESTORED_AT).exists(), "what is served next knows that it is a former state");
        let back = writer_connection(&path, now()).expect("this version's own database again");
        assert_eq!(number(&back, "SELECT due_at FROM jobs WHERE name = 'kept'"), 7);
        assert!(path.with_file_name("newer").join(FILE_NAME).exists(), "the newer one is kept");
    }

    #[test]
    fn a_step_that_fails_is_taken_back_whole_and_can_be_tried_again() {
        let (_dir, path, mut connection) = today();
        let failed = migrate(&mut connection, &path, &with(BROKEN), SCHEMA_VERSION, now());
        let line = failed.expect_err("it fails").to_string();
        assert!(line.contains("was taken back") && line.contains("no_such_table"), "{line}");
        assert_eq!(number(&connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'later'"), 0);
        assert_eq!(number(&connection, "PRAGMA user_version"), i64::try_from(SCHEMA_VERSION).expect("a number"));
        migrate(&mut connection, &path, &with(GOOD), SCHEMA_VERSION, now()).expect("the step, mended");
        assert_eq!(number(&connection, "SELECT due_at FROM jobs WHERE name = 'kept'"), 7);
    }

    #[test]
    fn several_steps_are_taken_at_once_behind_one_copy_of_what_the_older_program_left() {
        let (_dir, path, mut connection) = today();
        let more = |last| MIGRATIONS.iter().copied().chain(["CREATE TABLE soon (x INTEGER) STRICT;", last]).collect();
        let (broken, good): (Vec<_>, Vec<_>) = (more(BROKEN), more(GOOD));
        for again in 0..2 {
            migrate(&mut connection, &path, &broken, SCHEMA_VERSION, now().plus(DAY * again)).expect_err("it fails");
            let version = number(&connection, "PRAGMA user_version");
            assert_eq!(version, i64::try_from(SCHEMA_VERSION).expect("a number"), "the older program goes on");
            assert_eq!(backups(&path).len(), 1, "however often it is tried");
        }
        migrate(&mut connection, &path, &good, SCHEMA_VERSION, now().plus(DAY * 2)).expect("both");
        assert_eq!(number(&connection, "PRAGMA user_version"), i64::try_from(good.len()).expect("a number"));
        let made = backups(&path);
        let [copy] = &made[..] else { panic!("one copy: {made:?}") };
        let expected = format!("before-schema-{}-20260603T080000Z.db", SCHEMA_VERSION + 1);
        assert_eq!(copy.file_name().expect("a name"), expected.as_str());
        let old = Connection::open(copy).expect("the copy");
        assert_eq!(number(&old, "SELECT count(*) FROM sqlite_schema WHERE name IN ('soon', 'later')"), 0);
    }

    #[test]
    fn without_a_backup_there_is_no_step() {
        let (_dir, path, mut connection) = today();
        std::fs::write(path.with_file_name("backups"), "no folder").expect("a file in its place");
        migrate(&mut connection, &path, &with(GOOD), SCHEMA_VERSION, now()).expect_err("no backup, no step");
        assert_eq!(number(&connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'later'"), 0);
    }

    #[test]
    fn what_each_message_writes_is_checked_without_a_table_of_its_own() {
        let (_dir, _path, connection) = today();
        let sql = "SELECT name, sql FROM sqlite_schema WHERE tbl_name IN ('messages', 'message_counts', 'changes', 'contacts',
            'contact_identities', 'policy_decisions', 'usage_days', 'usage_months', 'events', 'deliveries')
            AND type IN ('table', 'index') AND sql IS NOT NULL";
        let mut statement = connection.prepare(sql).expect("a statement");
        let all = statement.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?))).expect("rows");
        for (name, sql) in all.map(|row| row.expect("a row")) {
            for list in sql.split(" IN (").skip(1) {
                let items = list.split(')').next().unwrap_or_default().split(',').count();
                assert!(items < 3, "{name}: SQLite fills a table of its own for this list at each write: {list}");
            }
        }
        let refused = connection.execute("INSERT INTO changes (kind) VALUES ('other')", []);
        assert!(refused.is_err_and(|e| e.to_string().contains("CHECK")), "the conditions themselves hold on");
    }
}
