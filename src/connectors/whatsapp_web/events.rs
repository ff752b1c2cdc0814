//! What each thing that the client tells means: for the state, for messages that we sent, for the people who call.

use super::{
    WebInner,
    chats::RingingCall,
    endings::{self, Ending},
    ids,
    sending::{is_about_new_chats, refusal},
    session::{is_own, names},
    words::{CONNECTING_AGAIN, LINKED_TWICE, PAIRED, SCANNED_OLD_PHONE, TROUBLED},
    work::Next,
};
use crate::{
    connectors::{
        EventKind, SendError,
        inbound_event::{CallHeard, ProviderNews, ReceiptHeard, RemoteParty},
        new_chats::NewChatBar,
        provider_text::repeated,
    },
    model::{
        clock::Time,
        instance::{Health, InstanceState},
        message::Receipt,
    },
};
use std::{sync::Arc, time::Duration};
use whatsapp_rust::{
    Jid,
    prelude::{Event, MessageBatch},
    types::{
        events::{Receipt as Told, ServerAck},
        presence::ReceiptType,
    },
};

/// How long until something is told again that could not be recorded.
const TELL_AGAIN: Duration = Duration::from_secs(1);
/// How long the library takes to be shown as online under a new name.
const A_MOMENT: Duration = Duration::from_secs(5);
/// So many messages in a row that cannot be decrypted are no accident.
const UNREADABLE_MAX: u32 = 10;

impl WebInner {
    /// What follows for the client; none: nothing.
    pub(super) async fn heard(self: &Arc<Self>, event: &Event) -> Option<Next> {
        match event {
            Event::Connected(_) => self.opened().await,
            Event::Disconnected(_) => {
                self.memory().disconnected();
                // Whoever was not let in knows why already.
                if !self.is_kept_out() {
                    self.line.not_open(InstanceState::Connecting, CONNECTING_AGAIN).await;
                }
                None
            }
            Event::PairingQrCode(code) => {
                self.show(Some(&code.code), None).await;
                None
            }
            Event::PairingCode(code) => {
                self.show(None, Some(&code.code)).await;
                None
            }
            Event::PairingCodeError(e) => {
                tracing::warn!(instance = %self.instance, "no code to type: {}", repeated(&e.error));
                None
            }
            Event::PairSuccess(_) => {
                self.note_linked(true);
                self.past.begin();
                self.line.not_open(InstanceState::Connecting, PAIRED).await;
                None
            }
            Event::QrScannedWithoutMultidevice(_) => {
                self.line.not_open(InstanceState::Qr, SCANNED_OLD_PHONE).await;
                None
            }
            // The library goes online to tell the name.
            Event::SelfPushNameUpdated(_) => {
                self.leave_after(A_MOMENT);
                None
            }
            Event::ServerAck(ack) => {
                self.late_word(ack).await;
                None
            }
            Event::UndecryptableMessage(_) => self.unreadable().await,
            Event::Messages(batch) => {
                self.bypassed(batch).await;
                None
            }
            Event::GroupUpdate(update) => {
                self.group_changed(update).await;
                None
            }
            Event::IncomingCall(call) => {
                self.called(call).await;
                None
            }
            Event::ContactNumberChanged(changed) => {
                let names = names_of([Some(&changed.new_jid), changed.new_lid.as_ref()]);
                let former = names_of([Some(&changed.old_jid), changed.old_lid.as_ref()]);
                self.tell_surely(ids::time(changed.timestamp), EventKind::Person { names, former }).await;
                None
            }
            Event::MissedCall(call) => {
                let from = self.caller(&call.call_id, &call.from).await;
                self.missed(&call.call_id, from, ids::time(call.timestamp)).await;
                None
            }
            _ => self.ended(event).await,
        }
    }

    /// The connection ended, or was not let in.
    async fn ended(&self, event: &Event) -> Option<Next> {
        match endings::ending(event, self.clock.now())? {
            Ending::ComesBack(why) => {
                self.memory().disconnected();
                tracing::warn!(instance = %self.instance, "not let in: {why}");
                self.line.not_open(InstanceState::Connecting, &why).await;
                None
            }
            Ending::Stays(next, why) => {
                self.memory().disconnected();
                self.line.not_open(InstanceState::Close, &why).await;
                tracing::warn!(instance = %self.instance, "closed: {why}");
                Some(next)
            }
        }
    }

