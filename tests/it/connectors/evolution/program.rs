//! The command line as a real program against a server: import, notice, pairing; with a running gateway and without.

use super::rig::THEIRS;
use crate::harness::{
    clock::TestClock,
    evolution::{Evolution, KEY},
    program::Place,
    wait,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// A place that may call the server, with one account.
async fn place() -> (Arc<Place>, Evolution) {
    let server = Evolution::start(Arc::new(TestClock::at("2026-06-01T08:00:00Z"))).await;
    server.add_open(THEIRS);
    let place = Arc::new(Place::with(&format!("[egress]\nallow = [\"{}\"]", server.door.addr)));
    ok(&place, &["account", "create", "--name", "Shop", "--plan", "growth"]).await;
    (place, server)
}

/// Runs the program beside the server, which lives in this process.
async fn ok(place: &Arc<Place>, args: &[&str]) -> Value {
    let (place, args) = (place.clone(), args.iter().map(ToString::to_string).collect::<Vec<_>>());
    let ran = tokio::task::spawn_blocking(move || place.json(&args.iter().map(String::as_str).collect::<Vec<_>>()));
    ran.await.expect("it ran")
}

async fn shown(place: &Arc<Place>, args: &[&str]) -> (i32, String, String) {
    let (place, args) = (place.clone(), args.iter().map(ToString::to_string).collect::<Vec<_>>());
    let ran = tokio::task::spawn_blocking(move || place.run(&args.iter().map(String::as_str).collect::<Vec<_>>()));
    let ran = ran.await.expect("it ran");
    (ran.code, ran.stdout, ran.stderr)
}

async fn tour(place: &Arc<Place>, server: &Evolution) {
    let file = place.dir.path().join("key");
    std::fs::write(&file, format!("{KEY}\n")).expect("a key file");
    let key = format!("@{}", file.display());
    let import = ["import", "evolution", "--url", &server.url(), "--key", &key];
    let would = ok(place, &[&import[..], &["--dry-run"]].concat()).await;
    assert_eq!((&would["would_create"], &would["instances"][0]["id"]), (&json!(1), &json!("loja-1")));
    assert_eq!(ok(place, &["instance", "list"]).await, json!([]), "a dry run makes nothing");
    let (code, table, _) = shown(place, &[&import[..], &["--dry-run"]].concat()).await;
    assert!(code == 0 && table.contains("would_create: 1") && table.contains("loja-1"), "{table}");
    assert_eq!(ok(place, &import).await["created"], 1);
    assert_eq!(ok(place, &import).await["created"], 0, "a second one finds it done");
    assert_eq!(ok(place, &["instance", "list"]).await[0]["id"], "loja-1");

    // Another one that is not there yet: made at the server, with its code on the terminal.
    let (base_url, key) = (format!("base_url={}", server.url()), format!("api_key={key}"));
    let create = ["instance", "create", "--account", "1", "--id", "new-line", "--name", "New"];
    let made =
        ok(place, &[&create[..], &["--connector", "evolution", "--set", &base_url, "--set", &key]].concat()).await;
    let notice = made["notice"].as_str().expect("a notice");
    assert!(notice.contains("Evolution API") && notice.contains("github.com/EvolutionAPI"), "{notice}");
    assert!(!made.to_string().contains(KEY), "{made}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_imports_without_a_running_gateway() {
    let (place, server) = place().await;
    tour(&place, &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_imports_and_pairs_through_a_running_gateway() {
    let (place, server) = place().await;
    let serving = {
        let place = place.clone();
        tokio::task::spawn_blocking(move || place.serve()).await.expect("it serves")
    };
    tour(&place, &server).await;
    wait::until("it is made at the server", async || server.has("new-line")).await;
    server.with("new-line", |i| i.qr = Some(("2@pair-me".into(), Some("WZYEH1YY".into()), 1)));
    let paired = ok(&place, &["instance", "pair", "new-line"]).await;
    assert_eq!((&paired["qr"], &paired["code"]), (&json!("2@pair-me"), &json!("WZYEH1YY")));
    let (code, picture, _) = shown(&place, &["instance", "pair", "new-line"]).await;
    assert!(code == 0 && picture.contains('▀') && picture.contains("WZYEH1YY"), "{picture}");
    assert!(!picture.contains("2@pair-me"), "drawn, not written: {picture}");
    let (code, _, problem) = shown(&place, &["instance", "pair", "loja-1"]).await;
    assert!(code == 1 && problem.contains("paired already"), "{problem}");
    let log = place.log();
    assert!(!log.contains(KEY), "no key in the log");
    drop(serving);
}
