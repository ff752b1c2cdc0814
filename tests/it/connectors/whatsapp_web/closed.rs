//! What WhatsApp can do to an instance, and what it then says of itself: each a sentence that tells what to do.

use super::{
    friend::settings,
    rig::{LINE, OWN, Rig},
    told::pages_tell,
};
use crate::harness::{log::CapturedLog, whatsapp::Scan};
use std::collections::BTreeMap;
use wa_gateway::{
    app::commands::InstanceCreate,
    connectors::whatsapp_web::words,
    model::{ids::InstanceId, instance::InstanceState},
};

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

/// WhatsApp's own trouble is no reason to bother anybody, and it is told whose it is.
#[tokio::test]
async fn a_service_that_is_down_is_tried_again() {
    for code in ["503", "500"] {
        let log = CapturedLog::begin();
        let rig = Rig::start().await;
        rig.subscribe(&["instance.connection_updated"]).await;
        rig.service.refuse(OWN, Some(&[("reason", code)]));
        rig.service.drop_connection(OWN);
        let why = async || rig.status().await["state_reason"].as_str().unwrap_or_default().to_owned();
        rig.until("it says whose trouble it is", async || words::find(&why().await) == Some(("troubled", code))).await;
        assert_eq!(rig.status().await["state"], "connecting");
        assert!(log.text().contains("not let in: WhatsApp itself is in trouble"), "{}", log.text());
        pages_tell(&rig, "troubled", &[format!("/instances/{LINE}/manage"), "/instances".to_owned()]).await;
        rig.service.refuse(OWN, None);
        rig.until_state("open").await;
    }
}

/// Whoever gets a number back that was banned finds its link as it was.
#[tokio::test]
async fn a_number_that_is_given_back_needs_no_second_scan() {
    let rig = Rig::start().await;
    rig.service.refuse(OWN, Some(&[("reason", "406")]));
    rig.service.drop_connection(OWN);
    assert_eq!(found(&rig.closed().await), ("banned_for_good", ""));
    rig.service.refuse(OWN, None);
    rig.reconnect().await;
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

/// Both would hear every message. The service keeps one device a number, so the first one's fate is not looked at.
#[tokio::test]
async fn a_phone_that_another_instance_has_is_not_linked_again() {
    let rig = Rig::start().await;
    let second = InstanceId::from_text("second-line");
    rig.world.command(of_the_web(&rig, second.as_str(), settings(&rig.service))).await.expect("an instance");
    let registry = &rig.world.gateway().registry;
    let code = || registry.pairing(&second).and_then(|pairing| pairing.qr);
    let standing = || registry.standing(&second).expect("it runs");
    rig.until("a code is shown", async || code().is_some()).await;
    rig.service.scan(OWN, &code().expect("a code"));
    rig.until("it is refused", async || standing().state == InstanceState::Close).await;
    let why = standing().reason.expect("a reason");
    assert_eq!((found(&why), standing().phone), (("linked_twice", ""), None));
    assert!(!rig.service.lists(OWN), "it was taken off the phone's list");
    registry.reconnect(&second).await.expect("begun");
    rig.until("its keys are gone: it asks for another phone", async || code().is_some()).await;
}

fn of_the_web(rig: &Rig, id: &str, settings: BTreeMap<String, String>) -> InstanceCreate {
    let (id, name, connector) = (id.into(), "Web line".into(), "whatsapp-web".into());
    InstanceCreate { account: rig.world.account, id, name, connector, settings, ..Default::default() }
}

#[tokio::test]
async fn a_place_that_may_not_be_called_is_named() {
    let rig = Rig::without_instance().await;
    let mut settings = settings(&rig.service);
    settings.insert("ws_url".into(), "ws://127.0.0.1:9/ws/chat".into());
    rig.world.command(of_the_web(&rig, LINE, settings)).await.expect("an instance");
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
