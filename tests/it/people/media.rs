//! Files that come in and go out: kept, served under signed addresses, fetched from customers' addresses.

use crate::harness::deps::for_everything;
use crate::harness::{
    files::FileServer,
    http::{self, Reply},
    receiver::Receiver,
    world::{INSTANCE, PHONE, World, message_with},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, time::Duration};
use wa_gateway::app::commands::{SandboxFile, SandboxReceive, WebhookCreate};

const GIF: &[u8] = b"GIF89a, or so it says, and so it is: 0123456789";
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A world whose receiver gets every inbound message.
async fn world_with_receiver() -> (World, Receiver) {
    let receiver = Receiver::start().await;
    let entry = for_everything(&receiver.address);
    let world = World::start_with(|config| config.egress.allow = vec![entry]).await;
    let events = vec!["message.received".to_owned()];
    let request = WebhookCreate { account: world.account, url: receiver.url(), events, ..Default::default() };
    world.command(request).await.expect("an endpoint");
    (world, receiver)
}

async fn receives(world: &World, kind: &str, name: &str, bytes: &[u8], later: bool) {
    let request = SandboxReceive {
        instance: INSTANCE.into(),
        from: PHONE.into(),
        text: "See this".into(),
        kind: Some(kind.into()),
        later,
        file: Some(SandboxFile { name: name.into(), base64: STANDARD.encode(bytes) }),
        ..Default::default()
    };
    world.command(request).await.expect("recorded");
}

/// The `media` of the n-th event, and the path of its address.
async fn told(receiver: &Receiver, n: usize) -> (Value, String) {
    let media = receiver.wait_for(n).await[n - 1].json()["media"].clone();
    let url = media["url"].as_str().unwrap_or_default();
    let path = url.find("/media/").map(|at| url[at..].to_owned()).unwrap_or_default();
    (media, path)
}

async fn ask(world: &World, method: &str, path: &str, headers: &[&str]) -> Reply {
    let headers: Vec<String> = headers.iter().map(ToString::to_string).collect();
    http::call(world.address(), method, path, &headers, &[]).await
}

/// A header that must be there.
fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.header(name).unwrap_or_else(|| panic!("no {name}: {reply:?}"))
}

/// The files on the disk.
fn files(world: &World) -> Vec<PathBuf> {
    let folder = |path: PathBuf| fs::read_dir(path).into_iter().flatten().map(|e| e.expect("an entry").path());
    folder(world.dir.path().join("media")).flat_map(folder).collect()
}

