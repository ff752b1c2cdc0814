//! Notices that go out: to people by mail, to a program by webhook.
//!
//! A letter is a row (`plan.rs`): who gets it and which notices it is about are written before anything leaves, what
//! came of it after. Several notices become one letter; while a letter waits for a mail server that is down, new notices
//! join it, so that an outage ends in one letter and no flood. The same notice goes to one address at most once a day.
//! What was given up after days comes again in a new letter for as long as its cause is there.
//!
//! Its words are in the recipient's language (`wording.rs`). It knows nothing of what causes a notice.

mod mail;
mod plan;
mod post;
mod row;
mod wording;

pub use row::{Digest, list};

use crate::{
    accounts::notices::Notice,
    config::NoticesConfig as Settings,
    egress::{Egress, Resolve},
    model::{
        clock::{Clock, LastLook},
        string_enum::string_enum,
    },
    store::{Store, StoreError},
};
use arc_swap::ArcSwap;
use row::Due;
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::sync::{Mutex, Notify, watch};

string_enum! {
    /// How a letter goes.
    Channel {
        /// To a person.
        Mail = "mail",
        /// To a program.
        Webhook = "webhook",
    }
}

/// How often the worker looks.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long one letter may take, from the name to the last word of the server.
const SEND_WITHIN: Duration = Duration::from_secs(30);

/// A notice with the name of its account, for whoever finds words for it.
#[derive(Clone, Debug)]
pub struct AccountNotice {
    pub notice: Notice,
    /// Whose number it is; empty for what concerns the appliance.
    pub account: String,
}

/// The words of a letter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Letter {
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// What one attempt came to, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttemptOutcome {
    pub channel: Channel,
    pub recipient: String,
    /// Why it did not work; none: it did.
    pub problem: Option<String>,
}

/// Why a letter did not go out; in plain words.
#[derive(Clone, Debug)]
struct DeliveryFailure {
    text: String,
    /// The server was not reached, or not in time: others would fare no better.
    is_channels: bool,
}

/// What it works with.
pub struct Parts {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    /// Who knows the mail server's address.
    pub resolver: Arc<dyn Resolve>,
    /// For the webhook.
    pub egress: Egress,
    /// Section `[notices]`: in force until something else is chosen.
    pub settings: Settings,
    /// The language of letters to those who run the gateway.
    pub language: String,
    /// Where the portal is; no slash at the end.
    pub public_url: String,
}

/// How letters go now.
pub struct MailInForce {
    /// Section `[notices]`, or what stands in its place.
    pub settings: Settings,
    /// The mail server's password where no file holds it.
    password: Option<String>,
}

/// The slice's door.
pub struct Digests {
    parts: Parts,
    in_force: ArcSwap<MailInForce>,
    /// Rings when something else is in force.
    changed: Notify,
    /// One step at a time: what is read as due is not sent by another in between.
    turn: Mutex<()>,
    looked: LastLook,
}

impl Digests {
    /// Over its parts.
    pub fn new(parts: Parts) -> Self {
        let in_force = ArcSwap::from_pointee(MailInForce { settings: parts.settings.clone(), password: None });
        Self { parts, in_force, changed: Notify::new(), turn: Mutex::default(), looked: LastLook::default() }
    }

    /// What the configuration says.
    pub const fn configured(&self) -> &Settings {
        &self.parts.settings
    }

    /// What is in force.
    pub fn in_force(&self) -> Arc<MailInForce> {
        self.in_force.load_full()
    }

    /// Puts other settings in force, with a password that no file holds; what is being sent ends as it began.
    pub fn choose(&self, settings: Settings, password: Option<String>) {
        self.in_force.store(Arc::new(MailInForce { settings, password }));
        self.changed.notify_one();
    }

    /// Whether anything goes out at all.
    pub fn is_on(&self) -> bool {
        let told = self.in_force.load();
        told.settings.smtp_host.is_some() || told.settings.webhook_url.is_some()
    }

