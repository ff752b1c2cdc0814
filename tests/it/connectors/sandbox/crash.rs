//! What the sandbox acknowledged outlives kill -9: a child process sends, says what was acknowledged, and is killed.

use super::behaviour::{Bench, text};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};
use wa_gateway::{
    connectors::{Connector, sandbox::inbox},
    model::ids::InstanceId,
};

/// Lies in the child's working folder: without it the child, called by mistake, does nothing.
const SIGN: &str = "killed-child";

#[test]
fn what_was_acknowledged_outlives_kill_9() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join(SIGN), "").expect("written");
    let mut acknowledged = Vec::new();
    for round in 1..=5 {
        acknowledged.extend(send_and_kill(dir.path(), round * 200));
        let read = inbox::read(&inbox::path(dir.path(), &InstanceId::from_text("shop")), None).expect("readable");
        let ids: std::collections::HashSet<_> = read.iter().map(|a| a.provider_message_id.as_str()).collect();
        let lost = acknowledged.iter().filter(|id| !ids.contains(id.as_str())).count();
        assert_eq!((lost, ids.len()), (0, read.len()), "lost, and no id twice; round {round}");
    }
}

/// Lets a child send until it has told of `enough` acknowledgements, kills it, and answers with all it told.
fn send_and_kill(dir: &Path, enough: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "connectors::sandbox::crash::child", "--ignored", "--nocapture"])
        .current_dir(dir)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut told = Vec::new();
    let mut killed = false;
    for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
        // The test runner's own lines, and one that the kill cut, are shorter or begin otherwise.
        let line = line.expect("UTF-8");
        if line.starts_with("sbx_") && line.len() == "sbx_".len() + 28 {
            told.push(line);
        }
        if told.len() >= enough && !killed {
            child.kill().expect("killed");
            killed = true;
        }
    }
    assert!(killed, "the child told of only {} messages", told.len());
    child.wait().expect("ended");
    told
}

#[tokio::test]
#[ignore = "the child of what_was_acknowledged_outlives_kill_9"]
async fn child() {
    if !Path::new(SIGN).exists() {
        return;
    }
    let bench = Bench::over(Path::new("."));
    let sandbox = bench.open(&[("receipts", "none")]);
    let mut out = std::io::stdout();
    loop {
        let ack = sandbox.send(&text("+966500000101")).await.expect("accepted");
        if writeln!(out, "{}", ack.provider_message_id).is_err() {
            return;
        }
    }
}
