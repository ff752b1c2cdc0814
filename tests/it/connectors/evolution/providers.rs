//! What goes wrong between the gateway and the server: states, quota, events.

use super::rig::{LINE, PHONE, Rig, SECOND};
use crate::harness::{contract::assert_refused, evolution::Fault, line::TRIES_MS};
use serde_json::json;
use std::time::Duration;
use wa_gateway::model::clock::Clock as _;

#[tokio::test]
async fn sent_is_said_when_whatsapp_has_it() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.sent", "message.delivered", "message.read"]).await;
    let body = rig.message("Your order #2041 has been shipped.");
    let told = async {
        rig.until("the server has it", async || !rig.sent().is_empty()).await;
        rig.tell_status(&rig.last_id(), "SERVER_ACK").await;
    };
    let (reply, ()) = tokio::join!(rig.world.send(&body), told);
    assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("sent")), "{}", reply.body);
    assert_eq!(rig.sent()[0].0, PHONE.trim_start_matches('+'));
    for status in ["DELIVERY_ACK", "READ", "READ", "PLAYED", "SERVER_ACK"] {
        rig.tell_status(&rig.last_id(), status).await;
    }
    assert_eq!(rig.row(&reply).await["status"], "read");
    assert_eq!(rig.row(&reply).await["provider_message_id"], rig.last_id());
    for name in ["message.sent", "message.delivered", "message.read"] {
        assert_eq!(rig.events(name, 1).await.len(), 1, "{name} once");
    }
    assert_eq!(rig.world.used().await, (1, 1));
}

#[tokio::test]
async fn what_is_in_hand_at_the_deadline_is_accepted_and_settled_later() {
    let rig = Rig::start().await;
    let reply = rig.send_past_the_deadline("Your order is ready.").await;
    assert_eq!((reply.status, &reply.json()["status"]), (202, &json!("accepted")), "{}", reply.body);
    assert_eq!(reply.header("x-message-status"), Some("accepted"));
    assert_eq!(rig.row(&reply).await["status"], "sending");
    rig.tell_status(&rig.last_id(), "DELIVERY_ACK").await;
    assert_eq!(rig.row(&reply).await["status"], "delivered");
    assert_eq!(rig.world.used().await, (1, 1));
}

#[tokio::test]
async fn an_error_after_the_answer_fails_it_and_gives_the_quota_back() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.failed"]).await;
    let reply = rig.send_past_the_deadline("Your order is ready.").await;
    assert_eq!(reply.status, 202);
    rig.tell_status(&rig.last_id(), "ERROR").await;
    let row = rig.row(&reply).await;
    assert_eq!((&row["status"], &row["provider_code"]), (&json!("failed"), &json!("ERROR")));
    assert_eq!(rig.world.used().await, (0, 0));
    assert_eq!(rig.events("message.failed", 1).await[0]["provider_code"], "ERROR");
}

