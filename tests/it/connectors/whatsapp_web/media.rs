//! Files both ways, encrypted here and opened there.

use super::rig::{OWN, Rig};
use crate::harness::line::TRIES_MS;
use serde_json::json;
use std::{path::Path, time::Duration};
use wa_gateway::{
    connectors::{
        Connector as _, Content, MediaError,
        inbound_event::{InboundMessage, MediaSource},
        outgoing::{MediaFile, MediaKind},
    },
    model::ids::InstanceId,
};

const GIF: &[u8] = b"GIF89a, or so it says, and so it is: 0123456789";
const WEBP: &[u8] = b"RIFF\x24\0\0\0WEBPVP8 , a smile that is none";
const OGG: &[u8] = b"OggS\0\x02\0\0\0\0\0\0\0\0, a voice that says what it has to say";

fn handle(message: &InboundMessage) -> String {
    let source = message.media.as_ref().map(|media| &media.source);
    match source {
        Some(MediaSource::Later(handle)) => handle.clone(),
        other => panic!("no file to fetch: {other:?}"),
    }
}

/// A file on the disk, to be sent by a friend.
fn file(dir: &Path, kind: MediaKind, (name, mime): (&str, &str), bytes: &[u8]) -> Content {
    let path = dir.join(name);
    std::fs::write(&path, bytes).expect("written");
    let file = MediaFile {
        path,
        mime_type: mime.to_owned(),
        size: bytes.len() as u64,
        file_name: (kind == MediaKind::Document).then(|| name.to_owned()),
    };
    Content::Media { kind, file, caption: if kind == MediaKind::Audio { String::new() } else { "Look".to_owned() } }
}

#[tokio::test]
async fn a_file_goes_out_and_opens_at_the_other_end() {
    let rig = Rig::start().await;
    let large = [b"%PDF-1.7 ".as_slice(), &vec![b'x'; 2 * 1024 * 1024]].concat();
    for (name, bytes, kind, mime) in [
        ("cat.gif", GIF, "image", "image/gif"),
        ("invoice.pdf", &large[..], "document", "application/pdf"),
        ("voice.ogg", OGG, "audio", "audio/ogg"),
        ("spoken.ogg", OGG, "voice", "audio/ogg"),
        ("smile.webp", WEBP, "sticker", "image/webp"),
    ] {
        let says_nothing = ["audio", "voice", "sticker"].contains(&kind);
        // The word that opens files runs out every few minutes.
        rig.service.change_word_of_files();
        let caption = if says_nothing { "" } else { "Your invoice." };
        let mut body = rig.message(caption);
        body["media_url"] = json!(rig.files.put(name, mime, bytes));
        body["media_type"] = json!(kind);
        if says_nothing {
            body.as_object_mut().expect("an object").remove("message");
        }
        let reply = rig.world.send(&body).await;
        assert_eq!((reply.status, reply.header("x-message-status")), (200, Some("sent")), "{name}: {}", reply.body);
        let got = rig.customer.got(&rig.last_id()).await;
        let media = got.media.as_ref().expect("a file");
        // What was spoken arrives as sound.
        let heard = if kind == "voice" { "audio" } else { kind };
        assert_eq!((got.kind.as_str(), media.size), (heard, Some(bytes.len() as u64)), "{name}");
        assert!(media.mime_type.starts_with(mime), "{name}: {}", media.mime_type);
        assert_eq!(got.text.unwrap_or_default(), caption, "{name}");
        assert_eq!(media.file_name.as_deref(), (kind == "document").then_some(name));
        let (handle, max) = (handle(&rig.customer.got(&rig.last_id()).await), bytes.len() as u64);
        assert_eq!(rig.customer.connector.fetch_media(&handle, max).await.as_deref(), Ok(bytes), "{name}");
        let less = rig.customer.connector.fetch_media(&handle, max - 1).await;
        assert_eq!(less, Err(MediaError::TooLarge(max - 1)), "{name}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_brought_leaves_nothing_behind() {
    let rig = Rig::start().await;
    rig.service.trouble_files(Some(507));
    let mut body = rig.message("Your invoice.");
    body["media_url"] = json!(rig.files.put("cat.gif", "image/gif", GIF));
    body["media_type"] = json!("image");
    let reply = rig.send_stepping(&body, &TRIES_MS).await;
    let row = rig.row(&reply).await;
    assert_eq!(row["status"], "failed", "{row}");
    assert!(row.to_string().contains("did not take the file"), "{row}");
    assert!(rig.service.taken().is_empty());
    rig.service.trouble_files(None);
    assert_eq!(rig.world.send(&body).await.header("x-message-status"), Some("sent"));
}

#[tokio::test]
async fn a_file_that_comes_is_kept_and_served() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.received"]).await;
    let dir = tempfile::tempdir().expect("a folder");
    let sent = [
        (MediaKind::Image, ("cat.gif", "image/gif"), GIF),
        (MediaKind::Document, ("list.txt", "text/plain"), b"2 pieces"),
        (MediaKind::Audio, ("voice.ogg", "audio/ogg"), OGG),
    ];
    for (n, (kind, of, bytes)) in sent.into_iter().enumerate() {
        let content = file(dir.path(), kind, of, bytes);
        rig.customer.write(OWN, &format!("msg_01FILE{n}"), content).await.expect("taken");
        let received = rig.events("message.received", n + 1).await.pop().expect("one");
        assert_eq!(received["message_type"], kind.as_str(), "{received}");
        let url = received["media"]["url"].as_str().unwrap_or_else(|| panic!("an address: {received}"));
        let path = &url[url.find("/media/").expect("a path")..];
        rig.pass_until("the file is here", Duration::from_secs(1), async || {
            let got = crate::harness::http::call(rig.world.address(), "GET", path, &[], b"").await;
            got.status == 200 && got.body.as_bytes() == bytes
        })
        .await;
    }
}

/// WhatsApp keeps files for some weeks.
#[tokio::test]
async fn a_file_that_whatsapp_keeps_no_longer_is_gone_and_a_handle_of_others_is_none() {
    let rig = Rig::start().await;
    let dir = tempfile::tempdir().expect("a folder");
    rig.service.trouble_files(None);
    let content = file(dir.path(), MediaKind::Image, ("cat.gif", "image/gif"), GIF);
    let mut body = rig.message("Your invoice.");
    body["media_url"] = json!(rig.files.put("cat.gif", "image/gif", GIF));
    body["media_type"] = json!("image");
    assert_eq!(rig.world.send(&body).await.status, 200);
    let handle = handle(&rig.customer.got(&rig.last_id()).await);
    rig.service.forget_files();
    let fetched = rig.customer.connector.fetch_media(&handle, 1000).await;
    assert!(matches!(fetched, Err(MediaError::Gone(_))), "{fetched:?}");
    rig.service.trouble_files(Some(503));
    let fetched = rig.customer.connector.fetch_media(&handle, 1000).await;
    assert!(matches!(fetched, Err(MediaError::NotNow(_))), "{fetched:?}");
    let line = InstanceId::from_text(super::rig::LINE);
    let strange = rig.world.gateway().registry.fetch_media(&line, "F1", 1000).await;
    assert!(matches!(strange, Err(MediaError::Gone(_))), "{strange:?}");
    rig.service.trouble_files(None);
    rig.customer.write(OWN, "msg_01AFTER", content).await.expect("taken");
}
