//! The guarded API beside a model of it in memory: random walks of sends, answers, opt-outs, blocks, pauses, waiting
//! messages, restarts and crashes. After each step the gateway must say what the model says.
//!
//! `WA_GATEWAY_WALKS` (3) and `WA_GATEWAY_WALKS_SEED` (1) ask for more walks and for others; both are printed, and a walk
//! that goes wrong is shortened to the steps that it needs.

use crate::harness::{
    http::{self, Reply},
    longer,
    wait::until,
    world::{World, message_with},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use wa_gateway::{
    app::commands::{SuppressList, SuppressRemove},
    config::Config,
    model::clock::{Clock as _, Time},
};

/// People, and messages a day that the account has.
const PEOPLE: u8 = 3;
const DAILY: usize = 8;

/// One thing that somebody does.
#[derive(Clone, Debug)]
enum Step {
    /// With an idempotency key, of which there are two, or without.
    Send {
        whom: u8,
        key: Option<u8>,
        text: u8,
    },
    /// In so many minutes.
    SendLater {
        whom: u8,
        minutes: u8,
    },
    /// To be kept if it is refused for now; and then it is taken back.
    Queue {
        whom: u8,
    },
    /// Takes back one of those that wait.
    Cancel {
        which: u8,
    },
    Says {
        who: u8,
        words: &'static str,
    },
    Block {
        whom: u8,
    },
    Lift {
        whom: u8,
    },
    Pause,
    Resume,
    Minutes(u8),
    Restart,
    /// The power goes: what is on the disk is started again.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..PEOPLE;
    prop_oneof![
        8 => (who.clone(), prop::option::of(0_u8..2), 0_u8..2).prop_map(|(whom, key, text)| Step::Send { whom, key, text }),
        4 => (who.clone(), 1_u8..50).prop_map(|(whom, minutes)| Step::SendLater { whom, minutes }),
        2 => who.clone().prop_map(|whom| Step::Queue { whom }),
        2 => any::<u8>().prop_map(|which| Step::Cancel { which }),
        4 => (who.clone(), prop::sample::select(&["STOP", "start", "Thank you"][..]))
            .prop_map(|(who, words)| Step::Says { who, words }),
        1 => who.clone().prop_map(|whom| Step::Block { whom }),
        1 => who.prop_map(|whom| Step::Lift { whom }),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        4 => (1_u8..30).prop_map(Step::Minutes),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
    ]
}

/// What should be so.
#[derive(Default, Debug)]
struct Model {
    opted_out: BTreeSet<u8>,
    blocked: BTreeSet<u8>,
    paused: bool,
    /// Messages that went.
    sent: usize,
    heard: usize,
    steps: usize,
    /// By idempotency key: whom and what it names, and the message that was sent under it.
    keys: BTreeMap<u8, (u8, u8, Value)>,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    log_id: Value,
    whom: u8,
    due: Time,
}

impl Model {
    fn is_suppressed(&self, whom: u8) -> bool {
        self.opted_out.contains(&whom) || self.blocked.contains(&whom)
    }

    /// Which refusal a message meets; none: it goes.
    fn refusal(&self, whom: u8) -> Option<&'static str> {
        match () {
            () if self.sent >= DAILY => Some("daily_message_limit_exceeded"),
            () if self.is_suppressed(whom) => Some("recipient_suppressed"),
            () if self.paused => Some("instance_paused_for_review"),
            () => None,
        }
    }
}

/// A world, and the model of it.
struct Walk {
    world: World,
    model: Model,
}

fn phone(whom: u8) -> String {
    format!("+96650123450{whom}")
}

/// What would get into the way of what is looked at here.
fn no_rates(config: &mut Config) {
    let guard = &mut config.guard;
    (guard.throttle_per_minute, guard.recipient_per_minute) = (0, 0);
    (guard.repetition_transactional, guard.outreach_other, guard.health_min_messages) =
        (1_000_000, 1_000_000, 1_000_000);
}

impl Walk {
    async fn begin() -> Self {
        let world = World::start_at("2026-06-01T01:00:00Z", no_rates).await;
        world.grant(Some(DAILY as u64), None).await;
        Self { world, model: Model::default() }
    }

