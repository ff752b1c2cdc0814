//! Files in the dialect: each documented ending goes out as what its bytes are; what is none is refused; what came is given
//! to whoever is logged in, for as long as it is kept.

use super::{Shop, documents::JPEG};
use crate::harness::deps::for_everything;
use crate::harness::{
    files::FileServer,
    http::Reply,
    visitor::Visitor,
    world::{INSTANCE, PHONE, World},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::app::commands::{SandboxFile, SandboxReceive};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const GIF: &[u8] = b"GIF89a, or so it says";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Each documented ending, what stands in such a file, what it is sent as, and the type that is told.
const ENDINGS: [(&str, &[u8], &str, &str); 8] = [
    ("photo.jpg", JPEG, "image", "image/jpeg"),
    ("photo.jpeg", JPEG, "image", "image/jpeg"),
    ("drawing.png", PNG, "image", "image/png"),
    ("moving.gif", GIF, "image", "image/gif"),
    ("sticker.webp", b"RIFF\x10\0\0\0WEBPVP8 ", "image", "image/webp"),
    ("invoice.pdf", b"%PDF-1.7 and more", "document", "application/pdf"),
    ("film.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0", "video", "video/mp4"),
    ("song.mp3", b"ID3\x04\0\0\0\0\0\0 a song", "audio", "audio/mpeg"),
];

async fn shop_with_files() -> (Shop, FileServer) {
    let server = FileServer::start().await;
    let entry = for_everything(&server.address);
    let shop = Shop::start_with(|config| {
        config.egress.allow = vec![entry];
        config.media.image_mb = 1;
    });
    (shop.await, server)
}

fn good(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

#[tokio::test]
async fn each_documented_file_arrives_as_what_it_is() {
    let (shop, server) = shop_with_files().await;
    let mut owner = Visitor::logged_in(&shop.world, "owner").await;
    for (n, (name, bytes, kind, mime)) in ENDINGS.into_iter().enumerate() {
        // What the server says of its type is not believed.
        let url = server.put(&format!("{n}/{name}"), "text/html", bytes);
        let (number, caption) = (format!("96650123450{n}"), format!("Your file number {n}: שלום"));
        let message = if kind == "audio" { "" } else { &caption };
        let body = json!({"clientId": INSTANCE, "number": number, "message": message, "mediaUrl": url});
        let sent = good(&shop.post("/api/send-message", &body).await);
        assert_eq!((&sent["message"]["type"], &sent["message"]["body"]), (&json!(kind), &json!(message)), "{name}");
        let got = &shop.world.inbox().await[n];
        assert_eq!((&got["kind"], &got["mime_type"], &got["text"]), (&json!(kind), &json!(mime), &json!(message)));
        assert_eq!((&got["file_name"], &got["size"]), (&json!(name), &json!(bytes.len())));
        assert_eq!(got["to"], format!("+{number}"));
        let id = sent["message"]["id"]["_serialized"].as_str().expect("an id");
        let file = owner.get(&format!("/api/chats/{INSTANCE}/media/{id}")).await;
        assert_eq!((file.status, file.header("content-type")), (200, Some(mime)), "{name}");
        assert_eq!(file.header("content-length"), Some(bytes.len().to_string().as_str()));
    }
    let song = server.put("talked-over.mp3", "audio/mpeg", ENDINGS[7].1);
    let body = json!({"clientId": INSTANCE, "number": "966501234509", "message": "listen", "mediaUrl": song});
    let sent = good(&shop.post("/api/send-message", &body).await);
    assert_eq!((&sent["message"]["type"], &sent["message"]["body"]), (&json!("document"), &json!("listen")));
    let got = shop.world.inbox().await.pop().expect("it");
    assert_eq!(
        (&got["kind"], &got["text"], &got["file_name"]),
        (&json!("document"), &json!("listen"), &json!("talked-over.mp3"))
    );
    shop.world.stop().await;
}

#[tokio::test]
async fn what_is_no_such_file_is_a_media_error() {
    let (shop, server) = shop_with_files().await;
    let large = [JPEG, &vec![b'x'; 1 << 20]].concat();
    let moved = server.answer("moved.png", "302 Found\r\nLocation: http://169.254.169.254/", b"", false);
    for (url, why) in [
        (server.put("page.png", "image/png", b"<html>"), "no image"),
        (server.put("paper.jpg", "image/jpeg", b"%PDF-1.7"), "application/pdf"),
        (server.put("picture.mp4", "video/mp4", GIF), "image/gif"),
        (server.put("speech.mp3", "audio/mpeg", b"words"), "no audio"),
        (server.put("large.jpg", "image/jpeg", &large), "larger than 1048576 bytes"),
        (server.put("empty.gif", "image/gif", b""), "empty"),
        (format!("http://{}/none.png", server.address), "404"),
        (moved, "302"),
        ("http://169.254.169.254/a.png".into(), "may not be called"),
        ("http://127.0.0.1:1/a.png".into(), "may not be called"),
        ("http://10.0.0.1/a.pdf".into(), "may not be called"),
        (server.put("program.exe", "image/png", PNG), "must end in"),
        ("file:///etc/passwd.png".into(), "http or https"),
    ] {
        let message = if url.ends_with(".mp3") { "" } else { "See this" };
        let body = json!({"clientId": INSTANCE, "number": "966501234567", "message": message, "mediaUrl": url});
        let refused = shop.post("/api/send-message", &body).await;
        let told = refused.json();
        assert_eq!((refused.status, &told["code"]), (400, &json!("MEDIA_ERROR")), "{url}: {}", refused.body);
        assert!(told["error"].as_str().is_some_and(|text| text.contains(why)), "{url}: {told}");
    }
    assert_eq!((shop.world.inbox().await.len(), shop.world.used().await), (0, (0, 0)));
    shop.world.stop().await;
}

async fn receives(world: &World, later: bool) {
    let request = SandboxReceive {
        instance: INSTANCE.into(),
        from: PHONE.into(),
        text: "See this".into(),
        kind: Some("image".into()),
        later,
        file: Some(SandboxFile { name: "cat.gif".into(), base64: STANDARD.encode(GIF) }),
        ..Default::default()
    };
    world.command(request).await.expect("recorded");
}

/// Where the chat's newest file is.
async fn newest_file(owner: &mut Visitor) -> String {
    let messages = good(&owner.get(&format!("/api/chats/{INSTANCE}/966501234567@c.us/messages")).await);
    let messages = messages["messages"].as_array().expect("a list").clone();
    let newest = messages.iter().rev().find(|m| m["hasMedia"] == true).expect("a file");
    assert_eq!(
        (&newest["type"], &newest["filename"], &newest["body"]),
        (&json!("image"), &json!("cat.gif"), &json!("See this"))
    );
    format!("/api/chats/{INSTANCE}/media/{}", newest["id"]["_serialized"].as_str().expect("an id"))
}

#[tokio::test]
async fn a_file_that_came_is_given_until_it_is_not_kept_any_more() {
    let shop = Shop::start().await;
    let mut owner = Visitor::logged_in(&shop.world, "owner").await;
    receives(&shop.world, false).await;
    let path = newest_file(&mut owner).await;
    let file = owner.get(&path).await;
    assert_eq!((file.status, file.body.as_bytes(), file.header("content-type")), (200, GIF, Some("image/gif")));
    let shown = file.header("content-disposition").expect("a name");
    assert!(shown.starts_with("inline") && shown.contains("cat.gif"), "{shown}");
    let none = owner.get(&format!("/api/chats/{INSTANCE}/media/inb_77")).await;
    assert_eq!((none.status, &none.json()["code"]), (400, &json!("MEDIA_ERROR")));

    shop.world.later(31 * DAY);
    shop.world.gateway().retention.step().await.expect("a step");
    let mut owner = Visitor::logged_in(&shop.world, "owner").await;
    let gone = owner.get(&path).await;
    assert_eq!((gone.status, &gone.json()["code"]), (400, &json!("MEDIA_ERROR")), "{}", gone.body);
    shop.world.stop().await;
}

#[tokio::test]
async fn a_file_that_is_still_with_the_provider_comes_later() {
    let shop = Shop::start().await;
    let mut owner = Visitor::logged_in(&shop.world, "owner").await;
    shop.world.sandbox("fail", "media").await;
    receives(&shop.world, true).await;
    let path = newest_file(&mut owner).await;
    let not_yet = owner.get(&path).await;
    assert_eq!((not_yet.status, &not_yet.json()["code"]), (503, &json!("MEDIA_ERROR")), "{}", not_yet.body);
    assert_eq!(not_yet.header("retry-after"), Some("15"));
    shop.world.sandbox("fail", "none").await;
    assert_eq!(owner.get(&path).await.body.as_bytes(), GIF);
    shop.world.stop().await;
}
