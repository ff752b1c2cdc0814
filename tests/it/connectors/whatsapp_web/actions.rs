//! What is done besides writing: signs, calls, read marks, "is writing", the look whether a number has WhatsApp, pictures.

use super::rig::{CUSTOMER, LINE, OWN, Rig};
use crate::{
    dialects::chattu::new_key,
    harness::{visitor::Visitor, whatsapp::attribute},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    app::commands::InstanceSet,
    connectors::{AboutMessage, Address, Content, EventKind},
    model::{ids::InstanceId, message::Receipt, phone::Phone},
};

const SECOND: Duration = Duration::from_secs(1);

fn line() -> InstanceId {
    InstanceId::from_text(LINE)
}

fn phone(number: u64) -> Phone {
    Phone::parse(&format!("+{number}"), None).expect("a number")
}

#[tokio::test]
async fn signs_go_both_ways_and_are_taken_back() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.received"]).await;
    rig.customer.write(OWN, "msg_01ASK", Content::Text("Is it ready?".into())).await.expect("taken");
    let theirs = rig.events("message.received", 1).await[0]["provider_message_id"].clone();
    let ours = rig.send("Your order is ready.").await.json()["message_id"].clone();
    let our_id = rig.last_id();
    for (about, id, emoji) in
        [(&theirs, theirs.as_str().expect("an id"), "👍"), (&ours, &our_id, "📦"), (&ours, &our_id, "")]
    {
        let body = json!({"instance_id": LINE, "phone": rig.customer.phone(), "message_purpose": "support",
                          "reaction": {"message_id": about, "emoji": emoji}});
        let reply = rig.world.send(&body).await;
        assert_eq!((reply.status, reply.header("x-message-status")), (200, Some("sent")), "{}", reply.body);
        let got = rig.customer.got(&rig.last_id()).await;
        assert_eq!((got.kind.as_str(), got.text.as_deref().unwrap_or_default()), ("reaction", emoji));
        assert_eq!(got.reply_to.as_deref(), Some(id));
    }
    let about = AboutMessage { provider_message_id: our_id.clone(), from_me: false, author: None, file: None };
    let sign = Content::Reaction { about, emoji: "🙏".into() };
    rig.customer.write(OWN, "msg_01SIGN", sign).await.expect("taken");
    let heard = rig.events("message.received", 2).await;
    let heard = [&heard[1]["message_type"], &heard[1]["message_text"], &heard[1]["reply_to"]];
    assert_eq!(heard, [&json!("reaction"), &json!("🙏"), &json!(our_id)]);
}

#[tokio::test]
async fn a_call_is_ended_and_its_caller_hears_why() {
    let rig = Rig::start().await;
    rig.subscribe(&["call.received", "call.rejected", "call.missed"]).await;
    let settings = [("reject_calls", "on"), ("reject_text", "نحن مغلقون الآن")];
    let settings = settings.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    rig.world.command(InstanceSet { id: LINE.into(), settings, ..Default::default() }).await.expect("set");
    rig.until_connected().await;
    rig.service.ring(CUSTOMER, OWN, "CALL1");
    let heard = rig.events("call.received", 1).await;
    assert_eq!((&heard[0]["call_id"], &heard[0]["from"]), (&json!("CALL1"), &json!(rig.customer.phone())), "{heard:?}");
    let rejects = || {
        let calls = rig.service.seen("call").into_iter();
        calls.filter_map(|call| call.get_optional_child("reject").map(|r| attribute(r, "call-id"))).collect::<Vec<_>>()
    };
    rig.until("it is ended", async || rejects() == ["CALL1"]).await;
    rig.pass_until("the caller is told", SECOND, async || !rig.service.taken().is_empty()).await;
    assert_eq!(rig.customer.got(&rig.last_id()).await.text.as_deref(), Some("نحن مغلقون الآن"));
    // That it then stops ringing is no news; and it is acknowledged all the same.
    rig.service.hang_up(CUSTOMER, OWN, "CALL1");
    rig.until("all is acknowledged", async || rig.service.kept(OWN) == 0).await;
    assert!(!rig.receiver.got().iter().any(|got| got.json()["event"] == "call.missed"));
}

#[tokio::test]
async fn a_call_that_nobody_takes_is_told_as_missed() {
    let rig = Rig::start().await;
    rig.subscribe(&["call.received", "call.missed"]).await;
    rig.service.ring(CUSTOMER, OWN, "CALL1");
    rig.events("call.received", 1).await;
    rig.service.hang_up(CUSTOMER, OWN, "CALL1");
    let missed = rig.events("call.missed", 1).await;
    assert_eq!(
        (&missed[0]["call_id"], &missed[0]["from"]),
        (&json!("CALL1"), &json!(rig.customer.phone())),
        "{missed:?}"
    );
    assert!(rig.world.gateway().registry.reject_call(&line(), "CALL1").await.is_err(), "it rings no more");
}