    async fn take(&mut self, step: &Step) {
        self.model.steps += 1;
        match *step {
            Step::Send { whom, key, text } => self.send(whom, key, text).await,
            Step::SendLater { whom, minutes } => self.send_later(whom, minutes).await,
            Step::Queue { whom } => self.queue(whom).await,
            Step::Cancel { which } => self.cancel(which).await,
            Step::Says { who, words } => self.says(who, words).await,
            Step::Block { whom } => {
                self.world.suppress(&phone(whom)).await;
                self.model.blocked.insert(whom);
            }
            Step::Lift { whom } => {
                let lifted =
                    self.world.command(SuppressRemove { account: self.world.account, phone: phone(whom) }).await;
                assert_eq!(lifted.is_ok(), self.model.is_suppressed(whom), "{lifted:?}");
                self.model.opted_out.remove(&whom);
                self.model.blocked.remove(&whom);
            }
            Step::Pause if !self.model.paused => {
                self.world.pause().await;
                self.model.paused = true;
            }
            Step::Resume if self.model.paused => {
                self.world.resume().await;
                self.model.paused = false;
            }
            Step::Pause | Step::Resume => {}
            Step::Minutes(minutes) => self.pass(minutes).await,
            Step::Restart => self.world.restart().await,
            Step::Crash => {
                let found = self.world.after_a_crash().await;
                std::mem::replace(&mut self.world, found).stop().await;
            }
        }
    }

    async fn send(&mut self, whom: u8, key: Option<u8>, text: u8) {
        // Without a key, each is another one.
        let order = if key.is_some() { usize::from(text) } else { 1000 + self.model.steps };
        let body =
            message_with(json!({"phone": phone(whom), "message": format!("Your order #{order} has been shipped.")}));
        let headers: Vec<String> = key.iter().map(|key| format!("Idempotency-Key: key-{key}")).collect();
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let reply = self.world.send_with(&self.world.key, &body, &headers).await;
        match key.and_then(|key| self.model.keys.get(&key)) {
            Some((to, said, log_id)) if (*to, *said) == (whom, text) => {
                assert_eq!((reply.status, reply.header("idempotent-replayed")), (200, Some("true")), "{}", reply.body);
                assert_eq!(&reply.json()["log_id"], log_id);
            }
            Some(_) => assert_eq!(reply.error(), "idempotency_key_reused", "{}", reply.body),
            None => {
                self.judged(&reply, whom);
                if let (Some(key), 200) = (key, reply.status) {
                    self.model.keys.insert(key, (whom, text, reply.json()["log_id"].clone()));
                }
            }
        }
    }

