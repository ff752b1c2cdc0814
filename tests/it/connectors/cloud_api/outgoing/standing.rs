//! The line: open once it is set up, closed by the codes that a person must see to, and how it opens again.

use super::rig::{LINE, Rig};
use crate::harness::{
    contract::assert_refused,
    graph::{Fault, Graph, TOKEN, refusal},
};
use serde_json::json;
use std::time::Duration;
use wa_gateway::{
    app::commands::InstanceSet,
    model::{clock::Clock as _, ids::InstanceId},
};

const TEXT: &str = "Your order #2041 has been shipped.";

#[tokio::test]
async fn it_is_open_at_once_and_knows_its_number() {
    let rig = Rig::without_instance().await;
    let made = rig.create_with(&rig.graph.settings()).await.expect("an instance");
    assert_eq!((&made["state"], &made["health"]), (&json!("open"), &json!("ok")));
    assert!(!made.to_string().contains(TOKEN), "{made}");
    rig.until_looked(1).await;
    assert_eq!(rig.status().await["phone"], "+15550783881");
    let mut settings = rig.graph.settings();
    settings.remove("app_secret");
    let problem = rig.world.command(InstanceSet {
        id: LINE.into(),
        settings: [("graph_version".to_owned(), "25".to_owned())].into(),
        ..Default::default()
    });
    assert!(problem.await.expect_err("no version").contains("such as v25.0"));
}

#[tokio::test]
async fn without_its_webhooks_secrets_it_sends_and_is_deaf() {
    let rig = Rig::without_instance().await;
    let mut settings = rig.graph.settings();
    settings.remove("app_secret");
    settings.remove("waba_id");
    let made = rig.create_with(&settings).await.expect("an instance");
    assert_eq!((&made["state"], &made["health"]), (&json!("open"), &json!("deaf")));
    let status = rig.graph.call(rig.world.address(), LINE, json!({"messages": []})).await;
    assert!((400..500).contains(&status), "nobody's signature is believed: {status}");
}

/// Each of these codes closes the line; nothing more goes to Meta, over a restart too, until the token is set anew.
#[tokio::test]
async fn codes_that_a_person_must_see_to_close_the_line() {
    for (status, code) in [
        ("401 Unauthorized", 190),
        ("401 Unauthorized", 0),
        ("500 Internal Server Error", 3),
        ("403 Forbidden", 10),
        ("403 Forbidden", 200),
        ("403 Forbidden", 299),
        ("403 Forbidden", 368),
        ("403 Forbidden", 131_031),
        ("403 Forbidden", 131_042),
        ("500 Internal Server Error", 131_045),
        ("400 Bad Request", 131_048),
        ("403 Forbidden", 131_005),
        ("403 Forbidden", 131_037),
        ("403 Forbidden", 130_497),
        ("400 Bad Request", 133_010),
    ] {
        let mut rig = Rig::start().await;
        rig.subscribe(&["instance.disconnected", "instance.connected"]).await;
        rig.graph.fault_next(Fault::code(status, code));
        let reply = rig.send(TEXT).await;
        assert_refused(&reply, "gateway_send_failed");
        assert_eq!(reply.header("x-message-status"), Some("failed"), "{code}");
        assert_eq!(
            (rig.row(&reply).await["provider_code"].clone(), rig.world.used().await),
            (json!(code.to_string()), (0, 0))
        );
        let closed = rig.status().await;
        assert_eq!(closed["state"], "close", "{code}: {closed}");
        let reason = closed["state_reason"].as_str().expect("a reason").to_owned();
        assert!(reason.contains(&code.to_string()), "{reason}");
        assert!(!reason.contains(TOKEN), "{reason}");
        assert_eq!(rig.events("instance.disconnected", 1).await[0]["reason"], reason);
        assert_eq!(notices(&rig).await, 1, "{code}: the owner is told");

        // Nothing more is handed over: not now, not after a restart, not by a setting that cures nothing.
        rig.world.restart().await;
        rig.set(&[("reject_calls", "on")]).await;
        let closed = rig.status().await;
        assert_eq!((&closed["state"], closed["state_reason"].as_str()), (&json!("close"), Some(reason.as_str())));
        let reply = rig.send(TEXT).await;
        assert_refused(&reply, "gateway_send_failed");
        assert_eq!((rig.graph.asked("POST"), rig.graph.sent().len()), (1, 0), "{code}");

        rig.graph.state().token = "EAAG-another".into();
        rig.set(&[("access_token", "EAAG-another")]).await;
        assert_eq!(rig.status().await["state"], "open");
        assert_eq!(rig.events("instance.connected", 1).await.len(), 1);
        assert_eq!(notices(&rig).await, 0, "{code}: seen to");
        let reply = rig.send(TEXT).await;
        assert_eq!((reply.status, rig.graph.sent().len()), (200, 1), "{code}: {}", reply.body);
    }
}