    /// Whether WhatsApp said just now that it lets nobody in.
    fn is_kept_out(&self) -> bool {
        let standing = self.line.standing();
        let is_troubled = standing.reason.is_some_and(|why| why.starts_with(TROUBLED));
        is_troubled && standing.state == InstanceState::Connecting
    }

    async fn opened(self: &Arc<Self>) -> Option<Next> {
        let client = self.client();
        let phone = client.as_ref().and_then(|c| c.pn()).and_then(|jid| ids::phone(&jid));
        if phone.as_deref().is_some_and(|phone| self.is_linked_twice(phone)) {
            self.leave_phone().await;
            self.line.not_open(InstanceState::Close, LINKED_TWICE).await;
            tracing::warn!(instance = %self.instance, "closed: {LINKED_TWICE}");
            return Some(Next::Forget);
        }
        self.note_linked(false);
        self.line.heard_now();
        self.open_by_clock(phone).await;
        self.line.hears(Health::Ok).await;
        if let Some(client) = client {
            // The library shows every connection that it makes as online.
            self.leave_after(Duration::ZERO);
            let inner = self.clone();
            tokio::spawn(async move {
                inner.list_groups(&client).await;
                inner.ask_allowance(&client).await;
            });
        }
        None
    }

    /// Shows a code, beside what is shown already.
    async fn show(&self, scan: Option<&str>, typed: Option<&str>) {
        let (scan, typed, count) = self.codes(scan, typed);
        let Some(scan) = scan else { return };
        while self.line.qr(&scan, typed.clone(), count).await.is_err() {
            if self.line.is_stopped() {
                return;
            }
            self.pause().await;
        }
    }

    /// One message after the other that cannot be read: its sessions are broken, or the connection is.
    async fn unreadable(&self) -> Option<Next> {
        let in_a_row = self.undecrypted();
        if in_a_row < UNREADABLE_MAX {
            return None;
        }
        self.decrypted();
        tracing::warn!(instance = %self.instance, "{in_a_row} messages in a row cannot be decrypted; connecting anew");
        self.line.hears(Health::Deaf).await;
        Some(Next::Again)
    }

    /// Messages that came past the hook: what the phone was asked for again.
    async fn bypassed(&self, batch: &MessageBatch) {
        let Some(client) = self.client() else { return };
        while let Err(e) = self.record(&client, &batch.messages).await {
            if self.line.is_stopped() {
                return;
            }
            tracing::debug!(instance = %self.instance, "not recorded, to be told again: {e}");
            self.pause().await;
        }
    }

    /// Receipts that came one after the other are recorded together: whatever is written waits for them.
    pub(super) async fn receipts(&self, all: &[Arc<Event>]) {
        let client = self.client();
        let mut news = Vec::new();
        for told in all.iter().filter_map(|event| if let Event::Receipt(told) = &**event { Some(told) } else { None }) {
            let Some(receipt) = became(told) else { continue };
            let is_own = client.as_ref().is_some_and(|client| is_own(client, &told.source.sender));
            if is_own || told.source.is_from_me {
                continue;
            }
            let at = ids::time(told.timestamp);
            let of = told.message_ids.iter().filter_map(|id| self.news_of(id, receipt, None));
            news.extend(of.map(|what| (at, what)));
        }
        self.tell_all_surely(news).await;
    }

    /// WhatsApp's word about a message whose caller had given up, or a second one.
    async fn late_word(self: &Arc<Self>, ack: &ServerAck) {
        if self.memory().ours(&ack.id).is_none() {
            return;
        }
        let (id, at) = (ack.id.clone(), ack.timestamp.map_or_else(|| self.clock.now(), ids::time));
        match (ack.error.clone(), self.client()) {
            (None, _) => self.tell_receipt(&id, Receipt::Server, at, None).await,
            (Some(code), Some(client)) if is_about_new_chats(&code) => {
                // The question is a frame, and frames wait until this event is done with.
                let inner = self.clone();
                tokio::spawn(async move {
                    let refused = inner.nacked(&client, &code).await;
                    inner.tell_receipt(&id, Receipt::Failed, at, Some(refused)).await;
                });
            }
            (Some(code), _) => {
                let refused = SendError::permanent(&code, &refusal(&code));
                self.tell_receipt(&id, Receipt::Failed, at, Some(refused)).await;
            }
        }
    }

    async fn tell_receipt(&self, id: &str, receipt: Receipt, at: Time, refused: Option<SendError>) {
        if let Some(what) = self.news_of(id, receipt, refused) {
            self.tell_surely(at, what).await;
        }
    }

