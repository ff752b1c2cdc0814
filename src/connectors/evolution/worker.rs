//! The background task: asks how the instance stands, has it created and connected, tells the server where to call.
//!
//! One round is [`EvolutionInner::step`]; it says when the next one is due. Something that happens wakes it earlier. A round that
//! breaks down is logged, and the next one comes all the same.
//!
//! A connection that is lost is made again by the server itself; asking for it too early would make two. A login that
//! was ended is not made again without a person.

use super::{
    EvolutionInner,
    client::EvolutionError,
    hook::{EVENTS, SECRET_HEADER},
    reading::text,
};
use crate::{
    connectors::{ActionError, provider_text::repeated},
    model::{
        clock::Time,
        instance::{Health, InstanceState},
    },
};
use futures_util::FutureExt as _;
use http::Method;
use serde_json::{Value, json};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

const SECOND: Duration = Duration::from_secs(1);
/// Between two looks at an open instance, at one that is being connected, and at one that rests or cannot be reached.
const LOOK: (Duration, Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(3), Duration::from_secs(10));
/// How long the server is left alone to make a lost connection again.
const LEFT_ALONE: Duration = Duration::from_secs(15);
/// As many looks in a row must fail before an open instance counts as lost.
const FAILURES: u32 = 3;
const GROUPS: Duration = Duration::from_secs(600);
/// The longest from one sweep to the next.
const SWEEP_MOST: Duration = Duration::from_secs(300);

/// When what is due, and what is wanted.
pub(super) struct EvolutionTimetable {
    /// It is to be connected; not so after a logout, until a person wants it.
    wanted: bool,
    /// At the next look, without leaving the server alone first.
    connect_now: bool,
    may_create: bool,
    /// Meta lets nothing go, by an error that the server passed on: not open before a person has seen to it, whatever
    /// the server says of its own line.
    pub(super) closed_by_meta: bool,
    /// The server speaks with Meta's Cloud API for this instance (its mode WHATSAPP-BUSINESS), not with a phone's account.
    pub(super) over_meta: bool,
    /// The owner was told what that means.
    pub(super) owner_knows: bool,
    /// Meta wants all to wait until then, and by which code.
    pub(super) slow_until: Option<(Time, String)>,
    lost_at: Option<Time>,
    failures: u32,
    hook_is_set: bool,
    look_at: Time,
    pub(super) sweep_at: Time,
    /// How far the server's log was looked at in this life.
    pub(super) swept_at: Option<Time>,
    groups_at: Time,
    /// When the server called last; at first, when we began.
    pub(super) hook_heard_at: Time,
}

impl EvolutionTimetable {
    /// `may_create`: the server's name of the instance is ours, and nobody typed it.
    pub(super) fn begin(now: Time, may_create: bool) -> Self {
        Self {
            wanted: true,
            connect_now: true,
            may_create,
            closed_by_meta: false,
            over_meta: false,
            owner_knows: false,
            slow_until: None,
            lost_at: None,
            failures: 0,
            hook_is_set: false,
            look_at: now,
            sweep_at: now,
            swept_at: None,
            groups_at: now,
            hook_heard_at: now,
        }
    }
}

/// Round after round.
pub(super) async fn run(inner: Arc<EvolutionInner>) {
    loop {
        let round = AssertUnwindSafe(inner.step()).catch_unwind().await;
        let due = round.unwrap_or_else(|_| {
            tracing::error!(instance = %inner.instance, "a round of its task broke down; the next one is due in 10 s");
            inner.clock.now().plus(LOOK.2)
        });
        tokio::select! {
            () = inner.line.wake.notified() => {}
            () = inner.clock.sleep_until(due) => {}
        }
    }
}

impl EvolutionInner {
    /// Does what is due, and says when something is due again.
    pub(super) async fn step(&self) -> Time {
        let recorded = self.line.tell_news().await && self.tell_untold().await;
        let now = self.clock.now();
        if now.left(self.plan().look_at, LOOK.0).is_none() {
            self.look().await;
        }
        let is_open = self.line.state() == InstanceState::Open;
        if is_open && self.clock.now().left(self.plan().sweep_at, SWEEP_MOST).is_none() {
            let next = self.sweep().await;
            self.plan().sweep_at = self.clock.now().plus(next);
        }
        if is_open && self.clock.now().left(self.plan().groups_at, GROUPS).is_none() {
            // Over Meta's API the server has none to tell.
            let has_groups = !self.plan().over_meta;
            if has_groups && let Err(trouble) = self.list_groups().await {
                tracing::debug!(instance = %self.instance, "its groups are not known: {}", trouble.text());
            }
            self.plan().groups_at = self.clock.now().plus(GROUPS);
        }
        // What a sweep has found out.
        let recorded = recorded && self.tell_untold().await;
        let plan = self.plan();
        let mut due = plan.look_at;
        if is_open {
            due = due.min(plan.sweep_at).min(plan.groups_at);
        }
        if recorded { due } else { due.min(self.clock.now().plus(SECOND)) }
    }

