//! A mail server over real TCP, as small as it can be: plain or STARTTLS, with or without a login; it keeps what it
//! takes, and refuses what it is told to.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// A letter that it took.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: String,
    pub text: String,
    pub was_tls: bool,
    pub login: Option<String>,
}

impl Mail {
    /// A line of its head.
    pub fn header(&self, name: &str) -> String {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
        line.unwrap_or_default()
    }

    /// What was written, whatever it was wrapped in for the way.
    pub fn body(&self) -> String {
        let (head, body) = self.text.split_once("\r\n\r\n").unwrap_or_default();
        let head = head.to_ascii_lowercase();
        if head.contains("transfer-encoding: base64") {
            use base64::Engine as _;
            let packed: String = body.split_whitespace().collect();
            let bytes = base64::engine::general_purpose::STANDARD.decode(packed).expect("base64");
            return String::from_utf8(bytes).expect("UTF-8");
        }
        if !head.contains("quoted-printable") {
            return body.replace("\r\n", "\n");
        }
        let (joined, mut bytes) = (body.replace("=\r\n", ""), Vec::new());
        let mut rest = joined.as_bytes();
        while let [first, more @ ..] = rest {
            if *first == b'=' && more.len() >= 2 {
                let hex = std::str::from_utf8(&more[..2]).expect("ASCII");
                bytes.push(u8::from_str_radix(hex, 16).expect("hexadecimal"));
                rest = &more[2..];
            } else {
                bytes.push(*first);
                rest = more;
            }
        }
        String::from_utf8(bytes).expect("UTF-8").replace("\r\n", "\n")
    }
}

/// The server; ends with the test's runtime.
pub struct PostOffice {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    got: Mutex<Vec<Mail>>,
    /// What every letter is answered with; none: it is taken.
    refusal: Mutex<Option<String>>,
    calls: Mutex<usize>,
    tls: Option<TlsAcceptor>,
}

impl PostOffice {
    /// Without TLS.
    pub async fn plain() -> Self {
        Self::start(None).await
    }

    /// With STARTTLS; the second is the PEM file, in `dir`, of whom to trust.
    pub async fn with_tls(dir: &Path) -> (Self, PathBuf) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let file = dir.join("root.pem");
        std::fs::write(&file, made.cert.pem()).expect("written");
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a configuration");
        (Self::start(Some(TlsAcceptor::from(Arc::new(config)))).await, file)
    }

    async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { tls, ..Shared::default() });
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move {
                    *serving.calls.lock().expect("no holder panics") += 1;
                    let mut line = BufReader::new(stream);
                    let _ = line.write_all(b"220 post office\r\n").await;
                    let wants_tls = converse(&mut line, &serving, false).await;
                    if let (true, Some(tls)) = (wants_tls, &serving.tls)
                        && let Ok(secured) = tls.accept(line.into_inner()).await
                    {
                        converse(&mut BufReader::new(secured), &serving, true).await;
                    }
                });
            }
        });
        Self { address, shared }
    }

    /// Refuses every letter with this from now on; none: takes them.
    pub fn refuse(&self, answer: Option<&str>) {
        *self.shared.refusal.lock().expect("no holder panics") = answer.map(str::to_owned);
    }

    /// What it took so far.
    pub fn got(&self) -> Vec<Mail> {
        self.shared.got.lock().expect("no holder panics").clone()
    }

    /// How often it was called.
    pub fn calls(&self) -> usize {
        *self.shared.calls.lock().expect("no holder panics")
    }
}

/// Until the other side leaves, or wants TLS.
async fn converse(line: &mut BufReader<impl AsyncRead + AsyncWrite + Unpin>, shared: &Shared, is_tls: bool) -> bool {
    let (mut to, mut login) = (String::new(), None);
    loop {
        let mut said = String::new();
        if line.read_line(&mut said).await.unwrap_or(0) == 0 {
            return false;
        }
        let said = said.trim_end();
        let word = said.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let answer = match word.as_str() {
            "EHLO" if shared.tls.is_some() && !is_tls => "250-post office\r\n250 STARTTLS".to_owned(),
            "EHLO" => "250-post office\r\n250 AUTH PLAIN".to_owned(),
            "STARTTLS" => {
                let _ = line.write_all(b"220 go ahead\r\n").await;
                return true;
            }
            "AUTH" => {
                login = said.split(' ').nth(2).map(decoded);
                "235 welcome".to_owned()
            }
            "RCPT" => {
                to = said.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 ok".to_owned()
            }
            "DATA" => {
                let _ = line.write_all(b"354 go on\r\n").await;
                let text = letter(line).await;
                let refusal = shared.refusal.lock().expect("no holder panics").clone();
                if refusal.is_none() {
                    let mail = Mail { to: to.clone(), text, was_tls: is_tls, login: login.clone() };
                    shared.got.lock().expect("no holder panics").push(mail);
                }
                refusal.unwrap_or_else(|| "250 taken".to_owned())
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
        if line.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return false;
        }
    }
}

async fn letter(line: &mut BufReader<impl AsyncRead + AsyncWrite + Unpin>) -> String {
    let mut text = String::new();
    loop {
        let mut one = String::new();
        if line.read_line(&mut one).await.unwrap_or(0) == 0 || one == ".\r\n" {
            return text;
        }
        text.push_str(one.strip_prefix('.').unwrap_or(&one));
    }
}

fn decoded(packed: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim().to_owned()
}
