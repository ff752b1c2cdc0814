//! What goes wrong between the gateway and Meta: states, quota, events, who waits, and what closes the line.

use super::rig::Rig;
use crate::harness::{
    contract::assert_refused,
    graph::{Fault, Graph, refusal},
    http::Reply,
    line::TRIES_MS,
};
use serde_json::json;
use std::time::Duration;
use wa_gateway::model::clock::Clock as _;

const TEXT: &str = "Your order #2041 has been shipped.";

/// It failed, it costs nothing, and nothing of it is at Meta.
async fn assert_failed(rig: &Rig, reply: &Reply, code: &str) {
    assert_refused(reply, "gateway_send_failed");
    assert_eq!(reply.header("x-message-status"), Some("failed"), "{code}");
    let row = rig.row(reply).await;
    assert_eq!((&row["status"], &row["provider_code"]), (&json!("failed"), &json!(code)), "{row}");
    assert_eq!((rig.world.used().await, rig.graph.sent().len()), ((0, 0), 0), "{code}");
}

#[tokio::test]
async fn an_api_that_is_not_there_is_tried_again_and_then_failed() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.failed", "message.sent"]).await;
    rig.graph.door.go_dark().await;
    let reply = rig.send_stepping(&rig.message(TEXT), &TRIES_MS).await;
    assert_failed(&rig, &reply, "unreachable").await;
    assert_eq!(rig.status().await["state"], "open", "the number is as good as before");
    rig.graph.door.come_back().await;
    assert_eq!(rig.send(TEXT).await.status, 200);
    assert_eq!(rig.events("message.sent", 1).await.len(), 1);
}

#[tokio::test]
async fn a_short_absence_costs_nothing() {
    let rig = Rig::start().await;
    rig.graph.door.go_dark().await;
    let (body, now) = (rig.message(TEXT), rig.world.clock.now());
    let back = async {
        let retry = Duration::from_millis(100);
        rig.world.clock.wait_for_sleeper_at(now.plus(retry)).await;
        rig.graph.door.come_back().await;
        rig.world.later(retry);
    };
    let (reply, ()) = tokio::join!(rig.world.send(&body), back);
    assert_eq!((reply.status, rig.graph.sent().len()), (200, 1), "{}", reply.body);
}

/// Taken, and nobody can tell: unknown, counted, never sent again; settled by a status that carries our own id.
#[tokio::test]
async fn what_may_have_left_is_unknown_until_a_status_settles_it() {
    for (fault, ends_as) in [
        (Fault::Silent, "read"),
        (Fault::Reset, "read"),
        (Fault::Cut, "failed"),
        (Fault::TakenThen("502 Bad Gateway", "<html>502</html>".into()), "delivered"),
        (Fault::TakenThen("504 Gateway Timeout", String::new()), "read"),
        (Fault::TakenThen("200 OK", String::new()), "sent"),
        (Fault::TakenThen("200 OK", json!({"messages": []}).to_string()), "failed"),
    ] {
        let rig = Rig::start().await;
        rig.subscribe(&["message.sent", "message.failed", "message.status_updated"]).await;
        rig.graph.fault_next(fault.clone());
        let body = rig.message(TEXT);
        let reply = match fault {
            Fault::Silent => rig.send_past_the_deadline(&body).await,
            _ => rig.world.send(&body).await,
        };
        assert_refused(&reply, "gateway_send_failed");
        assert_eq!(reply.header("x-message-status"), Some("unknown"), "{fault:?}");
        assert_eq!((rig.world.used().await, rig.graph.sent().len()), ((1, 1), 1), "{fault:?}: not a second time");
        let row = rig.row(&reply).await;
        assert_eq!((&row["status"], &row["provider_message_id"]), (&json!("unknown"), &json!(null)), "{fault:?}");

        let sent = rig.last();
        if ends_as == "failed" {
            let at = rig.world.clock.now().seconds();
            rig.call(Graph::failed(&sent, 131_026, at)).await;
            rig.call(Graph::failed(&sent, 131_026, at)).await;
        } else {
            rig.tell_status(&sent, ends_as).await;
            rig.tell_status(&sent, ends_as).await;
        }
        let row = rig.row(&reply).await;
        assert_eq!((&row["status"], &row["provider_message_id"]), (&json!(ends_as), &json!(sent.id)), "{fault:?}");
        let (used, event) = if ends_as == "failed" { ((0, 0), "message.failed") } else { ((1, 1), "message.sent") };
        assert_eq!(rig.world.used().await, used, "{fault:?}");
        assert_eq!(rig.events(event, 1).await.len(), 1, "{fault:?}: told once");
        assert_eq!(rig.graph.sent().len(), 1, "{fault:?}");
    }
}

