//! NATS with JetStream, by `async-nats` (docs.nats.io, "NATS Protocol"; acknowledgements: "JetStream wire API", "Publish").
//!
//! It connects by itself, so it is handed an address that was judged, never a name; other servers of the cluster, which a
//! server tells, are not called, and a connection that is lost is not made again behind our back. Its TLS tells the server no
//! name (SNI): it knows an address alone. An event's id goes as `Nats-Msg-Id`, by which a stream drops repeats.

use super::{
    address::BrokerAddress,
    line::{BROKE, BrokerLine, GREETED_WITHIN, IN_FLIGHT_MAX, LATE, PublishFailure, refused, unconnected},
    message::BrokerMessage,
};
use async_nats::{
    ConnectErrorKind, ConnectOptions, HeaderMap,
    jetstream::{
        self,
        context::{Context, ContextBuilder, PublishError, PublishErrorKind},
        message::PublishMessage,
    },
};
use futures_util::{FutureExt as _, future::BoxFuture};
use rustls::ClientConfig;
use std::{error::Error as _, net::SocketAddr, time::Duration};

/// Later than anybody here waits for a confirmation: whoever waits says how long.
const ACK_WITHIN: Duration = Duration::from_secs(60);
/// An address at which nobody is: where a client goes that is not to connect again.
const NOWHERE: &str = "nats://127.0.0.1:0";

/// A connection to a server.
pub struct NatsLine {
    stream: Context,
}

impl NatsLine {
    /// Connects to one address, which was judged. `tls` holds whom the server's certificate has to name; it is used where
    /// the address demands TLS, and where the server does.
    ///
    /// # Errors
    /// In words for the log of attempts.
    pub async fn open(addr: SocketAddr, tls: ClientConfig, address: &BrokerAddress) -> Result<Self, String> {
        let mut options = ConnectOptions::new()
            .name("wa-gateway")
            .ignore_discovered_servers()
            .max_reconnects(1)
            .require_tls(address.tls)
            .tls_client_config(tls)
            .connection_timeout(GREETED_WITHIN);
        options = match (&address.user, &address.password) {
            (Some(user), Some(password)) => options.user_and_password(user.clone(), password.clone()),
            (Some(token), None) => options.token(token.clone()),
            (None, _) => options,
        };
        let client = options.connect(format!("nats://{addr}")).await.map_err(|e| unopened(&e))?;
        client.set_server_pool(NOWHERE).await.map_err(|_| BROKE)?;
        let stream = ContextBuilder::new().ack_timeout(ACK_WITHIN).max_ack_inflight(2 * IN_FLIGHT_MAX);
        Ok(Self { stream: stream.build(client) })
    }

    async fn hand_over(&self, message: &BrokerMessage<'_>) -> Result<String, PublishFailure> {
        let mut headers = HeaderMap::new();
        for (name, value) in &message.headers {
            headers.insert(*name, value.as_str());
        }
        let publish = PublishMessage::build().headers(headers).message_id(message.id).payload(message.body.clone());
        let ack = self.stream.send_publish(message.name.clone(), publish).await.map_err(|e| failure(&e))?;
        let ack = ack.await.map_err(|e| failure(&e))?;
        let repeat = if ack.duplicate { ", which had it" } else { "" };
        Ok(format!("{}, sequence {}{repeat}", ack.stream, ack.sequence))
    }
}

impl BrokerLine for NatsLine {
    fn publish<'a>(&'a self, message: &'a BrokerMessage<'a>) -> BoxFuture<'a, Result<String, PublishFailure>> {
        self.hand_over(message).boxed()
    }
}

fn unopened(e: &async_nats::ConnectError) -> String {
    let source = e.source().map_or_else(|| e.to_string(), ToString::to_string);
    match e.kind() {
        ConnectErrorKind::TimedOut => LATE.to_owned(),
        kind @ (ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication) => {
            refused(&kind.to_string())
        }
        ConnectErrorKind::Tls => format!("no TLS connection: {source}"),
        _ => unconnected(&source),
    }
}

fn failure(e: &PublishError) -> PublishFailure {
    let said = e.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
    match (e.kind(), said) {
        (_, Some(said)) => PublishFailure::Refused(refused(&said.to_string())),
        (PublishErrorKind::StreamNotFound, _) => PublishFailure::Refused(refused("no stream takes this subject")),
        (PublishErrorKind::MaxPayloadExceeded, _) => PublishFailure::Refused(refused(&e.to_string())),
        (PublishErrorKind::TimedOut, _) => PublishFailure::Broken(LATE.into()),
        (PublishErrorKind::BrokenPipe, _) => PublishFailure::Broken(BROKE.into()),
        // The connection went while the event did, or what answered was no stream.
        _ => PublishFailure::Broken(refused(&e.to_string())),
    }
}
