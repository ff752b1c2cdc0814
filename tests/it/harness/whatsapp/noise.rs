//! One connection: the WebSocket, Noise's answer to a first and to a later handshake, and the stanzas after it.

use super::{Out, Shared, answers, pairing, relay};
use futures_util::{SinkExt as _, StreamExt as _, stream::SplitStream};
use std::sync::Arc;
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};
use whatsapp_rust::{
    NodeBuilder, OwnedNodeRef, anyhow,
    buffa::{Message as _, MessageField},
    bytes::{Bytes, BytesMut},
    wacore::{
        framing::{FrameDecoder, encode_frame},
        handshake::{NoiseCipher, NoiseHandshake},
        libsignal::protocol::KeyPair,
    },
    wacore_binary::{
        Node,
        consts::{NOISE_PATTERN_IK, NOISE_PATTERN_XX, WA_CONN_HEADER},
        marshal, util,
    },
    waproto::whatsapp as wa,
};

/// The service's own keys.
pub(in super::super) struct Keys {
    pub(super) noise: KeyPair,
    /// The key with which every phone signs.
    pub(super) phone: KeyPair,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self { noise: KeyPair::generate(&mut rand::rng()), phone: KeyPair::generate(&mut rand::rng()) }
    }

    /// A chain of the right form that nobody signed.
    fn certificate(&self) -> Vec<u8> {
        use wa::cert_chain::{NoiseCertificate, noise_certificate::Details};
        const VALID: (u64, u64) = (1_700_000_000, 4_000_000_000);
        let certificate = |serial, issuer, key: Vec<u8>| {
            let details = Details {
                serial: Some(serial),
                issuer_serial: Some(issuer),
                key: Some(key),
                not_before: Some(VALID.0),
                not_after: Some(VALID.1),
            };
            let details = Some(details.encode_to_vec());
            MessageField::some(NoiseCertificate { details, signature: Some(vec![0; 64]) })
        };
        let leaf = certificate(2, 1, public(&self.noise));
        wa::CertChain { intermediate: certificate(1, 0, vec![0xCC; 32]), leaf }.encode_to_vec()
    }
}

pub(super) fn public(pair: &KeyPair) -> Vec<u8> {
    pair.public_key.public_key_bytes().to_vec()
}

/// The frames that a client sends.
struct Frames {
    stream: SplitStream<WebSocketStream<TcpStream>>,
    decoder: FrameDecoder,
    begun: bool,
}

impl Frames {
    async fn next(&mut self) -> anyhow::Result<BytesMut> {
        loop {
            if let Some(frame) = self.decoder.decode_frame() {
                return Ok(frame);
            }
            let message = self.stream.next().await.ok_or_else(|| anyhow::anyhow!("it hung up"))??;
            let Message::Binary(mut data) = message else { continue };
            if !std::mem::replace(&mut self.begun, true) {
                anyhow::ensure!(data.starts_with(&WA_CONN_HEADER), "no head of WhatsApp's");
                data = data.slice(WA_CONN_HEADER.len()..);
            }
            self.decoder.feed(&data);
        }
    }
}

/// What a handshake came to: what the client says of itself, how it is read, how it is written to.
struct Shaken {
    payload: wa::ClientPayload,
    read: NoiseCipher,
    write: NoiseCipher,
}

/// A connection that says whose device it is, until it ends.
struct Present<'a>(&'a Shared, u64);

impl<'a> Present<'a> {
    fn arrive(shared: &'a Shared, number: u64) -> Self {
        let mut state = shared.state();
        let (now, most) = state.clients.entry(number).or_default();
        *now += 1;
        *most = (*most).max(*now);
        Self(shared, number)
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        if let Some((now, _)) = self.0.state().clients.get_mut(&self.1) {
            *now -= 1;
        }
    }
}

