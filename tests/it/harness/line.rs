//! A gateway with one instance at a provider's fake, and a receiver of its events: what the tests of all connectors
//! have in common.

use super::deps::for_everything;
use super::{files::FileServer, http::Reply, receiver::Receiver, wait, world::World};
use serde_json::{Value, json};
use std::{collections::BTreeMap, net::SocketAddr, time::Duration};
use wa_gateway::{
    app::commands::{InstanceCreate, InstanceStatus, WebhookCreate},
    model::clock::Clock as _,
};

/// How long a caller waits for an answer.
pub const ANSWER_TIME: Duration = Duration::from_secs(10);

/// The pauses, in milliseconds, after which what certainly did not leave is tried again while the caller waits: as
/// many as fit into [`ANSWER_TIME`].
pub const TRIES_MS: [u64; 7] = [100, 300, 900, 2000, 2000, 2000, 2000];

pub struct Line {
    pub world: World,
    pub receiver: Receiver,
    pub files: FileServer,
    /// The gateway's name of the instance.
    id: &'static str,
}

/// A rig is its line, and a provider's fake beside it.
macro_rules! over_line {
    ($rig:ty) => {
        impl std::ops::Deref for $rig {
            type Target = $crate::harness::line::Line;

            fn deref(&self) -> &Self::Target {
                &self.line
            }
        }

        impl std::ops::DerefMut for $rig {
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.line
            }
        }
    };
}
pub(crate) use over_line;

impl Line {
    /// A gateway that may call `provider`, and has no instance yet.
    pub async fn to(provider: SocketAddr, id: &'static str) -> Self {
        Self::to_all(&[provider], id).await
    }

    /// The same of a provider that has several places.
    pub async fn to_all(provider: &[SocketAddr], id: &'static str) -> Self {
        let receiver = Receiver::start().await;
        let files = FileServer::start().await;
        let places = provider.iter().chain([&receiver.address, &files.address]);
        let allow = places.map(for_everything).collect();
        let world = World::start_with(|config| config.egress.allow = allow).await;
        Self { world, receiver, files, id }
    }

    pub async fn create(
        &self,
        connector: &str,
        name: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Value, String> {
        let request = InstanceCreate {
            account: self.world.account,
            id: self.id.into(),
            name: name.into(),
            connector: connector.into(),
            settings: settings.clone(),
            ..Default::default()
        };
        self.world.command(request).await
    }

    /// An endpoint of the customer's for these events.
    pub async fn subscribe(&self, events: &[&str]) {
        let request = WebhookCreate {
            account: self.world.account,
            instance: Some(self.id.into()),
            url: self.receiver.url(),
            events: events.iter().map(ToString::to_string).collect(),
            ..Default::default()
        };
        self.world.command(request).await.expect("an endpoint");
    }

    pub async fn status(&self) -> Value {
        self.world.command(InstanceStatus { id: self.id.into() }).await.expect("an instance")
    }

    pub async fn until_state(&self, state: &str) -> Value {
        self.until(&format!("state {state}"), async || self.status().await["state"] == state).await;
        self.status().await
    }

    /// Waits until something is so.
    pub async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        if !wait::came(is_so).await {
            panic!("it never came to this: {what}; {}", self.status().await);
        }
    }

    /// Lets time pass in steps until something is so. Between two steps everything that can happen does: time that
    /// runs away from a busy machine would end what is under way.
    pub async fn pass_until(&self, what: &str, step: Duration, is_so: impl AsyncFn() -> bool) {
        const LOOKS: usize = 25;
        let looked = std::cell::Cell::new(0);
        self.until(what, async || {
            if is_so().await {
                return true;
            }
            looked.set(looked.get() + 1);
            if usize::is_multiple_of(looked.get(), LOOKS) {
                self.world.later(step);
            }
            self.world.settle().await;
            false
        })
        .await;
    }

    /// Sends, and steps the clock by each of `steps`, in milliseconds, as soon as the message waits for just that.
    pub async fn send_stepping(&self, body: &Value, steps: &[u64]) -> Reply {
        let stepping = async {
            for step in steps.iter().map(|ms| Duration::from_millis(*ms)) {
                self.world.clock.wait_for_sleeper_at(self.world.clock.now().plus(step)).await;
                self.world.later(step);
            }
        };
        tokio::join!(self.world.send(body), stepping).0
    }

    pub async fn row(&self, reply: &Reply) -> Value {
        let log_id = reply.header("x-log-id").expect("a row").parse::<i64>().expect("a number");
        self.world.row(&json!(log_id)).await
    }

    /// The events that the receiver got, once there are `n`, of one name.
    pub async fn events(&self, name: &str, n: usize) -> Vec<Value> {
        let of = || self.receiver.got().iter().map(|g| g.json()).filter(|e| e["event"] == name).collect::<Vec<_>>();
        self.until(&format!("{n} {name}"), async || of().len() >= n).await;
        of()
    }
}
