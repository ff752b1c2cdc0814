//! The server's calls: who may call, what is recorded, and that it is recorded once.

use super::rig::{LINE, PHONE, Rig, SECOND, SECRET, THEIRS};
use crate::harness::evolution::KEY;
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::app::commands::{InstanceCreate, InstancePause};

/// Groups are looked at every ten minutes.
const ALMOST_TEN_MINUTES: Duration = Duration::from_secs(595);
const JSON: &str = "Content-Type: application/json";

/// How many rows anything could have been written to.
async fn written(rig: &Rig) -> (i64, String) {
    let read = rig.world.gateway().store.read(|tx| {
        tx.one(
            "SELECT (SELECT count(*) FROM inbound_messages) + (SELECT count(*) FROM calls)
                    + (SELECT count(*) FROM contacts) + (SELECT count(*) FROM groups),
                    (SELECT group_concat(state) FROM instances)",
            [],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
    });
    read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("a count")
}

#[tokio::test]
async fn without_the_secret_nothing_is_written() {
    let rig = Rig::start().await;
    let before = written(&rig).await;
    let told = rig.server.receive(THEIRS, "966501234567@s.whatsapp.net", "A1", json!({"conversation": "hello"}));
    let body = rig.server.envelope(THEIRS, "messages.upsert", told).to_string();
    let close = rig.server.envelope(THEIRS, "connection.update", json!({"state": "close", "statusReason": 401}));
    let (right, wrong) = (format!("X-Wa-Gateway-Secret: {SECRET}"), "X-Wa-Gateway-Secret: another".to_owned());
    let longer = format!("{right}x");
    let shorter = right[..right.len() - 1].to_owned();
    let by_key = format!("apikey: {}", crate::harness::evolution::KEY);
    for headers in [
        vec![],
        vec![wrong.as_str()],
        vec!["X-Wa-Gateway-Secret:"],
        vec![longer.as_str()],
        vec![shorter.as_str()],
        vec![right.as_str(), right.as_str()],
        vec![right.as_str(), wrong.as_str()],
        vec![by_key.as_str()],
    ] {
        let mut all = vec![JSON];
        all.extend(&headers);
        for body in [&body, &close.to_string()] {
            let reply = rig.call(&all, body).await;
            assert_eq!((reply.status, reply.error().as_str()), (401, "invalid_secret"), "{headers:?}");
        }
    }
    assert_eq!(written(&rig).await, before);
    // The control: the same with the secret, once.
    assert_eq!(rig.call(&[JSON, &right], &body).await.status, 200);
    assert_eq!(rig.heard().await.len(), 1);
}

#[tokio::test]
async fn a_body_is_not_read_before_the_head_is_judged() {
    let rig = Rig::start().await;
    // It declares a gigabyte, and is answered at once.
    let head = format!(
        "POST /hooks/evolution/{LINE} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\nX-Wa-Gateway-Secret: no\r\n\r\n"
    );
    let mut wire = crate::harness::wire::Wire::open(rig.world.address()).await;
    assert!(wire.send(head).await);
    assert_eq!(wire.answer().await.expect("an answer").status, 401);
    let right = format!("X-Wa-Gateway-Secret: {SECRET}");
    let (to, headers) = (rig.world.address(), [right.clone()]);
    let nobody = crate::harness::http::call(to, "POST", "/hooks/evolution/no-such-line", &headers, b"{}").await;
    assert_eq!(nobody.status, 404);
    for (body, status) in [("", 400), ("no json", 400), ("[1", 400), ("{}", 200), ("[]", 200), ("null", 200)] {
        assert_eq!(rig.call(&[JSON, &right], body).await.status, status, "{body:?}");
    }
}

#[tokio::test]
async fn the_same_event_twice_is_one_row_and_one_event() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.received", "call.received", "call.missed"]).await;
    let told = rig.server.receive(THEIRS, "966501234567@s.whatsapp.net", "A1", json!({"conversation": "Where is it?"}));
    let call = json!({"id": "C1", "from": "966501234567@s.whatsapp.net", "date": "2026-06-01T08:00:00.000Z",
                      "status": "offer", "isVideo": true, "isGroup": false});
    for _ in 0..2 {
        rig.tell("messages.upsert", told.clone()).await;
        rig.tell("call", call.clone()).await;
        rig.tell("call", json!({"id": "C1", "from": call["from"], "status": "timeout"})).await;
    }
    // Somebody took it: no missed call.
    rig.tell("call", json!({"id": "C2", "from": call["from"], "status": "offer"})).await;
    rig.tell("call", json!({"id": "C2", "from": call["from"], "status": "accept"})).await;
    rig.tell("call", json!({"id": "C2", "from": call["from"], "status": "terminate"})).await;
    assert_eq!(rig.heard().await, [("A1".to_owned(), "Where is it?".to_owned(), None)]);
    let received = rig.events("message.received", 1).await;
    assert_eq!((received.len(), &received[0]["from"]), (1, &json!(PHONE)));
    assert_eq!(received[0]["contact_name"], "Amal");
    assert_eq!(received[0]["provider_message_id"], "A1");
    let calls = rig.events("call.received", 2).await;
    assert_eq!((calls.len(), &calls[0]["is_video"]), (2, &json!(true)));
    assert_eq!(rig.events("call.missed", 1).await.len(), 1);
}