pub(super) async fn serve(shared: &Arc<Shared>, stream: TcpStream) -> anyhow::Result<()> {
    let (mut sink, stream) = tokio_tungstenite::accept_async(stream).await?.split();
    let mut frames = Frames { stream, decoder: FrameDecoder::new(), begun: false };
    let hello = wa::HandshakeMessage::decode_from_slice(&frames.next().await?)?.client_hello.into_option();
    let hello = hello.ok_or_else(|| anyhow::anyhow!("no hello"))?;
    let ephemeral = KeyPair::generate(&mut rand::rng());
    let is_known = hello.r#static.is_some() && hello.payload.is_some();
    let mut noise = NoiseHandshake::new(if is_known { NOISE_PATTERN_IK } else { NOISE_PATTERN_XX }, &WA_CONN_HEADER)?;
    let keys = &shared.keys;
    let theirs = hello.ephemeral.unwrap_or_default();
    let (answer, payload) = if is_known {
        known(
            &mut noise,
            keys,
            &ephemeral,
            (&theirs, &hello.r#static.unwrap_or_default()),
            &hello.payload.unwrap_or_default(),
        )?
    } else {
        (unknown(&mut noise, keys, &ephemeral, &theirs)?, Vec::new())
    };
    let answer = wa::HandshakeMessage { server_hello: MessageField::some(answer), ..Default::default() };
    sink.send(Message::Binary(Bytes::from(encode_frame(&answer.encode_to_vec(), None)?))).await?;
    let payload = if is_known { payload } else { finish(&mut noise, &ephemeral, &frames.next().await?)? };
    let (read, write) = noise.finish()?;
    let shaken = Shaken { payload: wa::ClientPayload::decode_from_slice(&payload)?, read, write };
    let _present = shaken.payload.username.map(|number| Present::arrive(shared, number));
    let (out, mut written) = mpsc::unbounded_channel::<Out>();
    let write = shaken.write;
    // Part of this future, so that the connection ends with it.
    let writer = async move {
        let mut count = 0;
        while let Some(Out::Stanza(node)) = written.recv().await {
            let Ok(plain) = marshal(&node) else { break };
            let Ok(sealed) = write.encrypt_with_counter(count, &plain) else { break };
            count += 1;
            let Ok(frame) = encode_frame(&sealed, None) else { break };
            if sink.send(Message::Binary(Bytes::from(frame))).await.is_err() {
                break;
            }
        }
        let _ = sink.close().await;
    };
    tokio::pin!(writer);
    let ended = tokio::select! {
        ended = talk(shared, &shaken.payload, &shaken.read, &mut frames, &out) => Some(ended),
        () = &mut writer => None,
    };
    if let Some(number) = shaken.payload.username {
        let mut state = shared.state();
        if state.online.get(&number).is_some_and(|online| online.same_channel(&out)) {
            state.online.remove(&number);
        }
    }
    let Some(ended) = ended else { return Ok(()) };
    drop(out);
    // What was said before the end still goes.
    writer.await;
    ended
}

/// A client that knows the service's key: it says who it is at once.
fn known(
    noise: &mut NoiseHandshake,
    keys: &Keys,
    ephemeral: &KeyPair,
    (theirs, their_static): (&[u8], &[u8]),
    payload: &[u8],
) -> anyhow::Result<(wa::handshake_message::ServerHello, Vec<u8>)> {
    noise.authenticate(&public(&keys.noise));
    noise.authenticate(theirs);
    mix(noise, &keys.noise, theirs)?;
    let their_static = noise.decrypt(their_static)?;
    mix(noise, &keys.noise, &their_static)?;
    let payload = noise.decrypt(payload)?;
    noise.authenticate(&public(ephemeral));
    mix(noise, ephemeral, theirs)?;
    mix(noise, ephemeral, &their_static)?;
    let certificate = noise.encrypt(&keys.certificate())?;
    let hello = wa::handshake_message::ServerHello {
        ephemeral: Some(public(ephemeral)),
        payload: Some(certificate.to_vec()),
        ..Default::default()
    };
    Ok((hello, payload.to_vec()))
}

/// A client that comes for the first time.
fn unknown(
    noise: &mut NoiseHandshake,
    keys: &Keys,
    ephemeral: &KeyPair,
    theirs: &[u8],
) -> anyhow::Result<wa::handshake_message::ServerHello> {
    noise.authenticate(theirs);
    noise.authenticate(&public(ephemeral));
    mix(noise, ephemeral, theirs)?;
    let own = noise.encrypt(&public(&keys.noise))?;
    mix(noise, &keys.noise, theirs)?;
    let certificate = noise.encrypt(&keys.certificate())?;
    Ok(wa::handshake_message::ServerHello {
        ephemeral: Some(public(ephemeral)),
        r#static: Some(own.to_vec()),
        payload: Some(certificate.to_vec()),
        ..Default::default()
    })
}

fn finish(noise: &mut NoiseHandshake, ephemeral: &KeyPair, frame: &[u8]) -> anyhow::Result<Vec<u8>> {
    let finish = wa::HandshakeMessage::decode_from_slice(frame)?.client_finish.into_option();
    let finish = finish.ok_or_else(|| anyhow::anyhow!("no finish"))?;
    let their_static = noise.decrypt(&finish.r#static.unwrap_or_default())?;
    mix(noise, ephemeral, &their_static)?;
    Ok(noise.decrypt(&finish.payload.unwrap_or_default())?.to_vec())
}

fn mix(noise: &mut NoiseHandshake, own: &KeyPair, theirs: &[u8]) -> anyhow::Result<()> {
    Ok(noise.mix_shared_secret(own.private_key.serialize(), theirs)?)
}

/// Stanza after stanza.
async fn talk(
    shared: &Arc<Shared>,
    payload: &wa::ClientPayload,
    read: &NoiseCipher,
    frames: &mut Frames,
    out: &mpsc::UnboundedSender<Out>,
) -> anyhow::Result<()> {
    let user = payload.username;
    shared.state().calls += 1;
    match user {
        None => pairing::offer(shared, out),
        Some(number) => {
            let state = shared.state();
            let refusal = state.refusals.get(&number).cloned();
            let unknown = || NodeBuilder::new("failure").attr("reason", "401").build();
            let refusal = refusal.or_else(|| (!state.lists(number)).then(unknown));
            drop(state);
            if let Some(failure) = refusal {
                let _ = out.send(Out::Stanza(failure));
                let _ = out.send(Out::End);
                return Ok(());
            }
            let lid = super::lid(number).with_device(1);
            let mut state = shared.state();
            let success = super::timed(NodeBuilder::new("success").attr("lid", lid), state.time);
            let _ = out.send(Out::Stanza(success.build()));
            state.online.insert(number, out.clone());
            *state.logins.entry(number).or_default() += 1;
        }
    }
    let mut count = 0;
    loop {
        let mut frame = frames.next().await?;
        read.decrypt_in_place_with_counter(count, &mut frame)?;
        count += 1;
        let plain = util::unpack(&frame)?.into_owned();
        let node: Node = OwnedNodeRef::new(plain)?.to_owned_node();
        let speaker = user.or_else(|| shared.state().linking);
        {
            let mut state = shared.state();
            state.seen.push(node.clone());
            if speaker.is_some_and(|number| state.loses(number, &node)) {
                continue;
            }
        }
        match user {
            None => {
                if pairing::is_done(shared, &node, out) {
                    return Ok(());
                }
            }
            Some(number) => match &*node.tag {
                "iq" => answers::answer(shared, number, out, &node),
                "message" => relay::message(shared, number, out, &node),
                "receipt" | "ack" => relay::receipt(shared, number, out, &node),
                _ => {}
            },
        }
    }
}
