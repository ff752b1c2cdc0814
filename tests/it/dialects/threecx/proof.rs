//! Whose request it is: everything that is wrong before that is known has one answer, and leaves nothing behind.

use crate::harness::{
    http::{self, Reply},
    pbx::{Pbx, reply_to},
    world::{INSTANCE, PHONE, World},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    app::commands::{ThreecxList, ThreecxRotate, ThreecxSettings},
    model::clock::Clock,
};

const REFUSED: &str = r#"{"success":false,"error":"invalid_3cx_webhook","message":"Invalid 3CX webhook request."}"#;

const TEST: &[u8] = br#"{"event_type":"test"}"#;

/// The whole answer without what is each answer's own.
fn bytes(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let own = ["x-request-id", "date"];
    let headers = reply.headers.iter().filter(|(name, _)| !own.contains(&name.as_str())).cloned().collect();
    (reply.status, headers, reply.body.clone())
}

fn assert_refused(reply: &Reply, what: &str) {
    assert_eq!((reply.status, reply.body.as_str()), (401, REFUSED), "{what}");
    let expected = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("content-length".to_owned(), REFUSED.len().to_string()),
        ("connection".to_owned(), "close".to_owned()),
        ("cache-control".to_owned(), "no-store".to_owned()),
        ("x-content-type-options".to_owned(), "nosniff".to_owned()),
    ];
    let (_, mut headers, _) = bytes(reply);
    let mut sorted = expected;
    headers.sort();
    sorted.sort();
    assert_eq!(headers, sorted, "{what}");
}

fn assert_ok(reply: &Reply, what: &str) {
    assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("ok")), "{what}: {}", reply.body);
}

/// How much is written in the tables of the slice.
async fn written(world: &World) -> i64 {
    world
        .number(
            "SELECT (SELECT count(*) FROM threecx_requests) + (SELECT count(*) FROM threecx_signatures)
                  + (SELECT count(*) FROM threecx_counters) + (SELECT count(*) FROM messages)
                  + (SELECT count(*) FROM audit)",
        )
        .await
}

fn secret(value: &str) -> Vec<String> {
    vec![format!("X-WhatsApp-Gateway-3CX-Secret: {value}"), "Content-Type: application/json".to_owned()]
}

