//! The server's calls: who may call, and what becomes of each event.
//!
//! - There is no signature. The server is given a secret to send in [`SECRET_HEADER`]; the head is judged by it, in
//!   constant time, before a byte of the body is read.
//! - The answer is 2xx when what the event brought is on disk. 503 makes the server bring it again; what can never be
//!   recorded is answered 2xx, because it would be brought again in vain.
//! - Nothing waits here for anything but the ear: the server may wait for the answer before it goes on.

use super::{
    EvolutionInner, outgoing,
    reading::{self, text},
};
use crate::{
    connectors::{
        EventKind, HookAnswer, HookRequest, NotRecorded,
        evolution::sent_index::EarlyReceipt,
        inbound_event::{CallHeard, HeardChange, ProviderNews, ReceiptHeard, RemoteParty},
        provider_text::{json_of, repeated},
    },
    model::{
        clock::Time,
        instance::{Health, InstanceState},
        message::Receipt,
    },
};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// The header that holds the secret.
pub(super) const SECRET_HEADER: &str = "x-wa-gateway-secret";
/// The events that are asked for.
pub(super) const EVENTS: [&str; 9] = [
    "QRCODE_UPDATED",
    "CONNECTION_UPDATE",
    "MESSAGES_UPSERT",
    "MESSAGES_UPDATE",
    "MESSAGES_EDITED",
    "MESSAGES_DELETE",
    "SEND_MESSAGE",
    "CALL",
    "GROUPS_UPSERT",
];
/// Meta told the server why; the server tells only that.
const NOT_DELIVERED: &str = "Meta took the message and did not deliver it; the Evolution server does not pass on why";
/// Files come in base64 inside the body: about 36 MB of them. What is larger is fetched when the server's log is read.
pub(super) const BODY_MAX: usize = 48 * 1024 * 1024;

/// Judges the head.
pub(super) fn limit(secret: &str, head: &HookRequest) -> Result<usize, HookAnswer> {
    if head.method != Method::POST {
        return Err(HookAnswer::method_not_allowed("POST", "Only POST is taken here."));
    }
    // A doubled header is none.
    let given = head.header(SECRET_HEADER).unwrap_or_default();
    if bool::from(given.as_bytes().ct_eq(secret.as_bytes())) {
        return Ok(BODY_MAX);
    }
    Err(HookAnswer::refused(StatusCode::UNAUTHORIZED, "invalid_secret", "The secret header is missing or wrong."))
}

