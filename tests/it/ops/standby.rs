//! Two machines and one place: who may send, and what a machine that may not does.

use crate::harness::{
    http,
    wait::until,
    world::{INSTANCE, World, message, message_with},
};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};
use tempfile::TempDir;
use wa_gateway::{
    model::{clock::Clock, ids::InstanceId, moment::Moment},
    ops::standby::{LOOK_EVERY, Place, Sign},
    sending::{Beyond, Reach, Uncertain, beyond, hand_over},
};

const ALONE_FOR: Duration = Duration::from_secs(600);

/// A gateway with a place in which another machine may appear.
struct Shop {
    world: World,
    place: Place,
    dir: TempDir,
}

impl Shop {
    async fn open() -> Self {
        let dir = TempDir::new().expect("a directory");
        let place = dir.path().join("place");
        fs::create_dir(&place).expect("a place");
        let at = place.clone();
        let world = World::start_with(move |config| {
            config.standby.place = Some(at);
            config.standby.alone_for = ALONE_FOR;
        });
        Self { world: world.await, place: Place::new(place), dir }
    }

    /// Where the place is while it cannot be seen.
    fn away(&self) -> PathBuf {
        self.dir.path().join("away")
    }

    fn hide(&self) {
        fs::rename(self.place.dir(), self.away()).expect("hidden");
    }

    fn show(&self) {
        fs::rename(self.away(), self.place.dir()).expect("shown");
    }

    /// Lets the gateway look into its place once more.
    async fn look(&self) {
        let clock = &self.world.clock;
        clock.wait_for_sleeper_at(clock.now().plus(LOOK_EVERY)).await;
        clock.advance(LOOK_EVERY);
        clock.wait_for_sleeper_at(clock.now().plus(LOOK_EVERY)).await;
    }

    /// The answer to a message.
    async fn send(&self) -> http::Reply {
        self.world.send(&message()).await
    }

    async fn must_send(&self) {
        let answer = self.send().await;
        assert_eq!(answer.status, 200, "{}", answer.json());
    }

    /// A refusal with this in it, and nothing reaches anybody.
    async fn must_not_send(&self, why: &str) {
        let answer = self.send().await;
        let told = answer.json();
        assert_eq!((answer.status, &told["error"]), (503, &json!("service_unavailable")), "{told}");
        assert!(told["message"].as_str().is_some_and(|text| text.contains(why)), "{told}");
        assert!(answer.header("retry-after").is_some());
        let ready = self.world.get("/readyz").await;
        assert!(ready.status == 503 && ready.json()["standby"].as_str().is_some_and(|text| text.contains(why)));
        assert_eq!(self.world.get("/healthz").await.status, 200, "the process is well");
        assert_eq!(self.world.get("/metrics").await.status, 200, "and may be counted");
        let standing = self.world.gateway().registry.standing(&InstanceId::from_text(INSTANCE));
        assert!(standing.is_none(), "no connector runs: a linked phone has one client");
    }

    fn sign(&self, epoch: u64) -> Sign {
        self.place.heard(epoch).expect("a place that is read").expect("a sign")
    }
}

#[tokio::test]
async fn an_empty_place_becomes_the_gateways_own_and_it_sends() {
    let shop = Shop::open().await;
    shop.must_send().await;
    let found = shop.place.look().expect("read");
    assert!(found.epoch == 1 && found.gateway.is_some_and(|word| word.len() == 16));
    assert!(shop.sign(1).sends);
    let before = shop.sign(1).at();
    shop.look().await;
    assert_eq!(shop.sign(1).at(), before.plus(LOOK_EVERY), "it says again and again that it is there");
    shop.world.stop().await;
}

#[tokio::test]
async fn a_machine_that_was_superseded_while_it_ran_sends_nothing_for_good() {
    let mut shop = Shop::open().await;
    shop.must_send().await;
    let waits = json!({"send_at": "2026-06-01T08:05:00Z"});
    let later = shop.world.send(&message_with(waits)).await;
    assert_eq!(later.status, 202, "{}", later.json());
    assert_eq!(shop.world.inbox().await.len(), 1);
    shop.place.begin(2).expect("another machine takes over");
    shop.look().await;
    shop.must_not_send("another machine took over (epoch 2)").await;
    shop.look().await;
    let sign = shop.sign(1);
    assert!(!sign.sends && sign.quiet, "whoever took over may know: {sign:?}");
    shop.world.later(Duration::from_secs(600));
    shop.look().await;
    shop.must_not_send("epoch 2").await;
    // Nor does a new start change it, nor that the place is gone.
    shop.world.restart().await;
    shop.must_not_send("epoch 2").await;
    let row = shop.world.row(&later.json()["log_id"]).await;
    assert_eq!(row["status"], "accepted", "what waited still waits: {row}");
    assert_eq!(inbox_file(&shop), 1, "nothing reached a phone");
    shop.world.go_down().await;
    shop.hide();
    shop.world.come_up().await;
    shop.must_not_send("is not known").await;
    shop.world.stop().await;
}

