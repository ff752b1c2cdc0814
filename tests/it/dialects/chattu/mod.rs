//! Contract 3: the Chattu-style API, over HTTP as its callers see it.

mod access;
mod codes;
mod documents;
mod erasure;
mod examples;
mod files;
mod hooks;
mod letter;
mod linked;
mod rates;
mod routes;
mod schedules;
mod scripts;
mod withheld;

use crate::harness::deps::for_everything;
use crate::harness::{
    http::{self, Reply},
    receiver::Receiver,
    world::{INSTANCE, World},
};
use serde_json::Value;
use wa_gateway::{app::commands::KeyCreate, config::Config, connectors::GroupInfo, model::ids::InstanceId};

pub const GROUP: &str = "120363123456789012@g.us";
pub const CHANNEL: &str = "120363123456789013@newsletter";

/// A world whose account has the dialect, and an account key of it.
pub struct Shop {
    pub world: World,
    pub key: String,
}

impl Shop {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_at("2026-06-01T08:00:00Z", change).await
    }

    pub async fn start_at(now: &str, change: impl FnOnce(&mut Config)) -> Self {
        let world = World::start_at(now, |config| {
            config.chattu.requests_per_15_minutes = 0;
            change(config);
        })
        .await;
        let key = new_key(&world, world.account).await;
        Self { world, key }
    }

    /// The same, with a receiver that the client's webhook points to.
    pub async fn with_receiver() -> (Self, Receiver) {
        Self::with_receiver_and(|_| {}).await
    }

    pub async fn with_receiver_and(change: impl FnOnce(&mut Config)) -> (Self, Receiver) {
        let receiver = Receiver::start().await;
        let entry = for_everything(&receiver.address);
        let shop = Self::start_with(|config| {
            config.egress.allow = vec![entry];
            change(config);
        })
        .await;
        let body = serde_json::json!({"clientId": INSTANCE, "webhookUrl": receiver.url()});
        assert_eq!(shop.post("/api/update-webhook", &body).await.status, 200);
        (shop, receiver)
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.get_as(&self.key, path).await
    }

    pub async fn get_as(&self, key: &str, path: &str) -> Reply {
        http::call(self.world.address(), "GET", path, &[format!("x-api-key: {key}")], &[]).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_as(&self.key, path, body).await
    }

    pub async fn post_as(&self, key: &str, path: &str, body: &Value) -> Reply {
        let headers = [format!("x-api-key: {key}"), "Content-Type: application/json; charset=utf-8".into()];
        http::call(self.world.address(), "POST", path, &headers, body.to_string().as_bytes()).await
    }

    /// Puts the instance into a group and a channel.
    pub fn put_groups(&self) {
        self.put_groups_of(&InstanceId::from_text(INSTANCE));
    }

    /// The same with another instance.
    pub fn put_groups_of(&self, instance: &InstanceId) {
        let sandbox = self.world.gateway().registry.sandbox(instance).expect("a sandbox");
        let group = |id: &str, name: &str| GroupInfo { id: id.into(), name: name.into(), ..GroupInfo::default() };
        sandbox.put_group(GroupInfo {
            description: Some("קבוצה לעבודה משותפת".into()),
            participants: Some(15),
            ..group(GROUP, "קבוצת עבודה")
        });
        sandbox.put_group(GroupInfo { is_channel: true, is_read_only: true, ..group(CHANNEL, "ערוץ חדשות") });
    }
}

pub async fn new_key(world: &World, account: i64) -> String {
    world.with_chattu(account).await;
    let request = KeyCreate { account, name: "dialect".into(), kind: "chattu".into(), ..Default::default() };
    world.command(request).await.expect("a key")["key"].as_str().expect("its text").to_owned()
}
