//! MQTT 5 (OASIS), by `rumqttc` (the family that is looked after, `rumqttc-v5-next`), over a connection that the egress made.
//!
//! Events go with QoS 1 in a session that ends with the connection. A topic to which nobody subscribes counts as refused
//! (3.4.2.1, reason 0x10): the broker keeps nothing there.

use super::{
    address::BrokerAddress,
    line::{BROKE, BrokerLine, GREETED_WITHIN, IN_FLIGHT_MAX, PublishFailure, refused, unconnected},
    message::BrokerMessage,
};
use crate::egress::Io;
use futures_util::{FutureExt as _, future::BoxFuture};
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, Packet, PubAck, PubAckReason,
    PublishNoticeError, PublishOptions, PublishProperties, PublishResult, QoS, StateError,
};
use std::{
    io,
    sync::{Arc, Mutex, OnceLock},
};
use tokio::task::JoinHandle;

/// What a PUBLISH has beside its topic, its payload and the texts of its properties, at most, in bytes.
const PACKET_REST: usize = 64;
/// What a user property has beside its two texts, in bytes (2.2.2.2, "User Property").
const PROPERTY_REST: usize = 5;

/// A connection and whoever drives it.
pub struct MqttLine {
    client: AsyncClient,
    /// The longest packet that the broker takes, in bytes; none: it said nothing.
    longest: Option<usize>,
    driver: JoinHandle<()>,
    /// Why it is over.
    ended: Arc<OnceLock<String>>,
}

impl Drop for MqttLine {
    fn drop(&mut self) {
        // Whoever drives it ends when it has been said.
        if self.client.try_disconnect().is_err() {
            self.driver.abort();
        }
    }
}

impl MqttLine {
    /// Greets the broker at the other end of `io` as the client `id`.
    ///
    /// # Errors
    /// In words for the log of attempts.
    pub async fn open(io: Box<dyn Io>, address: &BrokerAddress, id: &str) -> Result<Self, String> {
        let options = options(io, address, id);
        let built = AsyncClient::builder(options).capacity(IN_FLIGHT_MAX).try_build();
        let (client, mut events) = built.map_err(|e| unconnected(&e.to_string()))?;
        let longest = loop {
            if let Event::Incoming(Packet::ConnAck(ack)) = events.poll().await.map_err(|e| why(&e))? {
                break ack.properties.and_then(|all| all.max_packet_size);
            }
        };
        let ended = Arc::new(OnceLock::new());
        let driver = tokio::spawn(drive(events, ended.clone()));
        Ok(Self { client, longest: longest.map(|most| usize::try_from(most).unwrap_or(usize::MAX)), driver, ended })
    }

    async fn hand_over(&self, message: &BrokerMessage<'_>) -> Result<String, PublishFailure> {
        // The client takes a packet that is too long for the end of the connection.
        if let Some(longest) = self.longest.filter(|longest| size(message) > *longest) {
            return Err(PublishFailure::Refused(refused(&format!("it takes at most {longest} bytes"))));
        }
        let properties = PublishProperties {
            // Text.
            payload_format_indicator: Some(1),
            content_type: Some("application/json".into()),
            user_properties: message.headers.iter().map(|(name, value)| ((*name).into(), value.clone())).collect(),
            ..PublishProperties::default()
        };
        let options = PublishOptions::new(QoS::AtLeastOnce).properties(properties);
        let notice = self.client.publish_tracked(message.name.clone(), message.body.clone(), options).await;
        match notice.map_err(|_| self.broken())?.wait_async().await {
            Ok(PublishResult::Qos1(PubAck { reason: PubAckReason::Success, .. })) => Ok(String::new()),
            Ok(PublishResult::Qos1(ack)) => Err(PublishFailure::Refused(refusal(&ack))),
            Ok(_) => Err(PublishFailure::Broken(refused("it confirms with another QoS"))),
            Err(PublishNoticeError::V5PubAck(reason)) => Err(PublishFailure::Refused(refused(words(reason)))),
            Err(_) => Err(self.broken()),
        }
    }

