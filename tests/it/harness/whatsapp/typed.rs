//! Linking by a code that is typed on the phone: both sides agree on keys with the code between them, as the one thing that
//! the service does not know.

use super::{Out, State, attribute, bytes, noise::Keys, noise::public, number_of, pairing};
use tokio::sync::mpsc::UnboundedSender;
use whatsapp_rust::{
    Jid, NodeBuilder,
    wacore::{
        crypto::hkdf_sha256,
        libsignal::{
            crypto::aes_256_gcm_decrypt,
            protocol::{KeyPair, PublicKey},
        },
        pair_code::PairCodeUtils,
    },
    wacore_binary::Node,
};

/// A client that shows a code to be typed.
pub(super) struct TypedCode {
    reference: Vec<u8>,
    /// Its key for this, which only the code opens.
    wrapped: Vec<u8>,
    out: UnboundedSender<Out>,
    /// Both sides' keys, once a phone's owner has typed.
    agreed: Option<(KeyPair, PublicKey)>,
}

/// A client says for which number it shows a code.
pub(super) fn wait(state: &mut State, link: &Node, reference: &[u8], out: &UnboundedSender<Out>) {
    let number = attribute(link, "jid").parse::<Jid>().ok().as_ref().and_then(number_of).expect("a number");
    let wrapped = bytes(link.get_optional_child("link_code_pairing_wrapped_companion_ephemeral_pub"));
    let code = TypedCode { reference: reference.to_vec(), wrapped, out: out.clone(), agreed: None };
    state.typed.insert(number, code);
}

/// The owner of `number`'s phone types the code.
pub(super) fn begin(keys: &Keys, state: &mut State, number: u64, code: &str) {
    let shown = state.typed.get_mut(&number).expect("a code is shown for this number");
    let theirs = PairCodeUtils::decrypt_primary_ephemeral_pub(&shown.wrapped, code).expect("80 bytes");
    let theirs = PublicKey::from_djb_public_key_bytes(&theirs).expect("a key");
    let own = KeyPair::generate(&mut rand::rng());
    let own_public = public(&own).try_into().expect("32 bytes");
    let child = |name: &'static str, bytes: Vec<u8>| NodeBuilder::new(name).bytes(bytes).build();
    let wrapped = PairCodeUtils::encrypt_ephemeral_pub(&own_public, code).to_vec();
    let reg = NodeBuilder::new("link_code_companion_reg").attr("stage", "primary_hello").children([
        child("link_code_pairing_wrapped_primary_ephemeral_pub", wrapped),
        child("primary_identity_pub", public(&keys.phone)),
        child("link_code_pairing_ref", shown.reference.clone()),
    ]);
    shown.agreed = Some((own, theirs));
    let notification = NodeBuilder::new("notification").attr("from", "s.whatsapp.net").attr("id", "typed-1");
    let notification = notification.attr("type", "link_code_companion_reg").children([reg.build()]).build();
    let _ = shown.out.send(Out::Stanza(notification));
}

/// The client's keys come back, sealed with what both agreed on; the phone signs for them.
pub(super) fn finish(keys: &Keys, state: &mut State, link: &Node) -> Node {
    let number = attribute(link, "jid").parse::<Jid>().ok().as_ref().and_then(number_of).expect("a number");
    let (own, theirs) = state.typed.remove(&number).and_then(|shown| shown.agreed).expect("somebody typed");
    let shared = own.private_key.calculate_agreement(&theirs).expect("agreed").to_vec();
    let sealed = bytes(link.get_optional_child("link_code_pairing_wrapped_key_bundle"));
    let (salt, nonce) = (&sealed[..32], sealed[32..44].try_into().expect("12 bytes"));
    let key = hkdf_sha256(&shared, 32, Some(salt), b"link_code_pairing_key_bundle_encryption_key").expect("a key");
    let key = key[..].try_into().expect("32 bytes");
    let mut bundle = Vec::new();
    aes_256_gcm_decrypt(&key, &nonce, b"", &sealed[44..], &mut bundle)
        .expect("the code that was typed is the one shown");
    let (identity, chance) = (&bundle[..32], &bundle[64..96]);
    assert_eq!(bundle[32..64], public(&keys.phone), "it means this phone");
    let identity_key = PublicKey::from_djb_public_key_bytes(identity).expect("a key");
    let identities = keys.phone.private_key.calculate_agreement(&identity_key).expect("agreed").to_vec();
    let secret = [&shared[..], &identities, chance].concat();
    let secret = hkdf_sha256(&secret, 32, None, b"adv_secret").expect("a secret");
    pairing::success(keys, state, number, (identity, &secret))
}