#[tokio::test]
async fn whatever_is_wrong_has_one_answer_and_writes_nothing() {
    let world = World::start().await;
    let plain = world.pbx(ThreecxSettings::default()).await;
    let off = world.another_pbx(INSTANCE, ThreecxSettings { enabled: Some(false), ..Default::default() }).await;
    let allow = Some(vec!["192.0.2.0/24".to_owned(), "2001:db8::/32".to_owned()]);
    let elsewhere = world.another_pbx(INSTANCE, ThreecxSettings { allow, ..Default::default() }).await;
    let signing = world.another_pbx(INSTANCE, ThreecxSettings { signing: Some(true), ..Default::default() }).await;
    let unknown = Pbx { id: "tcx_0000000000000000000000".into(), ..plain.clone() };
    let long = Pbx { id: "x".repeat(200), ..plain.clone() };
    let now = world.clock.now().seconds();
    let stamp = now.to_string();
    let with_signature = |signature: &str| {
        let mut headers = signing.headers();
        headers.push(format!("X-WhatsApp-Gateway-Timestamp: {stamp}"));
        headers.push(format!("X-WhatsApp-Gateway-Signature: {signature}"));
        headers
    };
    let good = signing.signature(&stamp, TEST);
    let twice = |mut headers: Vec<String>, at: usize| {
        headers.push(headers[at].clone());
        headers
    };
    let prefix = &plain.secret[..plain.secret.len() - 1];
    let (before, used) = (written(&world).await, world.event_raw(&signing, &signing.signed(&stamp, TEST), TEST).await);
    assert_ok(&used, "the signature that is replayed below");
    let after_use = written(&world).await;
    assert!(after_use > before, "what is proven is written");
    let rows: Vec<(&str, &Pbx, Vec<String>)> = vec![
        ("unknown integration", &unknown, unknown.headers()),
        ("an id that is none", &long, plain.headers()),
        ("switched off", &off, off.headers()),
        ("no secret", &plain, plain.headers()[1..].to_vec()),
        ("empty secret", &plain, secret("")),
        ("wrong secret", &plain, secret("wg3cx_wrong")),
        ("another's secret", &plain, off.headers()),
        ("a secret that is cut", &plain, secret(prefix)),
        ("a secret that goes on", &plain, secret(&format!("{}x", plain.secret))),
        ("the signing secret instead", &plain, secret(&plain.signing)),
        ("two secrets", &plain, twice(plain.headers(), 0)),
        ("another scheme", &plain, vec![format!("Authorization: Digest {}", plain.secret)]),
        ("no base64", &plain, vec!["Authorization: Basic %%%".into()]),
        ("an address outside", &elsewhere, elsewhere.headers()),
        ("no timestamp", &signing, signing.headers()),
        ("no signature", &signing, signing.signed(&stamp, TEST)[..3].to_vec()),
        ("stale", &signing, signing.signed(&(now - 301).to_string(), TEST)),
        ("from the future", &signing, signing.signed(&(now + 301).to_string(), TEST)),
        ("no time", &signing, signing.signed("yesterday", TEST)),
        ("empty time", &signing, signing.signed("", TEST)),
        ("milliseconds", &signing, signing.signed(&format!("{now}000"), TEST)),
        ("another body", &signing, signing.signed(&stamp, b"{\"event_type\":\"tset\"}")),
        ("another time than signed", &signing, with_signature(&signing.signature(&(now + 1).to_string(), TEST))),
        ("another algorithm", &signing, with_signature(&format!("sha1={good}"))),
        ("a signature that is cut", &signing, with_signature(&good[..62])),
        ("no hexadecimal digits", &signing, with_signature(&"zz".repeat(32))),
        ("two signatures", &signing, twice(signing.signed(&stamp, TEST), 3)),
        ("two timestamps", &signing, twice(signing.signed(&stamp, TEST), 2)),
        ("replay", &signing, signing.signed(&stamp, TEST)),
        ("replay of the bare digits", &signing, with_signature(&good)),
        ("replay in capitals", &signing, with_signature(&good.to_uppercase())),
    ];
    let first = world.event_raw(rows[0].1, &rows[0].2, TEST).await;
    for (what, pbx, headers) in &rows {
        let reply = world.event_raw(pbx, headers, TEST).await;
        assert_refused(&reply, what);
        assert_eq!(bytes(&reply), bytes(&first), "{what}");
        // The provider of text messages refuses in the same way; it cannot sign at all.
        let reply = http::call(world.address(), "POST", &pbx.sms_path(), headers, TEST).await;
        assert_refused(&reply, what);
    }
    assert_eq!(written(&world).await, after_use);
    assert_ok(&world.event_raw(&plain, &plain.headers(), TEST).await, "none of it used up the integration's minute");
    world.stop().await;
}

#[tokio::test]
async fn the_secret_comes_in_three_ways() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    let basic = |user: &str| STANDARD.encode(format!("{user}:{}", pbx.secret));
    for way in [
        pbx.secret_header(),
        format!("Authorization: Bearer {}", pbx.secret),
        format!("Authorization: bearer {}", pbx.secret),
        format!("Authorization: Basic {}", basic("3cx")),
        format!("Authorization: Basic {}", basic("")),
    ] {
        let reply = world.event_raw(&pbx, &[way.clone(), "Content-Type: application/json".into()], TEST).await;
        assert_ok(&reply, &way);
    }
    let both = [secret("wrong"), vec![format!("Authorization: Bearer {}", pbx.secret)]].concat();
    assert_refused(&world.event_raw(&pbx, &both, TEST).await, "its own header decides");
    world.stop().await;
}

