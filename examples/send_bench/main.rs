//! How fast the gateway sends, on the machine it is run on: `cargo run --release --example send_bench [-- SECONDS]`.
//!
//! The real server runs in a process of its own on a real file, with `synchronous=FULL` and the content policy on; it is
//! loaded over HTTP with 1, 16 and 64 connections against a sandbox without latency. Figures of shared machines drift,
//! so each block prints what the disk and SQLite did in the same moment: raw fsync/s, and transactions/s of one row
//! each. Limits and rates are raised, because the guard would rightly stop this.

mod load;
mod machine;
mod server;

use load::Load;
use server::Server;
use std::{path::PathBuf, process::ExitCode, time::Duration};

/// Connections of the three runs.
const CONNECTIONS: [usize; 3] = [1, 16, 64];

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
    println!(
        "connections   messages/s   p50 ms   p99 ms   CPU ms/message   memory MiB   fsync/s   transactions/s   other answers"
    );
    for connections in CONNECTIONS {
        let disk = machine::disk(&dir, time / 5)?;
        let before = server.cpu();
        let load = Load { address: server.address, key: server.key.clone(), connections, time, people: 100_000_000 };
        let (result, memory) = server.watch_memory(|| load.run());
        let result = result?;
        let cpu = (server.cpu() - before).as_secs_f64() * 1000.0 / result.sent.max(1) as f64;
        println!(
            "{connections:>11} {:>12.0} {:>8.2} {:>8.2} {cpu:>16.3} {memory:>12.1} {:>9.0} {:>16.0} {:>15}",
            result.per_second(),
            result.percentile(50.0),
            result.percentile(99.0),
            disk.fsyncs,
            disk.transactions,
            result.others,
        );
    }
    let restarted = server.restart(&dir)?;
    println!("ready after a kill {:>9.1} ms, on {:.0} MiB of database", restarted.ready_ms, restarted.database_mib);
    Ok(())
}
