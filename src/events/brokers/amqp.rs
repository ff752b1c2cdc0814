//! RabbitMQ, by `lapin` (AMQP 0-9-1; confirms: rabbitmq.com, "Consumer Acknowledgements and Publisher Confirms").
//!
//! One channel in confirm mode, over a connection that the egress made. Every event is persistent and `mandatory`: what no
//! queue takes comes back with its confirmation, and counts as refused.

use super::{
    address::BrokerAddress,
    line::{BROKE, BrokerLine, PublishFailure, refused, unconnected},
    message::BrokerMessage,
};
use crate::egress::Io;
use async_rs::{
    Runtime, Tokio,
    traits::{Executor, Reactor, RuntimeKit},
    util::Task,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use lapin::{
    AsyncTcpStream, BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ErrorKind,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::{AMQPValue, FieldTable, ShortString},
    uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo},
};
use std::{
    future, io,
    net::SocketAddr,
    sync::Mutex,
    time::{Duration, Instant},
};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

/// A delivery that outlives the broker (AMQP 0-9-1, basic class, `delivery-mode`).
const PERSISTENT: u8 = 2;

/// A connection with its channel.
pub struct AmqpLine {
    /// Closed when it is dropped.
    _connection: Connection,
    channel: Channel,
    exchange: ShortString,
}

impl AmqpLine {
    /// Greets the broker at the other end of `io`; without a user in the address as `guest`, as RabbitMQ's own clients do.
    ///
    /// # Errors
    /// In words for the log of attempts.
    pub async fn open(io: Box<dyn Io>, address: &BrokerAddress) -> Result<Self, String> {
        let handed = Mutex::new(Some(io));
        let connect = async move |_: AMQPUri, _: Runtime<HandedKit>| {
            let io = handed.lock().ok().and_then(|mut handed| handed.take());
            let io = io.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
            Ok(AsyncTcpStream::Plain(io.compat()))
        };
        let runtime = Runtime::new(HandedKit(Tokio::current()));
        let properties = ConnectionProperties::default().with_connection_name("wa-gateway".into());
        let connection =
            Connection::connector(uri(address), runtime, connect, properties).await.map_err(|e| unopened(&e))?;
        let channel = connection.create_channel().await.map_err(|e| unopened(&e))?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(|e| unopened(&e))?;
        Ok(Self { _connection: connection, channel, exchange: short(&address.exchange)? })
    }

    async fn hand_over(&self, message: &BrokerMessage<'_>) -> Result<String, PublishFailure> {
        let name = short(&message.name).map_err(PublishFailure::Refused)?;
        let id = short(message.id).map_err(PublishFailure::Refused)?;
        let mut headers = FieldTable::default();
        for (name, value) in &message.headers {
            headers.insert((*name).into(), AMQPValue::LongString(value.as_str().into()));
        }
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_headers(headers)
            .with_delivery_mode(PERSISTENT)
            .with_message_id(id);
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let publish = self.channel.basic_publish(self.exchange.clone(), name, options, message.body, properties);
        let confirmation = publish.await.map_err(|e| failure(&e))?.await.map_err(|e| failure(&e))?;
        match confirmation {
            Confirmation::Ack(None) => Ok(String::new()),
            Confirmation::Ack(Some(_)) => Err(PublishFailure::Refused(refused("no queue takes this routing key"))),
            Confirmation::Nack(_) => Err(PublishFailure::Refused(refused("it cannot keep the event"))),
            Confirmation::NotRequested => Err(PublishFailure::Broken(refused("it confirms nothing"))),
        }
    }
}

impl BrokerLine for AmqpLine {
    fn publish<'a>(&'a self, message: &'a BrokerMessage<'a>) -> BoxFuture<'a, Result<String, PublishFailure>> {
        self.hand_over(message).boxed()
    }
}

/// # Errors
/// More than 255 bytes (4.2.5.3).
fn short(text: &str) -> Result<ShortString, String> {
    ShortString::try_new(text).map_err(|e| refused(&e.to_string()))
}

/// Who we are and which virtual host; host and port are the egress's affair.
fn uri(address: &BrokerAddress) -> AMQPUri {
    let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "guest".into());
    let userinfo = AMQPUserInfo { username: part(&address.user), password: part(&address.password) };
    AMQPUri {
        scheme: AMQPScheme::AMQP,
        authority: AMQPAuthority { userinfo, host: String::new(), port: 0 },
        vhost: address.vhost.clone(),
        query: AMQPQueryString::default(),
    }
}

fn unopened(e: &lapin::Error) -> String {
    match e.kind() {
        ErrorKind::ProtocolError(said) => refused(said.get_message().as_str()),
        _ => unconnected(&e.to_string()),
    }
}

/// An error of the protocol closes the channel: an exchange that is not there, say.
fn failure(e: &lapin::Error) -> PublishFailure {
    PublishFailure::Broken(match e.kind() {
        ErrorKind::ProtocolError(said) => refused(said.get_message().as_str()),
        _ => BROKE.to_owned(),
    })
}

/// The runtime that lapin works on: tokio's, but for connections, which it does not make.
#[derive(Clone, Debug)]
struct HandedKit(Tokio);

impl RuntimeKit for HandedKit {}

impl Executor for HandedKit {
    type Task<T: Send + 'static> = <Tokio as Executor>::Task<T>;

    fn block_on<T, F: Future<Output = T>>(&self, work: F) -> T {
        self.0.block_on(work)
    }

    fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(&self, work: F) -> Task<Self::Task<T>> {
        self.0.spawn(work)
    }

    fn spawn_blocking<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&self, work: F) -> Task<Self::Task<T>> {
        self.0.spawn_blocking(work)
    }
}

impl Reactor for HandedKit {
    type TcpStream = Compat<Box<dyn Io>>;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: io::Read + io::Write + Send + 'static>(
        &self,
        _socket: H,
    ) -> io::Result<impl futures_io::AsyncRead + futures_io::AsyncWrite + Send + Unpin + 'static> {
        Err::<Self::TcpStream, _>(io::ErrorKind::Unsupported.into())
    }

    fn sleep(&self, limit: Duration) -> Self::Sleep {
        self.0.sleep(limit)
    }

    fn interval(&self, each: Duration) -> impl futures_util::Stream<Item = Instant> + Send + 'static {
        self.0.interval(each)
    }

    fn tcp_connect_addr(
        &self,
        _addr: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        future::ready(Err(io::ErrorKind::Unsupported.into()))
    }
}
