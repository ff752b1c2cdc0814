//! One connection: it reads what changed, tells it, and waits to be woken.

use super::frames;
use crate::{
    accounts::Scope,
    events::live::{ChangeKind, ChangeScope, LiveChange, feed},
    gateway::Gateway,
    model::{clock::Time, ids::InstanceId},
    people::chats::count_unread,
    portal::{navigation::unread_text, page_context::Subscriber},
    store::{StoreError, Tx},
    texts::locale::Locale,
    web::server::ConnectionSlot,
};
use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::error::RecvError;
use warp::ws::{Message, WebSocket};

/// A reader is asked so often whether he is still there; who does not answer twice is not.
const PING: Duration = Duration::from_secs(25);
/// For so long a reader may leave a frame lying.
const PATIENCE: Duration = Duration::from_secs(10);
/// Changes that are read at once.
const BATCH: u32 = 100;
/// Messages of a page between two pings; there is nothing that it has to say.
const CHATTER: u32 = 20;

/// The session ended; the page asks for a login.
const ENDED: (u16, &str) = (4001, "the session has ended");
const AWAY: (u16, &str) = (1001, "the gateway stops");
const TROUBLE: (u16, &str) = (1011, "the database does not answer");
const NOISE: (u16, &str) = (1008, "pages listen");

/// Who listens, and to what.
pub(super) struct Subscription {
    pub(super) subscriber: Subscriber,
    pub(super) instance: Option<InstanceId>,
    pub(super) after: Option<i64>,
}

/// Why a connection ends: with a word to the reader, or without where nobody reads.
enum End {
    With((u16, &'static str)),
    Cut,
}

struct Talk<'a> {
    gateway: &'a Gateway,
    subscription: Subscription,
    scope: ChangeScope,
    out: SplitSink<WebSocket, Message>,
    slot: Option<Arc<ConnectionSlot>>,
    at: i64,
}

/// Talks until either side has enough.
pub(super) async fn talk(
    gateway: &Gateway,
    socket: WebSocket,
    subscription: Subscription,
    slot: Option<Arc<ConnectionSlot>>,
) {
    let (out, mut heard) = socket.split();
    let scope = ChangeScope { scope: subscription.subscriber.scope, instance: subscription.instance.clone() };
    let mut talk = Talk { gateway, subscription, scope, out, slot, at: 0 };
    // Before the first read: what is committed after it wakes us.
    let mut news = gateway.live.subscribe();
    let mut end = talk.begin().await;
    let mut next_ping = gateway.clock.now().plus(PING);
    let (mut silent, mut chatter) = (0, 0);
    while end.is_ok() {
        end = talk.tell().await;
        let mut is_woken = end.is_err();
        while !is_woken {
            tokio::select! {
                concerned = news.recv() => match concerned {
                    Ok(concerned) => is_woken = talk.scope.is_concerned(concerned),
                    Err(RecvError::Lagged(_)) => is_woken = true,
                    Err(RecvError::Closed) => end = Err(End::With(AWAY)),
                },
                message = heard.next() => match message {
                    Some(Ok(message)) if message.is_pong() => silent = 0,
                    Some(Ok(message)) if !message.is_close() => {
                        chatter += 1;
                        if chatter > CHATTER {
                            end = Err(End::With(NOISE));
                        }
                    }
                    _ => end = Err(End::Cut),
                },
                () = gateway.clock.sleep_until(next_ping) => {
                    (next_ping, silent, chatter) = (gateway.clock.now().plus(PING), silent + 1, 0);
                    end = if silent > 2 { Err(End::Cut) } else { talk.beat().await };
                    // A session also ends by its hours.
                    is_woken = true;
                }
                () = stopping(talk.slot.as_deref()) => end = Err(End::With(AWAY)),
            }
            is_woken |= end.is_err();
        }
    }
    if let Err(End::With((code, reason))) = end {
        let _ = talk.send(Message::close_with(code, reason)).await;
    }
}

async fn stopping(slot: Option<&ConnectionSlot>) {
    match slot {
        Some(slot) => slot.stopping().await,
        None => std::future::pending().await,
    }
}

impl Talk<'_> {
    /// Where the reader stands, and what an instance's page shows that no change tells.
    async fn begin(&mut self) -> Result<(), End> {
        let read = self.gateway.store.read(feed::newest).await;
        let newest = read.map_err(|e: StoreError| trouble(&e))?;
        self.at = self.subscription.after.unwrap_or(newest);
        self.send_json(&json!({"type": "ready", "position": self.at})).await
    }

