//! Litestream, which copies the database while it is written: as a program of its own beside the gateway, which we start
//! and end. What is known of its version 0.5.17 and needed here:
//!
//! - `restore -f` follows: it restores once, then applies what comes. After its end it does not go on where it was, unless
//!   a whole copy was made meanwhile (`findings/litestream-follow-resume.sh`), so a follower that died begins anew.
//! - How far it is stands beside the restored file (`-txid`); how far the copy is, in the names of its files.
//! - It ends after SIGTERM when the last changes are in the copy.

use super::place::forget_listing;
use crate::model::clock::Time;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// How Litestream is started.
#[derive(Clone, Debug)]
pub struct Litestream {
    /// What starts a program so that it ends with us, whatever ends us: its path, and the arguments before the program's.
    pub launcher: (PathBuf, Vec<String>),
    /// Litestream's own program.
    pub program: PathBuf,
}

/// Of a file of Litestream's own between two changes, in transactions.
const LTX: &str = ".ltx";

impl Litestream {
    /// Copies `database` to `replica` until it is ended. `settings` is a file of its own, written here.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn replicate(&self, database: &Path, replica: &Path, settings: &Path) -> io::Result<Child> {
        let quoted = |path: &Path| serde_json::to_string(&path.to_string_lossy()).unwrap_or_default();
        // Who is erased is in the copy until its retention is over.
        let text = format!(
            "snapshot:\n  interval: 24h\n  retention: 48h\ndbs:\n  - path: {}\n    replica:\n      type: file\n      path: \
             {}\n",
            quoted(database),
            quoted(replica),
        );
        fs::write(settings, text)?;
        let mut command = self.command(&["replicate", "-log-level", "warn", "-no-expand-env", "-config"]);
        command.arg(settings).spawn()
    }

    /// Restores `replica` into the new file `to`, and applies what comes until it is ended.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn follow(&self, replica: &Path, to: &Path) -> io::Result<Child> {
        let mut command = self.command(&["restore", "-f", "-follow-interval", "500ms", "-o"]);
        command.arg(to).arg(url(replica)).spawn()
    }

    /// Restores `replica` into the new file `to`.
    ///
    /// # Errors
    /// It cannot be started, or says why not.
    pub fn restore(&self, replica: &Path, to: &Path) -> Result<(), String> {
        let mut command = self.command(&["restore", "-o"]);
        let done = command.arg(to).arg(url(replica)).stderr(Stdio::piped()).output();
        let done = done.map_err(|e| format!("{}: {e}", self.program.display()))?;
        if done.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&done.stderr);
        let last = said.lines().rfind(|line| !line.is_empty()).unwrap_or("it says nothing");
        Err(format!("{} restore: {last}", self.program.display()))
    }

    fn command(&self, args: &[&str]) -> Command {
        let (launcher, before) = &self.launcher;
        let mut command = Command::new(launcher);
        command.args(before).arg(&self.program).args(args).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

/// Asks a program to end, and ends it after `patience`.
///
/// # Errors
/// It cannot be asked or waited for.
pub(super) fn end(child: &mut Child, patience: Duration) -> io::Result<()> {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::TERM);
    }
    for _ in 0..patience.as_millis() / u128::from(LOOK_MS) {
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        std::thread::park_timeout(Duration::from_millis(LOOK_MS));
    }
    child.kill()?;
    child.wait().map(drop)
}

/// How often is looked whether a program has ended, in milliseconds.
const LOOK_MS: u64 = 20;

/// The last transaction that a replica holds; none: it holds nothing that can be restored.
///
/// # Errors
/// It cannot be read; one that is not there holds nothing.
pub fn newest(replica: &Path) -> io::Result<Option<u64>> {
    let mut newest = None;
    for (name, _) in ltx_files(replica)? {
        newest = newest.max(last_of(&name));
    }
    Ok(newest)
}

/// Sees to it that what is read of a replica next is what is there, and nothing that a file system remembers.
pub fn read_anew(replica: &Path) {
    let levels = replica.join("ltx");
    forget_listing(&levels);
    for level in fs::read_dir(levels).into_iter().flatten().flatten() {
        forget_listing(&level.path());
    }
}

/// When the oldest change that comes after `applied` came, as the file system has it, in seconds since 1970; none: there
/// is none.
///
/// # Errors
/// As [`newest`].
pub fn behind_since(replica: &Path, applied: u64) -> io::Result<Option<i64>> {
    let files = ltx_files(replica)?.into_iter();
    Ok(files.filter(|(name, _)| last_of(name).is_some_and(|last| last > applied)).map(|(_, at)| at).min())
}

/// When the last change came into a replica, as the file system has it; none: it holds nothing, or cannot be read.
pub fn last_copy_at(replica: &Path) -> Option<Time> {
    let newest = ltx_files(replica).ok()?.into_iter().map(|(_, at)| at).max()?;
    Some(Time::from_millis(newest.saturating_mul(1000)))
}

/// How far a followed file is.
pub fn applied(followed: &Path) -> Option<u64> {
    let mut beside = followed.as_os_str().to_owned();
    beside.push("-txid");
    u64::from_str_radix(fs::read_to_string(beside).ok()?.trim(), 16).ok()
}

fn url(replica: &Path) -> String {
    format!("file://{}", replica.display())
}

/// `0000000000000001-0000000000000005.ltx` ends with the fifth.
fn last_of(name: &str) -> Option<u64> {
    u64::from_str_radix(name.strip_suffix(LTX)?.split_once('-')?.1, 16).ok()
}

/// Names and times of the files of all levels.
fn ltx_files(replica: &Path) -> io::Result<Vec<(String, i64)>> {
    use std::os::unix::fs::MetadataExt;
    let mut all = Vec::new();
    let levels = match fs::read_dir(replica.join("ltx")) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(all),
        levels => levels?,
    };
    for level in levels {
        // Litestream merges and removes files while they are looked at.
        let Ok(files) = fs::read_dir(level?.path()) else { continue };
        for file in files {
            let file = file?;
            let at = file.metadata().map_or(0, |m| m.mtime());
            all.push((file.file_name().to_string_lossy().into_owned(), at));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_transaction_stands_in_the_names() {
        let dir = tempfile::TempDir::new().expect("a directory");
        assert_eq!(newest(dir.path()).expect("read"), None, "nothing is there");
        for (level, name) in
            [("9", "0000000000000001-0000000000000001.ltx"), ("0", "0000000000000002-000000000000001f.ltx")]
        {
            let level = dir.path().join("ltx").join(level);
            fs::create_dir_all(&level).expect("a directory");
            fs::write(level.join(name), "").expect("written");
            fs::write(level.join("half.tmp"), "").expect("written");
        }
        assert_eq!(newest(dir.path()).expect("read"), Some(31));
        assert!(behind_since(dir.path(), 30).expect("read").is_some());
        assert_eq!(behind_since(dir.path(), 31).expect("read"), None);
        let followed = dir.path().join("a.db");
        fs::write(dir.path().join("a.db-txid"), "000000000000001f\n").expect("written");
        assert_eq!(applied(&followed), Some(31));
    }
}
