//! Giving back what was deleted: SQLite keeps free pages for later, so a file never gets smaller by itself.
//!
//! New databases move free pages to the end and cut them off a few at a time (`auto_vacuum = INCREMENTAL`), between
//! messages. A database of an earlier version is written anew once, at a start, if that takes a moment only.

use super::{Store, StoreError};
use rusqlite::Connection;

/// PageCounts (4 KiB) that one transaction cuts off: a few milliseconds of the writer's time.
const STEP: u32 = 256;
/// Steps of one call: at most 256 MiB.
const STEPS_MAX: u32 = 256;
/// A tenth of the file may stay free: it is used again within days.
const KEEP_SHARE: i64 = 10;
/// What is worth the work, in pages.
const WORTH: i64 = 256;
/// PageCounts in use up to which an old file is written anew at a start: 64 MiB, about a second.
const REWRITE_MAX: i64 = 16_384;

struct PageCounts {
    all: i64,
    free: i64,
}

impl PageCounts {
    /// How many should be given back.
    fn surplus(&self) -> i64 {
        let surplus = self.free - self.all / KEEP_SHARE;
        if surplus > WORTH { surplus } else { 0 }
    }
}

impl Store {
    /// Gives free pages back to the disk, a few at a time; says how many.
    pub async fn shrink(&self) -> Result<i64, StoreError> {
        let mut given = 0;
        for _ in 0..STEPS_MAX {
            let pages = self.read(|tx| {
                let number = |sql: &str| tx.one(sql, [], |r| r.get::<_, i64>(0));
                Ok::<_, StoreError>(match number("PRAGMA auto_vacuum")? {
                    2 => PageCounts { all: number("PRAGMA page_count")?, free: number("PRAGMA freelist_count")? },
                    _ => PageCounts { all: 0, free: 0 },
                })
            });
            let step = pages.await?.surplus().min(i64::from(STEP));
            if step == 0 {
                break;
            }
            let sql = format!("PRAGMA incremental_vacuum({step})");
            self.write(move |tx| tx.list(&sql, [], |_| Ok(())).map(drop)).await?;
            given += step;
        }
        Ok(given)
    }
}

/// Writes a database of an earlier version anew, once, where much of it is free and the rest is small: from then on it
/// gives back by itself. One that cannot be (a full disk) stays as it is.
pub(super) fn rewrite_if_old(connection: &Connection) {
    let number = |sql: &str| connection.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap_or(0);
    let pages = PageCounts { all: number("PRAGMA page_count"), free: number("PRAGMA freelist_count") };
    if number("PRAGMA auto_vacuum") == 2 || pages.surplus() == 0 || pages.all - pages.free > REWRITE_MAX {
        return;
    }
    match connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM; PRAGMA wal_checkpoint(TRUNCATE);") {
        Ok(()) => tracing::info!(pages = pages.free, "the database gave back what was free in it"),
        Err(e) => tracing::warn!("the database could not be written anew to make it smaller: {e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::clock::Time;

    fn now() -> Time {
        Time::parse("2026-06-01T08:00:00Z").expect("a time")
    }

    async fn fill_and_empty(store: &Store) -> u64 {
        let text = "x".repeat(4000);
        store
            .write(move |tx| {
                for n in 0..4000 {
                    tx.execute(
                        "INSERT INTO jobs (name, due_at, last_error) VALUES (?1, 0, ?2)",
                        (format!("job {n}"), &text),
                    )?;
                }
                Ok::<_, StoreError>(())
            })
            .await
            .expect("rows");
        store
            .write(|tx| tx.execute("DELETE FROM jobs", []))
            .await
            .map(drop)
            .map_err(|e: StoreError| e)
            .expect("deleted");
        size(store)
    }

    fn size(store: &Store) -> u64 {
        let connection = Connection::open(store.path()).expect("the file");
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).expect("a checkpoint");
        std::fs::metadata(store.path()).expect("there").len()
    }

    #[tokio::test]
    async fn what_was_deleted_is_given_back_in_small_steps() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let store = Store::open(dir.path(), now()).expect("a store");
        let full = fill_and_empty(&store).await;
        assert!(full > 12 << 20, "{full}");
        assert!(store.shrink().await.expect("shrunk") > 3000);
        let left = size(&store);
        assert!(left < full / 4, "{left} of {full}");
        assert_eq!(store.shrink().await.expect("nothing more"), 0);
        store.close().await;
    }

    #[tokio::test]
    async fn a_database_of_an_earlier_version_is_written_anew_once() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let store = Store::open(dir.path(), now()).expect("a store");
        store.close().await;
        let path = store.path().to_owned();
        drop(store);
        let old = Connection::open(&path).expect("the file");
        old.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM;").expect("as it was");
        drop(old);
        let store = Store::open(dir.path(), now()).expect("a store");
        let full = fill_and_empty(&store).await;
        assert_eq!(store.shrink().await.expect("it cannot"), 0);
        store.close().await;
        drop(store);
        let store = Store::open(dir.path(), now()).expect("a store");
        let left = size(&store);
        assert!(left < full / 4, "{left} of {full}");
        fill_and_empty(&store).await;
        assert!(store.shrink().await.expect("from now on it can") > 3000);
        store.close().await;
    }
}
