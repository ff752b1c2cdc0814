//! Files that a backup needs for a moment. Whoever makes one holds a lock on it, so that the next backup into the same
//! folder can tell what a kill has left behind from what another one is just making.

use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// How their names begin; they end in `.part`.
pub(super) const PREFIX: &str = ".wa-gateway-";

/// Makes one (0600) and holds it for as long as the file is open.
pub(super) fn create(path: &Path) -> io::Result<File> {
    if is_left(path) {
        fs::remove_file(path)?;
    }
    let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

/// Removes what killed backups left in `dir`. What cannot be removed is left: it is in nobody's way.
pub fn sweep(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(PREFIX) && name.ends_with(".part") && is_left(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether nobody holds it.
fn is_left(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kill_left_goes_and_what_is_being_made_stays() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let path = |name: &str| dir.path().join(name);
        for left in [".wa-gateway-copy-7-0.part", ".wa-gateway-n.tar.part"] {
            fs::write(path(left), "half").expect("written");
        }
        let held = create(&path(".wa-gateway-copy-8-0.part")).expect("made");
        for other in ["n.tar", ".other.part", ".wa-gateway-n.tar"] {
            fs::write(path(other), "whole").expect("written");
        }
        sweep(dir.path());
        let mut names: Vec<String> = fs::read_dir(dir.path())
            .expect("a directory")
            .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(names, [".other.part", ".wa-gateway-copy-8-0.part", ".wa-gateway-n.tar", "n.tar"]);
        drop(held);
        sweep(dir.path());
        assert!(!path(".wa-gateway-copy-8-0.part").exists());
    }
}