    /// Compares the answer with what the model says to a new message, which is sent by it.
    fn judged(&mut self, reply: &Reply, whom: u8) {
        match self.model.refusal(whom) {
            Some(code) => assert_eq!(reply.error(), code, "{}", reply.body),
            None => {
                assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("sent")), "{}", reply.body);
                self.model.sent += 1;
            }
        }
    }

    async fn send_later(&mut self, whom: u8, minutes: u8) {
        let due = self.world.clock.now().plus(Duration::from_secs(60 * u64::from(minutes)));
        let body = message_with(json!({"phone": phone(whom), "send_at": due.rfc3339(),
                                       "message": format!("Your parcel #{} comes.", self.model.steps)}));
        let reply = self.world.send(&body).await;
        // What time may heal is judged when it is due.
        if self.model.is_suppressed(whom) {
            return assert_eq!(reply.error(), "recipient_suppressed", "{}", reply.body);
        }
        assert_eq!((reply.status, &reply.json()["status"]), (202, &json!("accepted")), "{}", reply.body);
        self.model.waiting.push(Waiting { log_id: reply.json()["log_id"].clone(), whom, due });
    }

    async fn queue(&mut self, whom: u8) {
        let body = message_with(json!({"phone": phone(whom), "queue": true,
                                       "message": format!("Your bill #{} is ready.", self.model.steps)}));
        let reply = self.world.send(&body).await;
        if self.model.is_suppressed(whom) || self.model.refusal(whom).is_none() {
            let expected = if self.model.is_suppressed(whom) { "recipient_suppressed" } else { "-" };
            assert_eq!((reply.error().as_str(), reply.status == 200), (expected, expected == "-"), "{}", reply.body);
            self.model.sent += usize::from(expected == "-");
            return;
        }
        assert_eq!(reply.status, 202, "{}", reply.body);
        self.cancelled(&reply.json()["log_id"], "failed").await;
    }

    async fn cancel(&mut self, which: u8) {
        if self.model.waiting.is_empty() {
            return;
        }
        let waiting = self.model.waiting.remove(usize::from(which) % self.model.waiting.len());
        self.cancelled(&waiting.log_id, "failed").await;
    }

    async fn cancelled(&self, log_id: &Value, status: &str) {
        let headers =
            [format!("Authorization: Bearer {}", self.world.key), "Content-Type: application/json".to_owned()];
        let path = format!("/api/messages/{log_id}/cancel");
        let reply = http::call(self.world.address(), "POST", &path, &headers, b"").await;
        assert_eq!(reply.json()["status"], status, "{}", reply.body);
        assert_eq!(self.status(log_id).await, status);
    }

    async fn says(&mut self, who: u8, words: &str) {
        self.world.hears(&phone(who), words).await;
        self.model.heard += 1;
        match words {
            "STOP" => drop(self.model.opted_out.insert(who)),
            "start" => drop(self.model.opted_out.remove(&who)),
            _ => {}
        }
    }

    /// Time passes; what is due is judged as things stand.
    async fn pass(&mut self, minutes: u8) {
        self.world.later(Duration::from_secs(60 * u64::from(minutes)));
        let now = self.world.clock.now();
        let (due, waiting) =
            std::mem::take(&mut self.model.waiting).into_iter().partition(|one: &Waiting| one.due <= now);
        self.model.waiting = waiting;
        let mut went = 0;
        for one in &due {
            until("it was due, and is settled", async || {
                !["accepted", "sending"].contains(&&*self.status(&one.log_id).await)
            })
            .await;
            let status = self.status(&one.log_id).await;
            assert!(status != "sent" || self.model.refusal(one.whom).is_none(), "{one:?} is {status}");
            went += usize::from(status == "sent");
        }
        let may_go = due.iter().filter(|one| self.model.refusal(one.whom).is_none()).count();
        assert_eq!(went, may_go.min(DAILY.saturating_sub(self.model.sent)), "{due:?}");
        self.model.sent += went;
    }

    async fn status(&self, log_id: &Value) -> String {
        let shown = self.world.get(&format!("/api/messages/{log_id}")).await.json();
        shown["status"].as_str().expect("a status").to_owned()
    }

    /// Whether the gateway is as the model says.
    async fn compare(&self) {
        let (world, model) = (&self.world, &self.model);
        assert_eq!(world.inbox().await.len(), model.sent, "on the phones");
        assert_eq!(world.used().await.0, i64::try_from(model.sent).expect("few"), "counted");
        assert_eq!(
            world.number("SELECT count(*) FROM inbound_messages").await,
            i64::try_from(model.heard).expect("few")
        );
        assert_eq!(world.pause_reason().await.is_some(), model.paused);
        let listed = world.command(SuppressList { account: world.account }).await.expect("a list");
        let listed: BTreeSet<&str> =
            listed.as_array().expect("a list").iter().filter_map(|one| one["phone"].as_str()).collect();
        let expected: Vec<String> = (0..PEOPLE).filter(|one| model.is_suppressed(*one)).map(phone).collect();
        assert_eq!(listed, expected.iter().map(String::as_str).collect());
        for one in &model.waiting {
            assert_eq!(self.status(&one.log_id).await, "accepted", "{one:?}");
        }
    }
}

#[test]
fn whatever_happens_in_any_order_the_gateway_is_as_the_model_says() {
    let mut runner = longer::runner("WA_GATEWAY_WALKS", 3);
    let done = runner.run(&prop::collection::vec(step(), 10..30), |steps| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut walk = Walk::begin().await;
            for step in &steps {
                walk.take(step).await;
                walk.compare().await;
            }
            walk.world.stop().await;
        });
        Ok(())
    });
    done.unwrap_or_else(|e| panic!("{e}"));
}
