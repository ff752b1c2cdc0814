//! What is read ahead of its attempt, and what was attempted and is not written yet: neither is ever the reason that an
//! endpoint gets what it should not, or twice.

use crate::harness::{
    wait,
    wild::{self, hear},
    world::{PHONE, World},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};
use tokio::{io::AsyncWriteExt as _, sync::watch};
use wa_gateway::{
    app::commands::{
        PersonErase, WebhookCreate, WebhookDelete, WebhookDisable, WebhookEnable, WebhookRotate, WebhookSet,
    },
    store::StoreError,
};

/// Events that wait when the endpoint is enabled.
const EVENTS: usize = 200;
/// Attempts at once to an endpoint, and attempts to it that may be over and not written.
const AT_ONCE: usize = 16;
const UNWRITTEN: usize = 128;

/// Takes each request, and answers as many as it may.
struct Gate {
    receiver: wild::Receiver,
    heard: Arc<Mutex<Vec<String>>>,
    answers: watch::Sender<usize>,
}

impl Gate {
    async fn start(answers: usize) -> Self {
        let (heard, answers) = (Arc::<Mutex<Vec<String>>>::default(), watch::Sender::new(answers));
        let (noted, may) = (heard.clone(), answers.clone());
        let receiver = wild::Receiver::start("127.0.0.1", move |mut stream, _| {
            let (noted, mut may) = (noted.clone(), may.subscribe());
            async move {
                while let Some(heard) = hear(&mut stream).await {
                    let number = {
                        let mut all = noted.lock().expect("no holder panics");
                        all.push(heard.head);
                        all.len()
                    };
                    if may.wait_for(|may| *may >= number).await.is_err() {
                        return;
                    }
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await;
        Self { receiver, heard, answers }
    }

    fn open(&self) {
        self.answers.send_replace(usize::MAX);
    }

    fn heard(&self) -> usize {
        self.heard.lock().expect("no holder panics").len()
    }

    /// How often each event came.
    fn times(&self) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for head in self.heard.lock().expect("no holder panics").iter() {
            *times.entry(header(head, "webhook-id").to_owned()).or_default() += 1;
        }
        times
    }

    /// Waits until it heard so many.
    async fn wait_for(&self, n: usize) {
        wait::until(&format!("{n} are heard"), async || self.heard() >= n).await;
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

/// A world in which [`EVENTS`] wait for a disabled endpoint at `gate`, and its number. `other` may be called, too.
async fn world_with(gate: &Gate, other: &Gate) -> (World, i64) {
    let entries = [gate, other].map(|gate| gate.receiver.addr.to_string().parse().expect("an entry"));
    let world = World::start_with(|config| config.egress.allow = entries.into()).await;
    let url = format!("http://{}/", gate.receiver.addr);
    let events = vec!["message.received".to_owned()];
    let new = WebhookCreate { account: world.account, url, events, ..Default::default() };
    let id = world.command(new).await.expect("an endpoint")["id"].as_i64().expect("a number");
    world.command(WebhookDisable { id }).await.expect("disabled");
    for n in 0..EVENTS {
        world.hears(PHONE, &format!("Message {n}")).await;
    }
    (world, id)
}

/// The same, enabled, with two rounds of attempts begun, of which the second is under way: more was read ahead since the
/// first was so fast, and waits.
async fn world_that_read_ahead(other: &Gate) -> (World, i64, Gate) {
    let gate = Gate::start(AT_ONCE).await;
    let (world, id) = world_with(&gate, other).await;
    world.command(WebhookEnable { id }).await.expect("enabled");
    gate.wait_for(2 * AT_ONCE).await;
    let written = async || world.number("SELECT count(*) FROM attempts").await == AT_ONCE as i64;
    wait::until("the first round is written", written).await;
    world.settle().await;
    assert_eq!(gate.heard(), 2 * AT_ONCE, "no more than it has places for");
    (world, id, gate)
}

#[tokio::test]
async fn what_was_read_ahead_goes_to_the_new_address_signed_with_the_new_secret() {
    let (world, id, old, new) = {
        let new = Gate::start(usize::MAX).await;
        let (world, id, old) = world_that_read_ahead(&new).await;
        (world, id, old, new)
    };
    let url = Some(format!("http://{}/", new.receiver.addr));
    world.command(WebhookRotate { id }).await.expect("a new secret");
    world.command(WebhookSet { id, url, ..Default::default() }).await.expect("changed");
    old.open();
    new.wait_for(EVENTS - 2 * AT_ONCE).await;
    world.settle().await;
    assert_eq!(old.heard(), 2 * AT_ONCE, "what was under way, and nothing since");
    assert_eq!(new.heard(), EVENTS - 2 * AT_ONCE);
    let mut all = old.times();
    all.extend(new.times());
    assert_eq!(all.len(), EVENTS, "each went to one of them");
    let signatures = |gate: &Gate| {
        let heard = gate.heard.lock().expect("no holder panics");
        heard.iter().map(|head| header(head, "webhook-signature").split(' ').count()).collect::<Vec<_>>()
    };
    assert!(signatures(&old).iter().all(|n| *n == 1), "by the secret of then");
    assert!(signatures(&new).iter().all(|n| *n == 2), "by the new one and the one before it");
    world.stop().await;
}

#[tokio::test]
async fn nothing_goes_of_what_was_read_ahead_once_its_endpoint_is_off_or_gone() {
    let other = Gate::start(0).await;
    let (world, id, gate) = world_that_read_ahead(&other).await;
    world.command(WebhookDisable { id }).await.expect("disabled");
    gate.open();
    let written = async |n: usize| {
        let is_so = async || world.number("SELECT count(*) FROM attempts").await >= n as i64;
        wait::until("what was under way is written", is_so).await;
        world.settle().await;
    };
    written(2 * AT_ONCE).await;
    assert_eq!(gate.heard(), 2 * AT_ONCE);
    // Enabled again, all of it comes once.
    world.command(WebhookEnable { id }).await.expect("enabled");
    gate.wait_for(EVENTS).await;
    written(EVENTS).await;
    assert_eq!(gate.times().into_values().collect::<Vec<_>>(), [1; EVENTS]);
    world.stop().await;

    let (world, id, gate) = world_that_read_ahead(&other).await;
    world.command(WebhookDelete { id }).await.expect("deleted");
    gate.open();
    world.settle().await;
    assert_eq!(gate.heard(), 2 * AT_ONCE);
    world.stop().await;
}

#[tokio::test]
async fn nothing_goes_of_what_was_read_ahead_of_a_person_who_was_erased() {
    let other = Gate::start(0).await;
    let (world, _, gate) = world_that_read_ahead(&other).await;
    world.command(PersonErase { phone: PHONE.into() }).await.expect("erased");
    gate.open();
    world.settle().await;
    assert_eq!(gate.heard(), 2 * AT_ONCE);
    // What was under way has nothing to be written to any more, which holds up nobody.
    world.hears("+966507654321", "Another").await;
    gate.wait_for(2 * AT_ONCE + 1).await;
    world.stop().await;
}

/// Whoever is slow gets what is read anew, and all of it once.
#[tokio::test]
async fn what_was_read_ahead_a_while_ago_is_read_again() {
    let other = Gate::start(0).await;
    let (world, _, gate) = world_that_read_ahead(&other).await;
    let reads = world.gateway().store.reads();
    world.later(Duration::from_secs(2));
    gate.open();
    gate.wait_for(EVENTS).await;
    world.settle().await;
    assert!(world.gateway().store.reads() > reads);
    assert_eq!(gate.times().into_values().collect::<Vec<_>>(), [1; EVENTS]);
    world.stop().await;
}

/// The power goes while attempts are under way and more is read ahead: whoever starts on what is on the disk brings what
/// was not written, and nothing else.
#[tokio::test]
async fn after_a_crash_only_what_was_under_way_comes_again() {
    let other = Gate::start(0).await;
    let (world, _, gate) = world_that_read_ahead(&other).await;
    let after = world.after_a_crash().await;
    gate.open();
    gate.wait_for(2 * EVENTS - AT_ONCE).await;
    world.settle().await;
    after.settle().await;
    let times = gate.times();
    assert_eq!(times.len(), EVENTS);
    let once = times.values().filter(|n| **n == 1).count();
    assert_eq!((once, gate.heard()), (AT_ONCE, 2 * EVENTS - AT_ONCE), "the first round alone was written: {times:?}");
    world.stop().await;
    after.stop().await;
}

/// The disk is slow: attempts go on while outcomes wait for it, but not for ever.
#[tokio::test]
async fn attempts_go_on_while_outcomes_are_written_up_to_a_bound() {
    let (gate, other) = (Gate::start(0).await, Gate::start(0).await);
    let (world, id) = world_with(&gate, &other).await;
    world.command(WebhookEnable { id }).await.expect("enabled");
    gate.wait_for(AT_ONCE).await;
    let (goes_on, waits) = mpsc::channel::<()>();
    let (has_begun, begun) = mpsc::channel::<()>();
    let store = world.gateway().store.clone();
    let stuck = tokio::spawn(async move {
        let write = store.write(move |_| {
            has_begun.send(()).expect("somebody listens");
            let _ = waits.recv();
            Ok::<_, StoreError>(())
        });
        write.await
    });
    tokio::task::spawn_blocking(move || begun.recv()).await.expect("it ends").expect("it is stuck");
    gate.open();
    gate.wait_for(UNWRITTEN).await;
    for _ in 0..2000 {
        tokio::task::yield_now().await;
    }
    let heard = gate.heard();
    assert!((UNWRITTEN..UNWRITTEN + AT_ONCE).contains(&heard), "{heard} are heard");
    assert_eq!(world.number("SELECT count(*) FROM attempts").await, 0);
    drop(goes_on);
    stuck.await.expect("it ends").expect("written");
    gate.wait_for(EVENTS).await;
    world.settle().await;
    assert_eq!(gate.times().into_values().collect::<Vec<_>>(), [1; EVENTS]);
    world.stop().await;
}

/// Nothing but their own work wakes whoever attempts: the clock stands, and nothing new happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_queues_of_many_endpoints_go_through_while_nothing_else_happens() {
    const OTHERS: usize = 12;
    let mut gates = Vec::new();
    for _ in 0..OTHERS {
        gates.push(Gate::start(usize::MAX).await);
    }
    let entries = gates.iter().map(|gate| gate.receiver.addr.to_string().parse().expect("an entry")).collect();
    let world = World::start_with(|config| config.egress.allow = entries).await;
    let mut ids = Vec::new();
    for gate in &gates {
        let url = format!("http://{}/", gate.receiver.addr);
        let events = vec!["message.received".to_owned()];
        let new = WebhookCreate { account: world.account, url, events, ..Default::default() };
        let id = world.command(new).await.expect("an endpoint")["id"].as_i64().expect("a number");
        world.command(WebhookDisable { id }).await.expect("disabled");
        ids.push(id);
    }
    for n in 0..EVENTS {
        world.hears(PHONE, &format!("Message {n}")).await;
    }
    for id in ids {
        world.command(WebhookEnable { id }).await.expect("enabled");
    }
    for gate in &gates {
        gate.wait_for(EVENTS).await;
        assert_eq!(gate.times().into_values().collect::<Vec<_>>(), [1; EVENTS]);
    }
    world.stop().await;
}
