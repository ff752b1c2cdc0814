//! Files that come with the request: as a part of a form, or in base64.

use crate::harness::{
    http::{self, Reply},
    world::{INSTANCE, PHONE, SPAM, World, message_with},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const PDF: &[u8] = b"%PDF-1.7\r\n--B0un is no end\0 of it";

/// Sends a form: fields, and files with their name, type and bytes.
async fn post(world: &World, fields: &[(&str, &str)], files: &[(&str, &str, &[u8])], more: &[&str]) -> Reply {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--B0und\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.into_bytes());
    }
    for (name, kind, bytes) in files {
        let head =
            format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}");
        body.extend(format!("--B0und\r\n{head}\r\n\r\n").into_bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--B0und--\r\n");
    let mut headers = vec![format!("Authorization: Bearer {}", world.key)];
    headers.push("Content-Type: multipart/form-data; boundary=B0und".into());
    headers.extend(more.iter().map(ToString::to_string));
    http::call(world.address(), "POST", "/api/send-message", &headers, &body).await
}

fn fields(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let all = [("instance_id", INSTANCE), ("phone", PHONE), ("message_purpose", "transactional")];
    all.into_iter().chain(more.iter().copied()).collect()
}

fn stored(world: &World) -> Vec<PathBuf> {
    fn walk(dir: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir).into_iter().flatten().map(|entry| entry.expect("an entry").path());
        entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
    }
    walk(&world.dir.path().join("media"))
}

#[tokio::test]
async fn a_form_brings_its_file() {
    let world = World::start().await;
    let large = [&b"%PDF-1.7 "[..], &vec![7; 3 << 20]].concat();
    for (n, (more, file, kind, name, mime, text)) in [
        (
            &[("message", "Your bill.")][..],
            ("Bill 2041", "application/pdf", PDF),
            "document",
            "Bill 2041.pdf",
            "application/pdf",
            "Your bill.",
        ),
        (&[][..], ("l.csv", "text/csv", "a;\u{5d7}\n".as_bytes()), "document", "l.csv", "text/csv", ""),
        (
            &[("message", ""), ("reference", "order-7")][..],
            ("p", "image/png", b"\x89PNG\r\n\x1a\n"),
            "image",
            "p.png",
            "image/png",
            "",
        ),
        (
            &[("media_type", "document"), ("file_name", "roof.png")][..],
            ("p", "image/png", b"\x89PNG\r\n\x1a\n"),
            "document",
            "roof.png",
            "image/png",
            "",
        ),
        (&[("message", "hear")][..], ("v.mp3", "audio/mpeg", b"ID3 sound"), "document", "v.mp3", "audio/mpeg", "hear"),
        (&[][..], ("big.pdf", "application/pdf", large.as_slice()), "document", "big.pdf", "application/pdf", ""),
    ]
    .into_iter()
    .enumerate()
    {
        world.later(std::time::Duration::from_secs(60));
        let reply = post(&world, &fields(more), &[file], &[]).await;
        assert_eq!(reply.status, 200, "{name}: {}", reply.body);
        let got = &world.inbox().await[n];
        assert_eq!((&got["kind"], &got["file_name"], &got["mime_type"]), (&json!(kind), &json!(name), &json!(mime)));
        assert_eq!((&got["text"], &got["size"]), (&json!(text), &json!(file.2.len())), "{name}");
    }
    assert_eq!(world.number("SELECT count(*) FROM messages WHERE reference = 'order-7'").await, 1);
    let kept = stored(&world);
    assert_eq!(kept.len(), 6);
    assert!(kept.iter().any(|path| std::fs::read(path).expect("a file") == large), "byte for byte");
    world.stop().await;
}

