//! The disk's side: the data directory, its free space, the database file, the backups.

use super::{CheckStatus, Finding, fail, finding, ok, warn};
use crate::{
    config::Config,
    model::clock::Time,
    ops::backup,
    store::{self, KeyMatch},
};
use rustix::{fs::Access, io::Errno};
use std::{fs, os::unix::fs::MetadataExt, path::Path, time::Duration};

/// Less free space than this is a warning, in bytes.
const SPACE_WARN: u64 = 1 << 30;
/// Less than this, and messages will soon be refused.
const SPACE_FAIL: u64 = 64 << 20;

pub(super) fn directory(dir: &Path) -> Finding {
    let (check, shown) = ("data directory", dir.display());
    match fs::metadata(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            warn(check, format!("{shown} is not there yet: `wa-gateway serve` makes it"))
        }
        Err(e) => fail(check, format!("{shown}: {e}")),
        Ok(m) if !m.is_dir() => fail(check, format!("{shown} is no directory")),
        Ok(m) if m.mode() & 0o007 != 0 => {
            warn(check, format!("{shown} is open to all users (mode {:o}): chmod 700 {shown}", m.mode() & 0o777))
        }
        Ok(_) => writable(dir).unwrap_or_else(|| ok(check, format!("{shown}"))),
    }
}

/// What keeps the gateway from writing there, without writing: a file system that is read-only, as it is mounted anew
/// after a fault of the disk, somebody else's folder, or a file where a folder has to be.
fn writable(dir: &Path) -> Option<Finding> {
    let check = "data directory";
    let folders = ["", "backups", "media"].map(|name| dir.join(name));
    for folder in folders.iter().filter(|folder| folder.symlink_metadata().is_ok()) {
        let shown = folder.display();
        if !folder.is_dir() {
            return Some(fail(check, format!("{shown} is no folder: move it away, and the gateway makes one")));
        }
        match rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => {}
            Err(Errno::ROFS) => {
                let why = "its file system is read-only: look for a fault of the disk (dmesg), then mount it anew";
                return Some(fail(check, format!("{shown} cannot be written: {why}")));
            }
            Err(e) => {
                let what = "run as its owner, or give it to the user of the gateway (chown)";
                return Some(fail(check, format!("{shown} cannot be written by this user ({e}): {what}")));
            }
        }
    }
    None
}