/// A server may be told one address for all its instances: each event is the one's that it names.
#[tokio::test]
async fn an_event_is_the_instances_that_it_names() {
    let rig = Rig::start().await;
    rig.server.add_open("Loja 2");
    let settings = [("base_url", rig.server.url()), ("api_key", KEY.to_owned()), ("instance", "Loja 2".to_owned())];
    let second = InstanceCreate {
        account: rig.world.account,
        id: "evo-second".into(),
        name: "Second line".into(),
        connector: "evolution".into(),
        settings: settings.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        ..Default::default()
    };
    rig.world.command(second).await.expect("an instance");
    let secret = format!("X-Wa-Gateway-Secret: {SECRET}");
    let bring = async |instance: &str, id: &str, text: &str| {
        let told = rig.server.receive(THEIRS, "966501234567@s.whatsapp.net", id, json!({"conversation": text}));
        let mut body = rig.server.envelope(THEIRS, "messages.upsert", told);
        body["instance"] = json!(instance);
        let body = body.to_string();
        assert_eq!(rig.call(&[JSON, &secret], &body).await.status, 200);
    };
    bring("Loja 2", "A1", "To the second").await;
    bring(THEIRS, "A2", "To the first").await;
    let pause = InstancePause { id: "evo-second".into(), reason: "to be looked at".into() };
    rig.world.command(pause).await.expect("paused");
    bring("Loja 2", "A3", "STOP").await;
    bring("Loja 9", "A4", "a secret of theirs").await;
    let read = rig.world.gateway().store.read(|tx| {
        let heard = tx.list("SELECT instance_id, body FROM inbound_messages ORDER BY id", [], |r| {
            Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?))
        })?;
        let news = tx.list("SELECT instance_id, kind, raw FROM provider_news", [], |r| {
            Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get::<_, String>(2)?))
        })?;
        let opted_out = tx.list("SELECT instance_id FROM suppressions", [], |r| r.get::<_, String>(0))?;
        let notices = "SELECT count(*) FROM notices WHERE kind = 'provider_news'";
        Ok((heard, news, opted_out, tx.one(notices, [], |r| r.get::<_, i64>(0))?))
    });
    let (heard, news, opted_out, notices) =
        read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("rows");
    let row = |instance: &str, body: &str| (instance.to_owned(), body.to_owned());
    let second = [row("evo-second", "To the second"), row(LINE, "To the first"), row("evo-second", "STOP")];
    assert_eq!(heard, second);
    assert_eq!(opted_out, ["evo-second"]);
    let [(whose, kind, raw)] = &news[..] else { panic!("one that is nobody's: {news:?}") };
    assert_eq!((whose.as_str(), kind.as_str()), (LINE, "other_instance"));
    assert!(raw.contains("Loja 9") && !raw.contains("secret of theirs"), "{raw}");
    assert_eq!(notices, 1);
}