    /// Receipts that came before it was known whose they are.
    async fn tell_untold(&self) -> bool {
        loop {
            let Some(told) = self.keys().next_untold() else { return true };
            let is_news = self.keys().look(&told.id, told.receipt).0;
            if is_news && self.tell_receipt(told).await.is_err() {
                return false;
            }
            self.keys().drop_untold();
        }
    }

    /// Asks the server how the instance stands, and does what follows from it.
    pub(super) async fn look(&self) {
        match self.client.ask(Method::GET, "/instance/connectionState", "", None).await {
            Ok(answer) => {
                self.plan().failures = 0;
                self.line.heard_now();
                if !self.plan().hook_is_set {
                    self.set_hook().await;
                }
                self.seen(answer["instance"]["state"].as_str().unwrap_or("close")).await;
            }
            Err(EvolutionError::Refused { status: 404, .. }) => self.missing().await,
            Err(trouble) => self.troubled(&trouble).await,
        }
        let pause = match self.line.state() {
            InstanceState::Open => LOOK.0,
            InstanceState::Qr | InstanceState::Connecting => LOOK.1,
            InstanceState::Close => LOOK.2,
        };
        self.plan().look_at = self.clock.now().plus(pause);
    }

    async fn seen(&self, state: &str) {
        if state == "open" {
            return self.seen_open().await;
        }
        let now = self.clock.now();
        let (wanted, connect) = {
            let mut plan = self.plan();
            let lost = *plan.lost_at.get_or_insert(now);
            let patience_is_over = plan.connect_now || !now.is_within(LEFT_ALONE, lost);
            (plan.wanted, state == "connecting" || patience_is_over)
        };
        match (wanted, connect) {
            (true, true) => self.connect().await,
            (true, false) => {
                let why = "the connection to WhatsApp was lost; the server is connecting again";
                self.line.not_open(InstanceState::Connecting, why).await;
            }
            // It keeps the reason that it has.
            (false, _) if self.line.state() == InstanceState::Close => {}
            (false, _) => self.line.not_open(InstanceState::Close, "it is closed at the server; reconnect it").await,
        }
    }

    async fn seen_open(&self) {
        if self.plan().closed_by_meta {
            return;
        }
        let was_open = self.line.state() == InstanceState::Open;
        {
            let mut plan = self.plan();
            plan.lost_at = None;
            plan.connect_now = false;
            plan.wanted = true;
            if !was_open {
                plan.sweep_at = self.clock.now();
            }
        }
        let known = self.line.standing().phone;
        let phone = if known.is_some() && was_open { known } else { self.own_number().await.or(known) };
        self.line.open(phone).await;
    }

    /// The names of the instances that the server shows to our key, the first of them.
    async fn other_names(&self) -> Vec<String> {
        const SHOWN: usize = 10;
        let answer = self.client.ask_server(Method::GET, "/instance/fetchInstances", None).await.unwrap_or_default();
        let all = answer.as_array().map_or(&[][..], Vec::as_slice);
        let name = |one: &Value| text(&one["name"]).or_else(|| text(&one["instance"]["instanceName"]));
        all.iter().filter_map(name).take(SHOWN).map(|name| format!("{:?}", repeated(&name))).collect()
    }

    /// Has the server connect, and shows what it answers. Where it is connecting already this changes nothing.
    async fn connect(&self) {
        self.plan().connect_now = false;
        // Failures have a good status here, too.
        match self.client.ask(Method::GET, "/instance/connect", "", None).await {
            Ok(answer) if answer["instance"]["state"] == "open" => self.seen_open().await,
            Ok(answer) => self.show(&answer).await,
            Err(trouble) => self.troubled(&trouble).await,
        }
    }

    /// Shows the code of an answer; often there is none yet, only `{"count":0}`.
    async fn show(&self, answer: &Value) {
        let qrcode = if answer["qrcode"].is_object() { &answer["qrcode"] } else { answer };
        match text(&qrcode["code"]) {
            Some(code) => {
                let count = qrcode["count"].as_u64().unwrap_or(1);
                // If it is not recorded it comes again with the next look.
                let _ = self.line.qr(&code, text(&qrcode["pairingCode"]), count).await;
            }
            None => {
                let why = "the server is connecting, or making a QR code";
                self.line.not_open(InstanceState::Connecting, why).await;
            }
        }
    }

