//! Where the server's code answers otherwise than its documents say.

use super::rig::{LINE, PHONE, Rig, SECOND, THEIRS};
use crate::harness::evolution::Fault;
use serde_json::{Value, json};
use wa_gateway::{
    app::commands::InstanceList,
    connectors::Address,
    model::{ids::InstanceId, phone::Phone},
};

fn bad_request(message: Value) -> String {
    json!({"status": 400, "error": "Bad Request", "response": {"message": message}}).to_string()
}

/// A 400 that tells of a number without WhatsApp: the recipient's fault, for good.
#[tokio::test]
async fn a_number_without_whatsapp_is_an_object_in_a_list() {
    let rig = Rig::start().await;
    rig.server.add_stranger(PHONE.trim_start_matches('+'));
    let reply = rig.send("Your order is ready.").await;
    assert_eq!(reply.error(), "gateway_send_failed");
    let row = rig.row(&reply).await;
    assert_eq!((&row["status"], &row["provider_code"]), (&json!("failed"), &json!("not_on_whatsapp")));
    assert!(!row["reason"].to_string().contains("966501234567"), "no full number: {row}");
    let read = rig.world.gateway().store.read(|tx| {
        tx.one("SELECT recipient_fault FROM messages WHERE instance_id = 'evo-line'", [], |r| r.get::<_, bool>(0))
    });
    assert!(read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("a row"));
    assert_eq!(rig.world.used().await, (0, 0));
}

/// An error's message is a text, a list, a list in a list or an object; 201 can hold one, too.
#[tokio::test]
async fn an_error_is_read_wherever_it_stands() {
    let created = "201 Created";
    for (head, body, status, told) in [
        ("400 Bad Request", bad_request(json!("text is empty")), "failed", "text is empty"),
        ("400 Bad Request", bad_request(json!(["a", "b"])), "failed", "a; b"),
        (
            "400 Bad Request",
            bad_request(json!([["instance requires property \"text\""]])),
            "failed",
            "requires property",
        ),
        ("400 Bad Request", bad_request(json!([{"message": "inner"}])), "failed", "inner"),
        (
            created,
            json!({"error": {"message": "(#131030) not in list", "code": 131_030}}).to_string(),
            "failed",
            "list of test numbers",
        ),
        (created, json!({"error": true, "message": "Error: no"}).to_string(), "failed", "Error: no"),
        (
            created,
            json!({"status": 400, "error": "Bad Request", "response": {"message": ["no"]}}).to_string(),
            "failed",
            "no",
        ),
        (created, json!({"key": {"id": "X", "fromMe": true}, "status": "ERROR"}).to_string(), "failed", "refused"),
        // It also says 400 when the message may be out.
        ("400 Bad Request", bad_request(json!(["Error: Timed Out"])), "unknown", "Timed Out"),
        ("400 Bad Request", bad_request(json!(["PrismaClientKnownRequestError: x"])), "unknown", "Prisma"),
        (created, json!({"hello": 1}).to_string(), "unknown", "names none"),
        (created, "null".into(), "unknown", "names none"),
    ] {
        let rig = Rig::start().await;
        rig.server.fault_next(Fault::Answer(head, body.clone()));
        let reply = rig.send("Your order is ready.").await;
        assert_eq!(reply.header("x-message-status"), Some(status), "{body}");
        let row = rig.row(&reply).await;
        assert!(row["reason"].as_str().is_some_and(|r| r.contains(told)), "{body}: {}", row["reason"]);
        let used = if status == "unknown" { (1, 1) } else { (0, 0) };
        assert_eq!(rig.world.used().await, used, "{body}");
    }
}

/// In its mode WHATSAPP-BUSINESS the server calls our own messages somebody else's, and says Meta's words in capitals;
/// an id of Meta's means that Meta has the message.
#[tokio::test]
async fn over_the_cloud_api_its_receipts_are_metas() {
    let rig = Rig::start().await;
    let key = |id: &str| json!({"key": {"id": id, "fromMe": true, "remoteJid": "x"}, "status": "PENDING"}).to_string();
    let theirs = async |id: &str, status: &str| {
        let mut data = rig.server.update(THEIRS, id, Some(status));
        data["fromMe"] = json!(false);
        data["participant"] = data["remoteJid"].clone();
        rig.tell("messages.update", data).await;
    };
    rig.server.fault_next(Fault::Answer("201 Created", key("wamid.A")));
    let reply = rig.send("Your order is ready.").await;
    assert_eq!((reply.status, reply.header("x-message-status")), (200, Some("sent")), "{}", reply.body);
    for (word, status) in [("SENT", "sent"), ("DELIVERED", "delivered"), ("READ", "read")] {
        theirs("wamid.A", word).await;
        assert_eq!(rig.row(&reply).await["status"], status, "{word}");
    }
    // That we read what somebody wrote is no news of ours.
    rig.tell(
        "messages.upsert",
        rig.server.receive(THEIRS, "966501234567@s.whatsapp.net", "wamid.C", json!({"conversation": "Hi"})),
    )
    .await;
    theirs("wamid.C", "READ").await;
    assert_eq!(rig.heard().await.len(), 1);
}

