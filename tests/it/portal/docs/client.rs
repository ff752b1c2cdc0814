//! A client that was written from the documents alone (`tests/data/documents/client.py`), run against the gateway. What only
//! a customer's phone can do, it asks for, and it is played on the sandbox's.

use crate::harness::{
    deps::for_everything,
    ports,
    visitor::{PASSWORD, Visitor},
    world::{World, update},
};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdout, Command, Stdio},
};
use wa_gateway::app::commands::{SandboxCall, SandboxGroup, SandboxReceive};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/documents/client.py");
const LINE: &str = "inst_12345";

/// Plays what a customer's phone does.
async fn play(world: &World, asked: &Value) {
    let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    let (instance, from) = (LINE.to_owned(), text("from"));
    let done = match asked["play"].as_str() {
        Some("write") => {
            world.command(SandboxReceive { instance, from, text: text("text"), ..Default::default() }).await
        }
        Some("call") => world.command(SandboxCall { instance, from, missed: true }).await,
        Some("group") => {
            let group = SandboxGroup {
                instance,
                group: "family@g.us".into(),
                name: Some("Family".into()),
                from,
                text: text("text"),
            };
            world.command(group).await
        }
        _ => panic!("nobody can play {asked}"),
    };
    done.unwrap_or_else(|e| panic!("{asked}: {e}"));
}

/// The next line that the client says; none: it has ended.
async fn line(mut lines: Lines<BufReader<ChildStdout>>) -> (Option<String>, Lines<BufReader<ChildStdout>>) {
    let read = tokio::task::spawn_blocking(move || (lines.next().map(|line| line.expect("text")), lines));
    read.await.expect("it is read")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_written_from_the_documents_alone_finds_everything_as_they_say() {
    if Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("python3 is not here: the documents' client was not run");
        return;
    }
    let port = ports::free();
    let world = World::start_with(|config| config.egress.allow = vec![for_everything(&port)]).await;
    let mut modules = update(world.account);
    modules.modules = Some(vec!["api_access".into(), "3cx".into()]);
    world.command(modules).await.expect("the modules");
    Visitor::logged_in(&world, "owner").await;
    let mut client: Child = Command::new("python3")
        .arg(SCRIPT)
        .env("BASE", format!("http://{}", world.address()))
        .env("PORT", port.port().to_string())
        .env("EMAIL", "owner@shop.example")
        .env("PASSWORD", PASSWORD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it began");
    let mut hears = client.stdin.take().expect("its input");
    let mut says = BufReader::new(client.stdout.take().expect("its output")).lines();
    loop {
        let (said, rest) = line(says).await;
        says = rest;
        let Some(said) = said else { break };
        play(&world, &serde_json::from_str(&said).expect("JSON")).await;
        hears.write_all(b"done\n").expect("it listens");
    }
    let ended =
        tokio::task::spawn_blocking(move || client.wait_with_output()).await.expect("it ran").expect("it ended");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    world.stop().await;
}
