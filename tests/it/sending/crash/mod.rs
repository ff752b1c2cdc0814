//! kill -9 and SIGTERM under load, with the real program: what callers were told, what stands in the log and what
//! arrived on the phones are held against each other.
//!
//! The number of rounds is `WA_CRASH_ROUNDS` (50), the seed of the random moments `WA_CRASH_SEED`; both are printed.

pub mod checker;

use crate::harness::{
    http,
    load::{Asked, Client, Load, Told, press_for},
    program::{Place, Serving, now, wait_until},
};
use checker::{Acknowledged, compare, judge_database, open_database, read_log, read_phones};
use std::{collections::HashMap, time::Duration};

const INSTANCE: &str = "shop-line";
const CLIENTS: usize = 6;

/// What the callers were told with 200.
pub fn acknowledged(told: &[Told]) -> impl Iterator<Item = Acknowledged> + '_ {
    told.iter().filter_map(|t| {
        let reply = t.reply.as_ref().filter(|r| r.status == 200)?;
        let message_id = reply.json()["message_id"].as_str().expect("a message id").to_owned();
        Some(Acknowledged { message_id, text: t.asked.text() })
    })
}

/// Numbers that look random and come again with the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a test goes on is asked of whoever runs it")]
fn number_from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// One gateway and everything that was seen of it.
struct Trial {
    place: Place,
    key: String,
    told: Vec<Acknowledged>,
    ready: Vec<Duration>,
    lost_answers: usize,
    retried: HashMap<u16, usize>,
}

impl Trial {
    fn new() -> Self {
        let place = Place::new();
        let key = place.furnish(INSTANCE);
        Self { place, key, told: Vec::new(), ready: Vec::new(), lost_answers: 0, retried: HashMap::new() }
    }

    fn set_sandbox(&self, settings: &[&str]) {
        self.place.json(&[&["sandbox", "set", "--instance", INSTANCE], settings].concat());
    }

    fn load(&self, serving: &Serving, name: &str) -> Load {
        Load::start(serving.address, &self.key, INSTANCE, name, CLIENTS)
    }

    fn states(&self) -> HashMap<String, usize> {
        let mut states = HashMap::new();
        for row in read_log(&open_database(&self.place.database())) {
            *states.entry(row.status).or_default() += 1;
        }
        states
    }

    fn start(&mut self) -> Serving {
        let begun = now();
        let serving = self.place.serve();
        wait_until_ready(&serving);
        self.ready.push(begun.elapsed());
        serving
    }

    /// What was asked and not answered is asked again, as a careful caller does: with the same Idempotency-Key.
    fn ask_again(&mut self, serving: &Serving, told: &[Told]) {
        let open: Vec<&Asked> = told.iter().filter(|t| t.reply.is_none()).map(|t| &t.asked).collect();
        let mut client = Client::connect(serving.address, &self.key, INSTANCE).expect("the gateway listens");
        for asked in open {
            self.lost_answers += 1;
            let reply = client.send(asked).expect("an answer");
            *self.retried.entry(reply.status).or_default() += 1;
            self.told.extend(acknowledged(&[Told { asked: asked.clone(), reply: Some(reply) }]));
        }
    }

    fn judge(&self, when: &str) {
        let db = open_database(&self.place.database());
        let mut problems = compare(&self.told, &read_log(&db), &read_phones(&self.place.data, INSTANCE));
        problems.extend(judge_database(&db));
        problems.truncate(20);
        assert!(problems.is_empty(), "{when}:\n{}", problems.join("\n"));
    }
}

fn wait_until_ready(serving: &Serving) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let reply = runtime.block_on(http::call(serving.address, "GET", "/readyz", &[], &[]));
    assert_eq!(reply.status, 200, "{}", reply.body);
}

/// Modes of the sandbox that take turns: as fast as it goes; slow enough that kills meet messages on the wire; with
/// receipts, so that a second stream of writes runs beside the first.
const MODES: [[&str; 2]; 4] = [
    ["latency_ms=0", "receipts=none"],
    ["latency_ms=40", "receipts=none"],
    ["latency_ms=5", "receipts=none"],
    ["latency_ms=0", "receipts=read"],
];