/// A failure that is told later is told in capitals, too.
#[tokio::test]
async fn over_the_cloud_api_a_failure_is_heard() {
    let rig = Rig::start().await;
    let key = json!({"key": {"id": "wamid.B", "fromMe": true, "remoteJid": "x"}, "status": "PENDING"}).to_string();
    rig.server.fault_next(Fault::Answer("201 Created", key));
    let reply = rig.send("Your order is ready.").await;
    let mut failed = rig.server.update(THEIRS, "wamid.B", Some("FAILED"));
    failed["fromMe"] = json!(false);
    rig.tell("messages.update", failed).await;
    assert_eq!(rig.row(&reply).await["status"], "failed");
}

/// There its errors are Meta's, bare under a 201: Meta's code decides.
#[tokio::test]
async fn over_the_cloud_api_its_errors_are_metas() {
    let metas =
        |code: i64| json!({"message": "m", "type": "OAuthException", "code": code, "fbtrace_id": "A"}).to_string();
    for (code, told) in [(131_047, "24 hours"), (131_026, "cannot be delivered"), (131_064, "utility")] {
        let rig = Rig::start().await;
        rig.server.fault_next(Fault::Answer("201 Created", metas(code)));
        let reply = rig.send("Your order is ready.").await;
        let row = rig.row(&reply).await;
        assert_eq!((&row["status"], &row["provider_code"]), (&json!("failed"), &json!(code.to_string())));
        assert!(row["reason"].as_str().is_some_and(|r| r.contains(told)), "{row}");
        rig.until_state("open").await;
    }
    let rig = Rig::start().await;
    rig.server.fault_next(Fault::Answer("201 Created", metas(190)));
    assert_eq!(rig.send("Your order is ready.").await.error(), "gateway_send_failed");
    rig.until_state("close").await;
    // The server's own line is up all the while.
    rig.tell("connection.update", json!({"state": "open"})).await;
    rig.until_state("close").await;
    assert_eq!(rig.sent(), []);
}

/// An update without a status stands for the lowest one.
#[tokio::test]
async fn an_update_without_a_status_means_that_the_server_took_it() {
    let rig = Rig::start().await;
    let reply = rig.send_past_the_deadline("Your order is ready.").await;
    let pending = rig.server.update(THEIRS, &rig.last_id(), Some("PENDING"));
    rig.tell("messages.update", pending).await;
    assert_eq!(rig.row(&reply).await["status"], "sending", "pending is no receipt");
    for word in ["DELETED", "EDITED"] {
        let update = rig.server.update(THEIRS, &rig.last_id(), Some(word));
        rig.tell("messages.update", update).await;
    }
    let mut theirs = rig.server.update(THEIRS, &rig.last_id(), Some("READ"));
    theirs["fromMe"] = json!(false);
    rig.tell("messages.update", theirs).await;
    assert_eq!(rig.row(&reply).await["status"], "sending", "nor are these");
    let none = rig.server.update(THEIRS, &rig.last_id(), None);
    rig.tell("messages.update", none).await;
    assert_eq!(rig.row(&reply).await["status"], "sent");
}

/// Numbers come back with other digits; only the id counts.
#[tokio::test]
async fn a_receipt_is_found_by_its_id_and_never_by_a_number() {
    let rig = Rig::start().await;
    let mut body = rig.message("Seu pedido saiu.");
    body["phone"] = json!("+5511987654321");
    let reply = rig.send_body_past_the_deadline(&body, true).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    let stored = rig.server.with(THEIRS, |i| i.log[0]["key"]["remoteJid"].clone());
    assert_eq!(stored, "551187654321@s.whatsapp.net", "the ninth digit is gone");
    let mut other = rig.server.update(THEIRS, "3EB0SOMETHINGELSE", Some("READ"));
    other["remoteJid"] = json!("5511987654321@s.whatsapp.net");
    rig.tell("messages.update", other).await;
    assert_eq!(rig.row(&reply).await["status"], "sending");
    let mut right = rig.server.update(THEIRS, &rig.last_id(), Some("READ"));
    right["remoteJid"] = json!("99@lid");
    rig.tell("messages.update", right).await;
    assert_eq!(rig.row(&reply).await["status"], "read");
}

