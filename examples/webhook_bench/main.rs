//! How fast inbound messages are recorded and told, and what misbehaving endpoints cost the others:
//! `cargo run --release --example webhook_bench [-- SECONDS]`.
//!
//! The real gateway runs in this process on a real file with `synchronous=FULL`, on the real clock; so do the
//! good receivers, whose work is in the processor's figures too, while the bad ones have a process of their own. First the sandbox brings messages as fast as they are
//! recorded, with one endpoint. Then two hundred a second, to five good endpoints, without and with one of each kind of
//! bad ones. Figures of shared machines drift, so what the disk did in the same run stands beside them.

#[path = "../../tests/it/harness/bad_receiver.rs"]
mod bad_receiver;
mod crowd;
#[path = "../send_bench/machine.rs"]
mod machine;
mod receiver;
mod request;
mod world;

use bad_receiver::Vice;
use crowd::Crowd;
use receiver::Receiver;
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use world::World;

type Failure = Box<dyn std::error::Error>;

/// Who brings messages at once.
const PHONES: usize = 64;
const GOOD: usize = 5;
const RATE: u64 = 200;
const ROUNDS: usize = 5;

fn main() -> Result<(), Failure> {
    let argument = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if argument == crowd::CROWD {
        return runtime.block_on(crowd::stand());
    }
    let seconds = argument.parse().unwrap_or(5);
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

/// Two gateways take turns: one with good endpoints alone, one with the bad ones beside them, so that a drift of the
/// machine meets both.
async fn beside_bad_ones(dir: &std::path::Path, time: Duration) -> Result<(), Failure> {
    println!("{RATE} events a second to {GOOD} good endpoints, from heard to told");
    let mut crowd = Crowd::start()?;
    let mut alone = Scene::start(&dir.join("alone"), &[], &[]).await?;
    let mut beside = Scene::start(&dir.join("beside"), &crowd.urls, &crowd.addresses()?).await?;
    let mut ratios = Vec::new();
    // The first round warms up.
    for round in 0..=ROUNDS {
        let (without, with) = (alone.play(time).await?, beside.play(time).await?);
        for (name, one) in [("alone", &without), ("beside", &with)] {
            println!("  {name:<7} p50 {:>7.2} ms   p99 {:>7.2} ms   memory {:>+6.1} MiB", one.p50, one.p99, one.grown);
        }
        if round > 0 {
            ratios.push(with.p99 / without.p99);
        }
    }
    ratios.sort_by(f64::total_cmp);
    let listed: Vec<String> = ratios.iter().map(|r| format!("{r:.2}")).collect();
    println!("  p99 beside / alone: {}; median {:.2}", listed.join(" "), ratios[ratios.len() / 2]);
    let calls: Vec<String> = Vice::ALL.iter().zip(crowd.calls()?).map(|(v, calls)| format!("{v:?} {calls}")).collect();
    println!("  calls to the bad ones: {}", calls.join(", "));
    let (pending, lost) = beside.world.deliveries().await?;
    println!("  deliveries that wait for their next try: {pending}, dropped: {lost}");
    alone.world.stop().await;
    beside.world.stop().await;
    Ok(())
}

/// A gateway with its good endpoints.
struct Scene {
    world: World,
    good: Vec<Receiver>,
    told: u64,
}

/// A series: milliseconds from heard to told, and what the memory grew by.
struct Series {
    p50: f64,
    p99: f64,
    grown: f64,
}

impl Scene {
    async fn start(dir: &std::path::Path, bad: &[String], bad_at: &[SocketAddr]) -> Result<Self, Failure> {
        let mut good = Vec::new();
        for _ in 0..GOOD {
            good.push(Receiver::start().await?);
        }
        let allow: Vec<_> = bad_at.iter().copied().chain(good.iter().map(|g| g.address)).collect();
        let world = World::start(dir, &allow).await?;
        for url in good.iter().map(Receiver::url).chain(bad.iter().cloned()) {
            world.add_endpoint(url).await?;
        }
        Ok(Self { world, good, told: 0 })
    }

    async fn play(&mut self, time: Duration) -> Result<Series, Failure> {
        self.good.iter().for_each(Receiver::forget);
        let before = world::memory_mib();
        self.told += self.world.bring(1, Some(RATE), time).await?;
        for one in &self.good {
            one.wait_for(self.told).await;
        }
        let mut took: Vec<Duration> = self.good.iter().flat_map(Receiver::took).collect();
        took.sort_unstable();
        let at = |p: usize| took.get((took.len() - 1) * p / 100).map_or(0.0, |d| d.as_secs_f64() * 1000.0);
        Ok(Series { p50: at(50), p99: at(99), grown: world::memory_mib() - before })
    }
}