/// Refused by a code that concerns this message alone: failed, free, and the line goes on.
#[tokio::test]
async fn what_meta_refuses_is_failed_and_costs_nothing() {
    let rig = Rig::start().await;
    for (status, code) in [
        ("400 Bad Request", 131_047),
        ("400 Bad Request", 131_026),
        ("400 Bad Request", 131_021),
        ("400 Bad Request", 131_030),
        ("400 Bad Request", 131_062),
        ("400 Bad Request", 131_049),
        ("400 Bad Request", 131_050),
        ("404 Not Found", 132_001),
        ("400 Bad Request", 132_000),
        ("400 Bad Request", 132_005),
        ("400 Bad Request", 132_007),
        ("400 Bad Request", 132_008),
        ("400 Bad Request", 132_012),
        ("400 Bad Request", 132_015),
        ("400 Bad Request", 132_016),
        ("400 Bad Request", 100),
        ("400 Bad Request", 131_008),
        ("400 Bad Request", 131_009),
        ("501 Not Implemented", 131_051),
        ("400 Bad Request", 131_052),
        ("400 Bad Request", 131_053),
        ("400 Bad Request", 987_654),
        ("200 OK", 131_009),
    ] {
        // Rates of the guard's own are not looked at here.
        rig.world.later(Duration::from_secs(60));
        rig.graph.fault_next(Fault::code(status, code));
        let reply = rig.send(TEXT).await;
        assert_failed(&rig, &reply, &code.to_string()).await;
        assert_eq!(rig.status().await["state"], "open", "{code}");
    }
    for (status, code) in [("404 Not Found", "404"), ("403 Forbidden", "403"), ("301 Moved Permanently", "301")] {
        rig.world.later(Duration::from_secs(60));
        rig.graph.fault_next(Fault::Answer(status.into(), "<html>".into()));
        assert_failed(&rig, &rig.send(TEXT).await, code).await;
    }
    rig.world.later(Duration::from_secs(60));
    assert_eq!(rig.send(TEXT).await.status, 200);
}

/// Meta's own trouble: tried again within the answer's time, and then failed.
#[tokio::test]
async fn metas_own_trouble_is_tried_again() {
    for (status, code) in [
        ("500 Internal Server Error", 2),
        ("500 Internal Server Error", 131_000),
        ("503 Service Unavailable", 131_016),
        ("400 Bad Request", 135_000),
        ("500 Internal Server Error", 1),
    ] {
        let rig = Rig::start().await;
        rig.graph.fault_next(Fault::code(status, code));
        rig.graph.fault_next(Fault::code(status, code));
        let reply = rig.send_stepping(&rig.message(TEXT), &TRIES_MS[..2]).await;
        assert_eq!((reply.status, rig.graph.sent().len()), (200, 1), "{code}: {}", reply.body);
        assert_eq!(rig.world.used().await, (1, 1));
    }
    let rig = Rig::start().await;
    rig.graph.state().refuses = Some(("500 Internal Server Error", refusal(131_000, "try again")));
    let reply = rig.send_stepping(&rig.message(TEXT), &TRIES_MS).await;
    assert_failed(&rig, &reply, "131000").await;
    assert_eq!(rig.graph.asked("POST"), TRIES_MS.len() + 1, "no try after the answer's time");
}

