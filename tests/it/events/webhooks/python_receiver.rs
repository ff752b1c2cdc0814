//! Signatures as a customer's own program sees them: a receiver in Python that verifies with the published library.
//! Where Python or the library is not there, the same requests are verified with the library's Rust sister, and it says so.

use crate::harness::{
    http,
    receiver::{Got, Receiver},
    world::{World, message_with},
};
use serde_json::json;
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use wa_gateway::{
    app::commands::{WebhookCreate, WebhookTest},
    model::clock::{Clock, SystemClock},
};

/// Arabic, Hebrew and emoji, with what JSON and shells like to break.
const TEXT: &str = "طلبك رقم ٢٠٤١ في الطريق — ההזמנה \"בדרך\" 👩‍🚀\n\\u0041 <b>&amp;</b>";

/// The Python that has the library: the one that `tests/run` prepares, or the machine's own.
fn python() -> Option<PathBuf> {
    let prepared = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/python3");
    [prepared, PathBuf::from("python3")].into_iter().find(|python| {
        let tried =
            Command::new(python).args(["-c", "import standardwebhooks.webhooks"]).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    })
}

/// Who verifies.
enum Verifier {
    Python(Child, SocketAddr),
    Crate(Box<standardwebhooks::Webhook>),
}

impl Verifier {
    fn start(secret: &str) -> Self {
        let Some(python) = python() else {
            println!("no Python with standardwebhooks: its Rust sister verifies");
            return Self::Crate(Box::new(standardwebhooks::Webhook::new(secret).expect("a good secret")));
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/receivers/standard.py");
        let mut child = Command::new(python).arg(script).arg(secret).stdout(Stdio::piped()).spawn().expect("Python");
        let mut port = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut port).expect("its port");
        println!("Python verifies");
        Self::Python(child, SocketAddr::from(([127, 0, 0, 1], port.trim().parse().expect("a port"))))
    }

    /// Whether it takes this request.
    async fn takes(&self, got: &Got) -> bool {
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        match self {
            Self::Python(_, address) => {
                let headers: Vec<String> = names.iter().map(|n| format!("{n}: {}", got.header(n))).collect();
                let reply = http::call(*address, "POST", "/", &headers, got.body.as_bytes()).await;
                assert!([200, 401].contains(&reply.status), "{reply:?}");
                reply.status == 200
            }
            Self::Crate(verifier) => {
                let mut headers = ::http::HeaderMap::new();
                for name in names {
                    headers.insert(name, got.header(name).parse().expect("a header"));
                }
                verifier.verify(got.body.as_bytes(), &headers).is_ok()
            }
        }
    }
}

impl Drop for Verifier {
    fn drop(&mut self) {
        if let Self::Python(child, _) = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn with(got: &Got, name: &str, value: &str) -> Got {
    let mut headers = got.headers.clone();
    headers.iter_mut().filter(|(n, _)| n == name).for_each(|(_, v)| *v = value.to_owned());
    Got { headers, ..got.clone() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_of_the_customers_own_verifies_and_notices_every_change() {
    let receiver = Receiver::start().await;
    let entry = receiver.address.to_string().parse().expect("an entry");
    // The verifier looks at its own clock.
    let now = SystemClock.now().rfc3339();
    let world = World::start_at(&now, |config| config.egress.allow = vec![entry]).await;
    let events = vec!["message.sent".to_owned(), "message.received".to_owned()];
    let (account, url) = (world.account, receiver.url());
    let made = world.command(WebhookCreate { account, url, events, ..Default::default() }).await.expect("an endpoint");
    let verifier = Verifier::start(made["secret"].as_str().expect("a secret"));

    assert_eq!(world.send(&message_with(json!({"message": TEXT}))).await.status, 200);
    world.hears("+966501234567", TEXT).await;
    let got = receiver.wait_for(2).await;
    for one in &got {
        assert!(verifier.takes(one).await, "{one:?}");
        assert_eq!(one.json()["message_text"], TEXT);
        let tampered = Got { body: one.body.replace("2041", "2042").replace("٢٠٤١", "٢٠٤٢"), ..one.clone() };
        assert_ne!(tampered.body, one.body);
        assert!(!verifier.takes(&tampered).await, "another body");
        assert!(!verifier.takes(&with(one, "webhook-id", "evt_other")).await, "another id");
        let old = (SystemClock.now().seconds() - 3600).to_string();
        assert!(!verifier.takes(&with(one, "webhook-timestamp", &old)).await, "another time");
    }
    // Signed rightly, an hour ago: a recording that somebody plays again.
    world.command(WebhookTest { id: made["id"].as_i64().expect("an id") }).await.expect("a test event");
    let fresh = receiver.wait_for(3).await.pop().expect("the test event");
    assert!(verifier.takes(&fresh).await);
    let stranger = Verifier::start("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    assert!(!stranger.takes(&fresh).await, "another secret");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_delivery_that_is_played_again_is_refused() {
    let receiver = Receiver::start().await;
    let entry = receiver.address.to_string().parse().expect("an entry");
    // The gateway's clock is an hour behind the verifier's: its signature is right, and old.
    let then = wa_gateway::model::clock::Time::from_millis(SystemClock.now().millis() - 3_600_000).rfc3339();
    let world = World::start_at(&then, |config| config.egress.allow = vec![entry]).await;
    let events = vec!["message.received".to_owned()];
    let (account, url) = (world.account, receiver.url());
    let made = world.command(WebhookCreate { account, url, events, ..Default::default() }).await.expect("an endpoint");
    let verifier = Verifier::start(made["secret"].as_str().expect("a secret"));
    world.hears("+966501234567", TEXT).await;
    let got = receiver.wait_for(1).await;
    assert!(!verifier.takes(&got[0]).await, "an hour old");
    world.stop().await;
}
