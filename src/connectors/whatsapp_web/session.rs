//! The library's client of one instance: how it is set up, and where what it tells goes.
//!
//! - What it decrypted is acknowledged to WhatsApp after our commit ([`Recorder`]); what it acknowledges by itself, right
//!   after it told it, waits for the same at the gate.
//! - WhatsApp's word about a message goes straight to who waits for it; everything else goes to the background task, in
//!   its order and without a bound that would drop any of it ([`EventForwarder`]).

use super::{WebInner, clock_check, ids, reading, wire, work::Wish};
use crate::connectors::{ProviderEvent, inbound_event::RemoteParty};
use std::sync::{Arc, Weak};
use tokio::sync::mpsc::UnboundedSender;
use whatsapp_rust::{
    InboundDurabilityHook, Jid, TokioRuntime, anyhow, async_trait,
    bot::BotHandle,
    pair_code::PairCodeOptions,
    prelude::{
        Bot, Client, Event, EventHandler, EventInterest, EventKind as ClientEventKind, InboundMessage, SqliteStore,
    },
    wacore::store::DevicePropsOverride,
    wacore_binary::JidExt as _,
    waproto::whatsapp::device_props::PlatformType,
};

/// The name under which the phone lists this gateway among its linked devices.
const OWN_NAME: &str = "wa-gateway";

/// What the background task wants to know.
const TOLD: &[ClientEventKind] = &[
    ClientEventKind::Connected,
    ClientEventKind::Disconnected,
    ClientEventKind::PairSuccess,
    ClientEventKind::PairError,
    ClientEventKind::LoggedOut,
    ClientEventKind::PairingQrCode,
    ClientEventKind::PairingCode,
    ClientEventKind::PairingCodeError,
    ClientEventKind::PairingQrCodesExhausted,
    ClientEventKind::QrScannedWithoutMultidevice,
    ClientEventKind::ClientOutdated,
    ClientEventKind::Messages,
    ClientEventKind::Receipt,
    ClientEventKind::ServerAck,
    ClientEventKind::UndecryptableMessage,
    ClientEventKind::ContactNumberChanged,
    ClientEventKind::GroupUpdate,
    ClientEventKind::IncomingCall,
    ClientEventKind::MissedCall,
    ClientEventKind::StreamReplaced,
    ClientEventKind::TemporaryBan,
    ClientEventKind::ConnectFailure,
    ClientEventKind::PairPasskeyRequest,
    ClientEventKind::PairPasskeyError,
    ClientEventKind::HistorySync,
    ClientEventKind::SelfPushNameUpdated,
    ClientEventKind::RawNode,
];

/// Sets a client up over the instance's file and starts it.
///
/// # Errors
/// The file cannot be opened.
pub(super) async fn start(inner: &Arc<WebInner>) -> anyhow::Result<BotHandle> {
    let store = SqliteStore::new(inner.file.prepared()?).await?;
    let dialler = wire::Dialler {
        egress: inner.egress.clone(),
        ws_url: inner.settings.ws_url.clone(),
        line: inner.line.clone(),
        gate: inner.gate.clone(),
        wishes: inner.wishes.clone(),
    };
    let fetcher = wire::Fetcher {
        egress: inner.egress.clone(),
        is_plain: inner.settings.ws_url.starts_with("ws://"),
        wishes: inner.wishes.clone(),
    };
    let mut builder = Bot::builder()
        .with_backend(store)
        .with_transport_factory(dialler)
        .with_http_client(fetcher)
        .with_runtime(TokioRuntime)
        .with_device_props(DevicePropsOverride::new().with_os(OWN_NAME).with_platform_type(PlatformType::CHROME))
        .with_inbound_durability_hook(Recorder(Arc::downgrade(inner)))
        .with_event_handler(EventForwarder { inner: Arc::downgrade(inner), wishes: inner.wishes.clone() });
    if inner.settings.history_days == 0 {
        // What was written before the phone was linked stays on the phone.
        builder = builder.skip_history_sync();
    }
    if let Some(version) = inner.settings.version {
        builder = builder.with_version(version);
    }
    if let Some(phone) = &inner.settings.phone {
        builder = builder
            .with_pair_code(PairCodeOptions { phone_number: phone.digits().to_owned(), ..PairCodeOptions::default() });
    }
    Ok(builder.build().await?.spawn())
}