/// A receipt says under which hidden id its recipient is known: what they say under it, they have said.
#[tokio::test]
async fn a_receipt_names_its_recipient() {
    for at_the_key in [false, true] {
        let rig = Rig::start().await;
        let reply = rig.send_past_the_deadline("Your order is ready.").await;
        assert_eq!(reply.status, 202, "{}", reply.body);
        let mut read = rig.server.update(THEIRS, &rig.last_id(), Some("READ"));
        if at_the_key {
            read["key"] = json!({"id": rig.last_id(), "fromMe": true, "remoteJid": "991@lid"});
        } else {
            read["remoteJid"] = json!("991@lid");
        }
        rig.tell("messages.update", read).await;
        let stop = json!({"key": {"remoteJid": "991@lid", "fromMe": false, "id": "STOP1"}, "pushName": "Sara",
                          "message": {"conversation": "STOP"}, "messageType": "conversation",
                          "messageTimestamp": 1_780_300_800});
        rig.tell("messages.upsert", stop).await;
        assert_eq!(rig.send("Your order is ready.").await.error(), "recipient_suppressed", "at the key: {at_the_key}");
    }
}

/// From 2.4 on: told plainly, and the instance is closed with that reason.
#[tokio::test]
async fn a_licence_that_is_wanted_is_told_plainly() {
    let rig = Rig::start().await;
    let wants = json!({"error": "LICENSE_REQUIRED", "message": "activate first"});
    rig.server.answer_everywhere(Some(("503 Service Unavailable", wants)));
    let reply = rig.send("Your order is ready.").await;
    assert_eq!(reply.header("x-message-status"), Some("failed"));
    assert_eq!(rig.row(&reply).await["provider_code"], "LICENSE_REQUIRED");
    let status = rig.until_state("close").await;
    assert!(status["state_reason"].as_str().expect("a reason").contains("LICENSE_REQUIRED"), "{status}");
    assert_eq!(rig.world.used().await, (0, 0));
    rig.server.answer_everywhere(None);
    rig.pass_until("it is open again", SECOND, async || rig.status().await["state"] == "open").await;
}

/// A logout of what is closed already is answered 400, and is what was wanted.
#[tokio::test]
async fn logging_out_twice_is_no_error() {
    let rig = Rig::start().await;
    let line = InstanceId::from_text(LINE);
    for _ in 0..2 {
        rig.world.gateway().registry.log_out(&line).await.expect("logged out");
        let status = rig.until_state("close").await;
        assert!(status["state_reason"].as_str().expect("a reason").contains("pair it again"), "{status}");
    }
    assert_eq!(rig.server.with(THEIRS, |i| i.state.clone()), "close", "nobody connects it again");
}

/// The events are named, the secret goes in a header, files come in base64.
#[tokio::test]
async fn the_webhook_is_set_with_everything_named() {
    let rig = Rig::start().await;
    let hook = rig.server.with(THEIRS, |i| i.webhook.clone());
    assert_eq!(hook["headers"], json!({"x-wa-gateway-secret": super::rig::SECRET}));
    assert_eq!((&hook["enabled"], &hook["byEvents"], &hook["base64"]), (&json!(true), &json!(false), &json!(true)));
    assert!(hook["url"].as_str().expect("a url").ends_with("/hooks/evolution/evo-line"), "{hook}");
    let events = hook["events"].as_array().expect("names");
    for name in ["QRCODE_UPDATED", "CONNECTION_UPDATE", "MESSAGES_UPSERT", "MESSAGES_UPDATE", "CALL", "GROUPS_UPSERT"] {
        assert!(events.contains(&json!(name)), "{name}");
    }
}

#[tokio::test]
async fn neither_the_key_nor_the_secret_is_shown_again() {
    let rig = Rig::start().await;
    let status = rig.status().await;
    let listed = rig.world.command(InstanceList).await.expect("a list");
    for shown in [status.to_string(), listed.to_string()] {
        assert!(shown.contains(THEIRS), "the control: plain settings are shown");
        assert!(!shown.contains(super::rig::SECRET) && !shown.contains(crate::harness::evolution::KEY), "{shown}");
    }
}

/// A quoted message is named by its id alone; a link's page is not fetched by the server.
#[tokio::test]
async fn an_answer_names_what_it_answers() {
    let rig = Rig::start().await;
    let mut body = rig.message("Yes: https://shop.example/1");
    body["reply_to"] = json!("3EB0QUOTED");
    let reply = rig.send_body_past_the_deadline(&body, true).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    let seen = rig.server.seen("/message/sendText/Loja%201").pop().expect("it");
    assert_eq!(seen.body["quoted"], json!({"key": {"id": "3EB0QUOTED"}}));
    assert_eq!((&seen.body["number"], &seen.body["linkPreview"]), (&json!("966501234567"), &json!(false)));
}

