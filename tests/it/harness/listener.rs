//! A page's WebSocket, without the page.

use super::{http::STUCK, visitor::Visitor};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

/// One connection.
pub struct Listener {
    socket: WebSocketStream<TcpStream>,
}

/// What came.
#[derive(Clone, PartialEq, Debug)]
pub enum Came {
    /// A frame.
    Frame(Value),
    /// The end, with its code where one was given.
    End(Option<u16>),
}

impl Listener {
    /// As a page of the visitor's opens it. The `Err` is the answer's status.
    pub async fn try_open(at: SocketAddr, visitor: &Visitor, query: &str, origin: Option<&str>) -> Result<Self, u16> {
        let stream = TcpStream::connect(at).await.expect("the gateway listens");
        Self::over(stream, at, visitor, query, origin).await
    }

    /// One that is let in, and was told so; says from which position on.
    pub async fn open(at: SocketAddr, visitor: &Visitor, query: &str) -> (Self, i64) {
        let origin = format!("http://{at}");
        let opened = Self::try_open(at, visitor, query, Some(&origin)).await;
        let mut listener = opened.unwrap_or_else(|status| panic!("refused with {status}"));
        let ready = listener.frame().await;
        assert_eq!(ready["type"], "ready", "{ready}");
        (listener, ready["position"].as_i64().expect("a position"))
    }

    /// One whose machine takes little before it is read.
    pub async fn open_narrow(at: SocketAddr, visitor: &Visitor, query: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a size");
        let stream = socket.connect(at).await.expect("the gateway listens");
        let origin = format!("http://{at}");
        Self::over(stream, at, visitor, query, Some(&origin)).await.expect("let in")
    }

    async fn over(
        stream: TcpStream,
        at: SocketAddr,
        visitor: &Visitor,
        query: &str,
        origin: Option<&str>,
    ) -> Result<Self, u16> {
        let mut request = format!("ws://{at}/ws{query}").into_client_request().expect("an address");
        let cookies: Vec<String> = visitor.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let headers = request.headers_mut();
        headers.insert("cookie", cookies.join("; ").parse().expect("a value"));
        if let Some(origin) = origin {
            headers.insert("origin", origin.parse().expect("a value"));
        }
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(e) => panic!("no answer: {e}"),
        }
    }

    /// What comes next; pings are answered on the way.
    pub async fn next(&mut self) -> Came {
        loop {
            match timeout(STUCK, self.socket.next()).await.expect("nothing comes") {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    if frame["type"] != "beat" {
                        return Came::Frame(frame);
                    }
                }
                Some(Ok(Message::Close(frame))) => return Came::End(frame.map(|f| f.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Came::End(None),
            }
        }
    }

    /// The next frame.
    pub async fn frame(&mut self) -> Value {
        match self.next().await {
            Came::Frame(frame) => frame,
            Came::End(code) => panic!("it ended: {code:?}"),
        }
    }

    /// The next frame about a message whose text is this, and those before it.
    pub async fn until(&mut self, text: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            all.push(self.frame().await);
            if all.last().is_some_and(|frame| frame["line"]["text"] == text) {
                return all;
            }
        }
    }

    /// Waits for the gateway's ping, and answers it; returns when the answer was read, for a clock that steps on before would
    /// find it unread on a busy machine.
    pub async fn answer_a_ping(&mut self) {
        self.skip_to(|message| matches!(message, Message::Ping(_))).await;
        self.socket.flush().await.expect("a pong");
        // It is read after the pong, and answered.
        self.socket.send(Message::Ping(Vec::new().into())).await.expect("a ping");
        self.skip_to(|message| matches!(message, Message::Pong(_))).await;
    }

    /// Passes over what comes until it is what is waited for.
    async fn skip_to(&mut self, is_it: impl Fn(&Message) -> bool) {
        loop {
            match timeout(STUCK, self.socket.next()).await.expect("it never came") {
                Some(Ok(message)) if is_it(&message) => return,
                Some(Ok(_)) => {}
                other => panic!("it ended: {other:?}"),
            }
        }
    }

    /// Says something.
    pub async fn say(&mut self, text: &str) {
        let _ = self.socket.send(Message::text(text)).await;
    }
}