#[tokio::test]
async fn signatures_are_good_for_five_minutes_either_way_and_once() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings { signing: Some(true), ..Default::default() }).await;
    let now = world.clock.now();
    let rfc = |minutes: i64| {
        let minutes = Duration::from_secs(minutes.unsigned_abs() * 60);
        now.plus(minutes).rfc3339()
    };
    let seconds = now.seconds();
    for stamp in [seconds.to_string(), (seconds - 300).to_string(), (seconds + 300).to_string(), rfc(1), rfc(5)] {
        assert_ok(&world.event_raw(&pbx, &pbx.signed(&stamp, TEST), TEST).await, &stamp);
    }
    let offset = now.rfc3339().replace('Z', "+00:00");
    assert_ok(&world.event_raw(&pbx, &pbx.signed(&offset, TEST), TEST).await, "signed as it is spelt");
    let bare: Vec<String> =
        pbx.signed(&(seconds + 7).to_string(), TEST).iter().map(|line| line.replace("sha256=", "")).collect();
    assert_ok(&world.event_raw(&pbx, &bare, TEST).await, "bare digits");
    assert_refused(&world.event_raw(&pbx, &bare, TEST).await, "and once");
    // Of many at the same time exactly one is believed.
    let headers = pbx.signed(&(seconds + 8).to_string(), TEST);
    let calls = (0..20).map(|_| world.event_raw(&pbx, &headers, TEST));
    let replies = futures_util::future::join_all(calls).await;
    assert_eq!(replies.iter().filter(|r| r.status == 200).count(), 1);
    world.stop().await;
}

#[tokio::test]
async fn a_used_signature_is_remembered_over_a_restart() {
    let mut world = World::start().await;
    let pbx = world.pbx(ThreecxSettings { signing: Some(true), ..Default::default() }).await;
    let headers = pbx.signed(&world.clock.now().seconds().to_string(), TEST);
    assert_ok(&world.event_raw(&pbx, &headers, TEST).await, "first");
    world.restart().await;
    assert_refused(&world.event_raw(&pbx, &headers, TEST).await, "after a restart");
    world.stop().await;
}

#[tokio::test]
async fn after_a_rotation_the_old_secrets_are_good_for_a_day() {
    let world = World::start().await;
    let old = world.pbx(ThreecxSettings { signing: Some(true), ..Default::default() }).await;
    let made = world.command(ThreecxRotate { id: old.id.clone() }).await.expect("rotated");
    let text = |name: &str| made[name].as_str().expect(name).to_owned();
    let new = Pbx { id: old.id.clone(), secret: text("secret"), signing: text("signing_secret") };
    let try_with = async |pbx: &Pbx| {
        let stamp = world.clock.now().seconds().to_string();
        world.event_raw(pbx, &pbx.signed(&stamp, TEST), TEST).await
    };
    assert_ok(&try_with(&new).await, "the new ones");
    assert_ok(&try_with(&old).await, "the old ones");
    world.later(Duration::from_secs(24 * 3600 - 1));
    assert_ok(&try_with(&old).await, "a second before the day is over");
    world.later(Duration::from_secs(1));
    assert_refused(&try_with(&old).await, "a day later");
    assert_ok(&try_with(&new).await, "the new ones stay");
    world.stop().await;
}

