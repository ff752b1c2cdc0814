//! Calls out reach whom they may reach and nobody else: a listener counts.

use crate::harness::wild::{Heard, Log, Receiver, hear};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::{
    collections::VecDeque,
    net::IpAddr,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tokio_rustls::TlsAcceptor;
use wa_gateway::model::egress::Use;
use wa_gateway::{
    egress::{Bounds, Egress, EgressError, EgressResponse, Outbound, Resolve},
    model::{clock::SystemClock, egress::EgressEntry},
};

/// Names whose answers a test lays out: the first answer first, the last one for ever.
pub struct Names(Mutex<VecDeque<Vec<IpAddr>>>, Mutex<usize>);

impl Names {
    /// These answers, one for each question.
    pub fn answering(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().expect("an address")).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(parsed).collect()), Mutex::new(0)))
    }

    fn asked(&self) -> usize {
        *self.1.lock().expect("no panic")
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
        *self.1.lock().expect("no panic") += 1;
        let mut answers = self.0.lock().expect("no panic");
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(async move { answer.ok_or_else(|| "no such name".to_owned()) })
    }
}

/// Entries of the list.
pub fn entries(allow: &[&str]) -> Vec<EgressEntry> {
    allow.iter().map(|entry| entry.parse().expect("an entry")).collect()
}

/// A way out with this list, to names that answer like this.
pub fn way_out(allow: &[&str], names: &Arc<Names>) -> Egress {
    Egress::new(entries(allow), names.clone(), Arc::new(SystemClock))
}

/// Two seconds and a kilobyte.
pub const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(2), max_answer_bytes: 1024 };

/// A `POST` of `body`.
pub async fn post(egress: &Egress, url: &str, body: &[u8]) -> Result<EgressResponse, EgressError> {
    let headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    egress
        .send(
            Outbound { method: Method::POST, url, headers, body: Bytes::copy_from_slice(body), of: Use::Connectors },
            BOUNDS,
        )
        .await
}

/// Answers every request on a connection with 200 and `ok`, and writes it down.
pub async fn answer_all(mut stream: TcpStream, log: Log) {
    while let Some(heard) = hear(&mut stream).await {
        log.lock().expect("no panic").push(heard);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    }
}

/// A receiver that behaves, and what it heard.
pub async fn good(ip: &str) -> (Receiver, Log) {
    let log = Log::default();
    let heard = log.clone();
    (Receiver::start(ip, move |stream, _| answer_all(stream, heard.clone())).await, log)
}

