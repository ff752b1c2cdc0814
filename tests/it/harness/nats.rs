//! A NATS server with JetStream, as far as a publisher sees one: it asks for user and password, keeps what it confirms,
//! drops repeats by their id as a stream does, refuses and dies as it is told.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// One message of the stream.
#[derive(Clone, Debug)]
pub struct Stored {
    pub subject: String,
    /// The lines of its headers, without the first.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Stored {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

#[derive(Default)]
struct Stream {
    stored: Vec<Stored>,
    /// How many messages came, repeats among them.
    came: usize,
    /// Messages whose bodies hold this are refused.
    refused: Option<String>,
    /// The next message is stored, and the server dies before it says so.
    dies: bool,
    /// What comes is stored, and nothing is said.
    silent: bool,
}

/// The server; its stream outlives its deaths.
pub struct NatsServer {
    pub address: SocketAddr,
    login: [String; 2],
    stream: Arc<Mutex<Stream>>,
    running: JoinSet<()>,
}

impl NatsServer {
    /// Takes whoever is `user` with `password`.
    pub async fn start(user: &str, password: &str) -> Self {
        let login = [user.to_owned(), password.to_owned()];
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut server = Self { address, login, stream: Arc::default(), running: JoinSet::new() };
        server.serve(listener);
        server
    }

    fn serve(&mut self, listener: TcpListener) {
        let (stream, login) = (self.stream.clone(), self.login.clone());
        self.running.spawn(async move {
            // With the task go its connections.
            let mut connections = JoinSet::new();
            while let Ok((tcp, _)) = listener.accept().await {
                let (stream, login) = (stream.clone(), login.clone());
                connections.spawn(async move { drop(talk(tcp, stream, login).await) });
            }
        });
    }

    /// Ends it with all its connections, in the middle of whatever it does.
    pub async fn die(&mut self) {
        self.running.shutdown().await;
    }

    /// Starts it again where it was.
    pub async fn rise(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("its port");
        self.serve(listener);
    }

    /// Refuses what holds this text, from now on; none: nothing.
    pub fn refuse(&self, text: Option<&str>) {
        self.lock().refused = text.map(str::to_owned);
    }

    /// Hangs up once, between storing the next message and confirming it.
    pub fn hang_up_unconfirmed(&self) {
        self.lock().dies = true;
    }

    /// Stores what comes without a word, or says so again; whoever waits for an answer by then gets none.
    pub fn silence(&self, is_silent: bool) {
        self.lock().silent = is_silent;
    }

    /// What the stream holds, in its order.
    pub fn stored(&self) -> Vec<Stored> {
        self.lock().stored.clone()
    }

    /// How many messages came, repeats and refused ones among them.
    pub fn came(&self) -> usize {
        self.lock().came
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Stream> {
        self.stream.lock().expect("no holder panics")
    }
}

async fn talk(tcp: TcpStream, stream: Arc<Mutex<Stream>>, login: [String; 2]) -> std::io::Result<()> {
    let mut io = BufReader::new(tcp);
    io.write_all(b"INFO {\"headers\":true,\"max_payload\":65536,\"connect_urls\":[\"203.0.113.1:4222\"]}\r\n").await?;
    let (mut line, mut answers_to) = (String::new(), String::new());
    loop {
        line.clear();
        if io.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let said = match words[0] {
            "CONNECT" if !is_login(&line, &login) => {
                io.write_all(b"-ERR 'Authorization Violation'\r\n").await?;
                return Ok(());
            }
            // One subscription, for all answers.
            "SUB" => {
                words[words.len() - 1].clone_into(&mut answers_to);
                String::new()
            }
            "PING" => "PONG\r\n".to_owned(),
            "HPUB" => {
                let (head, total): (usize, usize) =
                    (words[3].parse().expect("bytes"), words[4].parse().expect("bytes"));
                let mut bytes = vec![0; total + 2];
                io.read_exact(&mut bytes).await?;
                let Some(answer) = store(&stream, words[1], &bytes[..total], head) else { return Ok(()) };
                match answer.as_str() {
                    "" => answer,
                    _ => format!("MSG {} {answers_to} {}\r\n{answer}\r\n", words[2], answer.len()),
                }
            }
            _ => String::new(),
        };
        io.write_all(said.as_bytes()).await?;
    }
}

/// Whether a CONNECT has this user and password.
fn is_login(line: &str, [user, password]: &[String; 2]) -> bool {
    let said: serde_json::Value = serde_json::from_str(line.trim_start_matches("CONNECT")).expect("JSON");
    said["user"] == *user && said["pass"] == *password
}

/// What JetStream answers, empty: nothing; none: it hangs up.
fn store(stream: &Mutex<Stream>, subject: &str, message: &[u8], head: usize) -> Option<String> {
    let (head, body) = message.split_at(head);
    let head = String::from_utf8(head.to_vec()).expect("text");
    let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers = head.lines().skip(1).filter_map(pair).collect();
    let one = Stored { subject: subject.into(), headers, body: String::from_utf8(body.to_vec()).expect("text") };
    let mut stream = stream.lock().expect("no holder panics");
    stream.came += 1;
    if stream.refused.as_ref().is_some_and(|text| one.body.contains(text)) {
        return Some(r#"{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"}}"#.into());
    }
    let is_repeat = stream.stored.iter().any(|s| s.header("Nats-Msg-Id") == one.header("Nats-Msg-Id"));
    if !is_repeat {
        stream.stored.push(one);
    }
    if stream.silent {
        return Some(String::new());
    }
    let dies = std::mem::take(&mut stream.dies);
    (!dies).then(|| format!(r#"{{"stream":"WA","seq":{},"duplicate":{is_repeat}}}"#, stream.stored.len()))
}