#[tokio::test]
async fn who_asks_behind_a_proxy_is_who_the_proxy_says() {
    let proxies = |config: &mut wa_gateway::config::Config| {
        config.listen.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    };
    let world = World::start_with(proxies).await;
    let allow = Some(vec!["192.0.2.0/24".to_owned(), "2001:db8::/32".to_owned()]);
    let pbx = world.pbx(ThreecxSettings { allow, ..Default::default() }).await;
    let from = |address: &str| [pbx.headers(), vec![format!("X-Forwarded-For: {address}")]].concat();
    for inside in ["192.0.2.9", "::ffff:192.0.2.9", "2001:db8:1::7", "[2001:db8::1]:443", "198.51.100.1, 192.0.2.9"] {
        assert_ok(&world.event_raw(&pbx, &from(inside), TEST).await, inside);
    }
    for outside in ["192.0.3.1", "2001:db9::1", "192.0.2.9, 198.51.100.1", "nobody"] {
        assert_refused(&world.event_raw(&pbx, &from(outside), TEST).await, outside);
    }
    assert_refused(&world.event_raw(&pbx, &pbx.headers(), TEST).await, "the proxy itself");
    world.stop().await;
}

#[tokio::test]
async fn an_address_that_fails_too_often_is_not_believed_for_a_minute() {
    let configure = |config: &mut wa_gateway::config::Config| {
        config.listen.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
        config.threecx.failures_per_minute = 3;
    };
    let world = World::start_with(configure).await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    let from = |headers: Vec<String>, address: &str| [headers, vec![format!("X-Forwarded-For: {address}")]].concat();
    for _ in 0..3 {
        assert_ok(&world.event_raw(&pbx, &from(pbx.headers(), "192.0.2.1"), TEST).await, "until then it is");
        assert_refused(&world.event_raw(&pbx, &from(secret("wrong"), "192.0.2.1"), TEST).await, "a guess");
    }
    let reply = world.event_raw(&pbx, &from(pbx.headers(), "192.0.2.1"), TEST).await;
    assert_refused(&reply, "the right one, from where the guesses came");
    assert_ok(&world.event_raw(&pbx, &from(pbx.headers(), "192.0.2.2"), TEST).await, "from elsewhere");
    world.later(Duration::from_secs(60));
    assert_ok(&world.event_raw(&pbx, &from(pbx.headers(), "192.0.2.1"), TEST).await, "a minute later");
    world.stop().await;
}

#[tokio::test]
async fn requests_that_are_not_proven_are_counted_for_the_owner() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    world.event_raw(&pbx, &secret("wrong"), TEST).await;
    world.event_raw(&pbx, &[], TEST).await;
    let listed = world.command(ThreecxList).await.expect("a list");
    let rejected = &listed[0]["rejected"];
    assert_eq!((&rejected["count"], &rejected["last_at"]), (&json!(2), &json!(world.clock.now().rfc3339())));
    assert!(rejected["last_reason"].as_str().is_some_and(|why| why.contains("secret")), "{rejected}");
    assert_eq!(listed[0]["outcomes"], json!([]));
    world.stop().await;
}

#[tokio::test]
async fn only_what_is_sent_as_the_route_wants_it_gets_there() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    let get = http::call(world.address(), "GET", &pbx.path(), &pbx.headers(), &[]).await;
    assert_eq!((get.status, get.error(), get.header("allow")), (405, "method_not_allowed".into(), Some("POST")));
    let none = http::call(world.address(), "POST", "/integrations/3cx/webhook", &pbx.headers(), TEST).await;
    assert_eq!((none.status, none.error()), (404, "not_found".into()));
    // A reply that nobody signed goes nowhere while signing is on, on either address.
    world.set_pbx(&pbx, ThreecxSettings { signing: Some(true), ..Default::default() }).await;
    world.hears(PHONE, "Hello?").await;
    assert_refused(&world.event(&pbx, &reply_to(PHONE)).await, "not signed");
    assert_refused(&world.agent_writes(&pbx, PHONE, "Hello").await, "the provider is off while signing is on");
    world.set_pbx(&pbx, ThreecxSettings { sms_while_signing: Some(true), ..Default::default() }).await;
    assert_eq!(world.agent_writes(&pbx, PHONE, "Hello").await.status, 200);
    let sent: Vec<Value> = world.inbox().await;
    assert_eq!(sent.len(), 1);
    world.stop().await;
}
