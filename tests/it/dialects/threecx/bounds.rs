//! Sizes to the byte, the sixty-first request of a minute, and how bodies may be spelt.

use crate::harness::{
    http::STUCK,
    pbx::{Pbx, reply_to},
    world::{PHONE, World},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use wa_gateway::app::commands::{ThreecxList, ThreecxSettings};
use wa_gateway::app::root::everybody;

const KEPT: usize = 262_144;
const DRAINED: usize = 1024 * 1024;

/// A test event of exactly so many bytes.
fn padded(length: usize) -> Vec<u8> {
    let (head, tail) = (r#"{"event_type":"test","padding":""#, r#""}"#);
    let padding = "x".repeat(length - head.len() - tail.len());
    format!("{head}{padding}{tail}").into_bytes()
}

/// The same in chunks, over a connection that asks to live on. Answers with the whole of what came back until the
/// connection was closed, or until `answers` of them were there.
async fn chunked(world: &World, pbx: &Pbx, headers: &[String], body: &[u8], answers: usize) -> (String, bool) {
    let mut stream = TcpStream::connect(world.address()).await.expect("it listens");
    let mut head = format!("POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n", pbx.path());
    headers.iter().for_each(|line| head += &format!("{line}\r\n"));
    let mut request = format!("{head}\r\n").into_bytes();
    for piece in body.chunks(10_007) {
        request.extend(format!("{:x}\r\n", piece.len()).bytes());
        request.extend(piece);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    // On a connection that lives on, the next request is answered, too.
    request.extend(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    let exchange = async {
        let (mut reader, mut writer) = stream.split();
        let writing = async {
            let _ = writer.write_all(&request).await;
        };
        let reading = async {
            let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
            loop {
                match reader.read(&mut buffer).await {
                    Ok(n) if n > 0 => all.extend_from_slice(&buffer[..n]),
                    _ => return (String::from_utf8_lossy(&all).into_owned(), true),
                }
                let text = String::from_utf8_lossy(&all).into_owned();
                if text.matches("HTTP/1.1 ").count() >= answers && text.ends_with('}') {
                    return (text, false);
                }
            }
        };
        tokio::join!(writing, reading).1
    };
    tokio::time::timeout(STUCK, exchange).await.expect("an answer")
}

#[tokio::test]
async fn the_limit_is_met_to_the_byte() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    let signing = world.another_pbx("shop-line", ThreecxSettings { signing: Some(true), ..Default::default() }).await;
    for (length, status) in [(KEPT, 200), (KEPT + 1, 413), (DRAINED, 413)] {
        let body = padded(length);
        let reply = world.event_raw(&pbx, &pbx.headers(), &body).await;
        assert_eq!(reply.status, status, "{length}: {}", reply.body);
        let (text, closed) = chunked(&world, &pbx, &pbx.headers(), &body, 2).await;
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{length} in chunks: {text}");
        assert!(!closed && text.contains("HTTP/1.1 200 OK"), "the connection lives on: {text}");
        // The signature is over all of it, also over what is not kept.
        let headers = signing.signed("2026-06-01T08:00:00Z", &body);
        let reply = world.event_raw(&signing, &headers, &body).await;
        assert_eq!(reply.status, status, "{length} signed: {}", reply.body);
    }
    let reply = world.event_raw(&pbx, &pbx.headers(), &padded(KEPT + 1)).await;
    let expected = json!({"success": false, "error": "payload_too_large",
                          "message": "The webhook body is larger than 256 KB.", "details": []});
    assert_eq!(reply.json(), expected);
    world.stop().await;
}

#[tokio::test]
async fn beyond_a_megabyte_the_connection_is_closed_after_the_answer() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    for length in [DRAINED + 1, 3 * DRAINED] {
        let (text, closed) = chunked(&world, &pbx, &pbx.headers(), &padded(length), 2).await;
        assert!(text.starts_with("HTTP/1.1 413 ") && closed, "{length}: {text}");
        assert_eq!(text.matches("HTTP/1.1").count(), 1, "{length}: {text}");
    }
    // Who is not proven is told the same as ever, and then closed, too.
    let wrong = ["X-WhatsApp-Gateway-3CX-Secret: wrong".to_owned()];
    let (text, closed) = chunked(&world, &pbx, &wrong, &padded(3 * DRAINED), 2).await;
    assert!(text.starts_with("HTTP/1.1 401 ") && closed, "{text}");
    let (text, closed) = chunked(&world, &pbx, &wrong, &padded(DRAINED), 2).await;
    assert!(text.starts_with("HTTP/1.1 401 ") && text.contains("HTTP/1.1 200 ") && !closed, "{text}");
    world.stop().await;
}

#[tokio::test]
async fn the_sixty_first_request_of_a_minute_waits() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    let other = world.another_pbx("shop-line", ThreecxSettings::default()).await;
    world.hears(PHONE, "Hello?").await;
    let test = json!({"event_type": "test"});
    for n in 0..30 {
        // Unproven ones are not counted; whatever else they are answered, proven ones are.
        assert_eq!(world.event_raw(&pbx, &[], b"{}").await.status, 401);
        assert_eq!(world.event(&pbx, &test).await.status, 200, "{n}");
        assert_eq!(world.event(&pbx, &json!({})).await.status, 422, "{n}");
        world.later(Duration::from_secs(1));
    }
    let reply = world.event(&pbx, &test).await;
    assert_eq!((reply.status, reply.error()), (429, "webhook_rate_limited".into()));
    assert_eq!(reply.header("retry-after"), Some("30"), "a minute after the first one");
    let agent = world.agent_writes(&pbx, PHONE, "Hello").await;
    assert_eq!((agent.status, agent.header("retry-after")), (429, Some("30")), "the same minute for both addresses");
    assert_eq!(world.event(&other, &test).await.status, 200, "another integration has a minute of its own");
    world.later(Duration::from_secs(29));
    assert_eq!(world.event(&pbx, &test).await.status, 429);
    world.later(Duration::from_secs(1));
    assert_eq!(world.event(&pbx, &test).await.status, 200);
    assert_eq!(world.event(&pbx, &test).await.status, 200);
    assert_eq!(world.event(&pbx, &test).await.status, 429, "the next place is a second later");
    world.stop().await;
}

#[tokio::test]
async fn what_3cx_really_sends_is_understood() {
    let world = World::start_with(|config| config.guard.recipient_per_minute = 0).await;
    let pbx = world.pbx(ThreecxSettings { call_events: Some(true), ..Default::default() }).await;
    world.template(&pbx, "missed_call", Some("Sorry we missed you.")).await;
    world.hears(PHONE, "Hello?").await;
    let form = [pbx.secret_header(), "Content-Type: application/x-www-form-urlencoded; charset=utf-8".to_owned()];
    let json = pbx.headers();
    let digits = &PHONE[1..];
    let rows: Vec<(&[String], String, &str)> = vec![
        (&form, "event_type=test".into(), "ok"),
        (&form, format!("event=outbound_message&number=%2B{digits}&text=Hello+there&message_purpose=support"), "sent"),
        (&json, format!(r#"{{"CallType":"Missed","Number":"{PHONE}"}}"#), "sent"),
        (&json, format!(r#"{{"CallType":"Notanswered","number":"{PHONE}"}}"#), "skipped"),
        (&json, format!(r#"{{"event_type":"call_started","callerid":"{PHONE}"}}"#), "recorded"),
        (&json, r#"{"event_type":"queue_event","queue":800}"#.into(), "recorded"),
        (
            &json,
            format!(r#"{{"event":"inbound_reply","phone":{digits},"body":12,"message_purpose":"support"}}"#),
            "sent",
        ),
        (&json, format!(r#"{{"event_type":"voicemail","phone":"{PHONE}"}}"#), "skipped"),
    ];
    for (headers, body, status) in rows {
        let reply = world.event_raw(&pbx, headers, body.as_bytes()).await;
        assert_eq!((reply.status, &reply.json()["status"]), (200, &json!(status)), "{body}: {}", reply.body);
    }
    let texts: Vec<Value> = world.inbox().await.iter().map(|m| m["text"].clone()).collect();
    assert_eq!(texts, ["Hello there", "Sorry we missed you.", "12"]);
    world.stop().await;
}

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_not_read() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    let form = "application/x-www-form-urlencoded";
    for (content_type, body) in [
        ("application/json", r#"{"event_type":"test","event_type":"missed_call"}"#),
        ("application/json", r#"[{"event_type":"test"}]"#),
        ("application/json", ""),
        ("application/json", "event_type=test"),
        ("application/json", r#"{"event_type":"test"} trailing"#),
        (form, "event_type=test&event_type=missed_call"),
        (form, "event_type=%zz"),
        (form, "event_type=%ff"),
        ("text/json", r#"{"event_type":"test"}"#),
        ("", r#"{"event_type":"test"}"#),
    ] {
        let mut headers = vec![pbx.secret_header()];
        if !content_type.is_empty() {
            headers.push(format!("Content-Type: {content_type}"));
        }
        let reply = world.event_raw(&pbx, &headers, body.as_bytes()).await;
        assert_eq!((reply.status, reply.error()), (400, "invalid_json".into()), "{content_type}: {body}");
    }
    world.stop().await;
}

#[tokio::test]
async fn the_log_keeps_a_hundred_and_nothing_that_is_not_its_business() {
    let world = World::start_with(|config| config.guard.recipient_per_minute = 0).await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    world.hears(PHONE, "Hello?").await;
    for n in 0..51 {
        for body in [json!({"event_type": "queue_event", "phone": PHONE}), json!({"event_type": format!("no-{n}")})] {
            world.event(&pbx, &body).await;
        }
        world.later(Duration::from_secs(3));
    }
    for _ in 0..3 {
        world.event(&pbx, &json!({"event_type": "test"})).await;
    }
    world.event(&pbx, &reply_to(PHONE)).await;
    let id = wa_gateway::dialects::threecx::IntegrationId::from_text(pbx.id.clone());
    let lines = world.gateway().threecx.requests(&id, everybody()).await.expect("a log");
    assert_eq!(lines.len(), 100);
    assert_eq!((lines[1].outcome.as_str(), lines[1].repeats), ("ok", 2), "what says the same is counted");
    let text = serde_json::to_string(&lines).expect("JSON");
    for secret in [PHONE, &PHONE[1..], pbx.secret.as_str(), "Your support request"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert_eq!(lines[0].phone.as_deref(), Some("+9665****567"));
    let listed = world.command(ThreecxList).await.expect("a list");
    let counts = listed[0]["outcomes"].as_array().expect("counts");
    let count = |word: &str| counts.iter().find(|c| c["outcome"] == word).map(|c| c["count"].clone());
    assert_eq!((count("recorded"), count("unsupported_event_type")), (Some(json!(51)), Some(json!(51))));
    assert_eq!((count("ok"), count("sent")), (Some(json!(3)), Some(json!(1))));
    world.stop().await;
}
