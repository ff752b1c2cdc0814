//! From nothing to an open instance, and back to nothing: codes, the scan, a restart, the end of a login.

use super::rig::{CUSTOMER, LINE, OWN, Rig};
use serde_json::json;
use wa_gateway::{
    app::commands::{InstanceDelete, InstanceSet},
    connectors::whatsapp_web::words,
    model::{clock::Clock as _, ids::InstanceId},
};

fn line() -> InstanceId {
    InstanceId::from_text(LINE)
}

#[tokio::test]
async fn an_instance_shows_its_code_is_linked_and_opens() {
    let rig = Rig::without_instance().await;
    rig.create().await;
    rig.subscribe(&["instance.qr_updated", "instance.connected"]).await;
    let code = rig.code().await;
    let status = rig.until_state("qr").await;
    assert_eq!(
        (&status["connector"], &status["state_reason"]),
        (&json!("whatsapp-web"), &json!("it waits for its QR code to be scanned"))
    );
    let pairing = rig.world.gateway().registry.pairing(&line()).expect("a code");
    assert!(pairing.expires_at > rig.world.clock.now());
    // What the terminal and the page show is the same.
    let shown = rig.pair().await.expect("a code");
    assert_eq!((&shown["qr"], &shown["state"]), (&json!(code), &json!("qr")));

    rig.service.scan(OWN, &code);
    let status = rig.until_state("open").await;
    assert_eq!(status["phone"], format!("+{OWN}"));
    assert_eq!(rig.world.gateway().registry.pairing(&line()), None);
    let connected = rig.events("instance.connected", 1).await;
    assert_eq!(connected[0]["phone"], format!("+{OWN}"));
    let paired = rig.pair().await.expect_err("open already");
    assert!(paired.contains("paired already"), "{paired}");
}

#[tokio::test]
async fn a_restart_needs_no_second_scan() {
    let mut rig = Rig::start().await;
    rig.world.restart().await;
    rig.until_connected().await;
    let status = rig.status().await;
    assert_eq!(status["phone"], format!("+{OWN}"));
    assert_eq!(rig.send("Your order is ready.").await.status, 200);
    assert_eq!(rig.customer.got(&rig.last_id()).await.text.as_deref(), Some("Your order is ready."));
}

/// One client a file: the one before is down before the next begins.
#[tokio::test]
async fn other_settings_take_the_connection_over_without_a_scan() {
    let rig = Rig::start().await;
    let changed = [("version".to_owned(), "2.3000.1035194822".to_owned())].into();
    rig.world.command(InstanceSet { id: LINE.into(), settings: changed, ..Default::default() }).await.expect("set");
    rig.until_connected().await;
    assert_eq!(rig.send("Your order is ready.").await.status, 200);
    rig.customer.got(&rig.last_id()).await;
}

#[tokio::test]
async fn a_connection_that_ends_while_codes_are_shown_brings_new_ones() {
    let rig = Rig::without_instance().await;
    rig.create().await;
    let first = rig.code().await;
    rig.service.end_unlinked();
    let again =
        async || rig.world.gateway().registry.pairing(&line()).and_then(|p| p.qr).is_some_and(|code| code != first);
    rig.until("another code", again).await;
    rig.service.scan(OWN, &rig.code().await);
    rig.until_state("open").await;
}

#[tokio::test]
async fn a_code_to_type_is_shown_beside_the_one_to_scan_and_links_as_well() {
    let rig = Rig::without_instance().await;
    rig.create().await;
    rig.code().await;
    let phone = [("phone".to_owned(), format!("+{OWN}"))].into();
    rig.world.command(InstanceSet { id: LINE.into(), settings: phone, ..Default::default() }).await.expect("set");
    let pairing = || rig.world.gateway().registry.pairing(&line());
    rig.until("a code to type", async || pairing().is_some_and(|p| p.code.is_some())).await;
    let code = pairing().and_then(|p| p.code).expect("a code");
    assert_eq!(code.len(), 8, "{code}");
    assert!(pairing().is_some_and(|p| p.qr.is_some()));
    // Somebody types it.
    rig.service.type_code(OWN, &code);
    let status = rig.until_state("open").await;
    assert_eq!(status["phone"], format!("+{OWN}"));
    assert_eq!(rig.send("Your order is ready.").await.status, 200);
    assert_eq!(rig.customer.got(&rig.last_id()).await.text.as_deref(), Some("Your order is ready."));
}

#[tokio::test]
async fn a_login_that_ends_leaves_no_keys() {
    let rig = Rig::start().await;
    let file = rig.world.dir.path().join("whatsapp-web").join(format!("{LINE}.db"));
    assert!(file.exists());
    let id = line();
    rig.world.gateway().registry.log_out(&id).await.expect("logged out");
    assert_eq!(rig.closed().await, words_of("logged_out_here"));
    rig.until("its keys are gone", async || !file.exists()).await;
    assert!(rig.service.seen("iq").iter().any(|iq| iq.get_optional_child("remove-companion-device").is_some()));
    // And again.
    rig.reconnect().await;
    rig.link().await;
    assert!(file.exists());
    rig.world.command(InstanceDelete { id: LINE.into() }).await.expect("deleted");
    let left: Vec<_> = std::fs::read_dir(file.parent().expect("a folder")).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!rig.service.is_linked(OWN), "the phone lists it no more");
    assert_eq!(rig.customer.number, CUSTOMER);
}

/// What a person has to see to is not begun again by a restart.
#[tokio::test]
async fn a_closed_instance_stays_so_over_a_restart() {
    let mut rig = Rig::start().await;
    rig.service.unlink(OWN);
    let why = rig.closed().await;
    assert_eq!(why, words_of("logged_out"));
    let calls = rig.service.calls();
    rig.world.restart().await;
    rig.world.settle().await;
    assert_eq!(rig.closed().await, why);
    assert_eq!(rig.service.calls(), calls, "nobody called");
    rig.reconnect().await;
    rig.link().await;
}

fn words_of(name: &str) -> &'static str {
    words::ALL.iter().find(|(n, _)| *n == name).expect("a sentence").1
}
