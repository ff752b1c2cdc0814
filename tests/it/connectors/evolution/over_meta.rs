//! The server's mode WHATSAPP-BUSINESS, in which it speaks with Meta's API instead of a phone's account.

use super::rig::{LINE, PHONE, Rig, SECOND, THEIRS};
use crate::harness::{
    evolution::{Fault, KeptUpload},
    http::{self, Reply},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use wa_gateway::{
    connectors::{Address, MediaError},
    model::{ids::InstanceId, phone::Phone},
};

/// An open instance that the server reaches over Meta's API.
async fn rig() -> Rig {
    let rig = Rig::without_instance().await;
    rig.server.add_over_meta(THEIRS);
    rig.create().await;
    rig.until_state("open").await;
    rig.until("its log was looked at", async || !rig.server.seen("/chat/findMessages").is_empty()).await;
    rig
}

fn line() -> InstanceId {
    InstanceId::from_text(LINE)
}

async fn said(rig: &Rig, id: &str, kind: &str, message: Value) {
    let mut told = rig.server.receive(THEIRS, "966501234567@s.whatsapp.net", id, message);
    told["messageType"] = json!(kind);
    rig.tell("messages.upsert", told).await;
}

/// What only a phone's account does is not promised, and the owner is told once what that mode of the server does.
#[tokio::test]
async fn what_only_a_phone_does_is_not_promised() {
    let rig = rig().await;
    let registry = &rig.world.gateway().registry;
    let can = registry.capabilities(&line()).expect("an instance");
    assert!(can.media && can.replies && can.reactions);
    assert!(!can.changes && !can.groups && !can.hidden_numbers && !can.window_24h);
    assert_eq!(rig.server.seen("/group/fetchAllGroups").len(), 0, "it has none to tell");
    let ended = registry.log_out(&line()).await.map_err(|e| e.to_string());
    assert!(ended.as_ref().is_err_and(|why| why.contains("no phone to log out of")), "{ended:?}");
    assert_eq!(rig.server.with(THEIRS, |i| i.state.clone()), "open", "else only a restart would open it again");
    for _ in 0..2 {
        registry.reconnect(&line()).await.expect("it is open");
    }
    let notices =
        "SELECT count(*) FROM notices WHERE kind = 'provider_news' AND parameters LIKE '%connector cloud-api%'";
    rig.until("the owner was told", async || rig.world.number(notices).await == 1).await;
    let phone = Rig::start().await;
    let can = phone.world.gateway().registry.capabilities(&line()).expect("an instance");
    assert!(can.changes && can.groups && can.hidden_numbers);
    assert_eq!(phone.world.number(notices).await, 0, "a phone's account is no reason to");
}

/// There the server cannot be asked for a number's chat, and sends to the digits as they are.
#[tokio::test]
async fn a_reaction_asks_for_no_number() {
    let rig = rig().await;
    said(&rig, "wamid.IN", "conversation", json!({"conversation": "Hello"})).await;
    let mut body = rig.message("");
    body.as_object_mut().expect("an object").remove("message");
    body["reaction"] = json!({"message_id": "wamid.IN", "emoji": "👍"});
    let reply = rig.world.send(&body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(rig.sent()[0].0, PHONE.trim_start_matches('+'));
    assert_eq!(rig.server.seen("/chat/whatsappNumbers").len(), 0);
    let phone = Phone::parse(PHONE, None).expect("a number");
    let registry = &rig.world.gateway().registry;
    let asked = registry.check_numbers(&line(), std::slice::from_ref(&phone)).await.map_err(|e| e.to_string());
    assert!(asked.as_ref().is_err_and(|why| why.contains("not available")), "{asked:?}");
    assert!(registry.mark_read(&line(), &Address::Phone(phone), &["wamid.IN".to_owned()]).await.is_err());
}

/// The type of a file is that of its name's ending there.
#[tokio::test]
async fn each_file_has_a_name_that_ends_by_its_type() {
    let rig = rig().await;
    let jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xd9";
    let ogg = [b"OggS\0\x02".as_slice(), &[0; 20], b"\x01\x13OpusHead", &[0; 40]].concat();
    let mp3 = [b"ID3\x04".as_slice(), &[0; 64]].concat();
    for (bytes, kind, name) in [
        (&jpeg[..], "image", "image.jpg"),
        (&mp3, "audio", "audio.mp3"),
        (&ogg, "voice", "voice.ogg"),
        (b"%PDF-1.7\n", "document", "document.pdf"),
    ] {
        let mut body = rig.message("");
        body.as_object_mut().expect("an object").remove("message");
        (body["media_base64"], body["media_type"]) = (json!(STANDARD.encode(bytes)), json!(kind));
        let reply = rig.world.send(&body).await;
        assert_eq!(reply.status, 200, "{kind}: {}", reply.body);
        let kept = rig.server.with(THEIRS, |i| i.uploads.last().cloned()).expect("a file");
        let ending = name.rsplit('.').next().expect("an ending").to_owned();
        assert_eq!(kept, KeptUpload { name: name.into(), ending }, "{kind}");
    }
}

/// No file comes along, and it is asked for by what Meta told of it.
#[tokio::test]
async fn a_file_is_asked_for_by_what_meta_told_of_it() {
    let rig = rig().await;
    rig.subscribe(&["message.received"]).await;
    let gif = b"GIF89a, or so it says, and so it is: 0123456789";
    rig.server.with(THEIRS, |i| i.files.insert("media-1".into(), STANDARD.encode(gif)));
    let image =
        json!({"imageMessage": {"id": "media-1", "mime_type": "image/gif", "sha256": "x", "caption": "Broken"}});
    said(&rig, "wamid.F1", "imageMessage", image).await;
    let received = rig.events("message.received", 1).await;
    let url = received[0]["media"]["url"].as_str().expect("an address");
    let path = &url[url.find("/media/").expect("a path")..];
    rig.pass_until("the file is here", SECOND, async || {
        let got: Reply = http::call(rig.world.address(), "GET", path, &[], b"").await;
        got.status == 200 && got.body.as_bytes() == gif
    })
    .await;
    let gone =
        json!({"key": {"id": "x"}, "messageType": "imageMessage", "message": {"imageMessage": {"id": "media-2"}}});
    let registry = &rig.world.gateway().registry;
    let answer = registry.fetch_media(&line(), &gone.to_string(), 100).await;
    assert!(matches!(answer, Err(MediaError::Gone(_))), "{answer:?}");
}

/// What was pressed comes as if it were typed; a word beside it tells. A form comes without a word.
#[tokio::test]
async fn what_was_pressed_is_no_typed_text() {
    let rig = rig().await;
    rig.subscribe(&["message.received"]).await;
    said(&rig, "wamid.B", "buttonMessage", json!({"conversation": "Yes"})).await;
    said(&rig, "wamid.I", "interactiveMessage", json!({"conversation": "Morning"})).await;
    said(&rig, "wamid.N", "interactiveMessage", json!({})).await;
    let told = rig.events("message.received", 3).await;
    let seen: Vec<_> = told.iter().map(|e| (e["message_type"].as_str(), e["message_text"].as_str())).collect();
    for wanted in [(Some("button"), Some("Yes")), (Some("interactive"), Some("Morning"))] {
        assert!(seen.contains(&wanted), "{seen:?}");
    }
    assert_eq!(seen.iter().filter(|(kind, _)| *kind == Some("interactive")).count(), 2, "{seen:?}");
}

/// Meta's answer did not come, or was none: the server's words say nothing of it, and the message may have gone.
#[tokio::test]
async fn an_answer_of_metas_that_did_not_come_leaves_it_open() {
    let rig = rig().await;
    let words = "TypeError: Cannot read properties of undefined (reading 'message')";
    let body = json!({"status": 400, "error": "Bad Request", "response": {"message": [words]}}).to_string();
    rig.server.fault_next(Fault::Answer("400 Bad Request", body));
    let reply = rig.send("Your order is ready.").await;
    assert_eq!(reply.header("x-message-status"), Some("unknown"), "{}", reply.body);
    assert_eq!(rig.world.used().await, (1, 1));
}

/// The token is the server's, and so is why a message was not delivered.
#[tokio::test]
async fn what_the_server_holds_is_said_to_be_the_servers() {
    let rig = rig().await;
    let reply = rig.send("Your order is ready.").await;
    let mut failed = rig.server.update(THEIRS, &rig.last_id(), Some("FAILED"));
    failed["fromMe"] = json!(false);
    rig.tell("messages.update", failed).await;
    let reason = rig.row(&reply).await["reason"].clone();
    assert!(reason.as_str().is_some_and(|r| r.contains("does not pass on why")), "{reason}");
    let bad = json!({"message": "m", "type": "OAuthException", "code": 190, "fbtrace_id": "A"}).to_string();
    rig.server.fault_next(Fault::Answer("201 Created", bad));
    rig.send("Your order is ready.").await;
    let why = rig.until_state("close").await["state_reason"].clone();
    assert!(
        why.as_str().is_some_and(|w| w.contains("at the Evolution server") && !w.contains("access_token")),
        "{why}"
    );
}
