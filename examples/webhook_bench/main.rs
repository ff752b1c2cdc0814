//! How fast inbound messages are recorded and told, and what misbehaving endpoints cost the others:
//! `cargo run --release --example webhook_bench [-- SECONDS]`.
//!
//! The real gateway runs in this process on a real file with `synchronous=FULL`, on the real clock; so do the
//! receivers, whose work is in the processor's figures too. First the sandbox brings messages as fast as they are
//! recorded, with one endpoint. Then two hundred a second, to five good endpoints, without and with one of each kind of
//! bad ones. Figures of shared machines drift, so what the disk did in the same run stands beside them.

#[path = "../../tests/it/harness/bad_receiver.rs"]
mod bad_receiver;
#[path = "../send_bench/machine.rs"]
mod machine;
mod receiver;
mod world;

use bad_receiver::{BadReceiver, Vice};
use receiver::Receiver;
use std::{path::PathBuf, time::Duration};
use world::World;

type Failure = Box<dyn std::error::Error>;

/// Who brings messages at once.
const PHONES: usize = 64;
const GOOD: usize = 5;
const RATE: u64 = 200;

fn main() -> Result<(), Failure> {
    let seconds = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(5);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(Duration::from_secs(seconds)))
}

async fn run(time: Duration) -> Result<(), Failure> {
    let dir = PathBuf::from("target/webhook_bench");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir)?;
    as_fast_as_it_goes(&dir, time).await?;
    beside_bad_ones(&dir, time).await
}

async fn as_fast_as_it_goes(dir: &std::path::Path, time: Duration) -> Result<(), Failure> {
    let disk = machine::disk(dir, time / 5)?;
    let receiver = Receiver::start().await?;
    let world = World::start(&dir.join("inbound"), &[receiver.address]).await?;
    world.add_endpoint(receiver.url()).await?;
    let (cpu, begun) = (world::cpu(), world::now());
    let brought = world.bring(PHONES, None, time).await?;
    let recorded_in = begun.elapsed();
    receiver.wait_for(brought).await;
    let all_in = begun.elapsed();
    let per_event = (world::cpu() - cpu).as_secs_f64() * 1000.0 / brought as f64;
    println!("inbound, {PHONES} at once, one endpoint");
    println!("  recorded   {:>8.0}/s", brought as f64 / recorded_in.as_secs_f64());
    println!("  delivered  {:>8.0}/s, until the last one was told", brought as f64 / all_in.as_secs_f64());
    println!("  processor  {per_event:>8.3} ms an event, receiver included");
    println!("  disk       {:>8.0} fsync/s, {:.0} transactions/s of one row each", disk.fsyncs, disk.transactions);
    world.stop().await;
    Ok(())
}

async fn beside_bad_ones(dir: &std::path::Path, time: Duration) -> Result<(), Failure> {
    println!("{RATE} events a second to {GOOD} good endpoints, from heard to told");
    let mut bad = Vec::new();
    for vice in Vice::ALL {
        bad.push(BadReceiver::start(vice).await);
    }
    let mut good = Vec::new();
    for _ in 0..GOOD {
        good.push(Receiver::start().await?);
    }
    let allow: Vec<_> = bad.iter().map(|b| b.address).chain(good.iter().map(|g| g.address)).collect();
    let world = World::start(&dir.join("bad"), &allow).await?;
    for one in &good {
        world.add_endpoint(one.url()).await?;
    }
    let mut told = 0;
    for (name, with_bad) in [("warm", false), ("alone", false), ("beside", true), ("beside", true)] {
        if with_bad && name == "beside" && world.endpoints().await? == GOOD {
            for one in &bad {
                world.add_endpoint(one.url()).await?;
            }
        }
        good.iter().for_each(Receiver::forget);
        let before = world::memory_mib();
        told += world.bring(1, Some(RATE), time).await?;
        for one in &good {
            one.wait_for(told).await;
        }
        let mut took: Vec<Duration> = good.iter().flat_map(Receiver::took).collect();
        took.sort_unstable();
        let at = |p: usize| took.get((took.len() - 1) * p / 100).map_or(0.0, |d| d.as_secs_f64() * 1000.0);
        let grown = world::memory_mib() - before;
        println!("  {name:<7} p50 {:>7.2} ms   p99 {:>7.2} ms   memory {grown:>+6.1} MiB", at(50), at(99));
    }
    let calls: Vec<String> = Vice::ALL.iter().zip(&bad).map(|(v, b)| format!("{v:?} {}", b.calls())).collect();
    println!("  calls to the bad ones: {}", calls.join(", "));
    let (pending, lost) = world.deliveries().await?;
    println!("  deliveries that wait for their next try: {pending}, dropped: {lost}");
    world.stop().await;
    Ok(())
}
