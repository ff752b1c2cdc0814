//! Runs over more and more connections, a line each, and what a kill costs: the part that all benches of sending share.

use super::{load::Load, machine, server::Server};
use std::{path::Path, time::Duration};

/// Connections of the three runs.
const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// Sends to so many `people` for `time` in each run, and prints what it took. The disk is measured in the same moment.
///
/// # Errors
/// The server's, the load's or the disk's, in words.
pub fn print(server: Server, dir: &Path, time: Duration, people: usize) -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "connections   messages/s   p50 ms   p99 ms   CPU ms/message   memory MiB   fsync/s   transactions/s   other answers"
    );
    for connections in CONNECTIONS {
        let disk = machine::disk(dir, time / 5)?;
        let before = server.cpu();
        let (address, key) = (server.address, server.key.clone());
        let load = Load { address, key, connections, time, people, messages: usize::MAX };
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
    let restarted = server.restart(dir)?;
    println!("ready after a kill {:>9.1} ms, on {:.0} MiB of database", restarted.ready_ms, restarted.database_mib);
    Ok(())
}