/// Each word for a call, in the orders in which they come: how many rang, and how many nobody took.
#[tokio::test]
async fn each_word_for_a_call_is_known() {
    let rig = Rig::start().await;
    let rows: &[(&[&str], i64, i64)] = &[
        (&["offer"], 1, 0),
        (&["offer", "ringing"], 1, 0),
        (&["ringing", "timeout", "terminate"], 1, 1),
        (&["offer", "terminate"], 1, 1),
        (&["offer", "accept", "terminate"], 1, 0),
        (&["offer", "reject", "terminate"], 1, 0),
        (&["terminate"], 1, 1),
        (&["preaccept", "transport", "relaylatency", ""], 0, 0),
    ];
    let (mut rang, mut missed) = (0, 0);
    for (n, (words, rings, nobody)) in rows.iter().enumerate() {
        for word in *words {
            let call = json!({"id": format!("C{n}"), "from": "77@lid", "callerPn": "966501234567@s.whatsapp.net",
                              "status": word});
            rig.tell("call", call).await;
        }
        (rang, missed) = (rang + rings, missed + nobody);
        let all = rig.world.number("SELECT count(*) FROM calls").await;
        let nobody_took = rig.world.number("SELECT count(*) FROM calls WHERE missed = 1").await;
        assert_eq!((all, nobody_took), (rang, missed), "{words:?}");
    }
}

/// Older and newer servers spell events otherwise, and bring several in one call.
#[tokio::test]
async fn events_are_known_by_each_spelling_and_in_lists() {
    let rig = Rig::start().await;
    let told = |id: &str| {
        rig.server.receive(THEIRS, "966501234567@s.whatsapp.net", id, json!({"conversation": id.to_owned()}))
    };
    rig.tell("MESSAGES_UPSERT", told("A1")).await;
    rig.tell("messages.upsert", json!([told("A2"), told("A3")])).await;
    rig.tell("messages-upsert", told("A4")).await;
    let heard: Vec<String> = rig.heard().await.into_iter().map(|(id, ..)| id).collect();
    assert_eq!(heard, ["A1", "A2", "A3"], "what is none of its events is acknowledged, and no more");
}

/// The envelope's date is local time that claims to be UTC; only the message's own time counts.
#[tokio::test]
async fn the_envelopes_time_is_not_believed() {
    let rig = Rig::start().await;
    rig.subscribe(&["conversation.updated"]).await;
    let told = rig.server.receive(THEIRS, "966501234567@s.whatsapp.net", "A1", json!({"conversation": "hello"}));
    for (time, id) in [(json!(1_780_000_000), "A1"), (json!("1780000001"), "A2"), (json!({"low": 1_780_000_002}), "A3")]
    {
        let mut told = told.clone();
        (told["messageTimestamp"], told["key"]["id"]) = (time, json!(id));
        rig.tell("messages.upsert", told).await;
    }
    let read = rig
        .world
        .gateway()
        .store
        .read(|tx| tx.list("SELECT heard_at FROM inbound_messages ORDER BY id", [], |r| r.get::<_, i64>(0)));
    let times = read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("times");
    assert_eq!(times, [1_780_000_000_000, 1_780_000_001_000, 1_780_000_002_000]);
}

#[tokio::test]
async fn own_messages_and_what_is_no_conversation_are_not_inbound() {
    let rig = Rig::start().await;
    let message = json!({"conversation": "hello"});
    for (n, jid) in ["status@broadcast", "120363000000000000@newsletter", "966501234567@broadcast"].iter().enumerate() {
        let told = rig.server.receive(THEIRS, jid, &format!("N{n}"), message.clone());
        rig.tell("messages.upsert", told).await;
    }
    let mut foreign = rig.server.envelope(THEIRS, "messages.upsert", rig.server.receive(THEIRS, "1@lid", "X", message));
    foreign["instance"] = json!("another");
    let right = format!("X-Wa-Gateway-Secret: {SECRET}");
    assert_eq!(rig.call(&[JSON, &right], &foreign.to_string()).await.status, 200, "acknowledged");
    let news = rig.world.gateway().store.read(|tx| {
        tx.one("SELECT kind, (SELECT count(*) FROM notices WHERE kind = 'provider_news') FROM provider_news", [], |r| {
            Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?))
        })
    });
    let news = news.await.map_err(|e: wa_gateway::store::StoreError| e.to_string());
    assert_eq!(news, Ok(("other_instance".to_owned(), 1)), "and told");
    assert_eq!(rig.heard().await, []);
    // Its own status is news all the same.
    let reply = rig.send_past_the_deadline("Your order is ready.").await;
    let mut own = rig.server.with(THEIRS, |i| i.log.last().expect("one").clone());
    own["status"] = json!("SERVER_ACK");
    rig.tell("messages.upsert", own).await;
    assert_eq!(rig.row(&reply).await["status"], "sent");
    assert_eq!(rig.heard().await, []);
}

