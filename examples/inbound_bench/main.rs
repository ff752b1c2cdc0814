//! What it takes to hear messages and to tell of them, of any build of the program:
//! `cargo run --release --example inbound_bench [-- SECONDS] [--server PROGRAM]`.
//!
//! The real server runs in a process of its own on a real file, with `synchronous=FULL`; it is set up by its command line
//! alone, so that PROGRAM may be another build's. Sixteen connections bring webhooks signed as Meta signs, of one message
//! each and of twenty, to nobody first; then a number of messages, of twenty a call, is told to one endpoint and to twenty,
//! until the last of them is through. What hearing alone takes is taken off the processor's time of a delivery.

#[path = "../send_bench/machine.rs"]
mod machine;
#[path = "../send_bench/process.rs"]
mod process;
mod receiver;
#[path = "../webhook_bench/request.rs"]
mod request;
mod server;
mod strangers;

use receiver::Receiver;
use server::Server;
use std::{path::PathBuf, process::ExitCode, time::Duration};
use strangers::{Calls, Outcome};

type Failure = Box<dyn std::error::Error>;

/// Endpoints, and how many messages are told to each.
const TOLD: [(u64, u64); 2] = [(1, 10_000), (ENDPOINTS, 2_000)];
const ENDPOINTS: u64 = 20;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    match args.peek().map(String::as_str) {
        Some(server::SERVE) => return server::serve(args.skip(1)),
        Some(receiver::RECEIVE) => return receiver::receive(args.nth(1)),
        _ => {}
    }
    let (mut seconds, mut program) = (5, None);
    while let Some(arg) = args.next() {
        match (arg.as_str(), arg.parse()) {
            ("--server", _) => program = args.next().map(PathBuf::from),
            (_, Ok(given)) => seconds = given,
            _ => {
                eprintln!("usage: inbound_bench [SECONDS] [--server PROGRAM]");
                return ExitCode::from(2);
            }
        }
    }
    match run(Duration::from_secs(seconds), program) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("inbound_bench: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(time: Duration, program: Option<PathBuf>) -> Result<(), Failure> {
    let dir = PathBuf::from("target/inbound_bench");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir)?;
    let receiver = Receiver::start(ENDPOINTS)?;
    let server = Server::start(&dir, program, &receiver)?;
    println!("messages a call   messages/s   CPU ms/message   fsync/s   transactions/s");
    let mut of_twenty = 0.0;
    for batch in [1, 20] {
        let disk = machine::disk(&dir, time / 5)?;
        let (heard, cpu) = bring(&server, &Calls::of(batch).during(time))?;
        of_twenty = cpu / heard.messages as f64;
        println!(
            "{batch:>15} {:>12.0} {of_twenty:>16.3} {:>9.0} {:>16.0}",
            heard.per_second(),
            disk.fsyncs,
            disk.transactions
        );
    }
    println!("endpoints         deliveries/s   CPU ms/delivery   of hearing");
    let mut expected = 0;
    for (endpoints, messages) in TOLD {
        server.tell(&receiver, endpoints)?;
        let begun = server::now();
        let before = server.cpu();
        bring(&server, &Calls::of(20).in_all(messages))?;
        expected += messages * endpoints;
        receiver.wait_for(expected)?;
        let (took, cpu) = (begun.elapsed(), (server.cpu() - before).as_secs_f64() * 1000.0);
        let deliveries = (messages * endpoints) as f64;
        let alone = (cpu - of_twenty * messages as f64) / deliveries;
        println!("{endpoints:>9} {:>20.0} {alone:>17.3} {of_twenty:>12.3}", deliveries / took.as_secs_f64());
    }
    println!("memory at the end  {:>9.1} MiB", server.memory_mib());
    Ok(())
}

/// Brings messages, and says what processor time the server took for it, in milliseconds.
fn bring(server: &Server, calls: &Calls) -> Result<(Outcome, f64), Failure> {
    let before = server.cpu();
    let heard = calls.make(server.address)?;
    Ok((heard, (server.cpu() - before).as_secs_f64() * 1000.0))
}
