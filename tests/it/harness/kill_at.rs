//! Ends the real program by SIGKILL at a chosen change of a file: a small library (`kill_at.c`) that is loaded before the
//! C library counts them. Runs on Linux with a C compiler, which the build needs anyway.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Where changes are counted, and how.
pub struct KillAt<'a> {
    /// Only files below this folder count.
    pub below: &'a Path,
    /// Which change ends the program, from 1; 0: none.
    pub at: usize,
}

impl KillAt<'_> {
    /// Arms a command.
    pub fn arm(&self, command: &mut Command) {
        command.env("LD_PRELOAD", library()).env("KILL_BELOW", self.below).env("KILL_AT", self.at.to_string());
    }
}

/// How many changes below `below` a command makes: it is run to its end, which must be a good one.
pub fn changes(mut command: Command, below: &Path) -> usize {
    let count = tempfile::NamedTempFile::new().expect("a file");
    KillAt { below, at: 0 }.arm(&mut command);
    let done = command.env("KILL_COUNT", count.path()).output().expect("the program starts");
    assert!(done.status.success(), "{done:?}");
    usize::try_from(fs::metadata(count.path()).expect("a count").len()).expect("a count")
}

/// About `most` of the changes 1 to `all`, and the first and the last few, where the names change.
pub fn some(all: usize, most: usize) -> Vec<usize> {
    let step = all.div_ceil(most).max(1);
    (1..=all).filter(|n| *n <= 2 || n + 5 > all || n % step == 0).collect()
}

/// The library, compiled once for all tests.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kill_at");
        fs::create_dir_all(&folder).expect("a folder");
        let library = folder.join(format!("kill_at-{}.so", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/harness/kill_at.c");
        let flags = ["-shared", "-fPIC", "-O1", "-Wall", "-o"];
        let done = Command::new("cc").args(flags).arg(&library).arg(source).output().expect("a C compiler");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        library
    })
}
