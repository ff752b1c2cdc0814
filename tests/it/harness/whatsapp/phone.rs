//! The phone itself, as far as its linked device needs it: it encrypts to the device as one phone does to another, and
//! shares the keys of the account's settings as soon as the device is there. A device waits for those before it calls
//! itself connected.

use super::{Shared, State, answers, noise::Keys, pn};
use futures_util::FutureExt as _;
use std::collections::HashMap;
use whatsapp_rust::{
    Jid, NodeBuilder, async_trait,
    buffa::{Message as _, MessageField},
    wacore::{
        libsignal::protocol::{
            CiphertextMessage, Direction, IdentityChange, IdentityKey, IdentityKeyPair, IdentityKeyStore,
            ProtocolAddress, SessionRecord, SessionStore, SignalProtocolError, UsePQRatchet, message_encrypt,
            process_prekey_bundle,
        },
        messages::MessageUtils,
        prekeys::PreKeyUtils,
        types::jid::JidExt as _,
    },
    wacore_binary::{OwnedNodeRef, marshal, util},
    waproto::whatsapp as wa,
};

type Kept<T> = Result<T, SignalProtocolError>;

/// What a phone remembers of the devices that it writes to.
#[derive(Default)]
pub(super) struct Sessions(HashMap<String, SessionRecord>);

/// Who the phone is; it trusts everybody.
struct Own(IdentityKeyPair);

#[async_trait]
impl SessionStore for Sessions {
    async fn load_session(&self, address: &ProtocolAddress) -> Kept<Option<SessionRecord>> {
        Ok(self.0.get(address.as_str()).cloned())
    }

    async fn has_session(&self, address: &ProtocolAddress) -> Kept<bool> {
        Ok(self.0.contains_key(address.as_str()))
    }

    async fn store_session(&mut self, address: &ProtocolAddress, record: SessionRecord) -> Kept<()> {
        self.0.insert(address.as_str().to_owned(), record);
        Ok(())
    }
}

#[async_trait]
impl IdentityKeyStore for Own {
    async fn get_identity_key_pair(&self) -> Kept<IdentityKeyPair> {
        Ok(self.0.clone())
    }

    async fn get_local_registration_id(&self) -> Kept<u32> {
        Ok(1)
    }

    async fn save_identity(&mut self, _: &ProtocolAddress, _: &IdentityKey) -> Kept<IdentityChange> {
        Ok(IdentityChange::from_changed(false))
    }

    async fn is_trusted_identity(&self, _: &ProtocolAddress, _: &IdentityKey, _: Direction) -> Kept<bool> {
        Ok(true)
    }

    async fn get_identity(&self, _: &ProtocolAddress) -> Kept<Option<IdentityKey>> {
        Ok(None)
    }
}

/// The phone of `number` shares the key of the account's settings with its device.
pub(super) fn share_keys(shared: &Shared, state: &mut State, number: u64) {
    let key = wa::message::AppStateSyncKey {
        key_id: MessageField::some(wa::message::AppStateSyncKeyId { key_id: Some(vec![0, 0, 0, 0, 0, 1]) }),
        key_data: MessageField::some(wa::message::AppStateSyncKeyData {
            key_data: Some(vec![7; 32]),
            fingerprint: MessageField::some(wa::message::AppStateSyncKeyFingerprint {
                raw_id: Some(1),
                current_index: Some(1),
                device_indexes: vec![0, 1],
            }),
            timestamp: i64::try_from(super::now()).ok(),
        }),
    };
    let share = wa::message::ProtocolMessage {
        r#type: Some(wa::message::protocol_message::Type::APP_STATE_SYNC_KEY_SHARE),
        app_state_sync_key_share: MessageField::some(wa::message::AppStateSyncKeyShare { keys: vec![key] }),
        ..Default::default()
    };
    let message = wa::Message { protocol_message: MessageField::some(share), ..Default::default() };
    tell(&shared.keys, state, number, &message);
}

/// The phone of `number` shares what it held before its device was linked: a part, within the message itself.
pub(super) fn share_history(shared: &Shared, number: u64, part: &wa::HistorySync) {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &part.encode_to_vec()).expect("packed");
    let notification = wa::message::HistorySyncNotification {
        sync_type: Some(wa::message::HistorySyncType::INITIAL_BOOTSTRAP),
        initial_hist_bootstrap_inline_payload: Some(packed.finish().expect("packed")),
        ..Default::default()
    };
    let told = wa::message::ProtocolMessage {
        r#type: Some(wa::message::protocol_message::Type::HISTORY_SYNC_NOTIFICATION),
        history_sync_notification: MessageField::some(notification),
        ..Default::default()
    };
    let message = wa::Message { protocol_message: MessageField::some(told), ..Default::default() };
    tell(&shared.keys, &mut shared.state(), number, &message);
}

