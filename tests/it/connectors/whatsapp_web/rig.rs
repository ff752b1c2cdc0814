//! The gateway with an instance that is a linked device, a person who writes to it, and a receiver of its events.

use super::friend::{Friend, settings};
use crate::harness::{
    http::Reply,
    line::{Line, over_line},
    whatsapp::WhatsApp,
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    app::commands::InstancePair,
    model::{ids::InstanceId, instance::InstanceState},
};

/// The gateway's name of the instance, and its number.
pub const LINE: &str = "web-line";
pub const OWN: u64 = 966_511_111_111;
/// A customer's number.
pub const CUSTOMER: u64 = 966_501_234_567;

pub struct Rig {
    line: Line,
    pub service: WhatsApp,
    pub customer: Friend,
}

over_line!(Rig);

impl Rig {
    /// A linked and open instance.
    pub async fn start() -> Self {
        let rig = Self::without_instance().await;
        rig.create().await;
        rig.link().await;
        rig
    }

    pub async fn without_instance() -> Self {
        let service = WhatsApp::start().await;
        let line = Line::to_all(&[service.door.addr, service.files.addr], LINE).await;
        let customer = Friend::with(&service, &line.world.clock, CUSTOMER).await;
        Self { line, service, customer }
    }

    pub async fn create(&self) {
        let made = self.line.create("whatsapp-web", "Web line", &settings(&self.service)).await;
        made.expect("an instance");
    }

    /// The code that is shown, once there is one.
    pub async fn code(&self) -> String {
        let shown = || self.world.gateway().registry.pairing(&InstanceId::from_text(LINE)).and_then(|p| p.qr);
        self.until("a code is shown", async || shown().is_some()).await;
        shown().expect("a code")
    }

    /// The phone scans, and the instance opens.
    pub async fn link(&self) {
        let code = self.code().await;
        self.service.scan(OWN, &code);
        self.until("it is linked", async || self.service.is_linked(OWN)).await;
        self.until_state("open").await;
    }

    /// The body of a message to the customer.
    pub fn message(&self, text: &str) -> Value {
        json!({
            "instance_id": LINE, "phone": self.customer.phone(), "message": text, "message_purpose": "transactional"
        })
    }

    pub async fn send(&self, text: &str) -> Reply {
        self.world.send(&self.message(text)).await
    }

    /// The id that the last message travelled under.
    pub fn last_id(&self) -> String {
        self.service.taken().last().expect("one was taken").2.clone()
    }

    pub async fn pair(&self) -> Result<Value, String> {
        self.world.command(InstancePair { id: LINE.into() }).await
    }

    /// The connection stands again: the row says so already while it is made.
    pub async fn until_connected(&self) {
        let is_open = || {
            let standing = self.world.gateway().registry.standing(&InstanceId::from_text(LINE));
            standing.is_some_and(|s| s.state == InstanceState::Open)
        };
        self.until("it is connected again", async || is_open() && self.service.is_online(OWN)).await;
    }

    /// Much time passes at once. Nothing was heard in it, so the connection is made anew, and stands again afterwards.
    pub async fn long_after(&self, time: Duration) {
        let before = self.service.logins(OWN);
        self.world.later(time);
        self.until("it logged in anew", async || self.service.logins(OWN) > before).await;
        self.until_connected().await;
    }

    /// A person wants the connection again, as by the page's button.
    pub async fn reconnect(&self) {
        let id = InstanceId::from_text(LINE);
        self.world.gateway().registry.reconnect(&id).await.expect("begun");
    }

    /// The instance's status once it is closed, with why.
    pub async fn closed(&self) -> String {
        let status = self.until_state("close").await;
        status["state_reason"].as_str().expect("a reason").to_owned()
    }
}
