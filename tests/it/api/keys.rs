//! What a key may change, and from where it is good.

use super::lists::{get, key};
use crate::harness::{
    contract::{assert_refused, assert_refused_with},
    http::{self, Reply},
    world::{PHONE, World, message, message_to},
};
use serde_json::{Value, json};
use wa_gateway::app::commands::KeyCreate;

async fn post(world: &World, key: &str, path: &str, body: &Value) -> Reply {
    let headers = [format!("Authorization: Bearer {key}"), "Content-Type: application/json".to_owned()];
    http::call(world.address(), "POST", path, &headers, body.to_string().as_bytes()).await
}

#[tokio::test]
async fn a_managing_key_says_who_is_not_written_to_and_nobody_else_does() {
    let world = World::start().await;
    let manager = key(&world, &["manage"], &[]).await;
    let both = key(&world, &["send", "read"], &[]).await;
    let (add, lift) = ("/api/suppressions", "/api/suppressions/lift");
    let asked = json!({"phone": PHONE, "reason": "asked at the counter"});
    for path in [add, lift] {
        assert_refused_with(&post(&world, &both, path, &asked).await, "insufficient_scope", json!({"scope": "manage"}));
    }
    assert_refused(&get(&world, &manager, add, &[]).await, "insufficient_scope");
    let first = post(&world, &manager, add, &asked).await.json();
    let again = post(&world, &manager, add, &asked).await.json();
    assert_eq!((&first["added"], &again["added"]), (&json!(true), &json!(false)));
    assert_refused(&world.send(&message()).await, "recipient_suppressed");
    let contact = format!("contact:{}", first["contact_id"]);
    for (path, body, fields) in [
        (lift, json!({"phone": PHONE}), json!(["reason"])),
        (lift, json!({"phone": "12", "reason": "x"}), json!(["phone"])),
        (add, json!({"reason": "x"}), json!(["phone"])),
        (add, json!({"phone": PHONE, "reason": ""}), json!(["reason"])),
        (add, json!({"phone": PHONE, "reason": "x".repeat(501)}), json!(["reason"])),
    ] {
        let reply = post(&world, &manager, path, &body).await;
        assert_eq!((reply.status, &reply.json()["details"]["fields"]), (422, &fields), "{body}: {}", reply.body);
    }
    let lifted = post(&world, &manager, lift, &json!({"phone": contact, "reason": "asked for it back"})).await;
    assert_eq!((lifted.status, &lifted.json()["lifted"]), (200, &json!(1)), "{}", lifted.body);
    assert_eq!(world.send(&message()).await.status, 200);
    // What the person said themself is lifted, too; and there is nothing left to lift.
    world.hears(PHONE, "STOP").await;
    let why = json!({"phone": PHONE, "reason": "wrote by mistake"});
    assert_eq!(post(&world, &manager, lift, &why).await.status, 200);
    assert_refused(&post(&world, &manager, lift, &why).await, "not_found");
    assert_refused(&post(&world, &manager, add, &json!({"phone": "contact:999999", "reason": "x"})).await, "not_found");
    // Another account's manager reaches nobody of ours.
    let other = world.new_account("Other", "scale").await;
    let make = KeyCreate { account: other, scopes: vec!["manage".into()], ..Default::default() };
    let stranger = world.command(make).await.expect("a key")["key"].as_str().expect("its text").to_owned();
    assert_refused(&post(&world, &stranger, add, &json!({"phone": contact})).await, "not_found");
    let told = world
        .number("SELECT count(*) FROM audit WHERE action LIKE 'suppression.%' AND after IN ('asked at the counter', 'asked for it back', 'wrote by mistake')")
        .await;
    assert_eq!(told, 3, "each change with its reason");
    world.stop().await;
}

#[tokio::test]
async fn a_key_with_addresses_is_good_from_there_alone() {
    let world = World::start_with(|config| {
        config.listen.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
    })
    .await;
    let make = |allow: &[&str]| KeyCreate {
        account: world.account,
        scopes: vec!["send".into(), "read".into()],
        addresses: allow.iter().map(ToString::to_string).collect(),
        ..Default::default()
    };
    let made = world.command(make(&["192.0.2.0/24", "2001:db8::/32"])).await.expect("a key");
    let text = made["key"].as_str().expect("its text").to_owned();
    for (from, is_good) in
        [("192.0.2.9", true), ("2001:db8::7", true), ("::ffff:192.0.2.9", true), ("198.51.100.1", false)]
    {
        let forwarded = format!("X-Forwarded-For: {from}");
        let listed = get(&world, &text, "/api/messages", std::slice::from_ref(&forwarded)).await;
        let sent = world.send_with(&text, &message_to("+966501234599"), &[&forwarded]).await;
        if is_good {
            assert_eq!((listed.status, sent.status), (200, 200), "{from}: {}", sent.body);
        } else {
            assert_refused(&listed, "address_not_allowed");
            assert_refused(&sent, "address_not_allowed");
        }
    }
    // Not through the proxy: from this machine itself.
    assert_refused(&get(&world, &text, "/api/messages", &[]).await, "address_not_allowed");
    for wrong in ["shop.example", "10.0.0.0/33", ""] {
        let refused = world.command(make(&[wrong])).await;
        assert!(refused.is_err_and(|e| e.to_string().contains("no address or network")), "{wrong}");
    }
    world.stop().await;
}