/// Rows of what stands in chats: id, kind, text, whose.
async fn said(rig: &Rig) -> Vec<(String, String, String, Option<String>)> {
    let read = rig.world.gateway().store.read(|tx| {
        tx.list("SELECT provider_message_id, kind, body, origin FROM inbound_messages ORDER BY id", [], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
        })
    });
    read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("rows")
}

#[tokio::test]
async fn what_the_phone_writes_stands_in_the_chat() {
    let rig = Rig::start().await;
    let mut own =
        rig.server.receive(THEIRS, "966501234567@s.whatsapp.net", "OWN", json!({"conversation": "On my way"}));
    own["key"]["fromMe"] = json!(true);
    rig.tell("messages.upsert", own.clone()).await;
    rig.tell("messages.upsert", own).await;
    let text = |s: &str| s.to_owned();
    assert_eq!(said(&rig).await, [(text("OWN"), text("text"), text("On my way"), Some(text("phone")))]);
    // What left through the gateway is no phone's, whenever its echo comes: before the answer is known, and after.
    let reply = rig.send_past_the_deadline("Your order is ready.").await;
    assert_eq!(rig.row(&reply).await["status"], "sending");
    let own = rig.server.with(THEIRS, |i| i.log.last().expect("one").clone());
    rig.tell("messages.upsert", own).await;
    assert_eq!(said(&rig).await.len(), 1);
}

#[tokio::test]
async fn edits_and_deletions_change_the_message_that_they_name() {
    let rig = Rig::start().await;
    let jid = "966501234567@s.whatsapp.net";
    let told = rig.server.receive(THEIRS, jid, "A1", json!({"conversation": "2 pieces"}));
    rig.tell("messages.upsert", told).await;
    // The writer's phone speaks: from its side the message is its own, in the chat with us.
    let edited = json!({"key": {"remoteJid": "966112345678@s.whatsapp.net", "fromMe": true, "id": "A1"},
                        "type": "MESSAGE_EDIT", "editedMessage": {"conversation": "3 pieces"},
                        "timestampMs": "1780000000000"});
    rig.tell("messages.edited", edited.clone()).await;
    rig.tell("messages.edited", edited.clone()).await;
    // The same, told as a message.
    let again = rig.server.receive(THEIRS, jid, "A2", json!({"protocolMessage": edited}));
    rig.tell("messages.upsert", again).await;
    rig.tell("messages.delete", json!({"remoteJid": jid, "fromMe": false, "id": "A1"})).await;
    let kinds: Vec<(String, String)> = said(&rig).await.into_iter().map(|row| (row.1, row.2)).collect();
    let pair = |kind: &str, text: &str| (kind.to_owned(), text.to_owned());
    assert_eq!(kinds, [pair("text", "2 pieces"), pair("edit", "3 pieces"), pair("revoke", "")]);
    // An edit to STOP is an opt-out; one of a message that is not here leaves a row.
    let told = rig.server.receive(THEIRS, jid, "A3", json!({"conversation": "Thanks"}));
    rig.tell("messages.upsert", told).await;
    let stop = json!({"key": {"remoteJid": jid, "fromMe": true, "id": "A3"}, "type": 14,
                      "editedMessage": {"extendedTextMessage": {"text": "STOP"}}, "timestampMs": 1_780_000_001_000_i64});
    rig.tell("messages.edited", stop).await;
    assert_eq!(rig.send("Your order is ready.").await.error(), "recipient_suppressed");
    rig.tell("messages.delete", json!({"remoteJid": jid, "fromMe": false, "id": "NEVER"})).await;
    let news =
        rig.world.gateway().store.read(|tx| tx.one("SELECT kind FROM provider_news", [], |r| r.get::<_, String>(0)));
    assert_eq!(news.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()), Ok("revoke".to_owned()));
}

#[tokio::test]
async fn an_opt_out_by_its_webhook_suppresses() {
    let rig = Rig::start().await;
    let told = rig.server.receive(
        THEIRS,
        "966501234567@s.whatsapp.net",
        "A1",
        json!({"extendedTextMessage": {"text": "STOP"}}),
    );
    rig.tell("messages.upsert", told).await;
    let reply = rig.send("Your order is ready.").await;
    assert_eq!(reply.error(), "recipient_suppressed");
    assert!(rig.sent().is_empty());
}