    /// The server does not know the instance: it is made, once, where its name was made up here or a person asks for it. A
    /// name that was typed may be mistyped.
    async fn missing(&self) {
        if !std::mem::take(&mut self.plan().may_create) {
            let has = match self.other_names().await.as_slice() {
                [] => String::new(),
                names => format!(" (it has {})", names.join(", ")),
            };
            let why = format!(
                "the server has no instance {:?}{has}: set instance to the right name, or reconnect to have it made",
                self.settings.instance
            );
            return self.line.not_open(InstanceState::Close, &why).await;
        }
        let body = json!({
            "instanceName": self.settings.instance,
            "integration": "WHATSAPP-BAILEYS",
            "qrcode": true,
            "webhook": self.hook_settings(),
        });
        match self.client.ask_server(Method::POST, "/instance/create", Some(&body)).await {
            Ok(answer) => {
                self.set_hook().await;
                self.show(&answer["qrcode"]).await;
            }
            Err(trouble) => {
                let why = format!("it cannot be made: {}", trouble.text());
                self.line.not_open(InstanceState::Close, &why).await;
            }
        }
    }

    /// A question without a good answer.
    async fn troubled(&self, trouble: &EvolutionError) {
        let at_once = match trouble {
            EvolutionError::Forbidden(_) | EvolutionError::Licence | EvolutionError::Refused { .. } => true,
            EvolutionError::NotSent(_) | EvolutionError::Unclear(_) => false,
        };
        let failures = {
            let mut plan = self.plan();
            plan.failures += 1;
            plan.failures
        };
        if at_once || failures >= FAILURES || self.line.state() != InstanceState::Open {
            self.line.not_open(InstanceState::Close, &trouble.text()).await;
        }
    }

    /// The server told that the connection closed.
    pub(super) async fn closed(&self, code: Option<u64>) {
        let (rest, why) = match code {
            Some(401) => (true, "logged out on the phone; pair it again".to_owned()),
            Some(code @ (402 | 403 | 406)) => (true, format!("WhatsApp refuses this number (code {code})")),
            Some(440) => (true, "another program took the connection over; reconnect it".to_owned()),
            Some(code) => {
                (false, format!("the connection to WhatsApp was lost (code {code}); the server connects again"))
            }
            None => (false, "the connection to WhatsApp was lost; the server connects again".to_owned()),
        };
        if rest {
            self.rest();
        }
        let now = self.clock.now();
        self.plan().lost_at.get_or_insert(now);
        self.line.not_open(InstanceState::Close, &why).await;
    }

    /// It is not connected again before a person wants it.
    pub(super) fn rest(&self) {
        let mut plan = self.plan();
        plan.wanted = false;
        plan.connect_now = false;
    }

    /// A person wants the connection.
    pub(super) async fn reconnect(&self) -> Result<(), ActionError> {
        let was_open = self.line.state() == InstanceState::Open;
        {
            let mut plan = self.plan();
            (plan.wanted, plan.connect_now, plan.may_create, plan.hook_is_set) = (true, true, true, false);
            (plan.closed_by_meta, plan.slow_until) = (false, None);
        }
        if was_open {
            let restarted = self.client.ask(Method::POST, "/instance/restart", "", None).await;
            restarted.map_err(|trouble| ActionError(trouble.text()))?;
        }
        self.look().await;
        self.line.wake.notify_one();
        let standing = self.line.standing();
        match standing.state {
            InstanceState::Close => Err(ActionError(standing.reason.unwrap_or_default())),
            _ => Ok(()),
        }
    }

    /// Tells the server where to call, with which secret, and of what. Without it the instance hears nothing.
    async fn set_hook(&self) {
        let body = json!({"webhook": self.hook_settings()});
        match self.client.ask(Method::POST, "/webhook/set", "", Some(&body)).await {
            Ok(_) => {
                self.plan().hook_is_set = true;
                self.line.hears(Health::Ok).await;
            }
            Err(trouble) => {
                tracing::warn!(instance = %self.instance, "the webhook could not be set: {}", trouble.text());
                self.line.hears(Health::Deaf).await;
            }
        }
    }

    /// The instance is given up: a webhook that leads here would lead nowhere.
    pub(super) async fn take_hook_away(&self) {
        let set = self.client.ask(Method::GET, "/webhook/find", "", None).await.unwrap_or_default();
        if set["url"] != self.hook_url.as_str() {
            return;
        }
        let body = json!({"webhook": {
            "enabled": false, "url": self.hook_url, "headers": {}, "byEvents": false, "base64": false, "events": EVENTS,
        }});
        if let Err(trouble) = self.client.ask(Method::POST, "/webhook/set", "", Some(&body)).await {
            tracing::warn!(instance = %self.instance, "the webhook could not be taken away: {}", trouble.text());
        }
    }

    /// The events are always named: without names some versions send none, others all.
    fn hook_settings(&self) -> Value {
        json!({
            "enabled": true,
            "url": self.hook_url,
            "headers": {SECRET_HEADER: self.settings.hook_secret},
            "byEvents": false,
            "base64": true,
            "events": EVENTS,
        })
    }
}
