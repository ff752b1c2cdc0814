//! The Debian package's last backup: a purge takes nothing away that is in no backup. The scripts are run as they are, in
//! folders of the test's own, with a program that makes backups or fails to.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

struct Machine {
    root: TempDir,
}

/// So many seconds before some time: what is compared is which file is the newer one.
fn ago_of(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 - seconds)
}

impl Machine {
    /// With a database of a minute ago.
    fn new() -> Self {
        let machine = Self { root: TempDir::new().expect("a directory") };
        for folder in ["var/lib/wa-gateway", "var/backups", "etc/wa-gateway", "bin"] {
            fs::create_dir_all(machine.at(folder)).expect("a folder");
        }
        let stub = "#!/bin/sh\n[ -e \"$0.fails\" ] && exit 1\necho backup >\"$4\"\n";
        machine.program("wa-gateway", stub);
        for other in ["deb-systemd-helper", "deb-systemd-invoke", "systemctl"] {
            machine.program(other, "#!/bin/sh\n");
        }
        machine.written("wa-gateway.db", 60);
        machine
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.at("bin").join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    /// A file of the database's, last written so many seconds ago.
    fn written(&self, name: &str, ago: u64) {
        let file = fs::File::create(self.at("var/lib/wa-gateway").join(name)).expect("a file");
        file.set_modified(ago_of(ago)).expect("a time");
    }

    fn backup_of(&self, ago: u64) {
        let file =
            fs::File::options().write(true).open(self.at("var/backups/wa-gateway-last.wabackup")).expect("there");
        file.set_modified(ago_of(ago)).expect("a time");
    }

    fn backups_fail(&self) {
        fs::write(self.at("bin/wa-gateway.fails"), "").expect("written");
    }

    fn run(&self, script: &str, with: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/debian").join(script);
        let mut text = fs::read_to_string(path).expect("a script");
        for folder in ["/var/lib", "/var/backups", "/etc/wa-gateway"] {
            text = text.replace(folder, &self.at(&folder[1..]).display().to_string());
        }
        let path = format!("{}:/usr/bin:/bin", self.at("bin").display());
        let ran = Command::new("/bin/sh").args(["-c", &text, script, with]).env("PATH", path).output().expect("sh");
        assert!(ran.status.success(), "{script} {with}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    fn has_data(&self) -> bool {
        self.at("var/lib/wa-gateway/wa-gateway.db").exists()
    }
}

#[test]
fn a_purge_takes_what_is_in_the_last_backup() {
    let machine = Machine::new();
    machine.run("prerm", "remove");
    machine.run("postrm", "purge");
    assert!(!machine.has_data() && machine.at("var/backups/wa-gateway-last.wabackup").exists());
}

#[test]
fn a_backup_of_an_earlier_removal_is_none_of_this_one() {
    let machine = Machine::new();
    machine.run("prerm", "remove");
    machine.backups_fail();
    machine.run("prerm", "remove");
    machine.run("postrm", "purge");
    assert!(machine.has_data(), "it is in no backup");
    assert!(machine.at("var/backups/wa-gateway-earlier.wabackup").exists(), "what there was is kept");
}

/// The database's own time stands still then.
#[test]
fn what_stands_in_the_log_alone_is_not_backed_up() {
    let machine = Machine::new();
    machine.run("prerm", "remove");
    machine.backup_of(30);
    machine.written("wa-gateway.db-wal", 10);
    machine.run("postrm", "purge");
    assert!(machine.has_data(), "the last sends are in no backup");
}
