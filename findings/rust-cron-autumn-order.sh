#!/bin/bash
# On the night that the clocks go back the next runs are told out of order: a later one comes before an earlier one.
#
# Packages: croner 3.0.1 and cron 0.15.0 (crates)
# Expected: in order of time, as the iterators promise (croner: `iter_from(..., Direction::Forward)`; cron: `after`,
#   "upcoming" times). "*/30 2 * * *" in Europe/Berlin on 31 October 2027 is due at 02:00+02:00, 02:30+02:00,
#   02:00+01:00 and 02:30+01:00. RFC 3339, 5.1: with one offset for all, times in order are in order as text; in UTC
#   these are 00:00, 00:30, 01:00 and 01:30.
# Seen:
#   expected, in UTC: 00:00 00:30 01:00 01:30
#   seen, croner 3.0.1: 00:00 01:00 00:30 01:30
#   seen, cron 0.15.0: 00:00 01:00 00:30 01:30
# Why it matters for a WhatsApp gateway: a scheduler that sleeps until "the next" run oversleeps 00:30, and one that
#   asks for the run after 01:00 is sent back in time and fires at once. croner is also what tokio-cron-scheduler asks.
#   Due times are best worked out by a calendar library and compared as moments.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.1.0"
edition = "2021"
[dependencies]
chrono = "=0.4.42"
chrono-tz = "=0.10.4"
cron = "=0.15.0"
croner = "=3.0.1"
TOML
cat > src/main.rs <<'RUST'
use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::{Europe::Berlin, Tz};

fn main() {
    let start = Berlin.with_ymd_and_hms(2027, 10, 31, 1, 0, 0).unwrap();
    let croner: croner::Cron = "*/30 2 * * *".parse().unwrap();
    let cron: cron::Schedule = "0 */30 2 * * *".parse().unwrap();
    let show = |times: Vec<DateTime<Tz>>| -> String {
        times.iter().map(|t| t.with_timezone(&Utc).format("%H:%M").to_string()).collect::<Vec<_>>().join(" ")
    };
    let first = show(croner.iter_from(start, croner::Direction::Forward).take(4).collect());
    let second = show(cron.after(&start).take(4).collect());
    println!("expected, in UTC: 00:00 00:30 01:00 01:30");
    println!("seen, croner 3.0.1: {first}");
    println!("seen, cron 0.15.0: {second}");
    let wrong = "00:00 01:00 00:30 01:30";
    std::process::exit(if first == wrong && second == wrong { 0 } else { 1 });
}
RUST
cargo run -q