/// Records what one call brings.
pub(super) async fn take(inner: &EvolutionInner, request: &HookRequest) -> HookAnswer {
    if let Err(refusal) = limit(&inner.settings.hook_secret, request) {
        return refusal;
    }
    let Some(envelope) = json_of(&request.body) else {
        return HookAnswer::refused(StatusCode::BAD_REQUEST, "invalid_json", "The body is no JSON.");
    };
    let name = envelope["instance"].as_str().filter(|name| *name != inner.settings.instance);
    let recorded = match name {
        None => take_envelope(inner, &envelope).await,
        Some(name) => {
            let is_it = |other: &&Arc<EvolutionInner>| {
                other.settings.base_url == inner.settings.base_url && other.settings.instance == name
            };
            match inner.lines.0.all().iter().find(is_it) {
                Some(other) => take_envelope(other, &envelope).await,
                None => strange(inner, name, &envelope).await,
            }
        }
    };
    match recorded {
        Ok(()) => HookAnswer::ok(),
        Err(e) => {
            tracing::debug!(instance = %inner.instance, "not recorded, to be brought again: {e}");
            HookAnswer::refused(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", "Try again later.")
        }
    }
}

/// An event of an instance of the server that none of ours is: noted without what it says, and told.
async fn strange(inner: &EvolutionInner, name: &str, envelope: &Value) -> Result<(), NotRecorded> {
    let told = format!(
        "the server tells of its instance {}, which none here is, at this address, and it is lost: make an instance \
         for it, or set that one's webhook to where it belongs",
        repeated(name)
    );
    let raw = json!({"instance": name, "event": envelope["event"], "date_time": envelope["date_time"]}).to_string();
    let news = ProviderNews { kind: "other_instance".to_owned(), raw, notice: Some(told), then: Vec::new() };
    inner.line.tell(inner.clock.now(), EventKind::News(news)).await
}

async fn take_envelope(inner: &EvolutionInner, envelope: &Value) -> Result<(), NotRecorded> {
    inner.line.heard_now();
    inner.plan().hook_heard_at = inner.clock.now();
    inner.line.hears(Health::Ok).await;
    let name = envelope["event"].as_str().unwrap_or_default().to_ascii_lowercase().replace('_', ".");
    event(inner, &name, &envelope["data"]).await
}

async fn event(inner: &EvolutionInner, name: &str, data: &Value) -> Result<(), NotRecorded> {
    match name {
        "messages.upsert" | "messages.update" | "messages.edited" | "messages.delete" | "send.message" | "call"
        | "groups.upsert" => {
            // One object today; lists in other versions, or Baileys' own object around one.
            let wrapped = data["messages"].as_array().filter(|_| data["key"].is_null());
            for one in data.as_array().or(wrapped).map_or(std::slice::from_ref(data), Vec::as_slice) {
                match name {
                    "messages.upsert" => message(inner, one).await?,
                    "messages.update" => update(inner, one).await?,
                    "messages.edited" => edited(inner, one).await?,
                    "messages.delete" => deleted(inner, one).await?,
                    "send.message" => sent(inner, one).await?,
                    "call" => call(inner, one).await?,
                    _ => inner.note_group(one, true).await?,
                }
            }
            Ok(())
        }
        "connection.update" => {
            connection(inner, data).await;
            Ok(())
        }
        "qrcode.updated" => qrcode(inner, data).await,
        _ => Ok(()),
    }
}

/// What is ours by its secret and cannot be read is kept as it came.
async fn unread(inner: &EvolutionInner, kind: &str, data: &Value) -> Result<(), NotRecorded> {
    let news = ProviderNews { kind: kind.to_owned(), raw: reading::as_came(data), notice: None, then: Vec::new() };
    inner.line.tell(inner.clock.now(), EventKind::News(news)).await
}

/// Somebody's message, or one of our own.
pub(super) async fn message(inner: &EvolutionInner, data: &Value) -> Result<(), NotRecorded> {
    let Some(read) = reading::read(data) else { return unread(inner, "message_without_id", data).await };
    if read.from_me {
        own(inner, &read).await?;
        return echo(inner, read).await;
    }
    let (at, id) = (read.at.unwrap_or_else(|| inner.clock.now()), read.id.clone());
    if inner.keys().was_heard(&id) {
        return Ok(());
    }
    if let Some(inbound) = read.inbound(|group| inner.group_name(group)) {
        inner.line.tell(at, EventKind::Message(inbound)).await?;
        inner.keys().note_heard(&id);
    }
    Ok(())
}

/// One of our own: never inbound. Its status may be news.
async fn own(inner: &EvolutionInner, read: &reading::ParsedMessage) -> Result<(), NotRecorded> {
    match read.status.as_deref().and_then(|status| receipt(Some(status))) {
        Some(receipt) => inner.receipt(&read.id, receipt, read.at).await,
        None => Ok(()),
    }
}

/// One that was written on the number's own phone. What is ours the ear knows.
async fn echo(inner: &EvolutionInner, read: reading::ParsedMessage) -> Result<(), NotRecorded> {
    let (at, id) = (read.at.unwrap_or_else(|| inner.clock.now()), read.id.clone());
    if inner.keys().is_ours(&id) || inner.keys().was_heard(&id) {
        return Ok(());
    }
    if let Some(echo) = read.echo(|group| inner.group_name(group)) {
        inner.line.tell(at, EventKind::Echo(echo)).await?;
    }
    Ok(())
}

/// A message says something else now. The server passes on what the writer's phone said: whose it is, its key says from the
/// phone's side.
async fn edited(inner: &EvolutionInner, data: &Value) -> Result<(), NotRecorded> {
    let wrapped = json!({"protocolMessage": data});
    let content = if data["key"].is_object() && data["message"].is_object() { &data["message"] } else { &wrapped };
    let Some((about, text)) = reading::change_in(content) else { return unread(inner, "edit_unread", data).await };
    let mark = ["timestampMs", "messageTimestamp"]
        .iter()
        .find_map(|name| data[*name].as_i64().or_else(|| reading::time(&data[*name]).map(Time::millis)));
    let mark = mark.unwrap_or_else(|| inner.clock.now().millis());
    change(
        inner,
        HeardChange { provider_message_id: format!("{about}/edit/{mark}"), about, text, raw: data.to_string() },
    )
    .await
}

/// A message was taken back. The event is its key.
async fn deleted(inner: &EvolutionInner, data: &Value) -> Result<(), NotRecorded> {
    let ids = [&data["key"]["id"], &data["keyId"], &data["id"]];
    let Some(about) = ids.into_iter().find_map(text) else { return unread(inner, "deletion_unread", data).await };
    let provider_message_id = format!("{about}/revoke");
    change(inner, HeardChange { provider_message_id, about, text: None, raw: data.to_string() }).await
}

async fn change(inner: &EvolutionInner, heard: HeardChange) -> Result<(), NotRecorded> {
    inner.line.tell(inner.clock.now(), EventKind::Change(heard)).await
}

/// The server says that it handed a message to WhatsApp for us: may name one whose answer was lost.
async fn sent(inner: &EvolutionInner, data: &Value) -> Result<(), NotRecorded> {
    let Some(read) = reading::read(data) else { return Ok(()) };
    if let Some(words) = read.text.as_deref()
        && read.from_me
    {
        let mut keys = inner.keys();
        if let Some(message) = keys.match_sent(words, &read.chat) {
            keys.learn(&read.id, &message);
            inner.line.wake.notify_one();
        }
    }
    own(inner, &read).await
}

/// What became of a message that we sent.
async fn update(inner: &EvolutionInner, data: &Value) -> Result<(), NotRecorded> {
    let Some(id) = text(&data["keyId"]).or_else(|| text(&data["key"]["id"])) else { return Ok(()) };
    // Somebody else's message: that we read it is no news. Over the Cloud API the server says so of ours, too, and Meta
    // tells nothing of others' messages.
    let is_theirs = data["fromMe"] == false || data["key"]["fromMe"] == false;
    if is_theirs && !inner.keys().may_be_ours(&id) {
        return Ok(());
    }
    let status = data["status"].as_str().or_else(|| data["update"]["status"].as_str());
    // Without a status it stands for the lowest one: the server took it.
    if let Some(receipt) = receipt(status.or(Some("SERVER_ACK"))) {
        inner.receipt(&id, receipt, None).await?;
    }
    inner.learn_recipient(&id, data).await
}

/// The receipt behind one of the server's words for a status: WhatsApp Web's, or Meta's in capitals.
pub(super) fn receipt(status: Option<&str>) -> Option<Receipt> {
    match status? {
        "ERROR" | "FAILED" => Some(Receipt::Failed),
        "SERVER_ACK" | "SENT" => Some(Receipt::Server),
        "DELIVERY_ACK" | "DELIVERED" => Some(Receipt::Delivered),
        "READ" | "PLAYED" => Some(Receipt::Read),
        _ => None,
    }
}

async fn call(inner: &EvolutionInner, data: &Value) -> Result<(), NotRecorded> {
    let Some(id) = text(&data["id"]) else { return Ok(()) };
    let missed = match data["status"].as_str().unwrap_or_default() {
        "offer" | "ringing" => false,
        "timeout" => true,
        "accept" | "reject" => {
            inner.note_answered(&id);
            return Ok(());
        }
        "terminate" if !inner.was_answered(&id) => true,
        _ => return Ok(()),
    };
    let mut from = RemoteParty::default();
    for jid in [&data["from"], &data["callerPn"], &data["chatId"]].into_iter().filter_map(text) {
        reading::name(&mut from, &jid);
    }
    let is_video = data["isVideo"] == true;
    let at = text(&data["date"]).and_then(|d| Time::parse(&d).ok()).unwrap_or_else(|| inner.clock.now());
    inner.line.tell(at, EventKind::Call(CallHeard { call_id: id, from, is_video, missed })).await
}

async fn connection(inner: &EvolutionInner, data: &Value) {
    let reason = data["statusReason"].as_u64();
    match data["state"].as_str().unwrap_or_default() {
        // What Meta closed stays so: the server knows only its own line.
        "open" if inner.plan().closed_by_meta => {}
        "open" => inner.line.open(text(&data["wuid"]).and_then(|jid| reading::phone(&jid))).await,
        // A code that is shown stays: the server connects in order to show it. Without a way to WhatsApp it tells this many
        // times a second.
        "connecting" if matches!(inner.line.state(), InstanceState::Qr | InstanceState::Connecting) => {}
        "connecting" => inner.line.not_open(InstanceState::Connecting, "the Evolution server is connecting").await,
        "close" => inner.closed(reason).await,
        "refused" => {
            inner.rest();
            let why = "nobody scanned the QR code in time; pair it again";
            inner.line.not_open(InstanceState::Close, why).await;
        }
        _ => {}
    }
    // Something changed: what the webhook missed meanwhile is looked for.
    inner.look_soon();
}

async fn qrcode(inner: &EvolutionInner, data: &Value) -> Result<(), NotRecorded> {
    let qrcode = if data["qrcode"].is_object() { &data["qrcode"] } else { data };
    match text(&qrcode["code"]) {
        Some(code) => inner.line.qr(&code, text(&qrcode["pairingCode"]), qrcode["count"].as_u64().unwrap_or(1)).await,
        None => {
            inner.rest();
            let why = text(&data["message"]).unwrap_or_else(|| "the server makes no more QR codes".to_owned());
            let why = format!("no QR code: {}; pair it again", why.chars().take(100).collect::<String>());
            inner.line.not_open(InstanceState::Close, &why).await;
            Ok(())
        }
    }
}

impl EvolutionInner {
    /// Tells a receipt unless it is known; keeps it where its message may still turn up.
    pub(super) async fn receipt(&self, id: &str, receipt: Receipt, at: Option<Time>) -> Result<(), NotRecorded> {
        let (is_news, message) = self.keys().look(id, receipt);
        if !is_news {
            return Ok(());
        }
        let failed = receipt == Receipt::Failed;
        let why = if outgoing::is_metas(id) { NOT_DELIVERED } else { "WhatsApp refused the message" };
        let told = EarlyReceipt {
            id: id.to_owned(),
            receipt,
            at: at.unwrap_or_else(|| self.clock.now()),
            message,
            code: failed.then(|| "ERROR".to_owned()),
            reason: failed.then(|| why.to_owned()),
        };
        self.keys().keep_early(&told);
        self.tell_receipt(told).await
    }

    pub(super) async fn tell_receipt(&self, told: EarlyReceipt) -> Result<(), NotRecorded> {
        let (id, receipt) = (told.id.clone(), told.receipt);
        let heard = ReceiptHeard {
            provider_message_id: told.id,
            message_id: told.message,
            receipt,
            code: told.code,
            reason: told.reason,
            recipient_fault: false,
            pricing: None,
        };
        self.line.tell(told.at, EventKind::Receipt(heard)).await?;
        self.keys().note_told(&id, receipt);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_is_a_receipt_or_none() {
        for (word, wanted) in [
            ("ERROR", Some(Receipt::Failed)),
            ("PENDING", None),
            ("SERVER_ACK", Some(Receipt::Server)),
            ("DELIVERY_ACK", Some(Receipt::Delivered)),
            ("READ", Some(Receipt::Read)),
            ("PLAYED", Some(Receipt::Read)),
            ("FAILED", Some(Receipt::Failed)),
            ("SENT", Some(Receipt::Server)),
            ("DELIVERED", Some(Receipt::Delivered)),
            ("DELETED", None),
            ("EDITED", None),
            ("read", None),
            ("", None),
        ] {
            assert_eq!(receipt(Some(word)), wanted, "{word:?}");
        }
        assert_eq!(receipt(None), None);
    }
}
