//! What the disk and SQLite do in this moment, beside which the gateway's figures are to be read.

use rusqlite::Connection;
use std::{fs::File, io::Write, os::unix::fs::FileExt, path::Path, time::Duration};

/// Per second.
pub struct Disk {
    pub fsyncs: f64,
    pub transactions: f64,
}

/// Measures each for `time`.
pub fn disk(dir: &Path, time: Duration) -> Result<Disk, Box<dyn std::error::Error>> {
    Ok(Disk { fsyncs: fsyncs(&dir.join("fsync.bin"), time)?, transactions: transactions(&dir.join("one.db"), time)? })
}

/// Blocks of 4 KiB, each overwritten and synced.
fn fsyncs(path: &Path, time: Duration) -> Result<f64, Box<dyn std::error::Error>> {
    let mut file = File::create(path)?;
    file.write_all(&vec![0; 4 << 20])?;
    file.sync_all()?;
    let block = [7; 4096];
    let rate = repeat(time, |n| {
        file.write_all_at(&block, (n % 1000) * 4096)?;
        Ok(file.sync_data()?)
    });
    std::fs::remove_file(path)?;
    rate
}

/// One row a transaction, `synchronous=FULL`, in a file of its own.
fn transactions(path: &Path, time: Duration) -> Result<f64, Box<dyn std::error::Error>> {
    let _ = std::fs::remove_file(path);
    let db = Connection::open(path)?;
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (a TEXT NOT NULL) STRICT")?;
    repeat(time, |_| {
        db.prepare_cached("INSERT INTO t (a) VALUES ('a row of some length, as a message has')")?.execute([])?;
        Ok(())
    })
}

#[expect(clippy::disallowed_methods, reason = "a measuring program measures")]
fn repeat(
    time: Duration,
    mut work: impl FnMut(u64) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<f64, Box<dyn std::error::Error>> {
    let begun = std::time::Instant::now();
    let mut n = 0;
    while begun.elapsed() < time {
        work(n)?;
        n += 1;
    }
    Ok(n as f64 / begun.elapsed().as_secs_f64())
}