#[tokio::test]
async fn whoever_wrote_sees_that_it_was_read_and_that_somebody_writes() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.received"]).await;
    let asked = rig.customer.write(OWN, "msg_01ASK", Content::Text("Is it ready?".into())).await.expect("taken");
    rig.events("message.received", 1).await;
    let chat = Address::Phone(phone(CUSTOMER));
    let typing = rig.world.gateway().registry.show_typing(&line(), &chat, &asked.provider_message_id).await;
    assert_eq!(typing, Ok(()));
    let shown = || {
        let all = rig.service.seen("chatstate").into_iter();
        all.filter(|state| state.get_optional_child("composing").is_some()).count()
    };
    rig.until("it is shown", async || shown() == 1).await;
    let read = || {
        let all = rig.customer.ear.heard().into_iter();
        all.filter(|heard| matches!(&heard.what, EventKind::Receipt(r) if r.receipt == Receipt::Read)).count()
    };
    rig.until("it is read", async || read() == 1).await;
}

/// A device that is always online keeps the phone quiet.
#[tokio::test]
async fn the_number_is_online_while_somebody_writes_and_not_else() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.received"]).await;
    let shown = || {
        let all: Vec<_> = rig.service.seen("presence");
        // The customer's device speaks at the same service, and only the gateway's comes later.
        all.iter().map(|presence| attribute(presence, "type")).collect::<Vec<_>>()
    };
    rig.until("it is offline", async || shown().last().is_some_and(|last| last == "unavailable")).await;
    let asked = rig.customer.write(OWN, "msg_01ASK", Content::Text("Is it ready?".into())).await.expect("taken");
    rig.events("message.received", 1).await;
    let before = shown().len();
    let chat = Address::Phone(phone(CUSTOMER));
    for _ in 0..2 {
        let typing = rig.world.gateway().registry.show_typing(&line(), &chat, &asked.provider_message_id).await;
        assert_eq!(typing, Ok(()));
        rig.world.later(SECOND * 40);
    }
    rig.until("it is online", async || shown().len() == before + 2).await;
    assert_eq!(shown()[before..], ["available", "available"], "somebody wrote again within the minute");
    rig.until_connected().await;
    rig.pass_until("it is offline", SECOND * 20, async || shown().len() > before + 2).await;
    assert_eq!(shown()[before + 2..], ["unavailable"]);
    // A phone that is off for days: its customers see all the same that their messages arrived.
    let receipt = |id: &str| {
        let all = rig.customer.ear.heard().into_iter();
        all.filter(|heard| matches!(&heard.what, EventKind::Receipt(r) if r.provider_message_id == id)).count()
    };
    let id = asked.provider_message_id;
    rig.until("it is delivered", async || receipt(&id) > 0).await;
    let types: Vec<_> =
        rig.service.seen("receipt").iter().filter(|r| attribute(r, "id") == id).map(|r| attribute(r, "type")).collect();
    assert!(types.iter().any(String::is_empty) && !types.iter().any(|t| t == "inactive"), "{types:?}");
}

#[tokio::test]
async fn numbers_are_asked_for_once() {
    let rig = Rig::start().await;
    let stranger = 966_509_999_999;
    rig.service.add_stranger(stranger);
    let asked = || rig.service.seen("iq").iter().filter(|iq| attribute(iq, "xmlns") == "usync").count();
    let registry = &rig.world.gateway().registry;
    let check = async || registry.check_numbers(&line(), &[phone(CUSTOMER), phone(stranger)]).await;
    assert_eq!(check().await, Ok(vec![true, false]));
    let before = asked();
    assert_eq!(check().await, Ok(vec![true, false]));
    assert_eq!(asked(), before, "known by now");
    let many: Vec<Phone> = (0..51).map(|n| phone(966_500_100_000 + n)).collect();
    let why = registry.check_numbers(&line(), &many).await.expect_err("too many").to_string();
    assert!(why.contains("at most 50"), "{why}");
}

/// Asked for by and by, as lists are looked at.
#[tokio::test]
async fn pictures_are_known_after_somebody_looked_for_them() {
    let rig = Rig::start().await;
    let url = "https://pps.whatsapp.net/v/t61/customer.jpg";
    rig.service.set_picture(&CUSTOMER.to_string(), url);
    rig.customer.write(OWN, "msg_01ASK", Content::Text("Is it ready?".into())).await.expect("taken");
    rig.until("it is acknowledged", async || rig.service.kept(OWN) == 0).await;
    new_key(&rig.world, rig.world.account).await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let listed = owner.get(&format!("/api/chats/{LINE}")).await.json();
    assert_eq!(listed["chats"][0]["id"]["_serialized"], format!("{CUSTOMER}@c.us"), "{listed}");
    assert_eq!(listed["chats"][0]["profilePic"], Value::Null, "nobody asked for it yet");
    let registry = &rig.world.gateway().registry;
    let chat = Address::Phone(phone(CUSTOMER));
    rig.until("it is known", async || registry.picture(&line(), &chat).as_deref() == Some(url)).await;
    assert_eq!(owner.get(&format!("/api/chats/{LINE}")).await.json()["chats"][0]["profilePic"], url);
    let asked = || rig.service.seen("iq").iter().filter(|iq| attribute(iq, "xmlns") == "w:profile:picture").count();
    assert_eq!(asked(), 1);
    // Who has none is not asked for again and again.
    let nobody = Address::Phone(phone(966_509_999_999));
    assert_eq!(registry.picture(&line(), &nobody), None);
    rig.until("it was asked for", async || asked() == 2).await;
    for _ in 0..3 {
        assert_eq!(registry.picture(&line(), &nobody), None);
        rig.world.settle().await;
    }
    assert_eq!(asked(), 2);
}