    /// Plans letters for what is new, and tries those that are due; says how many went out. Tests step with this.
    pub async fn step(&self) -> Result<usize, StoreError> {
        let _one = self.turn.lock().await;
        if !self.is_on() {
            return Ok(0);
        }
        let (settings, language) = (self.in_force().settings.clone(), self.parts.language.clone());
        let now = self.parts.clock.now();
        // Nothing is written where there is nothing new: the step is taken often.
        let asked = (settings.clone(), language.clone());
        let is_new = self.parts.store.read(move |tx| plan::is_new(tx, &asked.0, &asked.1, now)).await?;
        if is_new {
            self.parts.store.write(move |tx| plan::plan(tx, &settings, &language, now)).await?;
        }
        if self.looked.was_set_back(now) {
            self.parts.store.write(move |tx| row::believe_no_future(tx, now)).await?;
        }
        let due = self.parts.store.read(move |tx| row::due(tx, now)).await?;
        let (mut sent, mut down) = (0, HashSet::new());
        for one in due {
            if down.contains(&one.channel) {
                // Not tried: the row stays due, and the next step begins with it or another.
                continue;
            }
            let outcome = self.send(&one).await;
            match &outcome {
                Ok(()) => sent += 1,
                Err(failed) => {
                    tracing::warn!(digest = one.id, channel = %one.channel, "a letter did not go out: {}", failed.text);
                    if failed.is_channels {
                        down.insert(one.channel);
                    }
                }
            }
            let (id, problem, now) = (one.id, outcome.err().map(|f| f.text), self.parts.clock.now());
            self.parts.store.write(move |tx| row::record(tx, id, problem.as_deref(), now)).await?;
        }
        Ok(sent)
    }

    /// Works until `stop`.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            while !self.is_on() {
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => return,
                    () = self.changed.notified() => {}
                }
            }
            let stopped = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => true,
                done = self.step() => {
                    if let Err(e) = done {
                        tracing::warn!("letters wait: {e}");
                    }
                    false
                }
            };
            if stopped {
                return;
            }
            let again = self.parts.clock.now().plus(LOOK_EVERY);
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.parts.clock.sleep_until(again) => {}
            }
        }
    }

    /// Sends a test to everybody who is named in the configuration, right now, and says what came of each.
    pub async fn test(&self) -> Vec<AttemptOutcome> {
        let now = self.parts.clock.now();
        let told = self.in_force();
        let mail = told.settings.smtp_host.iter().flat_map(|_| &told.settings.to);
        let mail = mail.map(|to| (Channel::Mail, to.clone()));
        let hook = told.settings.webhook_url.iter().map(|url| (Channel::Webhook, url.clone()));
        let mut outcomes = Vec::new();
        for (channel, recipient) in mail.chain(hook) {
            let due = Due {
                id: 0,
                channel,
                recipient,
                language: self.parts.language.clone(),
                created_at: now,
                told: Vec::new(),
            };
            let problem = self.send(&due).await.err().map(|failed| failed.text);
            outcomes.push(AttemptOutcome { channel, recipient: due.recipient, problem });
        }
        outcomes
    }

    async fn send(&self, due: &Due) -> Result<(), DeliveryFailure> {
        let (clock, told) = (&self.parts.clock, self.in_force());
        let work = async {
            match due.channel {
                Channel::Mail => mail::send(&self.parts, &told, due).await,
                Channel::Webhook => post::send(&self.parts, &told.settings, due, SEND_WITHIN).await,
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            () = clock.sleep_until(clock.now().plus(SEND_WITHIN)) => Err(DeliveryFailure::of_channel("no answer in time")),
        }
    }
}

impl DeliveryFailure {
    fn of_channel(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_channels: true }
    }

    fn of_letter(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_channels: false }
    }
}

/// The first line of a file that holds a secret.
fn first_line(path: &std::path::Path) -> Result<String, DeliveryFailure> {
    let text =
        std::fs::read_to_string(path).map_err(|e| DeliveryFailure::of_channel(format!("{}: {e}", path.display())))?;
    let line = text.lines().next().unwrap_or_default().trim().to_owned();
    if line.is_empty() {
        Err(DeliveryFailure::of_channel(format!("{}: its first line is empty", path.display())))
    } else {
        Ok(line)
    }
}