/// The phone of `number` tells its own device something.
fn tell(keys: &Keys, state: &mut State, number: u64, message: &wa::Message) {
    let device = pn(number).with_device(1);
    state.next += 1;
    let id = format!("3A{:018X}", state.next);
    let stanza = written(keys, state, (number, &device), &id, message).attr("category", "peer").build();
    super::relay::keep(state, number, super::Kept { id, receipt: None, stanza });
}

/// The phone of `from` writes to the device of `to`.
pub(super) fn write(shared: &Shared, (from, to): (u64, u64), id: &str, message: &wa::Message) {
    let state = &mut shared.state();
    let stanza = written(&shared.keys, state, (from, &pn(to).with_device(1)), id, message);
    let stanza = stanza.attr("sender_lid", super::lid(from)).attr("notify", "Customer").build();
    super::relay::keep(state, to, super::Kept { id: id.to_owned(), receipt: None, stanza });
}

/// The phone of `number` writes to `to`, and tells its own device of it.
pub(super) fn tell_own(shared: &Shared, (number, to): (u64, u64), id: &str, message: wa::Message) {
    let state = &mut shared.state();
    let sent = wa::message::DeviceSentMessage {
        destination_jid: Some(pn(to).to_string()),
        message: MessageField::some(message),
        ..Default::default()
    };
    let message = wa::Message { device_sent_message: MessageField::some(sent), ..Default::default() };
    let stanza = written(&shared.keys, state, (number, &pn(number).with_device(1)), id, &message);
    let stanza = stanza.attr("recipient", pn(to)).build();
    super::relay::keep(state, number, super::Kept { id: id.to_owned(), receipt: None, stanza });
}

/// What the phone of `from` writes to a device, as that gets it.
fn written(
    keys: &Keys,
    state: &mut State,
    (from, device): (u64, &Jid),
    id: &str,
    message: &wa::Message,
) -> NodeBuilder {
    let (kind, sealed) = sealed(keys, state, from, device, message);
    let enc = NodeBuilder::new("enc").attr("v", "2").attr("type", kind).bytes(sealed).build();
    NodeBuilder::new("message")
        .attr("from", pn(from))
        .attr("type", "text")
        .attr("id", id.to_owned())
        .attr("t", super::now().to_string())
        .children([enc])
}

/// Encrypted for a device; the kind is WhatsApp's word for what it came to.
fn sealed(keys: &Keys, state: &mut State, number: u64, device: &Jid, message: &wa::Message) -> (&'static str, Vec<u8>) {
    let address = device.to_protocol_address();
    let mut own = Own(IdentityKeyPair::new(IdentityKey::new(keys.phone.public_key), keys.phone.private_key.clone()));
    let mut sessions = state.phones.remove(&number).unwrap_or_default();
    if !sessions.0.contains_key(address.as_str()) {
        let list = answers::keys_of(state, std::slice::from_ref(device));
        let answer = NodeBuilder::new("iq").children([list]).build();
        let plain = marshal(&answer).expect("a node");
        let answer = OwnedNodeRef::new(util::unpack(&plain).expect("a node").into_owned()).expect("a node");
        let found = PreKeyUtils::parse_prekeys_response(answer.get(), &HashMap::new()).expect("its keys");
        let bundle = found.bundles.get(device).expect("its keys");
        let mut chance = rand::rng();
        let begun = process_prekey_bundle(&address, &mut sessions, &mut own, bundle, &mut chance, UsePQRatchet::No);
        begun.now_or_never().expect("nothing waits").expect("a session");
    }
    let plain = MessageUtils::pad_message_v2(message.encode_to_vec());
    let sealed = message_encrypt(&plain, &address, &mut sessions, &mut own);
    let sealed = sealed.now_or_never().expect("nothing waits").expect("encrypted");
    state.phones.insert(number, sessions);
    match sealed {
        CiphertextMessage::PreKeySignalMessage(m) => ("pkmsg", m.serialized().to_vec()),
        CiphertextMessage::SignalMessage(m) => ("msg", m.serialized().to_vec()),
        _ => unreachable!("a phone writes to one device"),
    }
}
