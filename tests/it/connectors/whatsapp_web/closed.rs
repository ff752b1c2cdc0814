//! What WhatsApp can do to an instance, and what it then says of itself: each a sentence that tells what to do.

use super::rig::{OWN, Rig};
use crate::harness::whatsapp::Scan;
use wa_gateway::connectors::whatsapp_web::words;

/// Which sentence a reason is, and what stands after it.
fn found(reason: &str) -> (&'static str, &str) {
    words::find(reason).unwrap_or_else(|| panic!("none of ours: {reason}"))
}

#[tokio::test]
async fn the_phone_takes_it_off_its_list() {
    let rig = Rig::start().await;
    rig.subscribe(&["instance.disconnected"]).await;
    rig.service.unlink(OWN);
    let why = rig.closed().await;
    assert_eq!(found(&why), ("logged_out", ""));
    assert_eq!(rig.events("instance.disconnected", 1).await[0]["reason"], why);
}

#[tokio::test]
async fn another_program_takes_the_connection_over() {
    let rig = Rig::start().await;
    rig.service.replace(OWN);
    assert_eq!(found(&rig.closed().await), ("replaced", ""));
    let calls = rig.service.calls();
    rig.world.settle().await;
    assert_eq!(rig.service.calls(), calls, "two that take turns help nobody");
    // The keys are still good.
    rig.reconnect().await;
    rig.until_state("open").await;
}

#[tokio::test]
async fn each_refusal_of_a_login_says_what_to_do() {
    for (attributes, name, told) in [
        (&[("reason", "402"), ("code", "101"), ("expire", "3600")][..], "banned", "2026-06-01T09:00:00"),
        (&[("reason", "403")], "locked", ""),
        (&[("reason", "405")], "outdated", ""),
        (&[("reason", "401")], "logged_out", ""),
        (&[("reason", "414"), ("message", "no 966501234567")], "refused", "414"),
    ] {
        let rig = Rig::start().await;
        rig.service.refuse(OWN, Some(attributes));
        rig.service.drop_connection(OWN);
        let why = rig.closed().await;
        let (sentence, given) = found(&why);
        assert!(sentence == name && given.contains(told), "{attributes:?}: {why}");
        assert!(!why.contains("966501234567"), "{why}");
    }
}

/// WhatsApp's own trouble is no reason to bother anybody.
#[tokio::test]
async fn a_service_that_is_down_is_tried_again() {
    let rig = Rig::start().await;
    rig.service.refuse(OWN, Some(&[("reason", "503")]));
    rig.service.drop_connection(OWN);
    rig.until_state("connecting").await;
    rig.service.refuse(OWN, None);
    rig.until_state("open").await;
}

#[tokio::test]
async fn a_phone_that_cannot_be_linked_says_why() {
    for (scan, name) in [(Scan::Hosted, "hosted"), (Scan::Passkey, "passkey")] {
        let rig = Rig::without_instance().await;
        rig.create().await;
        let code = rig.code().await;
        rig.service.next_scan(scan);
        rig.service.scan(OWN, &code);
        assert_eq!(found(&rig.closed().await).0, name, "{scan:?}");
        rig.service.next_scan(Scan::Well);
        rig.reconnect().await;
        rig.link().await;
    }
}

#[tokio::test]
async fn a_place_that_may_not_be_called_is_named() {
    let rig = Rig::without_instance().await;
    let mut settings = super::friend::settings(&rig.service);
    settings.insert("ws_url".into(), "ws://127.0.0.1:9/ws/chat".into());
    let request = wa_gateway::app::commands::InstanceCreate {
        account: rig.world.account,
        id: super::rig::LINE.into(),
        name: "Web line".into(),
        connector: "whatsapp-web".into(),
        settings,
        ..Default::default()
    };
    rig.world.command(request).await.expect("an instance");
    rig.until("it says why", async || {
        rig.status().await["state_reason"].as_str().is_some_and(|why| why.contains("egress.allow"))
    })
    .await;
    let status = rig.status().await;
    assert_eq!(
        (&status["state"], found(status["state_reason"].as_str().expect("a reason")).0),
        (&"connecting".into(), "unreachable")
    );
}
