//! What stands in the header and the body: JSON that is none, paths that lead elsewhere, headers that lie.

use super::{connect, still_serves, whole};
use crate::harness::{
    http::call,
    wire::Wire,
    world::{PHONE, World, message, message_with},
};
use serde_json::json;

#[tokio::test]
async fn what_is_no_strict_json_object_is_invalid_json() {
    let world = World::start().await;
    let good = message().to_string();
    let members = good.trim_start_matches('{').trim_end_matches('}');
    let nested = |n: usize| format!("{{{members},\"x\":{}{}}}", "[".repeat(n), "]".repeat(n));
    let objects = |n: usize| format!("{{{members},\"x\":{}1{}}}", "{\"a\":".repeat(n), "}".repeat(n));
    let mut latin_1 = format!("{{{members},\"x\":\"").into_bytes();
    latin_1.extend_from_slice(b"caf\xe9\"}");
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("arrays, 200 deep", nested(200).into_bytes()),
        ("objects, 200 deep", objects(200).into_bytes()),
        ("arrays, 100,000 deep", nested(100_000).into_bytes()),
        ("a lone high surrogate", format!("{{{members},\"x\":\"\\ud83d\"}}").into_bytes()),
        ("a lone low surrogate", format!("{{{members},\"x\":\"\\ude00\"}}").into_bytes()),
        ("surrogates in the wrong order", format!("{{{members},\"x\":\"\\ude00\\ud83d\"}}").into_bytes()),
        ("a doubled key", format!("{{{members},\"phone\":\"+966507654321\"}}").into_bytes()),
        ("a doubled key, escaped", format!("{{{members},\"\\u0070hone\":\"+966507654321\"}}").into_bytes()),
        ("a doubled key further in", format!("{{{members},\"x\":{{\"a\":1,\"a\":2}}}}").into_bytes()),
        ("text after it", format!("{good} x").into_bytes()),
        ("two objects", format!("{good}{good}").into_bytes()),
        ("a NUL after it", format!("{good}\0").into_bytes()),
        ("a raw NUL in a text", message_with(json!({"message": "a-b"})).to_string().replace('-', "\0").into_bytes()),
        ("no UTF-8", latin_1),
        ("a byte order mark", format!("\u{feff}{good}").into_bytes()),
        ("UTF-16", good.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a number beyond all", format!("{{{members},\"x\":1e999}}").into_bytes()),
        ("nothing", Vec::new()),
        ("an array", format!("[{good}]").into_bytes()),
    ];
    let headers = ["Content-Type: application/json".to_owned(), format!("Authorization: Bearer {}", world.key)];
    for (name, body) in rows {
        let reply = world.post_raw(&headers, &body).await;
        assert_eq!((reply.status, reply.error().as_str()), (400, "invalid_json"), "{name}");
    }
    assert!(world.inbox().await.is_empty());
    // The control: without any of this it is sent, also at a depth that is allowed.
    assert_eq!(world.post_raw(&headers, nested(50).as_bytes()).await.status, 200);
    world.stop().await;
}

#[tokio::test]
async fn an_escaped_nul_is_no_part_of_any_field() {
    let world = World::start().await;
    for field in ["message", "phone", "instance_id"] {
        let reply = world.send(&message_with(json!({field: "a\0b"}))).await;
        assert!((400..500).contains(&reply.status), "{field}: {}", reply.body);
        assert!(["validation_error", "invalid_instance"].contains(&reply.error().as_str()), "{field}: {}", reply.body);
    }
    assert!(world.inbox().await.is_empty());
    world.stop().await;
}

#[tokio::test]
async fn paths_lead_nowhere_but_to_routes() {
    let world = World::start().await;
    for path in [
        "/assets/../Cargo.toml",
        "/assets/..%2fCargo.toml",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/assets/%2e%2e%2fCargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/..%5cCargo.toml",
        "/assets/%252e%252e%252fCargo.toml",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/%00",
        "/assets/app.css%00.svg",
        "/assets/%c0%ae%c0%ae%c0%af",
        "/assets/",
        "/assets",
        "//healthz",
        "/healthz/",
        "/%68ealthz",
        "/healthz%2f",
        "/api%2fsend-message",
        "/api/messages/..%2f..%2fhealthz",
        "/api/../healthz",
    ] {
        let reply = world.get(path).await;
        assert_eq!((reply.status, reply.error().as_str()), (404, "not_found"), "{path}");
    }
    world.stop().await;
}