#[tokio::test]
async fn a_receipt_that_overtakes_its_answer_is_not_lost() {
    let rig = Rig::start().await;
    rig.server.hold_answers(true);
    let body = rig.message("Your order is ready.");
    let told = async {
        rig.until("the server has it", async || !rig.sent().is_empty()).await;
        rig.tell_status(&rig.last_id(), "SERVER_ACK").await;
        rig.server.hold_answers(false);
    };
    let (reply, ()) = tokio::join!(rig.world.send(&body), told);
    assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("sent")), "{}", reply.body);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again_and_then_failed() {
    let rig = Rig::start().await;
    rig.server.door.go_dark().await;
    let body = rig.message("Your order is ready.");
    let reply = rig.send_stepping(&body, &TRIES_MS).await;
    assert_refused(&reply, "gateway_send_failed");
    assert_eq!(reply.header("x-message-status"), Some("failed"));
    let row = rig.row(&reply).await;
    assert_eq!((&row["status"], &row["provider_code"]), (&json!("failed"), &json!("unreachable")));
    assert_eq!(rig.world.used().await, (0, 0));
    rig.pass_until("the instance is closed", SECOND, async || rig.status().await["state"] == "close").await;
    let reason = rig.status().await["state_reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("cannot be reached"), "{reason}");
    rig.server.door.come_back().await;
    rig.pass_until("it is open again", SECOND, async || rig.status().await["state"] == "open").await;
}

#[tokio::test]
async fn a_short_absence_costs_nothing() {
    let rig = Rig::start().await;
    rig.server.door.go_dark().await;
    let body = rig.message("Your order is ready.");
    let now = rig.world.clock.now();
    let back = async {
        let retry = Duration::from_millis(100);
        rig.world.clock.wait_for_sleeper_at(now.plus(retry)).await;
        rig.server.door.come_back().await;
        rig.world.later(retry);
        rig.until("the server has it", async || !rig.sent().is_empty()).await;
        rig.tell_status(&rig.last_id(), "SERVER_ACK").await;
    };
    let (reply, ()) = tokio::join!(rig.world.send(&body), back);
    assert_eq!((reply.status, rig.sent().len()), (200, 1), "{}", reply.body);
}

/// Taken, and nobody can tell: unknown, counted, never sent again; settled by what the server says later.
#[tokio::test]
async fn what_may_have_left_is_unknown_until_an_update_settles_it() {
    let raw_502 = Fault::TakenThen("502 Bad Gateway", "<html>502</html>".into());
    let ours_500 = json!({"status": 500, "error": "Internal Server Error", "response": {"message": "x"}}).to_string();
    for fault in [
        Fault::Silent,
        Fault::Reset,
        Fault::Cut,
        raw_502,
        Fault::TakenThen("504 Gateway Timeout", String::new()),
        Fault::TakenThen("500 Internal Server Error", ours_500),
        Fault::TakenThen("201 Created", String::new()),
    ] {
        let rig = Rig::start().await;
        rig.subscribe(&["message.sent", "message.status_updated"]).await;
        rig.server.fault_next(fault.clone());
        let text = "Your order #2041 has been shipped.";
        let reply = match fault {
            Fault::Silent => rig.send_body_past_the_deadline(&rig.message(text), false).await,
            _ => rig.send(text).await,
        };
        assert_refused(&reply, "gateway_send_failed");
        assert_eq!(reply.header("x-message-status"), Some("unknown"), "{fault:?}");
        assert_eq!(rig.world.used().await, (1, 1), "{fault:?}");
        assert_eq!(rig.sent().len(), 1, "{fault:?}: never a second time");

        // The server tells that it sent one, and later what became of it: only by its own id.
        let (id, row) = (rig.last_id(), rig.server.with(super::rig::THEIRS, |i| i.log.last().expect("one").clone()));
        rig.tell("send.message", row).await;
        rig.tell_status(&id, "SERVER_ACK").await;
        rig.until("it is settled", async || rig.row(&reply).await["status"] == "sent").await;
        rig.tell_status(&id, "READ").await;
        let row = rig.row(&reply).await;
        assert_eq!((&row["status"], &row["provider_message_id"]), (&json!("read"), &json!(id)), "{fault:?}");
        assert_eq!(rig.events("message.sent", 1).await.len(), 1);
        assert_eq!((rig.world.used().await, rig.sent().len()), ((1, 1), 1), "{fault:?}");
    }
}

#[tokio::test]
async fn a_server_that_wants_us_to_slow_down_is_waited_for_or_the_caller_is_told() {
    let in_a_minute = "429 Too Many Requests\r\nRetry-After: Mon, 01 Jun 2026 08:01:00 GMT";
    let (long, short) = ("429 Too Many Requests\r\nRetry-After: 60", "429 Too Many Requests\r\nRetry-After: 2");
    let past = "429 Too Many Requests\r\nRetry-After: Mon, 01 Jun 2020 08:01:00 GMT";
    let (none, odd) = ("429 Too Many Requests", "429 Too Many Requests\r\nRetry-After: soon");
    for (head, wait) in [(long, 60), (in_a_minute, 60)] {
        let rig = Rig::start().await;
        rig.server.fault_next(Fault::Answer(head, "{}".into()));
        let reply = rig.send("Your order is ready.").await;
        assert_eq!((reply.status, reply.error().as_str()), (429, "sending_throttled"), "{head}: {}", reply.body);
        let told: u64 = reply.header("retry-after").expect("a wait").parse().expect("seconds");
        assert_eq!(told, wait, "{head}");
        assert_eq!((rig.world.used().await, rig.sent().len()), ((0, 0), 0), "{head}");
    }
    for (head, wait) in [(short, 2), (past, 0), (none, 5), (odd, 5)] {
        let rig = Rig::start().await;
        rig.server.fault_next(Fault::Answer(head, "{}".into()));
        let body = rig.message("Your order is ready.");
        let (now, wait) = (rig.world.clock.now(), Duration::from_secs(wait));
        let acked = async {
            if !wait.is_zero() {
                rig.world.clock.wait_for_sleeper_at(now.plus(wait)).await;
                rig.world.later(wait);
            }
            rig.until("the server has it", async || !rig.sent().is_empty()).await;
            rig.tell_status(&rig.last_id(), "SERVER_ACK").await;
        };
        let (reply, ()) = tokio::join!(rig.world.send(&body), acked);
        assert_eq!((reply.status, rig.sent().len()), (200, 1), "{head}: {}", reply.body);
    }
}

#[tokio::test]
async fn what_the_server_refuses_is_failed_and_costs_nothing() {
    for (head, code) in [
        ("401 Unauthorized", "401"),
        ("403 Forbidden", "403"),
        ("404 Not Found", "404"),
        ("413 Payload Too Large", "413"),
        ("422 Unprocessable Entity", "422"),
        ("301 Moved Permanently\r\nLocation: https://elsewhere.example", "301"),
    ] {
        let rig = Rig::start().await;
        rig.server.fault_next(Fault::Answer(head, json!({"response": {"message": "no"}}).to_string()));
        let reply = rig.send("Your order is ready.").await;
        assert_refused(&reply, "gateway_send_failed");
        let row = rig.row(&reply).await;
        assert_eq!((&row["status"], &row["provider_code"]), (&json!("failed"), &json!(code)), "{head}");
        assert_eq!(rig.world.used().await, (0, 0), "{head}");
    }
}

#[tokio::test]
async fn an_instance_that_is_not_open_sends_nothing() {
    let rig = Rig::start().await;
    let close = json!({"instance": super::rig::THEIRS, "state": "close", "statusReason": 401});
    rig.tell("connection.update", close).await;
    assert_eq!(rig.status().await["state"], "close");
    let reply = rig.send("Your order is ready.").await;
    assert_refused(&reply, "gateway_send_failed");
    assert_eq!((rig.sent().len(), rig.world.used().await), (0, (0, 0)));
    let reason = rig.row(&reply).await["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("logged out on the phone"), "{reason}");
    let others = rig.world.send(&crate::harness::world::message()).await;
    assert_eq!(others.status, 200, "{LINE} holds nobody else up: {}", others.body);
}
