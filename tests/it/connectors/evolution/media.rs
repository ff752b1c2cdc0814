//! Files in both directions.

use super::rig::{LINE, Rig, SECOND, THEIRS};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use wa_gateway::{connectors::MediaError, model::ids::InstanceId};

const GIF: &[u8] = b"GIF89a, or so it says, and so it is: 0123456789";

/// The server repeats the whole file in its answer; its id stands in front, and that is enough.
#[tokio::test]
async fn a_file_goes_out_in_base64_and_its_long_answer_is_understood() {
    let rig = Rig::start().await;
    let large = [b"%PDF-1.7 ".as_slice(), &vec![b'x'; 2 * 1024 * 1024]].concat();
    for (name, bytes, kind, mime) in
        [("cat.gif", GIF, "image", "image/gif"), ("invoice.pdf", &large[..], "document", "application/pdf")]
    {
        let mut body = rig.message("Your invoice.");
        body["media_url"] = json!(rig.files.put(name, mime, bytes));
        body["media_type"] = json!(kind);
        let reply = rig.send_body_past_the_deadline(&body, true).await;
        assert_eq!((reply.status, &reply.json()["status"]), (202, &json!("accepted")), "{name}: {}", reply.body);
        let seen = rig.server.seen("/message/sendMedia/Loja%201").pop().expect("it").body;
        assert_eq!((&seen["mediatype"], &seen["mimetype"]), (&json!(kind), &json!(mime)));
        assert_eq!((&seen["caption"], &seen["fileName"]), (&json!("Your invoice."), &json!(name)));
        assert_eq!(STANDARD.decode(seen["media"].as_str().expect("base64")).expect("base64"), bytes, "{name}");
        rig.tell_status(&rig.last_id(), "SERVER_ACK").await;
        assert_eq!(rig.row(&reply).await["status"], "sent", "{name}");
    }
}

/// With the event, or fetched when the server left it out.
#[tokio::test]
async fn a_file_that_comes_is_kept_and_served() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.received"]).await;
    let image = json!({"imageMessage": {"caption": "Broken", "mimetype": "image/gif", "fileLength": "47"}});
    let mut with = image.clone();
    with["base64"] = json!(STANDARD.encode(GIF));
    for (id, message) in [("F1", with), ("F2", image)] {
        let told = rig.server.receive(THEIRS, "966501234567@s.whatsapp.net", id, message);
        rig.server.with(THEIRS, |i| i.log.last_mut().expect("it")["file"] = json!(STANDARD.encode(GIF)));
        rig.tell("messages.upsert", told).await;
    }
    let received = rig.events("message.received", 2).await;
    for one in received {
        let url = one["media"]["url"].as_str().unwrap_or_else(|| panic!("an address: {one}"));
        let path = &url[url.find("/media/").expect("a path")..];
        rig.pass_until("the file is here", SECOND, async || {
            let got = crate::harness::http::call(rig.world.address(), "GET", path, &[], b"").await;
            got.status == 200 && got.body.as_bytes() == GIF
        })
        .await;
        assert_eq!((&one["message_type"], &one["message_text"]), (&json!("image"), &json!("Broken")));
    }
}

#[tokio::test]
async fn a_file_that_did_not_come_along_is_fetched() {
    let rig = Rig::start().await;
    let image = json!({"imageMessage": {"caption": "Broken", "mimetype": "image/png", "fileLength": "5"}});
    let told = rig.server.receive(THEIRS, "966501234567@s.whatsapp.net", "F1", image);
    rig.server.with(THEIRS, |i| i.log.last_mut().expect("it")["file"] = json!("aGVsbG8="));
    rig.tell("messages.upsert", told).await;
    assert_eq!(rig.heard().await[0].1, "Broken");
    let line = InstanceId::from_text(LINE);
    let registry = &rig.world.gateway().registry;
    assert_eq!(registry.fetch_media(&line, "F1", 100).await, Ok(b"hello".to_vec()));
    assert_eq!(registry.fetch_media(&line, "F1", 4).await, Err(MediaError::TooLarge(4)));
    assert!(matches!(registry.fetch_media(&line, "F2", 100).await, Err(MediaError::Gone(_))));
}
