//! Where the program finds its configuration, and what it leaves on the disk for whom.

use super::*;

#[test]
fn an_unknown_key_names_the_file_and_the_nearest_one() {
    let place = Place::with("[portal]\nlanguag = \"ar\"");
    for args in [&["check-config"][..], &["serve"], &["account", "list"]] {
        let ran = place.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
        let line = ran.line();
        for part in ["wa-gateway.toml", "portal.languag", "portal.language"] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    assert!(!place.data.exists());
}

#[test]
fn the_environment_is_over_the_file_and_flags_are_over_both() {
    let place = Place::new();
    let data_dir = |command: Command| run(command, "").json()["data_dir"].as_str().expect("a path").to_owned();
    let check = ["--json", "check-config"];
    assert_eq!(data_dir(place.program(&check)), place.data.to_string_lossy());
    let mut command = place.program(&check);
    command.env("WA_GATEWAY_DATA_DIR", "/from/the/environment");
    assert_eq!(data_dir(command), "/from/the/environment");
    let mut command = place.program(&[&check[..], &["--data-dir", "/from/a/flag"]].concat());
    command.env("WA_GATEWAY_DATA_DIR", "/from/the/environment");
    assert_eq!(data_dir(command), "/from/a/flag");

    let mut command = place.program(&check);
    command.env("WA_GATEWAY_GUARD__THROTTLE_PER_MINUT", "5");
    let ran = run(command, "");
    assert_eq!(ran.code, 1);
    assert!(ran.line().contains("guard.throttle_per_minute"), "{ran:?}");
}

#[test]
fn the_file_in_the_working_directory_is_found() {
    let place = Place::new();
    let mut command = program(place.dir.path());
    command.args(["--json", "check-config"]);
    if Path::new("/etc/wa-gateway/config.toml").exists() {
        println!("skipped: this machine has a configuration of its own");
        return;
    }
    assert_eq!(run(command, "").json()["data_dir"], json!(place.data));
}

/// Everything under `dir`, itself too.
fn everything(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![dir.to_owned()];
    let mut next = 0;
    while next < found.len() {
        if found[next].is_dir() {
            found.extend(fs::read_dir(&found[next]).expect("a folder").map(|e| e.expect("an entry").path()));
        }
        next += 1;
    }
    found
}

/// `command`, by a shell that takes away no permission by its umask.
fn with_open_umask(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 000; exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    shell
}

#[test]
fn serve_prints_one_value_for_programs() {
    let place = Place::new();
    let mut serving = Serving::start(place.program(&["--json", "serve"]), &place.dir.path().join("serve.log"));
    let value: Value = serde_json::from_str(&serving.head).expect("JSON on the first line");
    assert_eq!((&value["ok"], &value["public"]), (&json!(true), &Value::Null));
    // The handlers stand before it says where it listens: a signal at once is a clean end.
    serving.signal(rustix::process::Signal::TERM);
    assert_eq!(serving.rest(), "", "and nothing after it");
    assert_eq!(serving.ended().0, 0);
}

#[test]
fn nobody_else_can_read_what_is_kept_whatever_the_umask() {
    let place = Place::new();
    let ran = run(with_open_umask(&place.program(&["account", "create", "--name", "Shop", "--plan", "scale"])), "");
    assert_eq!(ran.code, 0, "{ran:?}");
    let serving = Serving::start(with_open_umask(&place.program(&["serve"])), &place.dir.path().join("serve.log"));
    place.json(&["instance", "create", "--account", "1", "--id", LINE, "--name", "S", "--connector", "sandbox"]);
    place.json(&["send", "--instance", LINE, "--to", AMAL, "--purpose", "transactional", TEXT]);
    let found = everything(&place.data);
    let names: Vec<_> = found.iter().filter_map(|p| p.file_name()).map(|n| n.to_string_lossy()).collect();
    for name in ["wa-gateway.db", "wa-gateway.db-wal", "wa-gateway.db-shm", "lock", "control.sock", "shop-line.jsonl"] {
        assert!(names.iter().any(|n| n == name), "{name} is not in {names:?}");
    }
    for path in &found {
        let mode = fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{} has {mode:o}", path.display());
    }
    assert_eq!(serving.stop().0, 0);
    assert!(!place.data.join("control.sock").exists(), "a clean end takes its socket away");
}

#[test]
fn root_acts_as_the_owner_of_the_data_directory() {
    const NOBODY: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can become somebody else");
        return;
    }
    let place = Place::new();
    fs::create_dir(&place.data).expect("a directory");
    std::os::unix::fs::chown(&place.data, Some(NOBODY), Some(NOBODY)).expect("it is theirs");
    fs::set_permissions(&place.data, fs::Permissions::from_mode(0o700)).expect("a mode");
    // The way to it must be open to its owner.
    fs::set_permissions(place.dir.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    place.furnish(LINE);
    let serving = place.serve();
    place.json(&["send", "--instance", LINE, "--to", AMAL, "--purpose", "transactional", TEXT]);
    let status = fs::read_to_string(format!("/proc/{}/status", serving.pid())).expect("its status");
    for (name, ids) in [("Uid:", "65534\t65534\t65534\t65534"), ("Gid:", "65534\t65534\t65534\t65534")] {
        assert!(status.lines().any(|l| l.strip_prefix(name).is_some_and(|r| r.trim() == ids)), "{status}");
    }
    let groups = status.lines().find_map(|l| l.strip_prefix("Groups:")).expect("its groups");
    assert_eq!(groups.trim(), "65534", "no group of root's is left");
    assert_eq!(serving.stop().0, 0);
    for path in everything(&place.data) {
        let owner = fs::metadata(&path).map(|m| (m.uid(), m.gid())).expect("it is there");
        assert_eq!(owner, (NOBODY, NOBODY), "{}", path.display());
    }
}

/// Where there is no database, and yet something that says why.
#[test]
fn a_command_says_what_a_directory_is_where_no_gateway_serves() {
    let place = Place::new();
    for (folder, why) in [
        ("nothing", "`wa-gateway serve` makes it"),
        ("standby", "`wa-gateway standby --status`"),
        (".restoring", "run `wa-gateway restore` again"),
    ] {
        fs::create_dir_all(place.data.join(folder)).expect("a folder");
        let ran = place.run(&["account", "list"]);
        assert!(ran.code == 1 && ran.line().contains(why), "{folder}: {ran:?}");
    }
}