/// The chat is named by the server: its digits are others than the number's.
#[tokio::test]
async fn messages_are_marked_as_read_in_the_chat_that_the_server_names() {
    let rig = Rig::start().await;
    let (line, registry) = (InstanceId::from_text(LINE), &rig.world.gateway().registry);
    let chat = Address::Phone(Phone::parse("+5511987654321", None).expect("a number"));
    let ids = ["A1".to_owned(), "A2".to_owned()];
    registry.mark_read(&line, &chat, &ids).await.expect("marked");
    let marked = rig.server.with(THEIRS, |i| i.marked.clone());
    let one = |id: &str| json!({"remoteJid": "551187654321@s.whatsapp.net", "fromMe": false, "id": id});
    assert_eq!(marked, [one("A1"), one("A2")]);
    rig.server.add_stranger("5511987654321");
    assert!(registry.mark_read(&line, &chat, &ids).await.is_err());
}

/// The answers to a list of numbers come in an order of their own.
#[tokio::test]
async fn numbers_are_checked_whatever_the_order_of_the_answers() {
    let rig = Rig::start().await;
    rig.server.add_stranger("966500000002");
    let phones: Vec<Phone> =
        (1..=3).map(|n| Phone::parse(&format!("+96650000000{n}"), None).expect("a number")).collect();
    let (line, registry) = (InstanceId::from_text(LINE), &rig.world.gateway().registry);
    assert_eq!(registry.check_numbers(&line, &phones).await, Ok(vec![true, false, true]));
    assert_eq!(registry.check_numbers(&line, &[]).await, Ok(Vec::new()));
    assert!(registry.check_numbers(&line, &vec![phones[0].clone(); 51]).await.is_err());
}

/// Other spellings of what the server tells: who wrote is who wrote, what changed is changed, and what cannot be read is kept as
/// it came.
#[tokio::test]
async fn what_the_server_spells_otherwise_is_heard_or_kept() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.received"]).await;
    let said = |jid: &str, id: &str, words: &str| {
        json!({"key": {"remoteJid": jid, "fromMe": false, "id": id}, "message": {"conversation": words},
               "messageType": "conversation", "messageTimestamp": 1_780_300_740})
    };
    rig.tell("messages.upsert", said("966501230001@c.us", "OLD", "old server")).await;
    rig.tell("messages.upsert", said("12345@s.whatsapp.net", "SHORT", "short")).await;
    let mut list = said("966501230002-1500000000@broadcast", "LIST", "to many");
    list["key"]["participant"] = json!("966501230002@s.whatsapp.net");
    rig.tell("messages.upsert", list).await;
    let wrapped = json!({"messages": [said("966501230003@s.whatsapp.net", "WRAPPED", "2 pieces")], "type": "notify"});
    rig.tell("messages.upsert", wrapped).await;
    let edit =
        json!({"key": {"id": "WRAPPED"}, "editedMessage": {"message": {"extendedTextMessage": {"text": "STOP"}}}});
    rig.tell("messages.edited", edit).await;
    let read = rig.world.gateway().store.read(|tx| {
        tx.list(
            "SELECT m.body || ' by ' || coalesce(i.value, '?') FROM inbound_messages m
             LEFT JOIN contact_identities i ON i.contact_id = m.contact_id ORDER BY m.id",
            [],
            |r| r.get::<_, String>(0),
        )
    });
    let heard = read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("rows");
    let all = [
        "old server by +966501230001",
        "short by 12345@s.whatsapp.net",
        "to many by +966501230002",
        "2 pieces by +966501230003",
        "STOP by +966501230003",
    ];
    assert_eq!(heard, all);
    assert_eq!(rig.world.number("SELECT count(*) FROM suppressions").await, 1, "the edit is an opt-out");
    assert_eq!(rig.world.number("SELECT count(*) FROM events WHERE name = 'message.received'").await, 5);
    // Channels and status updates are no conversation.
    rig.tell("messages.upsert", said("status@broadcast", "STATUS", "a story")).await;
    assert_eq!(rig.heard().await.len(), all.len());
    for (event, data) in [
        (
            "messages.upsert",
            json!({"key": {"remoteJid": "966501230004@s.whatsapp.net"}, "message": {"conversation": "?"}}),
        ),
        ("messages.upsert", json!({"message": {"conversation": "?"}})),
        ("messages.edited", json!({"key": {"id": "WRAPPED"}, "type": "EPHEMERAL_SETTING"})),
        ("messages.delete", json!({"what": 1})),
    ] {
        rig.tell(event, data).await;
    }
    assert_eq!(rig.world.number("SELECT count(*) FROM provider_news").await, 4, "kept as they came");
}