    /// Tells all that came since.
    async fn tell(&mut self) -> Result<(), End> {
        loop {
            self.check_session().await?;
            let (scope, at, subscriber) = (self.scope.clone(), self.at, &self.subscription.subscriber);
            let locale = Locale::new(subscriber.lang, subscriber.zone.clone(), self.gateway.clock.now());
            let read = self.gateway.store.read(move |tx| {
                let Some(changes) = feed::after(tx, &scope, at, BATCH)? else { return Ok(None) };
                let is_all = changes.len() < BATCH as usize;
                // Whatever shows nothing, as what was deleted meanwhile, is told, too: else it would be read for ever. And others'
                // changes are passed over, so that a quiet reader does not fall behind.
                let to = if is_all { feed::newest(tx)? } else { changes.last().map_or(at, |last| last.position) };
                Ok(Some((shown(tx, &locale, scope.scope, &changes)?, is_all, to)))
            });
            match read.await.map_err(|e: StoreError| trouble(&e))? {
                None => return self.reset().await,
                Some((frames, is_all, to)) => {
                    for (position, frame) in frames {
                        self.send_json(&frame).await?;
                        self.at = position;
                    }
                    self.at = to.max(self.at);
                    if is_all {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Asks the reader whether he is there; and tells the page, which sees no pings, that we are.
    async fn beat(&mut self) -> Result<(), End> {
        self.send(Message::ping(Vec::new())).await?;
        self.send_json(&json!({"type": "beat", "position": self.at})).await
    }

    /// What was missed cannot be told: the page must be loaded again.
    async fn reset(&mut self) -> Result<(), End> {
        let read = self.gateway.store.read(feed::newest).await;
        self.at = read.map_err(|e: StoreError| trouble(&e))?;
        self.send_json(&json!({"type": "reset", "position": self.at})).await
    }

    /// The session must still be there, with the same role in the same account.
    async fn check_session(&self) -> Result<(), End> {
        let who = &self.subscription.subscriber.who;
        match self.gateway.accounts.session(&self.subscription.subscriber.token).await {
            Ok(Some(now)) if now.user == who.user && now.role == who.role && now.account == who.account => Ok(()),
            Ok(_) => Err(End::With(ENDED)),
            Err(_) => Err(End::With(TROUBLE)),
        }
    }

    async fn send_json(&mut self, frame: &Value) -> Result<(), End> {
        self.send(Message::text(frame.to_string())).await
    }

    /// A reader who does not take it in time is cut.
    async fn send(&mut self, message: Message) -> Result<(), End> {
        let until: Time = self.gateway.clock.now().plus(PATIENCE);
        tokio::select! {
            biased;
            sent = self.out.send(message) => sent.map_err(|_| End::Cut),
            () = self.gateway.clock.sleep_until(until) => Err(End::Cut),
            () = stopping(self.slot.as_deref()) => Err(End::Cut),
        }
    }
}

/// The changes as frames, in their order; of several about the same thing the last one alone. Where chats were heard in or
/// read, the last frame says how many wait now.
fn shown(tx: &Tx<'_>, locale: &Locale, scope: Scope, changes: &[LiveChange]) -> Result<Vec<(i64, Value)>, StoreError> {
    let is_last = |at: usize, change: &LiveChange| {
        let same = |other: &LiveChange| {
            other.kind == change.kind
                && (&other.instance, other.row, &other.name) == (&change.instance, change.row, &change.name)
        };
        !changes[at + 1..].iter().any(same)
    };
    let mut all = Vec::new();
    for (at, change) in changes.iter().enumerate().filter(|(_, c)| c.kind != ChangeKind::Access) {
        if is_last(at, change)
            && let Some(frame) = frames::frame(tx, locale, change)?
        {
            all.push((change.position, frame));
        }
    }
    let is_about_chats = |c: &LiveChange| matches!(c.kind, ChangeKind::In | ChangeKind::Read | ChangeKind::Group);
    if let Some((_, last)) = all.last_mut().filter(|_| changes.iter().any(is_about_chats)) {
        last["waiting"] = json!(unread_text(locale, count_unread(tx, scope)?));
    }
    Ok(all)
}

fn trouble(e: &StoreError) -> End {
    tracing::debug!("a page hears no more: {e}");
    End::With(TROUBLE)
}
