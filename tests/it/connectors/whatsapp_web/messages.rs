//! Messages both ways, their receipts, and what WhatsApp refuses.

use super::rig::{CUSTOMER, OWN, Rig};
use crate::harness::{line::ANSWER_TIME, whatsapp::Fault};
use serde_json::json;
use wa_gateway::{connectors::Content, model::clock::Clock as _};

#[tokio::test]
async fn a_message_is_sent_delivered_read_and_answered() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.sent", "message.delivered", "message.read", "message.received"]).await;
    let reply = rig.send("شكرا، your order #2041 is ready 👍").await;
    assert_eq!((reply.status, reply.header("x-message-status")), (200, Some("sent")), "{}", reply.body);
    let id = rig.last_id();
    let got = rig.customer.got(&id).await;
    assert_eq!(got.text.as_deref(), Some("شكرا، your order #2041 is ready 👍"));
    assert_eq!(got.from.phone, Some(format!("+{OWN}")));
    rig.until("it is delivered", async || rig.row(&reply).await["status"] == "delivered").await;
    rig.customer.read(OWN, &id).await;
    rig.until("it is read", async || rig.row(&reply).await["status"] == "read").await;

    let answer = rig.customer.answer(OWN, "msg_01ANSWER", Content::Text("thanks".into()), Some(&id)).await;
    answer.expect("taken");
    let heard = rig.events("message.received", 1).await;
    let text = heard[0].to_string();
    assert!(text.contains("thanks") && text.contains(&rig.customer.phone()), "{text}");
    for name in ["message.sent", "message.delivered", "message.read"] {
        assert_eq!(rig.events(name, 1).await.len(), 1, "{name}");
    }
}

/// 463 is two things, and the lock is asked for to tell them apart.
#[tokio::test]
async fn a_new_chat_is_refused_for_the_person_or_for_the_account() {
    let rig = Rig::start().await;
    rig.service.fault_next(Fault::Nack("463"));
    let reply = rig.send("Your order is ready.").await;
    let row = rig.row(&reply).await;
    assert_eq!(row["status"], "failed", "{row}");
    assert!(row.to_string().contains("they have to write first"), "{row}");

    rig.service.lock_until(Some(rig.world.clock.now().seconds() + 3600));
    rig.service.fault_next(Fault::Nack("463"));
    let reply = rig.send("Your second order is ready.").await;
    let row = rig.row(&reply).await;
    assert_eq!(row["status"], "failed", "{row}");
    assert!(row.to_string().contains("write to nobody new until it is over: 2026-06-01T09:00:00Z"), "{row}");
    let notices =
        rig.world.gateway().store.read(|tx| tx.list("SELECT parameters FROM notices", [], |r| r.get::<_, String>(0)));
    let notices = notices.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("notices");
    assert!(notices.iter().any(|text| text.contains("begin no new chats for a time")), "{notices:?}");
    // Who wrote is answered all the same.
    assert_eq!(rig.send("Your third order is ready.").await.header("x-message-status"), Some("sent"));
}

#[tokio::test]
async fn a_number_without_whatsapp_is_told_before_anything_leaves() {
    let rig = Rig::start().await;
    let stranger = 966_509_999_999;
    rig.service.add_stranger(stranger);
    let mut body = rig.message("Your order is ready.");
    body["phone"] = json!(format!("+{stranger}"));
    let reply = rig.world.send(&body).await;
    let row = rig.row(&reply).await;
    assert_eq!(row["status"], "failed", "{row}");
    assert!(row.to_string().contains("no WhatsApp"), "{row}");
    assert!(rig.service.taken().is_empty());
}

/// Nobody knows until WhatsApp's word comes, and it may come late.
#[tokio::test]
async fn a_word_that_is_lost_leaves_it_unknown_until_a_receipt_settles_it() {
    let rig = Rig::start().await;
    rig.service.fault_next(Fault::Silent);
    let deadline = rig.world.clock.now().plus(ANSWER_TIME);
    let late = async {
        rig.until("it was taken", async || !rig.service.taken().is_empty()).await;
        rig.customer.got(&rig.last_id()).await;
        rig.world.clock.wait_for_sleeper_at(deadline).await;
        rig.world.later(ANSWER_TIME);
    };
    let body = rig.message("Your order is ready.");
    let (reply, ()) = tokio::join!(rig.world.send(&body), late);
    rig.until("a receipt settled it", async || rig.row(&reply).await["status"] == "delivered").await;
    assert_eq!(rig.service.taken().len(), 1, "never sent twice");
}

/// What was not recorded is not acknowledged, and is there after the power went.
#[tokio::test]
async fn what_comes_while_it_is_away_is_brought_when_it_is_back() {
    let mut rig = Rig::start().await;
    rig.world.go_down().await;
    for n in 1..=3 {
        let text = Content::Text(format!("while you were away {n}"));
        rig.customer.write(OWN, &format!("msg_01AWAY{n}"), text).await.expect("taken");
    }
    rig.world.come_up().await;
    let heard = async || {
        let read = rig
            .world
            .gateway()
            .store
            .read(|tx| tx.list("SELECT body FROM inbound_messages ORDER BY id", [], |r| r.get::<_, String>(0)));
        read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("rows")
    };
    rig.until("all of it came", async || heard().await.len() >= 3).await;
    assert_eq!(heard().await, ["while you were away 1", "while you were away 2", "while you were away 3"]);
    rig.until("it was acknowledged", async || rig.service.kept(OWN) == 0).await;
    assert_eq!(rig.customer.number, CUSTOMER);
}