/// Hidden ids, in both orders in which the server's versions put them, are one person.
#[tokio::test]
async fn a_hidden_id_and_a_number_are_one_person() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.received"]).await;
    let message = json!({"conversation": "hello"});
    let keys = [
        json!({"remoteJid": "77@lid", "id": "A1", "fromMe": false, "addressingMode": "lid"}),
        json!({"remoteJid": "966501234567@s.whatsapp.net", "remoteJidAlt": "77@lid", "id": "A2", "fromMe": false}),
        json!({"remoteJid": "77@lid", "remoteJidAlt": "966501234567:5@s.whatsapp.net", "id": "A3", "fromMe": false}),
    ];
    for key in keys {
        let mut told = rig.server.receive(THEIRS, "-", "-", message.clone());
        told["key"] = key;
        rig.tell("messages.upsert", told).await;
    }
    let received = rig.events("message.received", 3).await;
    let by_id = |id: &str| received.iter().find(|e| e["provider_message_id"] == id).expect("it");
    assert_eq!((&by_id("A1")["from"], &by_id("A2")["from"]), (&Value::Null, &json!(PHONE)));
    assert_eq!(by_id("A1")["conversation_id"], by_id("A3")["conversation_id"]);
}

/// Whatever the field is called in which a server's version keeps the other name.
#[tokio::test]
async fn an_opt_out_under_the_hidden_id_holds_for_the_number_that_is_told_later() {
    for field in ["remoteJidAlt", "senderLid", "previousRemoteJid"] {
        let rig = Rig::start().await;
        let mut told = rig.server.receive(THEIRS, "77@lid", "A1", json!({"conversation": "STOP"}));
        rig.tell("messages.upsert", told.clone()).await;
        told["message"] = json!({"conversation": "Hello"});
        told["key"] = json!({"remoteJid": "966501234567@s.whatsapp.net", "senderPn": "966501234567@s.whatsapp.net",
                             "id": "A2", "fromMe": false});
        told["key"][field] = json!("77@lid");
        rig.tell("messages.upsert", told).await;
        assert_eq!(rig.send("Your order is ready.").await.error(), "recipient_suppressed", "{field}");
        assert!(rig.sent().is_empty(), "{field}");
    }
}

#[tokio::test]
async fn groups_are_told_by_looking_because_no_webhook_does() {
    let rig = Rig::start().await;
    rig.subscribe(&["group.updated", "group.message_received"]).await;
    let group = json!({"id": "1203630@g.us", "subject": "Team", "desc": "d", "size": 3, "announce": false});
    rig.server.with(THEIRS, |i| i.groups = vec![group.clone()]);
    let looks = || rig.server.seen("/group/fetchAllGroups").len();
    let before = looks();
    rig.world.later(ALMOST_TEN_MINUTES);
    rig.pass_until("the groups were listed", SECOND, async || looks() > before).await;
    let mut told = rig.server.receive(THEIRS, "1203630@g.us", "G1", json!({"conversation": "hi"}));
    told["key"]["participant"] = json!("77@lid");
    told["key"]["participantAlt"] = json!("966501234567@s.whatsapp.net");
    rig.until("the group's name is known", async || {
        rig.world.later(Duration::from_millis(1));
        rig.tell("messages.upsert", told.clone()).await;
        true
    })
    .await;
    let heard = rig.events("group.message_received", 1).await;
    assert_eq!((&heard[0]["group_name"], &heard[0]["from"]), (&json!("Team"), &json!(PHONE)));
    rig.server.with(THEIRS, |i| {
        i.groups = vec![json!({"id": "1203630@g.us", "subject": "New", "desc": "d", "size": 4, "announce": true})];
    });
    let before = looks();
    rig.world.later(ALMOST_TEN_MINUTES);
    rig.pass_until("the groups were listed again", SECOND, async || looks() > before).await;
    let mut changes: Vec<_> = rig.events("group.updated", 3).await;
    changes.sort_by_key(|e| e["change"].to_string());
    let words: Vec<_> = changes.iter().map(|e| e["change"].as_str().expect("a word")).collect();
    assert_eq!(words, ["participants", "read_only", "subject"]);
    assert_eq!(changes[0]["group_name"], "New");
    // One that it was just added to comes by webhook.
    rig.tell("groups.upsert", json!([{"id": "99@g.us", "subject": "Added", "size": 2}])).await;
    assert_eq!(rig.events("group.updated", 4).await.len(), 4);
}
