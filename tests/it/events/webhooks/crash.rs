//! kill -9 while twenty endpoints are fed: every event reaches every endpoint at least once, under the same id and with
//! the same bytes at each attempt, and every message that a caller was told of has its event.
//!
//! The number of rounds is `WA_CRASH_ROUNDS` (50).

use crate::{
    harness::{
        load::{Load, press_for},
        program::{Place, now, wait_until},
        receiver::{Got, Receiver},
    },
    sending::crash::{acknowledged, checker::open_database},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

const INSTANCE: &str = "shop-line";
const ENDPOINTS: usize = 20;

/// Holds the outbox against what one endpoint got; each problem is one line.
fn compare(outbox: &HashMap<String, String>, got: &[Got]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = HashSet::new();
    for one in got {
        let id = one.header("webhook-id");
        match outbox.get(id) {
            None => problems.push(format!("{id} is no event of the outbox")),
            Some(body) if *body != one.body => problems.push(format!("{id} came with other bytes")),
            Some(_) => drop(seen.insert(id)),
        }
    }
    problems.extend(outbox.keys().filter(|id| !seen.contains(id.as_str())).map(|id| format!("{id} did not come")));
    problems
}

#[test]
fn the_checker_finds_what_is_missing_changed_or_foreign() {
    let outbox = HashMap::from([("evt_1".to_owned(), "{\"a\":1}".to_owned()), ("evt_2".to_owned(), "{}".to_owned())]);
    let got = |id: &str, body: &str| Got {
        path: String::new(),
        headers: vec![("webhook-id".into(), id.into())],
        body: body.into(),
    };
    let (one, two) = (got("evt_1", "{\"a\":1}"), got("evt_2", "{}"));
    assert!(compare(&outbox, &[one.clone(), two.clone(), one.clone()]).is_empty(), "twice is fine");
    assert_eq!(compare(&outbox, std::slice::from_ref(&one)).len(), 1, "missing");
    assert_eq!(compare(&outbox, &[one.clone(), two.clone(), got("evt_1", "{\"a\":2}")]).len(), 1, "changed");
    assert_eq!(compare(&outbox, &[one, two, got("evt_3", "{}")]).len(), 1, "foreign");
}

fn outbox(place: &Place) -> HashMap<String, String> {
    let db = open_database(&place.database());
    let mut statement = db.prepare("SELECT event_id, body FROM events").expect("a statement");
    let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).expect("rows");
    rows.collect::<Result<_, _>>().expect("texts")
}

fn pending(place: &Place) -> i64 {
    let count = "SELECT count(*) FROM deliveries WHERE state <> 'delivered'";
    open_database(&place.database()).query_row(count, [], |r| r.get(0)).expect("a count")
}

#[expect(clippy::disallowed_methods, reason = "how long a test goes on is asked of whoever runs it")]
fn rounds() -> usize {
    std::env::var("WA_CRASH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(50)
}

#[test]
fn kill_minus_nine_loses_no_delivery() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let receivers: Vec<Receiver> = (0..ENDPOINTS).map(|_| runtime.block_on(Receiver::start())).collect();
    let entries: Vec<String> = receivers.iter().map(|r| format!("\"{}\"", r.address)).collect();
    let place = Place::with(&format!("[egress]\nallow = [{}]", entries.join(", ")));
    let key = place.furnish(INSTANCE);
    // Slow enough that the callers make some two hundred events a second where the machine is free, and kills meet all stages of a delivery.
    place.json(&["sandbox", "set", "--instance", INSTANCE, "latency_ms=10"]);
    let mut serving = place.serve();
    for receiver in &receivers {
        let url = receiver.url();
        place.json(&["webhook", "create", "--account", "1", "--url", &url, "--events", "message.sent"]);
    }
    let (rounds, begun) = (rounds(), now());
    let mut told = Vec::new();
    for round in 0..rounds {
        let load = Load::start(serving.address, &key, INSTANCE, &format!("d{round}"), 4);
        press_for(Duration::from_millis(60 + (round as u64 * 37) % 400));
        serving.kill();
        told.extend(acknowledged(&load.end()).map(|a| a.message_id));
        serving = place.serve();
    }
    wait_until("an empty outbox", || pending(&place) == 0);
    serving.stop();
    let outbox = outbox(&place);
    let mut again = BTreeMap::new();
    for (n, receiver) in receivers.iter().enumerate() {
        let got = receiver.got();
        let mut problems = compare(&outbox, &got);
        problems.truncate(10);
        assert!(problems.is_empty(), "endpoint {n}: {}", problems.join("\n"));
        again.insert(n, got.len() - outbox.len());
    }
    let bodies: Vec<&String> = outbox.values().collect();
    for id in &told {
        assert!(bodies.iter().any(|body| body.contains(id)), "{id} was acknowledged and has no event");
    }
    let twice: usize = again.values().sum();
    println!(
        "{rounds} rounds in {:?}: {} messages acknowledged, {} events, {} deliveries, {twice} of them more than once",
        begun.elapsed(),
        told.len(),
        outbox.len(),
        outbox.len() * ENDPOINTS
    );
    assert!(outbox.len() > rounds, "there was hardly any load");
    assert!(twice > 0, "no kill met a delivery on its way: the trial shows nothing");
}