#[tokio::test]
async fn what_a_client_says_about_itself_changes_nothing() {
    let world = World::start().await;
    let honest = call(world.address(), "GET", "/", &["Accept: text/html".into()], &[]).await;
    let lies = [
        "X-Forwarded-For: 203.0.113.9",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Prefix: /evil",
        "Forwarded: for=203.0.113.9;host=evil.example;proto=https",
        "X-Real-IP: 203.0.113.9",
        "X-Original-URL: /metrics",
        "X-Rewrite-URL: /metrics",
        "X-HTTP-Method-Override: DELETE",
    ];
    let lines = lies.join("\r\n");
    let mut wire = connect(&world).await;
    assert!(wire.send(format!("GET / HTTP/1.1\r\nHost: evil.example\r\nAccept: text/html\r\n{lines}\r\n\r\n")).await);
    let reply = wire.answer().await.expect("an answer");
    assert_eq!((reply.status, &reply.body), (200, &honest.body));
    assert!(reply.headers.iter().all(|(_, v)| !v.contains("evil") && !v.contains("203.0.113.9")));
    // Nor does it for a message: two keys' worth of addresses are still one sender.
    let headers: Vec<&str> = lies.to_vec();
    let reply = world.send_with(&world.key, &message(), &headers).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(world.inbox().await[0]["to"], PHONE);
    world.stop().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing_half_done() {
    let world = World::start_with(|c| (c.limits.connections, c.limits.connections_per_address) = (1, 1)).await;
    let body = message().to_string();
    for cut in [0, 1, body.len() / 2, body.len() - 1] {
        // The one place is held by a request whose body is awaited, until the gateway sees that its client is gone.
        let mut wire = connect(&world).await;
        let request = whole(&world, &body).replace("Host: gateway", "Host: gateway\r\nExpect: 100-continue");
        let at = request.len() - body.len();
        assert!(wire.send(&request[..at]).await);
        assert_eq!(wire.answer().await.expect("it waits for the body").status, 100);
        assert!(wire.send(&body[..cut]).await);
        connect(&world).await.is_closed().await;
        drop(wire);
        let served = async {
            loop {
                let mut wire = connect(&world).await;
                if wire.send("GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n").await && wire.answer().await.is_some() {
                    return;
                }
            }
        };
        tokio::time::timeout(crate::harness::wire::SOON, served).await.expect("the place is never free again");
    }
    assert!(world.inbox().await.is_empty());
    assert_eq!(world.used().await, (0, 0));
    let read = world
        .gateway()
        .store
        .read(|tx| tx.one("SELECT count(*) FROM messages WHERE status <> 'blocked'", [], |r| r.get::<_, i64>(0)));
    let under_way = read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string());
    assert_eq!(under_way, Ok(0));
    still_serves(&world).await;
    world.stop().await;
}

/// What is no ordinary request goes no further; each line is harmless, and says what would be right.
#[tokio::test]
async fn a_request_has_an_ordinary_target_and_one_host() {
    let world = World::start().await;
    let long = format!("/{}", "a".repeat(9000));
    for (target, host, status) in [
        ("/healthz", "Host: a.example\r\n", 200),
        ("/healthz?x=%20", "Host: a.example:8080\r\n", 200),
        ("/healthz", "", 400),
        ("/healthz", "Host: a.example\r\nHost: a.example\r\n", 400),
        ("/healthz", "Host: a.example/x\r\n", 400),
        ("/100%", "Host: a.example\r\n", 400),
        ("/healthz?x=%zz", "Host: a.example\r\n", 400),
        (&long, "Host: a.example\r\n", 414),
    ] {
        let mut wire = connect(&world).await;
        assert!(wire.send(format!("GET {target} HTTP/1.1\r\n{host}\r\n")).await);
        let reply = wire.answer().await.expect("an answer");
        assert_eq!(reply.status, status, "{target} {host:?}: {}", reply.body);
        assert!(reply.header("x-request-id").is_some() && reply.header("x-content-type-options") == Some("nosniff"));
        assert!(status == 200 || reply.body.ends_with('\n'), "{}", reply.body);
    }
    let mut old = connect(&world).await;
    assert!(old.send("GET /healthz HTTP/1.0\r\n\r\n").await);
    assert_eq!(old.answer().await.expect("an answer").status, 200, "HTTP/1.0 names none");
    world.stop().await;
}

/// An answer before the body came says that the connection ends, or the connection goes on.
#[tokio::test]
async fn an_early_refusal_does_not_hang_up_without_a_word() {
    let world = World::start_with(|config| {
        let any = Some("127.0.0.1:0".parse().expect("an address"));
        (config.listen.http, config.listen.metrics) = (any, any);
    });
    let world = world.await;
    let head = |path: &str, length: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\nAuthorization: Bearer wrong\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    for path in ["/api/send-message", "/nothing/here", "/hooks/cloud-api/none", "/healthz"] {
        // Its body comes at once, is small, and is read over: the connection goes on.
        let mut wire = connect(&world).await;
        for _ in 0..3 {
            assert!(wire.send(format!("{}{{}}", head(path, 2))).await, "{path}");
            let reply = wire.answer().await.expect("an answer");
            assert!((400..500).contains(&reply.status), "{path}");
            assert_eq!(reply.header("connection"), None, "{path}");
        }
        // Its body does not come, or is too large to be worth it: the connection ends, and that is said.
        for length in [2, 1 << 20] {
            let mut wire = connect(&world).await;
            assert!(wire.send(head(path, length)).await, "{path}");
            let reply = wire.answer().await.expect("an answer");
            assert_eq!(reply.header("connection"), Some("close"), "{path} {length}");
            wire.is_closed().await;
        }
    }
    // The other listeners, and what is refused before there is a request: the same.
    let many = format!("GET / HTTP/1.1\r\nHost: a.example\r\n{}\r\n", "X: y\r\n".repeat(120));
    let refused = [
        head("/nothing/here", 1 << 20),
        "POST /nothing/here HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        "GE T / HTTP/1.1\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
        "GET / HTTP/3.0\r\nHost: a.example\r\n\r\n".to_owned(),
        many,
    ];
    let running = world.running();
    for listener in [running.local, running.http, running.metrics] {
        for request in &refused {
            let mut wire = Wire::open(listener.expect("it listens")).await;
            wire.send(request).await;
            let reply = wire.answer().await.expect("an answer");
            let shown = &request[..request.len().min(60)];
            assert!((400..500).contains(&reply.status), "{listener:?} {shown}: {}", reply.status);
            assert_eq!(reply.header("connection"), Some("close"), "{listener:?} {shown}");
            wire.is_closed().await;
        }
    }
    world.stop().await;
}
