//! Files that are whole or not there: written beside their place, synced, renamed, and the name synced, too.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Where a file is written before it has its name.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// Writes `bytes` as the file `path` (0600), whole or not at all, whatever happens meanwhile.
///
/// # Errors
/// The disk's own.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = beside(path);
    match fs::remove_file(&part) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&part)?;
    let written = file.write_all(bytes).and_then(|()| put(&part, path));
    written.inspect_err(|_| drop(fs::remove_file(&part)))
}

/// Gives a file that was written beside its place its name.
pub(super) fn put(part: &Path, path: &Path) -> io::Result<()> {
    File::open(part)?.sync_all()?;
    fs::rename(part, path)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Makes the names in a directory survive a power cut.
///
/// # Errors
/// The disk's own.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_whole_private_and_replaces_what_a_crash_left() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let path = dir.path().join("secret.key");
        fs::write(beside(&path), "half").expect("a rest");
        write_whole(&path, b"whole").expect("written");
        assert_eq!(fs::read(&path).expect("there"), b"whole");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(!beside(&path).exists());
    }
}