#[tokio::test]
async fn nobody_is_called_who_may_not_be() {
    let (v4, v6) = (Receiver::trap("127.0.0.1").await, Receiver::trap("::1").await);
    let any = Receiver::trap("0.0.0.0").await;
    let names = Names::answering(&[&["127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "169.254.169.254"]]);
    let egress = way_out(&["127.0.0.1:1", "[::1]:1"], &names);
    for port in [v4.addr.port(), v6.addr.port(), any.addr.port()] {
        for host in [
            "127.0.0.1",
            "127.0.0.2",
            "127.1",
            "2130706433",
            "0x7f000001",
            "017700000001",
            "0177.0.0.1",
            "127.0.0.1.",
            "0",
            "0.0.0.0",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::7f00:1]",
            "[2002:7f00:1::]",
            "[::ffff:0:7f00:1]",
            "localhost",
            "localhost.",
            "LOCALHOST",
            "a.localhost",
            "user@127.0.0.1",
            "user:pw@localhost",
            "example.com:80@127.0.0.1",
            "example.com",
            "example.com.",
            "127.0.0.1.nip.io",
            "169.254.169.254",
            "[fe80::1]",
            "[fd00:ec2::254]",
        ] {
            for scheme in ["http", "https"] {
                let url = format!("{scheme}://{host}:{port}/latest/meta-data");
                let error = post(&egress, &url, b"{}").await.expect_err(&url);
                assert!(matches!(error, EgressError::BadUrl(_) | EgressError::Forbidden { .. }), "{url}: {error}");
                assert!(error.leaves_no_doubt(), "{url}");
            }
        }
    }
    assert_eq!((v4.calls(), v6.calls(), any.calls()), (0, 0, 0));
}

#[tokio::test]
async fn an_entry_of_the_list_opens_the_way_with_the_same_bytes() {
    let (receiver, log) = good("127.0.0.1").await;
    let egress = way_out(&[], &Names::answering(&[]));
    let url = format!("http://{}/hook?a=%2F", receiver.addr);
    let error = post(&egress, &url, b"{}").await.expect_err("not listed yet");
    let EgressError::Forbidden { entry: Some(entry), .. } = error else { panic!("{error}") };
    egress.set_allow(vec![entry]);
    let body: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let headers =
        ["host: evil", "x-own: 1", "accept-encoding: gzip", "transfer-encoding: chunked", "content-length: 1"]
            .map(|line| line.split_once(": ").expect("a header"))
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let request = Outbound {
        method: Method::PUT,
        url: &url,
        headers: headers.to_vec(),
        body: Bytes::from(body.clone()),
        of: Use::Connectors,
    };
    let answer = egress.send(request, BOUNDS).await.expect("an answer");
    assert_eq!((answer.status, &answer.body[..], answer.truncated), (StatusCode::OK, &b"ok"[..], false));
    let Heard { head, body: arrived } = log.lock().expect("no panic").remove(0);
    assert!(arrived == body, "the same bytes arrive");
    let mut lines: Vec<&str> = head.trim_end().lines().collect();
    lines.sort_unstable();
    let host = format!("host: {}", receiver.addr);
    let agent = concat!("user-agent: wa-gateway/", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        lines,
        ["PUT /hook?a=%2F HTTP/1.1", "accept-encoding: identity", "content-length: 300000", &host, agent, "x-own: 1"]
    );
    egress.set_allow(Vec::new());
    assert!(post(&egress, &url, b"{}").await.is_err(), "not over the connection that waits, either");
    assert_eq!((receiver.calls(), log.lock().expect("no panic").len()), (1, 0));
}

#[tokio::test]
async fn a_name_that_moves_is_judged_at_each_call() {
    let (first, log) = good("127.0.0.1").await;
    let second = Receiver::at((([127, 0, 0, 2]), first.addr.port()).into(), |_, _| async {}).await;
    let names = Names::answering(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let egress = way_out(&[&first.addr.to_string()], &names);
    let url = format!("http://moves.example:{}/", first.addr.port());
    post(&egress, &url, b"1").await.expect("an answer");
    assert_eq!(names.asked(), 1, "the judged answer is the one that is used");
    let error = post(&egress, &url, b"2").await.expect_err("it moved");
    assert!(matches!(error, EgressError::Forbidden { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.2"), "{error}");
    assert_eq!((first.calls(), second.calls(), log.lock().expect("no panic").len()), (1, 0, 1));
}

#[tokio::test]
async fn of_mixed_answers_only_the_permitted_are_called() {
    let (listed, _log) = good("127.0.0.1").await;
    let port = listed.addr.port();
    let other = Receiver::at((([127, 0, 0, 2]), port).into(), |_, _| async {}).await;
    let url = format!("http://mixed.example:{port}/");
    for answer in [&["127.0.0.2", "127.0.0.1"], &["127.0.0.1", "127.0.0.2"], &["::ffff:127.0.0.1", "169.254.169.254"]] {
        let egress = way_out(&[&format!("127.0.0.1:{port}")], &Names::answering(&[answer]));
        post(&egress, &url, b"{}").await.expect("an answer");
    }
    assert_eq!((listed.calls(), other.calls()), (3, 0));
    let none = post(&way_out(&[], &Names::answering(&[&[]])), "https://none.example/", b"{}").await;
    assert!(matches!(none, Err(EgressError::Dns(_))), "{none:?}");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let trap = Receiver::trap("127.0.0.1").await;
    for to in ["http://169.254.169.254/latest/meta-data/".to_owned(), format!("http://{}/", trap.addr)] {
        let head = format!("HTTP/1.1 307 Go\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
        let receiver = Receiver::start("127.0.0.1", move |mut stream, _| {
            let head = head.clone();
            async move {
                hear(&mut stream).await;
                let _ = stream.write_all(head.as_bytes()).await;
            }
        })
        .await;
        let allow = [receiver.addr.to_string(), trap.addr.to_string()];
        let egress = way_out(&[&allow[0], &allow[1]], &Names::answering(&[]));
        let answer = post(&egress, &format!("http://{}/", receiver.addr), b"{}").await.expect("an answer");
        assert_eq!((answer.status.as_u16(), answer.headers["location"].as_bytes()), (307, to.as_bytes()));
        assert_eq!((receiver.calls(), trap.calls()), (1, 0));
    }
}

const CHILD: &str = "WA_GATEWAY_TEST_CALL";

/// Starts this test once more in a process that has proxy variables.
#[tokio::test(flavor = "multi_thread")]
async fn proxy_variables_are_not_read() {
    if let Some(url) = std::env::var_os(CHILD) {
        let egress = way_out(&[], &Names::answering(&[]));
        let url = url.into_string().expect("a URL");
        let authority = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        egress.set_allow(entries(&[&authority]));
        post(&egress, &url, b"{}").await.expect("an answer");
        return;
    }
    let proxy = Receiver::trap("127.0.0.1").await;
    let (receiver, _log) = good("127.0.0.1").await;
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child
        .args(["--exact", "egress::reach::proxy_variables_are_not_read"])
        .env(CHILD, format!("http://{}/", receiver.addr));
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        child.env(name, format!("http://{}", proxy.addr));
    }
    let done = tokio::task::spawn_blocking(move || child.output()).await.expect("no panic").expect("it starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    assert_eq!((receiver.calls(), proxy.calls()), (1, 0));
}

#[tokio::test]
async fn tls_is_with_whom_the_url_names() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["hook.example".to_owned()]).expect("a pair");
    let root = cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![root.clone()], key))
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let receiver = Receiver::start("127.0.0.1", move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            while hear(&mut stream).await.is_some() {
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            }
        }
    })
    .await;
    let port = receiver.addr.port();
    let allow = entries(&[&receiver.addr.to_string()]);
    let names = Names::answering(&[&["127.0.0.1"]]);
    let knows = Egress::with_roots(allow.clone(), names.clone(), Arc::new(SystemClock), vec![root]).expect("a root");
    for _ in 0..2 {
        let answer = post(&knows, &format!("https://hook.example:{port}/"), b"{}").await.expect("an answer");
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(receiver.calls(), 1, "the second over the same connection");
    let strange = Egress::new(allow, names, Arc::new(SystemClock));
    for (egress, host) in [(&knows, "other.example"), (&knows, "127.0.0.1"), (&strange, "hook.example")] {
        let error = post(egress, &format!("https://{host}:{port}/"), b"{}").await.expect_err(host);
        assert!(matches!(error, EgressError::Tls(_)) && error.leaves_no_doubt(), "{host}: {error}");
    }
}