/// A cap on one kind of message stops that message and tells the owner once a day; the line stays open.
#[tokio::test]
async fn a_restriction_of_one_kind_closes_nothing() {
    for code in [131_064, 139_200, 131_044] {
        let rig = Rig::start().await;
        for _ in 0..2 {
            rig.graph.fault_next(Fault::code("400 Bad Request", code));
            let reply = rig.send(TEXT).await;
            assert_refused(&reply, "gateway_send_failed");
            let row = rig.row(&reply).await;
            assert_eq!((&row["status"], &row["provider_code"]), (&json!("failed"), &json!(code.to_string())));
            assert_eq!(rig.status().await["state"], "open", "{code}");
        }
        assert_eq!(rig.send(TEXT).await.status, 200, "{code}: others go on");
        let last = rig.last();
        rig.call(Graph::failed(&last, code, rig.world.clock.now().seconds())).await;
        assert_eq!(rig.status().await["state"], "open", "{code}");
        let read = rig.world.gateway().store.read(|tx| {
            tx.list("SELECT parameters FROM notices WHERE kind = 'provider_news' AND cleared_at IS NULL", [], |r| {
                r.get::<_, String>(0)
            })
        });
        let told = read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("rows");
        assert_eq!(told.len(), 1, "{code}: {told:?}");
        assert!(told[0].contains(&format!("Meta's code {code}")), "{told:?}");
    }
}

async fn notices(rig: &Rig) -> i64 {
    let read = rig.world.gateway().store.read(|tx| {
        tx.one("SELECT count(*) FROM notices WHERE kind = 'instance_disconnected' AND cleared_at IS NULL", [], |r| {
            r.get(0)
        })
    });
    read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("a number")
}

#[tokio::test]
async fn a_status_closes_it_as_an_answer_does() {
    let rig = Rig::start().await;
    assert_eq!(rig.send(TEXT).await.status, 200);
    rig.call(Graph::failed(&rig.last(), 131_042, rig.world.clock.now().seconds())).await;
    let closed = rig.status().await;
    assert_eq!(closed["state"], "close");
    assert!(closed["state_reason"].as_str().is_some_and(|r| r.contains("payment")), "{closed}");
}

/// Meta brings what it could not deliver again, for days: what a person has seen to since is no news.
#[tokio::test]
async fn an_old_status_does_not_close_what_was_seen_to() {
    let rig = Rig::start().await;
    assert_eq!(rig.send(TEXT).await.status, 200);
    let old = Graph::failed(&rig.last(), 131_042, rig.world.clock.now().seconds());
    rig.world.later(Duration::from_secs(3600));
    rig.set(&[("access_token", TOKEN)]).await;
    rig.call(old).await;
    assert_eq!(rig.status().await["state"], "open");
}

#[tokio::test]
async fn a_person_opens_it_again_when_meta_lets_them() {
    let rig = Rig::start().await;
    rig.graph.fault_next(Fault::code("403 Forbidden", 131_042));
    rig.send(TEXT).await;
    assert_eq!(rig.status().await["state"], "close");
    let (registry, line) = (rig.world.gateway().registry.clone(), InstanceId::from_text(LINE));
    rig.graph.state().number_fault = Some(("401 Unauthorized", refusal(190, "expired")));
    let problem = registry.reconnect(&line).await.expect_err("the token is no good").to_string();
    assert!(problem.contains("access_token"), "{problem}");
    assert_eq!(rig.status().await["state"], "close");
    // Being allowed to send and being allowed to look are two permissions.
    rig.graph.state().number_fault = Some(("403 Forbidden", refusal(200, "no permission")));
    registry.reconnect(&line).await.expect("open");
    assert_eq!(rig.until_state("open").await["phone"], "+15550783881");
    assert_eq!(rig.send(TEXT).await.status, 200);
    rig.graph.door.go_dark().await;
    assert!(registry.reconnect(&line).await.expect_err("nobody there").to_string().contains("no answer"));
    assert_eq!(rig.status().await["state"], "open");
}

#[tokio::test]
async fn a_token_that_runs_out_is_noticed_without_a_message() {
    let rig = Rig::start().await;
    rig.graph.state().number_fault = Some(("403 Forbidden", refusal(10, "no permission")));
    let looked = || rig.graph.asked("GET /v25.0/106540352242922?");
    rig.pass_until("it looked again", Duration::from_secs(3600), async || looked() == 2).await;
    assert_eq!(rig.status().await["state"], "open", "who may not look may send all the same");
    rig.graph.state().number_fault = Some(("401 Unauthorized", refusal(190, "expired")));
    rig.pass_until("it is closed", Duration::from_secs(3600), async || rig.status().await["state"] == "close").await;
    let closed = rig.status().await;
    assert!(closed["state_reason"].as_str().is_some_and(|r| r.contains("190")), "{closed}");
}