#[test]
fn kill_minus_nine_loses_nothing_and_sends_nothing_twice() {
    let rounds = number_from_environment("WA_CRASH_ROUNDS").unwrap_or(50);
    let seed = number_from_environment("WA_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("WA_CRASH_ROUNDS={rounds} WA_CRASH_SEED={seed}");
    let mut dice = Dice(seed);
    let mut trial = Trial::new();
    let mut serving = trial.start();
    let begun = now();
    for round in 0..rounds {
        let mode = MODES[usize::try_from(round).expect("a count") % MODES.len()];
        trial.set_sandbox(&mode);
        let load = trial.load(&serving, &format!("{seed}-{round}"));
        press_for(Duration::from_millis(20 + dice.below(500)));
        serving.kill();
        let told = load.end();
        trial.told.extend(acknowledged(&told));
        serving = trial.start();
        trial.judge(&format!("round {round}, before anything new"));
        trial.ask_again(&serving, &told);
        trial.judge(&format!("round {round}, after the callers asked again"));
    }
    serving.stop();
    report(&trial, begun.elapsed());
}

fn report(trial: &Trial, took: Duration) {
    let states = trial.states();
    let mut ready = trial.ready.clone();
    ready.sort();
    let (median, slowest) = (ready[ready.len() / 2], ready[ready.len() - 1]);
    println!(
        "{} acknowledged, {} answers lost, asked again {:?}, log {states:?}, ready median {median:?} slowest {slowest:?}, \
         all in {took:?}",
        trial.told.len(),
        trial.lost_answers,
        trial.retried
    );
    assert!(trial.told.len() > trial.ready.len(), "there was hardly any load");
    assert!(trial.lost_answers > 0, "no kill met a message on its way: the trial shows nothing");
    // The bound is the contract's; a single start may be slower where the machine builds something at the same time.
    assert!(median < Duration::from_secs(3), "ready after {median:?}");
    assert!(slowest < Duration::from_secs(15), "ready after {slowest:?}");
}

#[test]
fn what_waits_for_its_slot_when_it_is_killed_has_not_left() {
    let mut trial = Trial::new();
    let mut slow = trial.place.program(&["serve"]);
    slow.env("WA_GATEWAY_GUARD__THROTTLE_PER_MINUTE", "60").env("WA_GATEWAY_GUARD__THROTTLE_BURST", "1");
    let serving = Serving::start(slow, &trial.place.dir.path().join("serve.log"));
    let load = trial.load(&serving, "slot");
    // One goes at once, the others wait for one slot a second.
    let path = trial.place.database();
    wait_until("a row for each client", || read_log(&open_database(&path)).len() >= CLIENTS);
    serving.kill();
    let told = load.end();
    trial.told.extend(acknowledged(&told));
    let serving = trial.start();
    trial.judge("after the kill");
    let failed = trial.states().get("failed").copied().unwrap_or(0);
    assert!(failed >= 2, "they waited: {:?}", trial.states());
    trial.ask_again(&serving, &told);
    trial.judge("after the callers asked again");
    // The kill may have met one whose slot had just come: that one may have left.
    let unknown = trial.states().get("unknown").copied().unwrap_or(0);
    let retried = |status: u16| trial.retried.get(&status).copied().unwrap_or(0);
    assert_eq!((retried(200), retried(502)), (trial.lost_answers - unknown, unknown), "what did not leave is sent");
    assert!(retried(200) >= failed, "{:?}", trial.retried);
    serving.stop();
}

#[test]
fn sigterm_under_load_lets_messages_finish() {
    let mut trial = Trial::new();
    trial.set_sandbox(&["latency_ms=300"]);
    let serving = trial.start();
    let load = trial.load(&serving, "term");
    press_for(Duration::from_millis(500));
    let (code, took) = serving.stop();
    assert_eq!(code, 0, "{}", trial.place.log());
    assert!(took < Duration::from_secs(10), "{took:?}");
    let told = load.end();
    trial.told.extend(acknowledged(&told));
    assert!(trial.told.len() >= CLIENTS, "there was load");
    trial.judge("after the end");
    assert!(!trial.states().contains_key("unknown"), "all had the time to finish: {:?}", trial.states());
    // Nobody who was taken in is left without an answer: an answer that is missing belongs to a message that was not.
    let log = read_log(&open_database(&trial.place.database()));
    for lost in told.iter().filter(|t| t.reply.is_none()) {
        assert!(log.iter().all(|row| row.body != lost.asked.text()), "{lost:?} was sent and not answered");
    }
}

#[test]
fn sigterm_does_not_wait_for_ever_for_a_provider() {
    let mut trial = Trial::new();
    trial.set_sandbox(&["fail=timeout_after_accept"]);
    let mut patient = trial.place.program(&["serve"]);
    patient.env("WA_GATEWAY_SENDING__ANSWER_TIMEOUT", "5m");
    let serving = Serving::start(patient, &trial.place.dir.path().join("serve.log"));
    let load = trial.load(&serving, "hang");
    wait_until("a message of each client", || read_phones(&trial.place.data, INSTANCE).len() >= CLIENTS);
    let (code, took) = serving.stop();
    assert_eq!(code, 0, "{}", trial.place.log());
    assert!(took < Duration::from_secs(12), "ten seconds and the way out: {took:?}");
    let told = load.end();
    trial.set_sandbox(&["fail=none"]);
    trial.judge("after the end");
    assert_eq!(trial.states().get("unknown"), Some(&CLIENTS), "{:?}", trial.states());
    let serving = trial.start();
    trial.ask_again(&serving, &told);
    trial.judge("after the callers asked again");
    assert_eq!(trial.retried, HashMap::from([(502, CLIENTS)]), "what may have left is not sent again");
    serving.stop();
}
