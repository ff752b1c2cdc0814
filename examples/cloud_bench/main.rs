//! How fast the gateway sends over Meta's Cloud API, on the machine it is run on:
//! `cargo run --release --example cloud_bench [-- SECONDS] [--provider URL]`.
//!
//! The real server runs in a process of its own on a real file, with `synchronous=FULL` and the content policy on; it is
//! loaded over HTTP with 1, 16 and 64 connections. Meta is played by a process of its own, or by whoever answers
//! `POST /{version}/{phone_number_id}/messages` at `--provider`. Everybody who is written to wrote before, by signed
//! webhooks, so that their 24 hours are open. Limits and rates are raised, because the guard would rightly stop this.

#[path = "../send_bench/load.rs"]
mod load;
#[path = "../send_bench/machine.rs"]
mod machine;
mod people;
mod provider;
#[path = "../send_bench/runs.rs"]
mod runs;
#[path = "../send_bench/server.rs"]
mod server;

use provider::Provider;
use server::{Line, Server};
use std::{path::PathBuf, process::ExitCode, time::Duration};

/// How many people are written to.
const PEOPLE: usize = 5_000;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    match args.peek().map(String::as_str) {
        Some(server::SERVE) => return server::serve(args.skip(1)),
        Some(provider::PROVIDE) => return provider::provide(),
        _ => {}
    }
    let (mut seconds, mut url) = (5, None);
    while let Some(arg) = args.next() {
        match (arg.as_str(), arg.parse()) {
            ("--provider", _) => url = args.next(),
            (_, Ok(given)) => seconds = given,
            _ => {
                eprintln!("usage: cloud_bench [SECONDS] [--provider URL]");
                return ExitCode::from(2);
            }
        }
    }
    match run(Duration::from_secs(seconds), url) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("cloud_bench: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(time: Duration, url: Option<String>) -> Result<(), Failure> {
    let dir = PathBuf::from("target/cloud_bench");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir)?;
    let provider = match url {
        Some(url) => Provider::at(url),
        None => Provider::start()?,
    };
    let server = Server::start(&dir, line(&provider)?)?;
    let written = people::write(server.address, PEOPLE)?;
    println!("people who wrote   {PEOPLE:>9}, {written:.0} messages/s by webhook");
    println!("memory before      {:>9.1} MiB", server.memory_mib());
    runs::print(server, &dir, time, PEOPLE)
}

/// An instance over the provider.
fn line(provider: &Provider) -> Result<Line, Failure> {
    let settings = [
        ("base_url", provider.url.as_str()),
        ("phone_number_id", people::NUMBER_ID),
        ("access_token", "bench-token"),
        ("app_secret", people::APP_SECRET),
        ("verify_token", "bench-verify"),
    ];
    let host = provider.url.split("://").nth(1).ok_or("--provider is an address such as http://127.0.0.1:9101")?;
    Ok(Line {
        connector: "cloud-api",
        settings: settings.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        allow: host.trim_end_matches('/').to_owned(),
    })
}
