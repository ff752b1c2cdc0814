//! The examples' scripts, run where their interpreters are.

use super::{Shop, examples::pending, routes};
use crate::harness::deps::for_everything;
use crate::harness::{
    files::FileServer,
    ports,
    receiver::Receiver,
    visitor::{PASSWORD, Visitor},
    wait::found,
    watcher::Watcher,
    world::{INSTANCE, PHONE},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/chattu");

fn is_there(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// Runs a script that must call every route of the table.
async fn run(program: &str, script: &str) {
    if !is_there(program) {
        eprintln!("{program} is not here: {script} was not run");
        return;
    }
    let (files, receiver) = (FileServer::start().await, Receiver::start().await);
    let entries = [files.address, receiver.address].map(|at| for_everything(&at));
    let shop = Shop::start_with(|config| config.egress.allow = entries.into()).await;
    shop.put_groups();
    Visitor::logged_in(&shop.world, "owner").await;
    shop.world.hears(PHONE, "Is anybody there?").await;
    let watcher = Watcher::start(shop.world.address()).await;
    let mut command = Command::new(program);
    command
        .arg(format!("{FOLDER}/{script}"))
        .env("BASE", format!("http://{}", watcher.address))
        .env("KEY", &shop.key)
        .env("CLIENT", INSTANCE)
        .env("NUMBER", PHONE.trim_start_matches('+'))
        .env("FILE", files.put("cat.gif", "image/gif", b"GIF89a, or so it says"))
        .env("HOOK", receiver.url())
        .env("EMAIL", "owner@shop.example")
        .env("PASSWORD", PASSWORD);
    let ended = with_time_passing(&shop, command).await;
    let told = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{script}: {}", String::from_utf8_lossy(&told));
    assert_eq!(routes::not_called(&watcher.seen()), Vec::<String>::new(), "{script}");
    assert_eq!(shop.world.inbox().await.len(), 5, "two texts, a picture, and a group's two");
    shop.world.stop().await;
}

/// Runs a command while the clock goes on only for the groups' messages that wait.
async fn with_time_passing(shop: &Shop, mut command: Command) -> Output {
    let mut running = tokio::task::spawn_blocking(move || command.output());
    loop {
        tokio::select! {
            ended = &mut running => return ended.expect("it ran").expect("it began"),
            () = crate::harness::program::moment() => {}
        }
        if pending(shop).await > 0 {
            shop.world.later(Duration::from_secs(5));
            while pending(shop).await > 0 {
                shop.world.gateway().schedules.step().await.expect("a step");
                crate::harness::program::moment().await;
            }
        }
    }
}

#[tokio::test]
async fn the_python_script_drives_the_routes() {
    run("python3", "client.py").await;
}

#[tokio::test]
async fn the_php_script_drives_the_routes() {
    run("php", "client.php").await;
}

#[tokio::test]
async fn the_node_script_drives_the_routes() {
    run("node", "client.mjs").await;
}

/// PHP's own server; ended with the test.
struct Php(Child);

impl Drop for Php {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_php_receiver_answers_whoever_wrote() {
    if !is_there("php") {
        eprintln!("php is not here: webhook.php was not run");
        return;
    }
    let port = ports::free();
    let place = port.to_string();
    let entry = for_everything(&place);
    let shop = Shop::start_with(|config| config.egress.allow = vec![entry]).await;
    let key = shop.get("/api/clients").await.json()[0]["apiKey"].as_str().expect("a key").to_owned();
    let mut command = Command::new("php");
    command.args(["-S", &place, &format!("{FOLDER}/webhook.php")]).env("CLIENT_KEY", &key);
    let _php = Php(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it begins"));
    found("PHP's server answers", async || listens(&place).then_some(())).await;
    let url = format!("http://{port}/webhook.php");
    let body = serde_json::json!({"clientId": INSTANCE, "webhookUrl": url});
    assert_eq!(shop.post("/api/update-webhook", &body).await.status, 200);
    shop.world.hears(PHONE, "יש מישהו? 👋").await;
    let phones = super::hooks::inbox(&shop.world, 1).await;
    assert_eq!(phones[0]["text"], "קיבלנו: יש מישהו? 👋");
    shop.world.stop().await;
}

fn listens(place: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(place) else { return false };
    let asked = stream.write_all(b"GET / HTTP/1.0\r\n\r\n");
    asked.is_ok() && stream.read(&mut [0; 16]).is_ok_and(|n| n > 0)
}