/// Messages in the file of the sandbox's phones, which no connector has open.
fn inbox_file(shop: &Shop) -> usize {
    let file = shop.world.dir.path().join("sandbox").join(format!("{INSTANCE}.jsonl"));
    fs::read_to_string(file).expect("the phones").lines().filter(|line| line.contains("order #2041")).count()
}

#[tokio::test]
async fn a_place_that_is_out_of_order_stops_nobody_for_a_while() {
    let shop = Shop::open().await;
    shop.hide();
    shop.look().await;
    shop.must_send().await;
    shop.world.later(ALONE_FOR);
    shop.look().await;
    shop.must_not_send("whether another machine took over is not known").await;
    shop.show();
    shop.look().await;
    shop.must_send().await;
    // A place that can be read and not written is none either: the other machine reckons from the signs.
    fs::set_permissions(shop.place.epoch(1), fs::Permissions::from_mode(0o500)).expect("a mode");
    if fs::write(shop.place.epoch(1).join("try"), "").is_err() {
        shop.world.later(ALONE_FOR);
        shop.look().await;
        shop.must_not_send("whether another machine took over is not known").await;
    }
    fs::set_permissions(shop.place.epoch(1), fs::Permissions::from_mode(0o700)).expect("a mode");
    shop.world.stop().await;
}

#[tokio::test]
async fn a_start_without_the_place_sends_nothing_until_it_is_there() {
    let mut shop = Shop::open().await;
    shop.world.go_down().await;
    shop.hide();
    shop.world.come_up().await;
    shop.must_not_send("is not known").await;
    shop.show();
    shop.look().await;
    shop.must_send().await;
    shop.world.stop().await;
}

#[tokio::test]
async fn an_empty_an_older_and_anothers_place_are_not_taken_for_ones_own() {
    let mut shop = Shop::open().await;
    shop.world.go_down().await;
    shop.hide();
    fs::create_dir(shop.place.dir()).expect("where nothing is mounted");
    shop.world.come_up().await;
    shop.must_not_send("is it mounted?").await;
    shop.place.belong_to("somebodyelse").expect("written");
    shop.place.begin(1).expect("begun");
    shop.look().await;
    shop.must_not_send("another gateway's").await;
    fs::remove_dir_all(shop.place.dir()).expect("removed");
    shop.show();
    shop.look().await;
    shop.must_send().await;
    // A gateway that had no place does not take one that is somebody's.
    let at = shop.place.dir().to_owned();
    let other = World::start_with(move |config| config.standby.place = Some(at)).await;
    assert!(other.gateway().fence.why_closed().is_some_and(|why| why.contains("another gateway's")));
    other.stop().await;
    shop.world.stop().await;
}

#[tokio::test]
async fn what_the_first_machine_may_have_sent_is_not_sent_again() {
    // Without a place: its looks would find that they took a quarter of an hour.
    let world = World::start().await;
    let at = |minutes: i64| json!({"send_at": format!("2026-06-01T08:{minutes:02}:00Z")});
    let (soon, late) = (world.send(&message_with(at(5))).await.json(), world.send(&message_with(at(30))).await.json());
    let (now, random) = (world.clock.now(), world.gateway().random.clone());
    let last = now.plus(Duration::from_secs(600));
    let settled = world.gateway().store.write(move |tx| hand_over(tx, last, Moment::new(now, &*random)));
    let settled = settled.await.map_err(|e| e.to_string()).expect("settled");
    assert_eq!(settled, Uncertain { messages: 0, scheduled: 1 });
    let row = world.row(&soon["log_id"]).await;
    assert!(row["status"] == "unknown" && row["reason"].as_str().is_some_and(|why| why.contains("took over")), "{row}");
    world.later(Duration::from_secs(15 * 60));
    world.gateway().schedules.step().await.expect("a step");
    assert_eq!(world.inbox().await.len(), 0, "what was due while the first machine may have sent");
    world.later(Duration::from_secs(20 * 60));
    world.gateway().schedules.step().await.expect("a step");
    // The gateway's own round may have been first.
    until("the later one is sent", async || world.row(&late["log_id"]).await["status"] == "sent").await;
    assert_eq!(world.inbox().await.len(), 1);
    let told = world.gateway().store.read(|tx| beyond(tx, Reach { message: 1, inbound: 0 }));
    let told = told.await.map_err(|e| e.to_string()).expect("read");
    assert_eq!(told, Beyond { messages: 1, inbound: 0, from: 2 });
    world.stop().await;
}
