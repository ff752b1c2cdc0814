//! What is never said: no secret, text or whole number in the log, whatever its level; and what is said when the gateway
//! itself cannot.

use crate::harness::{
    http,
    pbx::{Pbx, call, reply_to},
    program::Place,
    wait,
    world::{PHONE, World},
};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use wa_gateway::app::commands::ThreecxSettings;
use wa_gateway::app::root::everybody;

const LINE: &str = "shop-line";

#[tokio::test]
async fn the_log_has_nothing_of_it_even_at_trace() {
    let place = Place::with("[log]\nlevel = \"trace\"\n");
    place.furnish(LINE);
    place.json(&["account", "update", "1", "--modules", "api_access,3cx"]);
    let create = ["threecx", "create", "--account", "1", "--instance", LINE, "--call-events", "on"];
    let made = place.json(&create);
    let text = |name: &str| made[name].as_str().expect(name).to_owned();
    let pbx = Pbx { id: text("id"), secret: text("secret"), signing: text("signing_secret") };
    let canary = "a canary that sings of its cage";
    let template = ["threecx", "template", &pbx.id, "missed_call", "--enable", "--text", canary];
    place.json(&template);
    let serving = place.serve();
    place.json(&["sandbox", "receive", "--instance", LINE, "--from", PHONE, "Hello?"]);
    let guess = "wg3cx_a_secret_that_is_guessed";
    let mut reply = reply_to(PHONE);
    reply["message_text"] = json!(canary);
    let tried = [
        (pbx.headers(), reply.to_string()),
        (pbx.headers(), call("missed_call", PHONE).to_string()),
        (pbx.headers(), format!("{canary} {PHONE}")),
        (vec![format!("Authorization: Bearer {guess}")], reply.to_string()),
        (vec![format!("Authorization: Basic {guess}")], reply.to_string()),
    ];
    let mut answers = Vec::new();
    for (headers, body) in &tried {
        answers.push(http::call(serving.address, "POST", &pbx.path(), headers, body.as_bytes()).await.status);
    }
    assert_eq!(answers, [200, 200, 400, 401, 401]);
    assert_eq!(serving.stop().0, 0);
    let log = place.log();
    assert!(!log.is_empty(), "it is the log that is read");
    for secret in [canary, guess, PHONE, &PHONE[1..], &pbx.secret, &pbx.signing] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    // And the database's file has the secrets sealed.
    let database = std::fs::read(place.database()).expect("the database");
    let has = |text: &str| database.windows(text.len()).any(|w| w == text.as_bytes());
    assert!(has(canary) && !has(&pbx.secret) && !has(&pbx.signing[6..]));
}

#[tokio::test]
async fn a_gateway_that_cannot_says_when_to_come_back() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    world.gateway().store.close().await;
    let reply = world.event(&pbx, &json!({"event_type": "test"})).await;
    assert_eq!((reply.status, reply.error()), (503, "service_unavailable".into()));
    assert!(reply.header("retry-after").is_some());
    let agent = world.agent_writes(&pbx, PHONE, "Hello").await;
    assert_eq!((agent.status, agent.header("content-type")), (503, Some("text/plain; charset=utf-8")));
    assert!(agent.body.starts_with("Not sent: ") && agent.header("retry-after").is_some(), "{}", agent.body);
    // Who asks is known without the database.
    assert_eq!(world.event_raw(&pbx, &[], b"{}").await.status, 401);
    world.stop().await;
}

#[tokio::test]
async fn who_hangs_up_does_not_stop_what_he_asked_for() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    world.hears(PHONE, "Hello?").await;
    world.sandbox("latency_ms", "4000").await;
    let body = reply_to(PHONE).to_string();
    let head = [pbx.headers(), vec![format!("Content-Length: {}", body.len())]].concat().join("\r\n");
    let request = format!("POST {} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n{body}", pbx.path());
    let mut stream = TcpStream::connect(world.address()).await.expect("it listens");
    stream.write_all(request.as_bytes()).await.expect("written");
    world.somebody_waits(2).await;
    drop(stream);
    world.step(&[2, 2]).await;
    let id = wa_gateway::dialects::threecx::IntegrationId::from_text(pbx.id.clone());
    let log = async || world.gateway().threecx.requests(&id, everybody()).await.expect("a log");
    wait::until("what became of it is written down", async || !log().await.is_empty()).await;
    assert_eq!((log().await[0].outcome.as_str(), world.inbox().await.len()), ("sent", 1));
    world.stop().await;
}
