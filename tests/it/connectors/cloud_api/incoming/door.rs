//! Who may call, and what becomes of those who may not: nothing is written before the signature was judged.

use super::rig::{LINE, Rig, SECRET, TOKEN, examples, signed};
use crate::harness::http;
use serde_json::json;

fn example() -> Vec<u8> {
    examples()["Text Message"].to_string().into_bytes()
}

#[tokio::test]
async fn the_address_is_confirmed_by_the_verify_token_alone() {
    let rig = Rig::start().await;
    let asks = async |query: &str| rig.call("GET", query, &[], b"").await;
    let good = "?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=a%2Dverify%2Btoken";
    assert_eq!(TOKEN, "a-verify+token");
    let reply = asks(good).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "1158201444"));
    assert!(reply.header("content-type").is_some_and(|t| t.starts_with("text/plain")));
    assert_eq!(asks(&good.replace("1158201444", "a+b%3Cc")).await.body, "a b<c", "as it was asked, and no page");
    let before = rig.counts().await;
    for (query, why) in [
        ("".to_owned(), "nothing"),
        (good.replace("subscribe", "unsubscribe"), "another mode"),
        (good.replace("hub.mode=subscribe&", ""), "no mode"),
        (good.replace("Btoken", "Btokens"), "another token"),
        (good.replace("&hub.verify_token=a%2Dverify%2Btoken", ""), "no token"),
        (format!("{good}&hub.verify_token=a%2Dverify%2Btoken"), "a doubled token"),
        (good.replace("hub.challenge=1158201444&", ""), "no challenge"),
        (good.replace("1158201444", ""), "an empty challenge"),
        (good.replace("1158201444", "a%00b"), "a challenge that is no text"),
        (good.replace("1158201444", &"7".repeat(600)), "a long challenge"),
    ] {
        let reply = asks(&query).await;
        assert_eq!(reply.status, 403, "{why}: {}", reply.body);
        assert_eq!(reply.error(), "invalid_verify_token", "{why}");
    }
    assert_eq!(rig.counts().await, before);
}

#[tokio::test]
async fn without_a_verify_token_or_a_secret_nobody_is_believed() {
    let rig = Rig::with(&[("verify_token", ""), ("app_secret", "")]).await;
    let query = "?hub.mode=subscribe&hub.challenge=1&hub.verify_token=";
    assert_eq!(rig.call("GET", query, &[], b"").await.status, 403);
    let before = rig.counts().await;
    let body = example();
    let reply = rig.call("POST", "", &[format!("X-Hub-Signature-256: {}", signed("", &body))], &body).await;
    assert_eq!(reply.status, 401);
    assert_eq!(rig.counts().await, before);
}

#[tokio::test]
async fn what_is_not_signed_by_the_app_is_refused_before_anything_is_written() {
    let rig = Rig::start().await;
    let before = rig.counts().await;
    let body = example();
    let good = signed(SECRET, &body);
    let hex = good.trim_start_matches("sha256=").to_owned();
    let header = |value: &str| format!("X-Hub-Signature-256: {value}");
    let mut forged = good.clone().into_bytes();
    *forged.last_mut().expect("a digit") ^= 1;
    let forged = String::from_utf8(forged).expect("still digits");
    for (why, headers) in [
        ("missing", vec![]),
        ("empty", vec![header("")]),
        ("forged", vec![header(&forged)]),
        ("by another secret", vec![header(&signed("another", &body))]),
        ("over other bytes", vec![header(&signed(SECRET, b"{}"))]),
        ("sha1 in the new header", vec![header(&format!("sha1={}", &hex[..40]))]),
        ("sha1 in the old header", vec![format!("X-Hub-Signature: sha1={}", &hex[..40])]),
        ("the right one in the old header", vec![format!("X-Hub-Signature: {good}")]),
        ("without its algorithm", vec![header(&hex)]),
        ("with another algorithm", vec![header(&format!("sha512={hex}"))]),
        ("cut", vec![header(&good[..70])]),
        ("doubled, both right", vec![header(&good), header(&good)]),
        ("doubled, the second one right", vec![header(&forged), header(&good)]),
        ("doubled, the first one right", vec![header(&good), header(&forged)]),
        ("two in one header", vec![header(&format!("{good}, {good}"))]),
    ] {
        let reply = rig.call("POST", "", &headers, &body).await;
        assert_eq!(reply.status, 401, "{why}: {}", reply.body);
        assert_eq!(reply.error(), "invalid_signature", "{why}");
        assert_eq!(rig.counts().await, before, "{why}");
    }
    assert_eq!(rig.bring_bytes(&body).await.status, 200, "the control: it is the signature alone that decides");
    assert_ne!(rig.counts().await, before);
}

#[tokio::test]
async fn other_methods_other_addresses_and_large_bodies() {
    let rig = Rig::start().await;
    let body = example();
    let headers = [format!("X-Hub-Signature-256: {}", signed(SECRET, &body))];
    assert_eq!(rig.call("PUT", "", &headers, &body).await.status, 405);
    let head = rig.call("HEAD", "", &[], b"").await;
    assert_eq!((head.status, head.header("allow")), (405, Some("GET, POST")));
    // An address that is nobody's serves the numbers of the app that signed the call, and nobody else.
    let forged = [format!("X-Hub-Signature-256: {}", signed("another", &body))];
    for (path, headers, status) in [
        ("/hooks/cloud-api/shop-line".to_owned(), &headers, 404),
        (format!("/hooks/evolution/{LINE}"), &headers, 404),
        ("/hooks/cloud-api/x".into(), &forged, 404),
        ("/hooks/cloud-api/x".into(), &headers, 200),
    ] {
        let reply = http::call(rig.world.address(), "POST", &path, headers, &body).await;
        assert_eq!(reply.status, status, "{path}");
    }
    let large = vec![b' '; 4 * 1024 * 1024 + 1];
    let before = rig.counts().await;
    let reply = rig.call("POST", "", &[format!("X-Hub-Signature-256: {}", signed(SECRET, &large))], &large).await;
    assert_eq!(reply.status, 413);
    assert_eq!(rig.counts().await, before);
}

#[tokio::test]
async fn what_cannot_be_recorded_now_is_not_confirmed() {
    let rig = Rig::start().await;
    let before = rig.counts().await;
    rig.change("CREATE TRIGGER full BEFORE INSERT ON conversations BEGIN SELECT RAISE(ABORT, 'no room'); END").await;
    // The news before the message that fails goes with it.
    let body = json!({"object": "whatsapp_business_account", "entry": [
        {"id": "1", "changes": [{"field": "security", "value": {"event": "PIN_CHANGED"}}]},
        examples()["Text Message"]["entry"][0],
    ]});
    let reply = rig.bring_bytes(body.to_string().as_bytes()).await;
    assert_eq!(reply.status, 503, "{}", reply.body);
    assert_eq!(rig.counts().await, before, "all of it or nothing");
    rig.change("DROP TRIGGER full").await;
    rig.bring(&body).await;
    let counts = rig.counts().await;
    assert_eq!((counts["inbound_messages"], counts["provider_news"]), (1, 1));
}