/// 429 in every form: waited for if it fits the answer's time, else the caller is told for how long.
#[tokio::test]
async fn a_line_that_is_too_fast_waits_or_says_how_long() {
    let coded = |code| refusal(code, "too fast").to_string();
    let usage = json!({"1": [{"type": "messaging", "estimated_time_to_regain_access": 3}]}).to_string();
    let minutes = format!("429 Too Many Requests\r\nX-Business-Use-Case-Usage: {usage}");
    for (head, body, wait) in [
        ("429 Too Many Requests\r\nRetry-After: 60", coded(130_429), 60),
        ("400 Bad Request\r\nRetry-After: 60", coded(80_007), 60),
        ("429 Too Many Requests\r\nRetry-After: Mon, 01 Jun 2026 08:01:00 GMT", coded(4), 60),
        (minutes.as_str(), coded(4), 180),
        ("429 Too Many Requests\r\nRetry-After: 60", "<html>".into(), 60),
        ("500 Internal Server Error", coded(131_057), 120),
    ] {
        let rig = Rig::start().await;
        rig.graph.fault_next(Fault::Answer(head.into(), body));
        let reply = rig.send(TEXT).await;
        assert_eq!((reply.status, reply.error().as_str()), (429, "sending_throttled"), "{head}: {}", reply.body);
        assert_eq!(reply.header("retry-after"), Some(wait.to_string().as_str()), "{head}");
        assert_eq!((rig.world.used().await, rig.graph.sent().len()), ((0, 0), 0), "{head}");
        // The whole number waits, without asking Meta again; nobody else does.
        rig.hears("+966509999999").await;
        let other = rig.world.send(&rig.message_to("+966509999999", TEXT)).await;
        assert_eq!((other.error().as_str(), rig.graph.asked("POST")), ("sending_throttled", 1), "{head}");
        assert_eq!(rig.world.send(&crate::harness::world::message()).await.status, 200, "another instance");
        rig.world.later(Duration::from_secs(wait));
        assert_eq!(rig.send(TEXT).await.status, 200, "{head}");
    }
    let rig = Rig::start().await;
    for (head, waits_ms) in [
        ("429 Too Many Requests\r\nRetry-After: 2", &[2000][..]),
        ("429 Too Many Requests\r\nRetry-After: Mon, 01 Jun 2020 08:01:00 GMT", &[]),
        ("429 Too Many Requests", &[1000]),
        ("429 Too Many Requests\r\nRetry-After: soon", &[1000]),
    ] {
        rig.world.later(Duration::from_secs(60));
        rig.graph.fault_next(Fault::Answer(head.into(), coded(130_429)));
        let sent = rig.graph.sent().len();
        let reply = rig.send_stepping(&rig.message(TEXT), waits_ms).await;
        assert_eq!((reply.status, rig.graph.sent().len()), (200, sent + 1), "{head}: {}", reply.body);
    }
}

/// 131056: this recipient waits 1 s, 4 s, 16 s, …; the others do not.
#[tokio::test]
async fn a_recipient_who_gets_too_much_waits_longer_each_time() {
    let rig = Rig::start().await;
    rig.hears("+966509999999").await;
    for _ in 0..3 {
        rig.graph.fault_next(Fault::code("400 Bad Request", 131_056));
    }
    let reply = rig.send_stepping(&rig.message(TEXT), &[1000, 4000]).await;
    assert_eq!((reply.status, reply.error().as_str()), (429, "sending_throttled"), "{}", reply.body);
    assert_eq!(reply.header("retry-after"), Some("16"));
    assert_eq!(rig.graph.asked("POST"), 3);
    let other = rig.world.send(&rig.message_to("+966509999999", TEXT)).await;
    assert_eq!(other.status, 200, "{}", other.body);
    let reply = rig.send(TEXT).await;
    assert_eq!((reply.error().as_str(), rig.graph.sent().len()), ("sending_throttled", 1), "Meta was not asked");
    rig.world.later(Duration::from_secs(16));
    assert_eq!(rig.send(TEXT).await.status, 200);
    assert_eq!(rig.world.used().await, (2, 2));
}

#[tokio::test]
async fn a_failure_that_is_told_later_is_told_on() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.sent", "message.failed"]).await;
    let reply = rig.send(TEXT).await;
    assert_eq!(reply.status, 200);
    let at = rig.world.clock.now().seconds();
    rig.call(Graph::failed(&rig.last(), 131_049, at)).await;
    let row = rig.row(&reply).await;
    assert_eq!((&row["status"], &row["provider_code"]), (&json!("failed"), &json!("131049")), "{row}");
    assert_eq!(rig.events("message.failed", 1).await[0]["provider_code"], "131049");
    assert_eq!(rig.world.used().await, (1, 1), "Meta had taken it");
    assert_eq!(rig.status().await["state"], "open");
}