pub(super) fn space(dir: &Path) -> Finding {
    let existing = dir.ancestors().find(|p| p.exists()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(existing) {
        Err(e) => warn("disk", format!("free space is not known: {e}")),
        Ok(stat) => judge_space(stat.f_bavail.saturating_mul(stat.f_frsize)),
    }
}

fn judge_space(free: u64) -> Finding {
    let status = match free {
        _ if free < SPACE_FAIL => CheckStatus::Fail,
        _ if free < SPACE_WARN => CheckStatus::Warn,
        _ => CheckStatus::Ok,
    };
    let advice = if status == CheckStatus::Ok { "" } else { ": make room, or move the data directory" };
    finding("disk", status, format!("{} MiB free{advice}", free >> 20))
}

pub(super) fn database(dir: &Path) -> Finding {
    let path = dir.join(store::FILE_NAME);
    if !path.exists() {
        return ok("database", "not there yet");
    }
    let open = ["", "-wal", "-shm"].iter().map(|end| dir.join(format!("{}{end}", store::FILE_NAME)));
    let open = open.filter_map(|file| Some((fs::metadata(&file).ok()?.mode() & 0o777, file)));
    if let Some((mode, file)) = open.into_iter().find(|(mode, _)| mode & 0o077 != 0) {
        let shown = file.display();
        return warn("database", format!("{shown} can be read by others (mode {mode:o}): chmod 600 {shown}"));
    }
    match store::check_file(&path) {
        Ok(()) => ok("database", format!("{} is sound", path.display())),
        Err(e) => fail("database", e.to_string()),
    }
}

/// The key of the secrets, without which no token and no webhook's secret can be read.
pub(super) fn key(config: &Config) -> Finding {
    let check = "key";
    let path = config.key_file.clone().unwrap_or_else(|| config.data_dir.join(store::KEY_FILE_NAME));
    let shown = path.display();
    if path.starts_with("/run/credentials") {
        return ok(check, format!("{shown} is a credential of systemd's, for the service alone"));
    }
    match fs::metadata(&path) {
        Ok(m) if m.mode() & 0o077 != 0 => {
            warn(check, format!("{shown} can be read by others (mode {:o}): chmod 600 {shown}", m.mode() & 0o777))
        }
        Ok(_) => belongs(config, &path),
        Err(_) if config.key_file.is_none() && !config.data_dir.join(store::FILE_NAME).exists() => {
            ok(check, "made at the first start")
        }
        Err(e) => fail(
            check,
            format!("{shown}: {e}; without it no token and no webhook's secret can be read: restore it from a backup"),
        ),
    }
}

/// Whether the key is the one that the database's secrets were sealed with.
fn belongs(config: &Config, key: &Path) -> Finding {
    let (check, shown) = ("key", key.display());
    let database = config.data_dir.join(store::FILE_NAME);
    if !database.exists() {
        return ok(check, format!("{shown} is there, for its owner alone"));
    }
    match store::compare_key(&database, key) {
        Ok(KeyMatch::Same) => ok(check, format!("{shown} is there, for its owner alone, and belongs to the database")),
        Ok(KeyMatch::Unknown) => ok(check, format!("{shown} is there, for its owner alone")),
        Ok(KeyMatch::Other) => {
            fail(check, format!("{shown} is not the key that belongs to this database: put the right one back"))
        }
        Err(e) => fail(check, e.to_string()),
    }
}

pub(super) fn backups(config: &Config, now: Time) -> Finding {
    let settings = &config.backup;
    let Some(directory) = settings.directory.clone() else {
        return warn(
            "backups",
            "none are made by themselves: name a directory in backup.directory, or on the page System",
        );
    };
    let shown = directory.display().to_string();
    let plan = backup::BackupPlan {
        data_dir: config.data_dir.clone(),
        key_file: config.key_file.clone(),
        directory,
        every: settings.every,
        keep: settings.keep as usize,
        passphrase: settings
            .passphrase_file
            .clone()
            .map_or(backup::PassphraseSource::None, backup::PassphraseSource::File),
    };
    match plan.last(now) {
        Err(e) => fail("backups", e.to_string()),
        Ok(last) => judge_backup(last, settings.every, now, &shown),
    }
}

fn judge_backup(last: Option<Time>, every: Duration, now: Time, shown: &str) -> Finding {
    match last {
        None => warn("backups", format!("there is none in {shown} yet: the running gateway makes one within minutes")),
        Some(at) if now.since(at) > every * 2 => warn(
            "backups",
            format!("the last one in {shown} is of {at}, though one is due every {} h: look at the log", hours(every)),
        ),
        Some(at) => ok("backups", format!("the last one in {shown} is of {at}")),
    }
}

fn hours(every: Duration) -> u64 {
    every.as_secs().div_ceil(3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_room_is_said_before_it_is_none() {
        let status = |mb: u64| judge_space(mb << 20).status;
        assert_eq!((status(2048), status(500), status(10)), (CheckStatus::Ok, CheckStatus::Warn, CheckStatus::Fail));
    }

    #[test]
    fn what_cannot_be_written_is_said() {
        let dir = tempfile::TempDir::new().expect("a directory");
        fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("a mode");
        assert_eq!(directory(dir.path()).status, CheckStatus::Ok);
        for name in ["media", "backups"] {
            fs::write(dir.path().join(name), "").expect("written");
            let found = directory(dir.path());
            assert!(found.status == CheckStatus::Fail && found.text.contains(name), "{}", found.text);
            fs::remove_file(dir.path().join(name)).expect("removed");
        }
    }

    #[test]
    fn a_key_that_is_missing_or_open_is_said() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::TempDir::new().expect("a directory");
        let mut config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
        assert_eq!(key(&config).status, CheckStatus::Ok, "nothing is there yet");
        let database = dir.path().join(store::FILE_NAME);
        fs::write(&database, "").expect("written");
        assert_eq!(key(&config).status, CheckStatus::Fail);
        fs::remove_file(&database).expect("removed");
        let file = dir.path().join(store::KEY_FILE_NAME);
        fs::write(&file, [7; 32]).expect("written");
        for (mode, status) in [(0o600, CheckStatus::Ok), (0o640, CheckStatus::Warn)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
            assert_eq!(key(&config).status, status, "{mode:o}");
        }
        config.key_file = Some(dir.path().join("elsewhere"));
        assert_eq!(key(&config).status, CheckStatus::Fail);
        config.key_file = Some("/run/credentials/wa-gateway.service/secret.key".into());
        assert_eq!(key(&config).status, CheckStatus::Ok);
    }

    #[test]
    fn a_backup_that_did_not_come_is_said() {
        let now = Time::parse("2026-06-03T08:00:00Z").expect("a time");
        let day = Duration::from_secs(24 * 3600);
        let status =
            |at: Option<&str>| judge_backup(at.map(|at| Time::parse(at).expect("a time")), day, now, "/backups").status;
        assert_eq!(status(Some("2026-06-02T09:00:00Z")), CheckStatus::Ok);
        assert_eq!(status(Some("2026-06-01T07:00:00Z")), CheckStatus::Warn);
        assert_eq!(status(None), CheckStatus::Warn);
    }
}