    fn broken(&self) -> PublishFailure {
        PublishFailure::Broken(self.ended.get().cloned().unwrap_or_else(|| BROKE.to_owned()))
    }
}

impl BrokerLine for MqttLine {
    fn publish<'a>(&'a self, message: &'a BrokerMessage<'a>) -> BoxFuture<'a, Result<String, PublishFailure>> {
        self.hand_over(message).boxed()
    }
}

fn options(io: Box<dyn Io>, address: &BrokerAddress, id: &str) -> MqttOptions {
    // Where the connection leads is the egress's affair.
    let mut options = MqttOptions::new(id, (String::new(), 0));
    let handed = Mutex::new(Some(io));
    options.set_socket_connector(move |_, _| {
        let io = handed.lock().ok().and_then(|mut handed| handed.take());
        async { io.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)) }
    });
    options.set_connect_timeout(GREETED_WITHIN);
    options.set_outgoing_inflight_upper_limit(u16::try_from(IN_FLIGHT_MAX).unwrap_or(u16::MAX));
    match (&address.user, &address.password) {
        (Some(user), Some(password)) => drop(options.set_credentials(user.clone(), password.clone())),
        (Some(user), None) => drop(options.set_username(user.clone())),
        (None, _) => {}
    }
    options
}

/// Reads and writes until the connection is over; it is not made again.
async fn drive(mut events: EventLoop, ended: Arc<OnceLock<String>>) {
    loop {
        if let Err(e) = events.poll().await {
            let _ = ended.set(why(&e));
            return;
        }
    }
}

/// The length of an event's packet, or a little more, in bytes.
fn size(message: &BrokerMessage<'_>) -> usize {
    let texts: usize = message.headers.iter().map(|(name, value)| name.len() + value.len() + PROPERTY_REST).sum();
    message.name.len() + message.body.len() + texts + PACKET_REST
}

fn why(e: &ConnectionError) -> String {
    match e {
        ConnectionError::ConnectionRefused(code)
        | ConnectionError::MqttState(StateError::ConnFail { reason: code }) => refused(connect_words(*code)),
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, reason_string }) => {
            refused(&reason_string.clone().unwrap_or_else(|| format!("{reason_code:?}")))
        }
        ConnectionError::Io(_) | ConnectionError::MqttState(StateError::Io(_) | StateError::ConnectionAborted) => {
            BROKE.to_owned()
        }
        other => refused(&other.to_string()),
    }
}

fn connect_words(code: ConnectReturnCode) -> &'static str {
    match code {
        ConnectReturnCode::BadUserNamePassword => "user and password are not good",
        ConnectReturnCode::NotAuthorized => "not authorized",
        ConnectReturnCode::UnsupportedProtocolVersion | ConnectReturnCode::RefusedProtocolVersion => {
            "it does not speak MQTT 5"
        }
        ConnectReturnCode::Banned => "this client is banned",
        ConnectReturnCode::ServerBusy | ConnectReturnCode::ServerUnavailable => "it is busy",
        _ => "it takes no connection",
    }
}

/// In the broker's words, if it has some.
fn refusal(ack: &PubAck) -> String {
    let said = ack.properties.as_ref().and_then(|properties| properties.reason_string.as_deref());
    refused(said.unwrap_or_else(|| words(ack.reason)))
}

/// The reasons of a PUBACK (3.4.2.1).
fn words(reason: PubAckReason) -> &'static str {
    match reason {
        PubAckReason::Success => "nothing",
        PubAckReason::NoMatchingSubscribers => "nobody subscribes to this topic",
        PubAckReason::UnspecifiedError => "unspecified error",
        PubAckReason::ImplementationSpecificError => "implementation specific error",
        PubAckReason::NotAuthorized => "not authorized",
        PubAckReason::TopicNameInvalid => "topic name invalid",
        PubAckReason::PacketIdentifierInUse => "packet identifier in use",
        PubAckReason::QuotaExceeded => "quota exceeded",
        PubAckReason::PayloadFormatInvalid => "payload format invalid",
    }
}
