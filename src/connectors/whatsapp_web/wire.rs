//! The bytes' way to WhatsApp: a WebSocket, and plain HTTP for files and for the version, both over the gateway's own
//! egress. Names are looked up by its resolver and every address is judged by it; the library itself opens nothing.

use super::{gate::WriteGate, work::Wish};
use crate::{
    connectors::connection::ConnectionState,
    egress::{Bounds, Egress, Io, Outbound},
    model::{clock::Clock, egress::Use},
};
use futures_util::{SinkExt as _, StreamExt as _, stream::SplitSink, stream::SplitStream};
use http::{HeaderName, HeaderValue, Method, header};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc::UnboundedSender;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest as _, protocol::WebSocketConfig},
};
use tokio_util::sync::CancellationToken;
use whatsapp_rust::{
    anyhow, async_channel, async_trait,
    bytes::Bytes,
    http::{HttpClient, HttpRequest, HttpResponse},
    transport::{DisconnectReason, Transport, TransportEvent, TransportFactory},
};

/// What a browser says it comes from.
const ORIGIN: &str = "https://web.whatsapp.com";
/// The largest frame that is taken.
const FRAME_MAX: usize = 16 * 1024 * 1024;
/// Frames that wait to be read.
const WAITING_MAX: usize = 64;
/// What one exchange about a file may take.
const FILE_WITHIN: Duration = Duration::from_secs(120);
/// The largest file that is read: WhatsApp's documents reach 2 GB, the gateway's media do not.
const FILE_MAX: usize = 100 * 1024 * 1024;

pub(super) struct Dialler {
    pub(super) egress: Egress,
    pub(super) ws_url: String,
    /// Is told of every frame that comes.
    pub(super) line: Arc<ConnectionState>,
    pub(super) gate: Arc<WriteGate>,
    pub(super) wishes: UnboundedSender<Wish>,
}

#[async_trait]
impl TransportFactory for Dialler {
    async fn create_transport(&self) -> anyhow::Result<(Arc<dyn Transport>, async_channel::Receiver<TransportEvent>)> {
        let made = self.connect().await;
        let socket = made.inspect_err(|e| drop(self.wishes.send(Wish::Unreachable(format!("{e:#}")))))?;
        let (sink, stream) = socket.split();
        let (events, received) = async_channel::bounded(WAITING_MAX);
        let _ = events.try_send(TransportEvent::Connected);
        let ended = CancellationToken::new();
        tokio::spawn(read(stream, events, ended.clone(), self.line.clone()));
        let sink = tokio::sync::Mutex::new(Some(sink));
        Ok((Arc::new(Socket { sink, ended, gate: self.gate.clone() }), received))
    }
}

type Stream = WebSocketStream<Box<dyn Io>>;

impl Dialler {
    async fn connect(&self) -> anyhow::Result<Stream> {
        // The egress speaks of HTTP; a WebSocket begins as that.
        let (io, _) = self.egress.dial(&self.ws_url.replacen("ws", "http", 1), Use::Connectors).await?;
        let mut request = self.ws_url.as_str().into_client_request()?;
        request.headers_mut().insert(header::ORIGIN, HeaderValue::from_static(ORIGIN));
        let config = WebSocketConfig::default().max_message_size(Some(FRAME_MAX)).max_frame_size(Some(FRAME_MAX));
        Ok(client_async_with_config(request, io, Some(config)).await?.0)
    }
}

/// One connection's writing half.
struct Socket {
    sink: tokio::sync::Mutex<Option<SplitSink<Stream, Message>>>,
    ended: CancellationToken,
    gate: Arc<WriteGate>,
}

#[async_trait]
impl Transport for Socket {
    async fn send(&self, data: Bytes) -> anyhow::Result<()> {
        tokio::select! {
            biased;
            () = self.ended.cancelled() => anyhow::bail!("the connection is closed"),
            passed = self.gate.pass() => passed?,
        }
        let mut sink = self.sink.lock().await;
        let sink = sink.as_mut().ok_or_else(|| anyhow::anyhow!("the connection is closed"))?;
        self.gate.writes();
        Ok(sink.send(Message::Binary(data)).await?)
    }

    async fn disconnect(&self) {
        self.ended.cancel();
        if let Some(mut sink) = self.sink.lock().await.take() {
            let _ = sink.close().await;
        }
    }
}

/// The reading half, until either side ends it.
async fn read(
    mut stream: SplitStream<Stream>,
    events: async_channel::Sender<TransportEvent>,
    ended: CancellationToken,
    line: Arc<ConnectionState>,
) {
    let reason = loop {
        let next = tokio::select! {
            biased;
            () = ended.cancelled() => break DisconnectReason::Unknown,
            next = stream.next() => next,
        };
        match next {
            Some(Ok(Message::Binary(data))) => {
                line.heard_now();
                tokio::select! {
                    biased;
                    () = ended.cancelled() => break DisconnectReason::Unknown,
                    taken = events.send(TransportEvent::DataReceived(data)) => if taken.is_err() {
                        break DisconnectReason::Unknown;
                    },
                }
            }
            Some(Ok(Message::Close(why))) => {
                let (code, reason) = why.map_or((None, String::new()), |w| (Some(w.code.into()), w.reason.to_string()));
                break DisconnectReason::ServerClose { code, reason };
            }
            Some(Ok(_)) => {}
            Some(Err(e)) => break DisconnectReason::ReadError(e.to_string()),
            None => break DisconnectReason::StreamEnded,
        }
    };
    let _ = events.send(TransportEvent::Disconnected(reason)).await;
}

/// Asks for the version, and brings and fetches files.
pub(super) struct Fetcher {
    pub(super) egress: Egress,
    /// Whatever stands in WhatsApp's place without TLS has its files without it, too.
    pub(super) is_plain: bool,
    pub(super) wishes: UnboundedSender<Wish>,
}

#[async_trait]
impl HttpClient for Fetcher {
    async fn execute(&self, request: HttpRequest) -> anyhow::Result<HttpResponse> {
        let method = Method::from_bytes(request.method.as_bytes())?;
        let mut headers = Vec::with_capacity(request.headers.len());
        for (name, value) in &request.headers {
            headers.push((HeaderName::try_from(name.as_str())?, HeaderValue::try_from(value.as_str())?));
        }
        let body = request.body.unwrap_or_default();
        let url = if self.is_plain { request.url.replacen("https://", "http://", 1) } else { request.url };
        let outbound = Outbound { method, url: &url, headers, body, of: Use::Connectors };
        let answer = self.egress.send(outbound, Bounds { timeout: FILE_WITHIN, max_answer_bytes: FILE_MAX }).await;
        let answer = answer.inspect_err(|e| {
            // Of all that is fetched only the version keeps the connection from coming about.
            if url.ends_with("/sw.js") {
                let _ = self.wishes.send(Wish::Unreachable(format!("its version cannot be asked for: {e}")));
            }
        })?;
        if answer.truncated {
            anyhow::bail!("the answer has more than {FILE_MAX} bytes");
        }
        Ok(HttpResponse { status_code: answer.status.as_u16(), body: answer.body.to_vec() })
    }
}

/// For deadlines of whatever the library does on our behalf.
///
/// # Errors
/// It took too long.
pub(super) async fn in_time<T>(clock: &dyn Clock, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = clock.sleep_until(clock.now().plus(limit)) => None,
    }
}
