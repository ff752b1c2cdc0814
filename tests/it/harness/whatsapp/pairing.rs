//! Linking a device: codes are offered, a phone scans one and signs, the client signs back.

use super::{Device, Out, Scan, Shared, State, attribute, bytes, noise::Keys, noise::public, typed};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use tokio::sync::mpsc::UnboundedSender;
use whatsapp_rust::{
    NodeBuilder, buffa::Message as _, wacore::pair::PairUtils, wacore_binary::Node, waproto::whatsapp as wa,
};

/// How many codes one connection gets.
const CODES: u64 = 3;

/// Offers codes to a client that is nobody yet.
pub(super) fn offer(shared: &Shared, out: &UnboundedSender<Out>) {
    let mut state = shared.state();
    let references: Vec<String> = (0..CODES)
        .map(|_| {
            state.next += 1;
            format!("2@reference{}", state.next)
        })
        .collect();
    for reference in &references {
        state.shown.insert(reference.clone(), out.clone());
    }
    let refs = references.into_iter().map(|r| NodeBuilder::new("ref").bytes(r.into_bytes()).build());
    let device = NodeBuilder::new("pair-device").children(refs.collect::<Vec<_>>()).build();
    let _ = out.send(Out::Stanza(server_iq("set", "pair-device").attr("xmlns", "md").children([device]).build()));
}

fn server_iq(kind: &'static str, id: &'static str) -> NodeBuilder {
    NodeBuilder::new("iq").attr("from", "s.whatsapp.net").attr("type", kind).attr("id", id)
}

/// What the service brings to the client when `number`'s phone scanned its code.
pub(super) fn answer(keys: &Keys, state: &mut State, number: u64, code: &str) -> Node {
    if state.scan == Scan::Passkey {
        let options = br#"{"challenge":"AAAA","rpId":"whatsapp.com","allowCredentials":[]}"#;
        let options = NodeBuilder::new("passkey_request_options").bytes(options.to_vec()).build();
        let notification = NodeBuilder::new("notification").attr("from", "s.whatsapp.net");
        return notification
            .attr("type", "passkey_prologue_request")
            .attr("id", "passkey-1")
            .children([options])
            .build();
    }
    let (_, _, identity) = PairUtils::parse_qr_code(code).expect("a code of ours");
    let secret = STANDARD.decode(code.split(',').nth(3).expect("a secret")).expect("base64");
    success(keys, state, number, (&identity, &secret))
}

/// What the service brings when `number`'s phone has signed for a device with these keys.
pub(super) fn success(keys: &Keys, state: &mut State, number: u64, (identity, secret): (&[u8], &[u8])) -> Node {
    state.phones.remove(&number);
    state.devices.insert(number, Device { identity: identity.to_vec(), ..Device::default() });
    state.linking = Some(number);
    state.refusals.remove(&number);
    let identity_node = NodeBuilder::new("device-identity").bytes(signed(keys, state.scan, identity, secret)).build();
    let device = NodeBuilder::new("device")
        .attr("jid", super::pn(number).with_device(1))
        .attr("lid", super::lid(number).with_device(1))
        .build();
    let platform = NodeBuilder::new("platform").attr("name", "smba").build();
    let business = NodeBuilder::new("biz").attr("name", "Shop").build();
    let success = NodeBuilder::new("pair-success").children([identity_node, business, platform, device]).build();
    server_iq("set", "pair-success").attr("t", super::now().to_string()).children([success]).build()
}

/// The phone's signature under the device's key, and under it the secret that only the code holds.
pub(super) fn signed(keys: &Keys, scan: Scan, identity: &[u8], secret: &[u8]) -> Vec<u8> {
    const PREFIX: [u8; 2] = [6, 0];
    let details = wa::ADVDeviceIdentity {
        raw_id: Some(1),
        timestamp: Some(super::now()),
        key_index: Some(1),
        ..Default::default()
    };
    let details = details.encode_to_vec();
    let text = [&PREFIX[..], &details, identity].concat();
    let signature = keys.phone.private_key.calculate_signature(&text, &mut rand::rng()).expect("a signature");
    let inner = wa::ADVSignedDeviceIdentity {
        details: Some(details),
        account_signature_key: Some(public(&keys.phone)),
        account_signature: Some(signature.to_vec()),
        ..Default::default()
    };
    let inner = inner.encode_to_vec();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).expect("any length");
    if scan == Scan::Hosted {
        // Of another form than the library expects.
        mac.update(b"hosted");
    }
    mac.update(&inner);
    let outer = wa::ADVSignedDeviceIdentityHMAC {
        details: Some(inner),
        hmac: Some(mac.finalize().into_bytes().to_vec()),
        account_type: (scan == Scan::Hosted).then_some(wa::ADVEncryptionType::HOSTED),
    };
    outer.encode_to_vec()
}

/// The client's own stanzas while it is nobody: `true` when it is linked and must come again.
pub(super) fn is_done(shared: &Shared, node: &Node, out: &UnboundedSender<Out>) -> bool {
    let mut state = shared.state();
    if let Some(sign) = node.get_optional_child("pair-device-sign") {
        let number = state.linking.take().expect("a phone scanned");
        let device = state.devices.get_mut(&number).expect("its device");
        device.account = bytes(sign.get_optional_child("device-identity"));
        let _ = out.send(Out::Stanza(NodeBuilder::new("stream:error").attr("code", "515").build()));
        let _ = out.send(Out::End);
        return true;
    }
    let link = node.get_optional_child("link_code_companion_reg");
    let result = |kids: Vec<Node>| {
        let id = attribute(node, "id");
        let iq = NodeBuilder::new("iq").attr("from", "s.whatsapp.net").attr("type", "result").attr("id", id);
        let _ = out.send(Out::Stanza(iq.children(kids).build()));
    };
    match link {
        Some(link) if attribute(link, "stage") == "companion_hello" => {
            state.next += 1;
            let reference = format!("3@reference{}", state.next).into_bytes();
            typed::wait(&mut state, link, &reference, out);
            let reference = NodeBuilder::new("link_code_pairing_ref").bytes(reference).build();
            let reg = NodeBuilder::new("link_code_companion_reg").attr("stage", "companion_hello");
            result(vec![reg.children([reference]).build()]);
        }
        Some(link) if attribute(link, "stage") == "companion_finish" => {
            result(Vec::new());
            let _ = out.send(Out::Stanza(typed::finish(&shared.keys, &mut state, link)));
        }
        _ if &*node.tag == "iq" && matches!(attribute(node, "type").as_str(), "get" | "set") => result(Vec::new()),
        _ => {}
    }
    false
}