#[tokio::test]
async fn base64_does_the_same_and_may_be_larger_than_other_bodies() {
    let world = World::start().await;
    let large = [&b"%PDF-1.7 "[..], &vec![7; 1 << 20]].concat();
    for (n, (given, name)) in [
        (STANDARD.encode(PDF), "document.pdf"),
        (format!("data:application/pdf;base64,{}", STANDARD.encode(PDF)), "document.pdf"),
        (STANDARD.encode(&large), "document.pdf"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = message_with(json!({"message": "Your bill.", "media_base64": given}));
        let reply = world.send(&body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let got = &world.inbox().await[n];
        assert_eq!((&got["kind"], &got["file_name"]), (&json!("document"), &json!(name)));
    }
    // Only the file may be large.
    let mut body = message_with(json!({"media_base64": STANDARD.encode(PDF)}));
    body["message"] = json!("x".repeat(300 << 10));
    assert_eq!(world.send(&body).await.error(), "payload_too_large");
    body["media_base64"] = Value::Null;
    assert_eq!(world.send(&body).await.error(), "payload_too_large");
    world.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said_and_nothing_is_left_of_it() {
    let world = World::start_with(|config| config.media.image_mb = 1).await;
    let png = [&b"\x89PNG\r\n\x1a\n"[..], &vec![0; 1 << 20]].concat();
    let file = ("a.pdf", "application/pdf", PDF);
    for (more, files, field) in [
        (&[][..], &[("a.png", "image/png", png.as_slice())][..], "file"),
        (&[][..], &[("a.pdf", "application/pdf", &b""[..])][..], "file"),
        (&[][..], &[file, file][..], "file"),
        (&[("media_type", "image")][..], &[file][..], "file"),
        (&[("media_type", "film")][..], &[file][..], "media_type"),
        (&[("media_url", "https://shop.example/a.pdf")][..], &[file][..], "file"),
        (&[("template", "{\"name\":\"n\",\"language\":\"he\"}")][..], &[file][..], "file"),
        (&[("phone", "twice")][..], &[file][..], "file"),
        (&[][..], &[][..], "message"),
    ] {
        let reply = post(&world, &fields(more), files, &[]).await;
        assert_eq!((reply.status, reply.error()), (422, "validation_error".to_owned()), "{more:?}: {}", reply.body);
        assert_eq!(reply.json()["details"]["fields"], json!([field]), "{more:?}: {}", reply.body);
    }
    for wrong in ["", "not base64!", "data:text/plain,plain"] {
        let reply = world.send(&message_with(json!({"message": null, "media_base64": wrong}))).await;
        assert_eq!(reply.json()["details"]["fields"], json!(["media_base64"]), "{wrong}: {}", reply.body);
    }
    assert_eq!(post(&world, &fields(&[("message", SPAM)]), &[file], &[]).await.error(), "policy_violation");
    world.suppress(PHONE).await;
    assert_eq!(post(&world, &fields(&[]), &[file], &[]).await.error(), "recipient_suppressed");
    let body = b"--B0und\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf";
    let headers =
        [format!("Authorization: Bearer {}", world.key), "Content-Type: multipart/form-data; boundary=B0und".into()];
    let cut = http::call(world.address(), "POST", "/api/send-message", &headers, body).await;
    assert_eq!(cut.error(), "validation_error", "{}", cut.body);
    let no_boundary = [headers[0].clone(), "Content-Type: multipart/form-data".into()];
    let refused = http::call(world.address(), "POST", "/api/send-message", &no_boundary, body).await;
    assert_eq!(refused.error(), "unsupported_media_type");
    let nobody = ["Content-Type: multipart/form-data; boundary=B0und".to_owned()];
    assert_eq!(
        http::call(world.address(), "POST", "/api/send-message", &nobody, body).await.error(),
        "invalid_api_key"
    );
    assert_eq!((stored(&world), world.inbox().await.len(), world.used().await), (Vec::new(), 0, (0, 0)));
    world.stop().await;
}

/// A client that is made like a form sends every field always: through each door, an empty one is none.
#[tokio::test]
async fn an_optional_field_that_is_empty_is_absent_through_each_door() {
    let world = World::start().await;
    let texts = ["reference", "media_url", "media_type", "file_name", "reply_to", "footer"];
    let others = [
        "template",
        "reaction",
        "edit",
        "delete",
        "buttons",
        "list",
        "link_button",
        "location",
        "contact",
        "contact_request",
        "expires_at",
        "send_at",
        "queue",
    ];
    for field in others {
        let refused = world.send(&message_with(json!({field: ""}))).await;
        assert_eq!(refused.error(), "validation_error", "{field}: {}", refused.body);
    }
    let unchosen = [("", "application/octet-stream", &b""[..]); 2];
    for (n, empty) in ["", " "].into_iter().enumerate() {
        let given: Vec<(&str, &str)> = texts.iter().map(|field| (*field, empty)).collect();
        let members: serde_json::Map<String, Value> =
            given.iter().map(|(field, text)| ((*field).to_owned(), json!(text))).collect();
        let mut json = message_with(Value::Object(members));
        json["message"] = json!("As JSON");
        world.later(std::time::Duration::from_secs(60));
        let reply = world.send(&json).await;
        assert_eq!(reply.status, 200, "{empty:?}: {}", reply.body);
        // What was left empty in a form is not there, whatever it is.
        let left: Vec<_> = others.iter().filter(|_| empty.is_empty()).map(|field| (*field, empty)).collect();
        let form = [&self::fields(&[("message", "As a form")])[..], &given[..], &left[..]].concat();
        world.later(std::time::Duration::from_secs(60));
        let reply = post(&world, &form, &unchosen, &[]).await;
        assert_eq!(reply.status, 200, "{empty:?}: {}", reply.body);
        let inbox = world.inbox().await;
        let got: Vec<_> = inbox[2 * n..].iter().map(|one| (one["kind"].clone(), one["text"].clone())).collect();
        let text = |said: &str| (Value::Null, json!(said));
        assert_eq!(got, [text("As JSON"), text("As a form")], "{empty:?}");
    }
    // A file that has a name or was to be one is not left out in silence.
    for files in [
        &[("a.pdf", "application/pdf", &b""[..])][..],
        &[("", "application/pdf", PDF), ("b.pdf", "application/pdf", PDF)],
    ] {
        let reply = post(&world, &self::fields(&[("message", "x")]), files, &[]).await;
        assert_eq!(reply.json()["details"]["fields"], json!(["file"]), "{}", reply.body);
    }
    let reply = world.send(&message_with(json!({"media_base64": ""}))).await;
    assert_eq!(reply.json()["details"]["fields"], json!(["media_base64"]), "{}", reply.body);
    let waits = post(&world, &self::fields(&[("message", "later"), ("queue", "true")]), &[], &[]).await;
    assert_eq!(waits.status, 200, "a form says true, too: {}", waits.body);
    world.stop().await;
}

/// The same key with the same file is the same request, with another one it is another.
#[tokio::test]
async fn a_repeated_form_is_sent_once() {
    let world = World::start().await;
    let key = ["Idempotency-Key: bill-2041"];
    let file = ("a.pdf", "application/pdf", PDF);
    assert_eq!(post(&world, &fields(&[]), &[file], &key).await.status, 200);
    let again = post(&world, &fields(&[]), &[file], &key).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
    let other = post(&world, &fields(&[]), &[("a.pdf", "application/pdf", b"%PDF-1.7 another")], &key).await;
    assert_eq!(other.error(), "idempotency_key_reused");
    assert_eq!((world.inbox().await.len(), stored(&world).len()), (1, 1), "what was not needed is gone");
    world.stop().await;
}