#[tokio::test]
async fn a_file_that_came_is_told_and_served_to_whoever_has_its_address() {
    let (world, receiver) = world_with_receiver().await;
    receives(&world, "image", "../חתול.gif", GIF, false).await;
    let (media, path) = told(&receiver, 1).await;
    assert_eq!(media["type"], "image");
    assert_eq!(media["mime_type"], "image/gif", "what its bytes say, not what was declared");
    assert_eq!((&media["file_name"], &media["size"]), (&json!("חתול.gif"), &json!(GIF.len())));
    let got = ask(&world, "GET", &path, &[]).await;
    assert_eq!((got.status, got.body.as_bytes()), (200, GIF));
    for (name, value) in [
        ("content-type", "image/gif"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(header(&got, name), value, "{name}");
    }
    assert!(header(&got, "cache-control").starts_with("private"));
    let shown = header(&got, "content-disposition");
    assert!(shown.starts_with("inline") && shown.ends_with("''%D7%97%D7%AA%D7%95%D7%9C.gif"), "{shown}");
    let part = ask(&world, "GET", &path, &["Range: bytes=0-5"]).await;
    assert_eq!((part.status, part.body.as_str()), (206, "GIF89a"));
    assert_eq!(header(&part, "content-range"), format!("bytes 0-5/{}", GIF.len()));
    assert_eq!(ask(&world, "GET", &path, &["Range: bytes=-3"]).await.body, "789");
    assert_eq!(ask(&world, "GET", &path, &["Range: bytes=999-"]).await.status, 416);
    let head = ask(&world, "HEAD", &path, &[]).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(header(&head, "content-length"), GIF.len().to_string());
    world.stop().await;
}

#[tokio::test]
async fn an_address_ends_after_a_week_but_for_the_accounts_own_key() {
    let (world, receiver) = world_with_receiver().await;
    receives(&world, "document", "a.html", b"<script>alert(1)</script>", false).await;
    let (media, path) = told(&receiver, 1).await;
    assert_eq!(media["mime_type"], "application/octet-stream");
    let got = ask(&world, "GET", &path, &[]).await;
    assert_eq!(header(&got, "content-type"), "application/octet-stream");
    assert!(header(&got, "content-disposition").starts_with("attachment"), "a page is a download");
    let mut changed = path.clone().into_bytes();
    let at = changed.len() - 40;
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("ascii");
    for wrong in [changed.as_str(), "/media/x", "/media/..%2f..%2fsecret.key", "/media/%00"] {
        assert_eq!(ask(&world, "GET", wrong, &[]).await.error(), "not_found", "{wrong}");
    }
    world.later(WEEK - Duration::from_secs(1));
    assert_eq!(ask(&world, "GET", &path, &[]).await.status, 200);
    world.later(Duration::from_secs(2));
    assert_eq!(ask(&world, "GET", &path, &[]).await.status, 410);
    assert_eq!(world.get(&path).await.status, 200, "the account's own key");
    let other = world.new_account("Other", "starter").await;
    let theirs = format!("Authorization: Bearer {}", world.new_key(other, &[]).await);
    assert_eq!(ask(&world, "GET", &path, &[&theirs]).await.status, 410);
    world.new_instance(world.account, "another-line").await;
    let narrow = format!("Authorization: Bearer {}", world.new_key(world.account, &["another-line"]).await);
    assert_eq!(ask(&world, "GET", &path, &[&narrow]).await.status, 410, "a key for another instance");
    world.stop().await;
}

#[tokio::test]
async fn a_file_at_the_provider_is_told_at_once_and_fetched_later() {
    let (world, receiver) = world_with_receiver().await;
    world.sandbox("fail", "media").await;
    receives(&world, "image", "a.gif", GIF, true).await;
    let (media, path) = told(&receiver, 1).await;
    assert_eq!(media["size"], json!(GIF.len()), "as the provider says");
    let not_yet = ask(&world, "GET", &path, &[]).await;
    assert_eq!((not_yet.status, header(&not_yet, "retry-after")), (503, "15"));
    world.sandbox("fail", "none").await;
    assert_eq!(ask(&world, "GET", &path, &[]).await.body.as_bytes(), GIF, "fetched for who asks");
    assert_eq!(world.number("SELECT count(*) FROM media WHERE state = 'stored' AND handle IS NULL").await, 1);
    world.stop().await;
}

#[tokio::test]
async fn a_file_that_never_comes_is_given_up() {
    let (world, receiver) = world_with_receiver().await;
    world.sandbox("fail", "media").await;
    receives(&world, "image", "a.gif", GIF, true).await;
    let (_, path) = told(&receiver, 1).await;
    let media = world.gateway().media.clone();
    // The worker steps too: whoever comes second finds the try taken.
    let mut steps = 0;
    while world.number("SELECT count(*) FROM media WHERE state = 'failed' AND handle IS NULL").await == 0 {
        steps += 1;
        assert!(steps < 1000, "it is tried for ever");
        world.later(Duration::from_secs(7 * 60 * 60));
        media.step().await.expect("a step");
    }
    assert!(world.number("SELECT attempts FROM media").await >= 6);
    assert_eq!(ask(&world, "GET", &path, &[]).await.status, 410);
    world.stop().await;
}

#[tokio::test]
async fn a_file_that_is_too_large_is_not_kept_but_its_message_is() {
    let receiver = Receiver::start().await;
    let entry = for_everything(&receiver.address);
    let world = World::start_with(|config| {
        config.egress.allow = vec![entry];
        config.media.image_mb = 1;
    })
    .await;
    let events = vec!["message.received".to_owned()];
    let request = WebhookCreate { account: world.account, url: receiver.url(), events, ..Default::default() };
    world.command(request).await.expect("an endpoint");
    receives(&world, "image", "a.gif", &vec![b'G'; (1 << 20) + 1], false).await;
    let event = receiver.wait_for(1).await[0].json();
    assert_eq!((&event["message_text"], &event["media"]["url"]), (&json!("See this"), &Value::Null));
    assert_eq!(files(&world).len(), 0);
    world.stop().await;
}

#[tokio::test]
async fn what_a_crash_left_is_swept_and_what_has_a_row_stays() {
    let (world, receiver) = world_with_receiver().await;
    receives(&world, "image", "a.gif", GIF, false).await;
    let (_, path) = told(&receiver, 1).await;
    let kept = files(&world);
    assert_eq!(kept.len(), 1);
    fs::write(kept[0].with_file_name("0rphan"), "nobody's").expect("written");
    fs::write(kept[0].with_file_name("half.part"), "half").expect("written");
    assert_eq!(world.gateway().media.sweep().await.expect("swept"), 1);
    assert_eq!(files(&world), kept);
    assert_eq!(ask(&world, "GET", &path, &[]).await.status, 200);
    world.stop().await;
}

/// A world that may fetch from a server of files.
async fn world_with_files() -> (World, FileServer) {
    let server = FileServer::start().await;
    let entry = for_everything(&server.address);
    let world = World::start_with(|config| {
        config.egress.allow = vec![entry];
        config.media.image_mb = 1;
    })
    .await;
    (world, server)
}

fn with_file(url: &str, kind: &str) -> Value {
    message_with(json!({"message": "Your invoice.", "media_url": url, "media_type": kind}))
}

#[tokio::test]
async fn a_file_is_fetched_and_sent_with_its_caption() {
    let (world, server) = world_with_files().await;
    let url = server.put("invoice%20%D7%97.pdf?x=1", "application/pdf", b"%PDF-1.7 ...");
    let reply = world.send(&with_file(&url, "document")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let got = &world.inbox().await[0];
    assert_eq!((&got["kind"], &got["text"]), (&json!("document"), &json!("Your invoice.")));
    assert_eq!((&got["mime_type"], &got["size"]), (&json!("application/pdf"), &json!(12)));
    assert_eq!(got["file_name"], "invoice ח.pdf");
    let without_caption = message_with(json!({"message": null, "media_type": "image", "file_name": "cat.gif",
        "media_url": server.put("cat", "text/html", GIF)}));
    assert_eq!(world.send(&without_caption).await.status, 200);
    let got = &world.inbox().await[1];
    assert_eq!(
        (&got["mime_type"], &got["file_name"], &got["text"]),
        (&json!("image/gif"), &json!("cat.gif"), &json!(""))
    );
    assert_eq!(world.number("SELECT count(*) FROM media m JOIN messages l ON l.id = m.log_id").await, 2);
    assert_eq!(files(&world).len(), 2);
    world.stop().await;
}

#[tokio::test]
async fn what_cannot_be_fetched_or_is_no_such_file_is_refused_by_name() {
    let (world, server) = world_with_files().await;
    let endless = server.put_endless("endless", "200 OK\r\nContent-Length: 500", &[b'G'; 4096]);
    let longer = server.put_endless("longer", "200 OK\r\nContent-Type: image/gif", &[b'G'; 4096]);
    let rows = [
        (server.put("page", "image/png", b"<html>"), "image", "which is no image"),
        (server.put("empty", "image/png", b""), "image", "empty"),
        (server.put("pdf", "video/mp4", b"%PDF-1.7"), "video", "application/pdf"),
        (format!("http://{}/none", server.address), "image", "404"),
        (server.answer("moved", "302 Found\r\nLocation: http://169.254.169.254/", b"", false), "image", "302"),
        ("http://169.254.169.254/latest".to_owned(), "image", "may not be called"),
        ("http://127.0.0.1:1/x".to_owned(), "image", "may not be called"),
        (longer, "image", "larger than 1048576 bytes"),
        (endless, "image", "unknown type"),
    ];
    for (url, kind, why) in rows {
        let reply = world.send(&with_file(&url, kind)).await;
        assert_eq!((reply.status, reply.error()), (422, "validation_error".to_owned()), "{url}: {}", reply.body);
        let details = &reply.json()["details"];
        assert_eq!(details["fields"], json!(["media_url"]), "{url}");
        assert!(details["reason"].as_str().expect("a reason").contains(why), "{url}: {details}");
    }
    assert_eq!((world.inbox().await.len(), files(&world).len(), world.used().await), (0, 0, (0, 0)));
    world.stop().await;
}

#[tokio::test]
async fn a_disk_that_does_not_take_the_file_is_not_the_callers_fault() {
    let (world, server) = world_with_files().await;
    let url = server.put("cat", "image/gif", GIF);
    let here = message_with(json!({"message": "Your cat.", "media_base64": "R0lGODlhAQABAAAAACw="}));
    let media = world.dir.path().join("media");
    // No folder can be made where a file stands.
    let _ = fs::remove_dir_all(&media);
    fs::write(&media, "").expect("a file in the way");
    for body in [with_file(&url, "image"), here.clone()] {
        let reply = world.send(&body).await;
        assert_eq!((reply.status, reply.error()), (503, "service_unavailable".to_owned()), "{}", reply.body);
        header(&reply, "retry-after");
        assert!(!reply.body.contains("os error"), "{}", reply.body);
    }
    assert_eq!((world.inbox().await.len(), world.used().await), (0, (0, 0)));
    fs::remove_file(&media).expect("out of the way");
    for body in [with_file(&url, "image"), here] {
        assert_eq!(world.send(&body).await.status, 200, "the same request is good again");
    }
    world.stop().await;
}

#[tokio::test]
async fn nothing_is_fetched_for_a_message_that_is_refused_or_replayed() {
    let (world, server) = world_with_files().await;
    let url = server.put("cat.gif", "image/gif", GIF);
    let body = with_file(&url, "image");
    let key = ["Idempotency-Key: cat-1"];
    assert_eq!(world.send_with(&world.key, &body, &key).await.status, 200);
    assert_eq!(world.send_with(&world.key, &body, &key).await.header("idempotent-replayed"), Some("true"));
    assert_eq!(server.asked(), 1);
    let reused = with_file(&server.put("dog.gif", "image/gif", GIF), "image");
    assert_eq!(world.send_with(&world.key, &reused, &key).await.error(), "idempotency_key_reused");
    world.suppress(PHONE).await;
    assert_eq!(world.send(&body).await.error(), "recipient_suppressed");
    assert_eq!((server.asked(), files(&world).len()), (1, 1));
    world.stop().await;
}

#[tokio::test]
async fn a_caption_passes_the_content_policy() {
    let (world, server) = world_with_files().await;
    let url = server.put("cat.gif", "image/gif", GIF);
    let spam = message_with(json!({"message": crate::harness::world::SPAM, "media_url": url, "media_type": "image"}));
    assert_eq!(world.send(&spam).await.error(), "policy_violation");
    assert_eq!(server.asked(), 0);
    world.stop().await;
}
