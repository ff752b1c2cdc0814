//! How fast the gateway sends, on the machine it is run on: `cargo run --release --example send_bench [-- SECONDS]`.
//!
//! The real server runs in a process of its own on a real file, with `synchronous=FULL` and the content policy on; it is
//! loaded over HTTP with 1, 16 and 64 connections against a sandbox without latency. Figures of shared machines drift,
//! so each block prints what the disk and SQLite did in the same moment: raw fsync/s, and transactions/s of one row
//! each. Limits and rates are raised, because the guard would rightly stop this.

mod load;
mod machine;
mod runs;
mod server;

use server::Server;
use std::{path::PathBuf, process::ExitCode, time::Duration};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let first = args.next();
    if first.as_deref() == Some(server::SERVE) {
        return server::serve(args);
    }
    let seconds = first.and_then(|s| s.parse().ok()).unwrap_or(5);
    match run(Duration::from_secs(seconds)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("send_bench: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(time: Duration) -> Result<(), Box<dyn std::error::Error>> {
    let dir = PathBuf::from("target/send_bench");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir)?;
    let line = server::Line {
        connector: "sandbox",
        settings: [("receipts".to_owned(), "none".to_owned())].into(),
        allow: String::new(),
    };
    let server = Server::start(&dir, line)?;
    println!("idle memory        {:>9.1} MiB", server.memory_mib());
    runs::print(server, &dir, time, 100_000_000)
}