/// Hears the client, on its own path: nothing here may wait.
struct EventForwarder {
    inner: Weak<WebInner>,
    wishes: UnboundedSender<Wish>,
}

impl EventHandler for EventForwarder {
    fn handle_event(&self, event: Arc<Event>) {
        if let Event::RawNode(stanza) = &*event {
            if let Some((theirs, inner)) = clock_check::told(stanza).zip(self.inner.upgrade()) {
                inner.compare_clocks(theirs);
            }
            return;
        }
        if let Event::ServerAck(ack) = &*event {
            let is_message = ack.class.as_deref().is_none_or(|class| class == "message");
            let Some(inner) = self.inner.upgrade().filter(|_| is_message) else { return };
            if inner.memory().settle(&ack.id, ack.error.as_deref()) {
                return;
            }
        }
        // The hook has these already.
        if let Event::Messages(batch) = &*event
            && batch.hook_committed
        {
            return;
        }
        if let Some(inner) = self.inner.upgrade() {
            inner.gate.told();
            let is_shared = matches!(&*event, Event::HistorySync(_));
            let _ = self.wishes.send(if is_shared { Wish::Shared(event) } else { Wish::Heard(event) });
        }
    }

    fn interest(&self) -> EventInterest {
        EventInterest::of(TOLD)
    }
}

/// Records what was decrypted; only then is it acknowledged.
struct Recorder(Weak<WebInner>);

#[async_trait]
impl InboundDurabilityHook for Recorder {
    async fn on_messages(&self, client: Arc<Client>, batch: &[InboundMessage]) -> anyhow::Result<()> {
        let inner = self.0.upgrade().ok_or_else(|| anyhow::anyhow!("the instance is not running"))?;
        let recorded = inner.record(&client, batch).await;
        if recorded.is_err() {
            // It is brought again when the connection is made anew, and not before.
            let _ = inner.wishes.send(Wish::NotRecorded);
        }
        recorded
    }
}

/// A person by this name: the number and the hidden id, as far as WhatsApp told both.
pub(super) async fn names(client: &Client, jid: &Jid) -> RemoteParty {
    let mut names = RemoteParty::default();
    ids::name(&mut names, jid);
    if let Some(entry) = client.get_lid_pn_entry(jid).await.ok().flatten().filter(|_| !jid.is_group()) {
        names.phone.get_or_insert_with(|| format!("+{}", entry.phone_number));
        names.lid.get_or_insert_with(|| format!("{}@lid", entry.lid));
    }
    names
}

/// Whether a name is this account's own.
pub(super) fn is_own(client: &Client, jid: &Jid) -> bool {
    [client.pn(), client.lid()].into_iter().flatten().any(|own| own.is_same_user_as(jid))
}

impl WebInner {
    /// Tells the ear a batch of messages, all or none.
    pub(super) async fn record(&self, client: &Arc<Client>, batch: &[InboundMessage]) -> anyhow::Result<()> {
        let mut all = Vec::with_capacity(batch.len());
        for brought in batch {
            let source = &brought.info.source;
            let other = if source.is_from_me { &source.chat } else { &source.sender };
            if source.is_from_me && is_own(client, other) {
                // A note to oneself.
                continue;
            }
            let known = names(client, other).await;
            let Some(what) = reading::told(brought, known, |group| self.group_name(group)) else { continue };
            // Known before anybody can answer it.
            self.memory().heard(&brought.info.id, &source.chat, &source.sender);
            let at = ids::time(brought.info.timestamp);
            all.push(ProviderEvent { instance: self.instance.clone(), at, what });
        }
        if !all.is_empty() {
            if self.line.is_stopped() {
                anyhow::bail!("the instance is not running");
            }
            self.ear.record_all(all).await?;
        }
        self.decrypted();
        Ok(())
    }
}