    /// What became of a message, if more than was told of it already.
    fn news_of(&self, id: &str, receipt: Receipt, refused: Option<SendError>) -> Option<EventKind> {
        if !self.memory().is_news(id, receipt) {
            return None;
        }
        Some(EventKind::Receipt(ReceiptHeard {
            provider_message_id: id.to_owned(),
            message_id: self.memory().ours(id),
            receipt,
            recipient_fault: refused.as_ref().is_some_and(|refused| refused.recipient_fault),
            code: refused.as_ref().map(|refused| refused.code.clone()),
            reason: refused.map(|refused| refused.reason),
            pricing: None,
        }))
    }

    /// Tells one thing until it is recorded, or the instance ends.
    pub(super) async fn tell_surely(&self, at: Time, what: EventKind) {
        self.tell_all_surely(vec![(at, what)]).await;
    }

    pub(super) async fn tell_all_surely(&self, all: Vec<(Time, EventKind)>) {
        while !all.is_empty() && self.line.tell_all(&all).await.is_err() {
            if self.line.is_stopped() {
                return;
            }
            self.pause().await;
        }
    }

    async fn pause(&self) {
        self.clock.sleep_until(self.clock.now().plus(TELL_AGAIN)).await;
    }

    /// The account may begin no new chats: the owner is told, once for each end.
    pub(super) async fn note_lock(&self, lock: NewChatBar) {
        if !self.is_new_lock(lock.until) {
            return;
        }
        let raw = serde_json::json!({"new_chats_locked_until": lock.until}).to_string();
        let news = EventKind::News(ProviderNews {
            kind: "new_chats_locked".to_owned(),
            raw,
            notice: Some(lock.reason()),
            then: Vec::new(),
        });
        self.tell_surely(self.clock.now(), news).await;
    }

    async fn called(&self, call: &whatsapp_rust::types::call::IncomingCall) {
        use whatsapp_rust::types::call::CallAction;
        let at = ids::time(call.timestamp);
        match &call.action {
            CallAction::Offer { call_id, call_creator, caller_pn, is_video, .. } => {
                let mut from = RemoteParty { name: call.notify.clone(), ..RemoteParty::default() };
                [Some(&call.from), Some(call_creator), caller_pn.as_ref()]
                    .into_iter()
                    .flatten()
                    .for_each(|jid| ids::name(&mut from, jid));
                self.ringing().begin(RingingCall {
                    call_id: call_id.clone(),
                    peer: call.from.clone(),
                    creator: call_creator.clone(),
                    from: from.clone(),
                });
                let what =
                    EventKind::Call(CallHeard { call_id: call_id.clone(), from, is_video: *is_video, missed: false });
                self.tell_surely(at, what).await;
            }
            CallAction::Terminate { call_id, .. } => {
                let ringing = self.ringing().end(call_id);
                if let Some(ringing) = ringing {
                    self.missed(call_id, ringing.from, at).await;
                }
            }
            CallAction::Accept { call_id, .. } | CallAction::Reject { call_id, .. } => {
                self.ringing().end(call_id);
            }
            _ => {}
        }
    }

    /// Who called, in a call that rings no more.
    async fn caller(&self, call_id: &str, from: &Jid) -> RemoteParty {
        let ringing = self.ringing().end(call_id);
        match (ringing, self.client()) {
            (Some(ringing), _) => ringing.from,
            (None, Some(client)) => names(&client, from).await,
            (None, None) => names_of([Some(from), None]),
        }
    }

    async fn missed(&self, call_id: &str, from: RemoteParty, at: Time) {
        let what = EventKind::Call(CallHeard { call_id: call_id.to_owned(), from, is_video: false, missed: true });
        self.tell_surely(at, what).await;
    }
}

/// What a receipt says became of its messages; none: nothing that means anything to a person.
fn became(told: &Told) -> Option<Receipt> {
    match told.r#type {
        ReceiptType::Sent => Some(Receipt::Server),
        // A device that nobody looks at has it, too.
        ReceiptType::Delivered | ReceiptType::Inactive => Some(Receipt::Delivered),
        ReceiptType::Read | ReceiptType::Played => Some(Receipt::Read),
        // Our own phone's, and keys that are asked for again.
        _ => None,
    }
}

/// A person under these names.
fn names_of(jids: [Option<&Jid>; 2]) -> RemoteParty {
    let mut sender = RemoteParty::default();
    jids.into_iter().flatten().for_each(|jid| ids::name(&mut sender, jid));
    sender
}
