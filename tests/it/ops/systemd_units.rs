//! The package's systemd units, those of its examples among them, as systemd itself judges them. Where there is no systemd-analyze this is passed over.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// At most this exposure, in tenths (reliability: 1.5).
const EXPOSURE_TENTHS: &str = "--threshold=15";

/// The services first.
const UNITS: [&str; 4] = [
    "systemd/wa-gateway.service",
    "examples/litestream/wa-gateway-replicate.service",
    "examples/litestream/wa-gateway-standby.service",
    "systemd/wa-gateway.socket",
];

/// The units with the program of this build in the place of the installed one, changed as the test wants.
fn units(dir: &TempDir, change: impl Fn(&str) -> String) -> [PathBuf; 4] {
    UNITS.map(|name| {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let text = fs::read_to_string(&from).expect("a unit");
        let text = change(&text).replace("/usr/bin/wa-gateway", env!("CARGO_BIN_EXE_wa-gateway"));
        let to = dir.path().join(from.file_name().expect("a name"));
        fs::write(&to, text).expect("written");
        to
    })
}

/// None where systemd-analyze is not there.
fn analyze(args: &[&str], units: &[PathBuf]) -> Option<Output> {
    let output = Command::new("systemd-analyze").args(args).args(units).output();
    output.ok()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_units_are_what_systemd_understands() {
    let dir = TempDir::new().expect("a directory");
    let Some(good) = analyze(&["verify", "--man=no"], &units(&dir, str::to_owned)) else { return };
    // Units of the machine itself may have their faults; ours are named.
    let about_ours: Vec<_> = said(&good).lines().filter(|l| l.contains("wa-gateway")).map(str::to_owned).collect();
    assert_eq!(about_ours, Vec::<String>::new());
    let typo = units(&dir, |text| text.replace("ProtectHome=", "ProtectHmoe="));
    let bad = analyze(&["verify", "--man=no"], &typo).expect("it was there");
    assert!(said(&bad).contains("ProtectHmoe"), "the control: {}", said(&bad));
}

#[test]
fn the_services_are_exposed_to_little() {
    let dir = TempDir::new().expect("a directory");
    let judge = |change: &dyn Fn(&str) -> String| {
        let [gateway, replicate, standby, _] = units(&dir, change);
        let services = [gateway, replicate, standby].into_iter();
        let args = ["security", "--offline=yes", "--no-pager", EXPOSURE_TENTHS];
        services.map(|service| analyze(&args, &[service])).collect::<Option<Vec<_>>>()
    };
    let Some(good) = judge(&str::to_owned) else { return };
    good.iter().for_each(|good| assert!(good.status.success(), "{}", said(good)));
    let bad = judge(&|text| text.replace("CapabilityBoundingSet=\n", "").replace("SystemCallFilter=", "#"));
    for bad in bad.expect("it was there") {
        assert!(!bad.status.success(), "the control: {}", said(&bad));
    }
}

/// The system calls of a set, and of the sets within it (`systemd-analyze syscall-filter SET`).
fn calls(set: &str) -> Option<BTreeSet<String>> {
    let told = Command::new("systemd-analyze").args(["--no-pager", "syscall-filter", set]).output().ok()?;
    assert!(told.status.success(), "{}", said(&told));
    let names = String::from_utf8_lossy(&told.stdout);
    let names = names.lines().skip(1).map(str::trim).filter(|name| !name.is_empty() && !name.starts_with('#'));
    names.map(|name| if name.starts_with('@') { calls(name) } else { Some([name.to_owned()].into()) }).try_fold(
        BTreeSet::new(),
        |mut all, one| {
            all.extend(one?);
            Some(all)
        },
    )
}

/// What a service may call: its `SystemCallFilter` lines one after the other (systemd.exec(5)).
fn allowed(unit: &str) -> Option<BTreeSet<String>> {
    let mut allowed = BTreeSet::new();
    for line in unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        let (taken, names) = line.strip_prefix('~').map_or((false, line), |names| (true, names));
        for name in names.split_whitespace() {
            let named = if name.starts_with('@') { calls(name)? } else { [name.to_owned()].into() };
            if taken {
                allowed.retain(|call| !named.contains(call));
            } else {
                allowed.extend(named);
            }
        }
    }
    Some(allowed)
}

#[test]
fn the_gateway_may_call_what_it_calls_and_no_call_ends_it() {
    for name in &UNITS[..3] {
        let unit = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a unit");
        assert!(unit.contains("\nSystemCallErrorNumber=EPERM\n"), "{name}");
        let Some(may) = allowed(&unit) else { return };
        assert!(may.contains("futex") && !may.contains("mount") && !may.contains("setrlimit"), "{name}");
        // A thread that lets others go first says so.
        for call in ["setpriority", "sched_setscheduler"] {
            assert_eq!(may.contains(call), *name == UNITS[0], "{name}: {call}");
        }
    }
}
