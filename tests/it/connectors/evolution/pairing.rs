//! From nothing to an open instance: made at the server, its code shown, scanned; lost, logged out, and back.

use super::rig::{LINE, Rig, SECOND, SECRET, THEIRS};
use crate::harness::evolution::KEY;
use serde_json::json;
use wa_gateway::{
    app::commands::{InstanceCreate, InstanceDelete, InstancePair, InstanceSet},
    model::{clock::Clock as _, ids::InstanceId},
};

fn line() -> InstanceId {
    InstanceId::from_text(LINE)
}

#[tokio::test]
async fn an_instance_is_made_shows_its_code_and_opens() {
    let rig = Rig::without_instance().await;
    rig.create_and_make().await;
    rig.subscribe(&["instance.qr_updated", "instance.connected", "instance.connection_updated"]).await;
    let made = rig.until_state("connecting").await;
    assert_eq!(made["connector"], "evolution");
    rig.until("it is made at the server", async || rig.server.has(THEIRS)).await;
    let body = rig.server.seen("/instance/create").pop().expect("one").body;
    assert_eq!((&body["integration"], &body["qrcode"]), (&json!("WHATSAPP-BAILEYS"), &json!(true)));
    assert_eq!(rig.world.gateway().registry.pairing(&line()), None, "only a count until now");

    // The code is there when the server is asked again.
    rig.server.with(THEIRS, |i| i.qr = Some(("2@first".into(), Some("WZYEH1YY".into()), 1)));
    rig.pass_until("it waits for its code to be scanned", SECOND, async || rig.status().await["state"] == "qr").await;
    let pairing = rig.world.gateway().registry.pairing(&line()).expect("a code");
    assert_eq!((pairing.qr.as_deref(), pairing.code.as_deref()), (Some("2@first"), Some("WZYEH1YY")));
    assert!(pairing.expires_at > rig.world.clock.now());
    let told = rig.events("instance.qr_updated", 1).await;
    assert_eq!(told[0]["qr"], "2@first");

    // The next one comes by the webhook, and is asked for as well: told once.
    rig.server.with(THEIRS, |i| i.qr = Some(("2@second".into(), None, 2)));
    let code = json!({"qrcode": {"instance": THEIRS, "pairingCode": null, "code": "2@second", "base64": "data:,"}});
    rig.tell("qrcode.updated", code).await;
    let asked = || rig.server.seen("/instance/connect/").len();
    let before = asked();
    rig.pass_until("it was asked again", SECOND, async || asked() >= before + 2).await;
    assert_eq!(rig.events("instance.qr_updated", 2).await.len(), 2);

    rig.server.with(THEIRS, |i| {
        (i.state, i.paired, i.owner) = ("open".into(), true, Some("966500000001:7@s.whatsapp.net".into()));
    });
    rig.tell("connection.update", json!({"instance": THEIRS, "state": "connecting", "statusReason": 200})).await;
    assert_eq!(rig.status().await["state"], "qr", "the code stays while the server connects");
    let open = json!({"instance": THEIRS, "wuid": "966500000001@s.whatsapp.net", "state": "open", "statusReason": 200});
    rig.tell("connection.update", open).await;
    let status = rig.status().await;
    assert_eq!((&status["state"], &status["phone"]), (&json!("open"), &json!("+966500000001")));
    assert_eq!(rig.world.gateway().registry.pairing(&line()), None);
    let connected = rig.events("instance.connected", 1).await;
    assert_eq!((connected.len(), &connected[0]["phone"]), (1, &json!("+966500000001")));
}

/// A name that was typed may be mistyped: nothing is made at somebody's server by it, and what is there is named.
#[tokio::test]
async fn a_name_that_the_server_does_not_have_is_not_made_by_a_slip() {
    let rig = Rig::without_instance().await;
    rig.server.add_open(THEIRS);
    let mut settings = rig.settings();
    settings.insert("instance".into(), "Loja I".into());
    rig.create_with(&settings).await.expect("an instance");
    let why = rig.until_state("close").await["state_reason"].as_str().unwrap_or_default().to_owned();
    assert!(why.contains("\"Loja I\"") && why.contains("\"Loja 1\"") && why.contains("reconnect"), "{why}");
    let asked = || rig.server.seen("/instance/connectionState/").len();
    let before = asked();
    rig.pass_until("it was looked at four times", SECOND, async || asked() >= before + 4).await;
    assert!(rig.server.seen("/instance/create").is_empty() && !rig.server.has("Loja I"));
    let settings = [("instance".to_owned(), THEIRS.to_owned())].into();
    rig.world.command(InstanceSet { id: LINE.into(), settings, ..Default::default() }).await.expect("set right");
    rig.until_state("open").await;
}

/// The name that the gateway makes up is nobody's slip.
#[tokio::test]
async fn an_instance_whose_name_nobody_typed_is_made() {
    let rig = Rig::without_instance().await;
    let mut settings = rig.settings();
    settings.remove("instance");
    rig.create_with(&settings).await.expect("an instance");
    rig.until("it is made at the server", async || rig.server.has(LINE)).await;
}

/// Two of ours on one of theirs: the second would take the first one's webhook away.
#[tokio::test]
async fn one_of_the_servers_instances_is_one_of_ours() {
    let rig = Rig::start().await;
    let second = |name: &str, url: String| {
        let settings = [("base_url", url), ("api_key", KEY.to_owned()), ("instance", name.to_owned())];
        let settings = settings.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        let (account, id) = (rig.world.account, format!("second-{}", name.len()));
        rig.world.command(InstanceCreate {
            account,
            id,
            name: "Second".into(),
            connector: "evolution".into(),
            settings,
            ..Default::default()
        })
    };
    for url in [rig.server.url(), format!("{}/", rig.server.url())] {
        let refused = second(THEIRS, url).await.expect_err("one of ours is it");
        assert!(refused.contains(LINE), "{refused}");
    }
    second("another", rig.server.url()).await.expect("another one of theirs");
    let settings = [("instance".to_owned(), THEIRS.to_owned())].into();
    let changed = rig.world.command(InstanceSet { id: "second-7".into(), settings, ..Default::default() }).await;
    assert!(changed.expect_err("it is taken").contains(LINE));
}

#[tokio::test]
async fn an_instance_that_is_given_up_leaves_no_webhook_to_a_dead_address() {
    let rig = Rig::start().await;
    assert_eq!(rig.server.with(THEIRS, |i| i.webhook["enabled"].clone()), true);
    rig.world.command(InstanceDelete { id: LINE.into() }).await.expect("deleted");
    assert_eq!(rig.server.with(THEIRS, |i| i.webhook["enabled"].clone()), false);
}

/// The event may be lost: looking is enough.
#[tokio::test]
async fn an_open_state_is_also_found_by_looking() {
    let rig = Rig::without_instance().await;
    rig.create_and_make().await;
    rig.until("it is made at the server", async || rig.server.has(THEIRS)).await;
    rig.server.with(THEIRS, |i| {
        (i.state, i.paired, i.owner) = ("open".into(), true, Some("966500000001:7@s.whatsapp.net".into()));
    });
    rig.pass_until("it is open", SECOND, async || rig.status().await["state"] == "open").await;
    assert_eq!(rig.status().await["phone"], "+966500000001");
}

#[tokio::test]
async fn after_a_logout_only_a_person_connects_it_again() {
    let rig = Rig::start().await;
    rig.subscribe(&["instance.disconnected"]).await;
    rig.server.with(THEIRS, |i| (i.state, i.paired) = ("close".into(), false));
    rig.tell("connection.update", json!({"instance": THEIRS, "state": "close", "statusReason": 401})).await;
    let told = rig.events("instance.disconnected", 1).await;
    assert!(told[0]["reason"].as_str().expect("a reason").contains("logged out on the phone"), "{}", told[0]);
    let asked = || rig.server.seen("/instance/connectionState/").len();
    let before = asked();
    rig.pass_until("it was looked at four times", SECOND, async || asked() >= before + 4).await;
    assert_eq!(rig.server.with(THEIRS, |i| i.state.clone()), "close", "nobody asked to connect");
    assert_eq!(rig.status().await["state"], "close");

    rig.server.with(THEIRS, |i| i.qr = Some(("2@again".into(), None, 1)));
    let shown = rig.world.command(InstancePair { id: LINE.into() }).await.expect("a code");
    assert_eq!((&shown["qr"], &shown["state"]), (&json!("2@again"), &json!("qr")));
    rig.server.with(THEIRS, |i| i.state = "open".into());
    rig.pass_until("it is open", SECOND, async || rig.status().await["state"] == "open").await;
    let paired = rig.world.command(InstancePair { id: LINE.into() }).await.expect_err("open already");
    assert!(paired.contains("paired already"), "{paired}");
}

/// A connection that is only lost is the server's business for a while.
#[tokio::test]
async fn a_lost_connection_is_left_to_the_server_before_it_is_asked_for() {
    let rig = Rig::start().await;
    rig.server.with(THEIRS, |i| i.state = "close".into());
    let asked = || rig.server.seen("/instance/connect/").len();
    let before = (asked(), rig.world.clock.now());
    rig.tell("connection.update", json!({"instance": THEIRS, "state": "close", "statusReason": 428})).await;
    assert_eq!(rig.status().await["state"], "close");
    rig.pass_until("it was asked for", SECOND, async || asked() > before.0).await;
    assert!(rig.world.clock.now().since(before.1).as_secs() >= 15);
}

#[tokio::test]
async fn nobody_scans_and_the_server_gives_up() {
    for (event, data) in [
        ("connection.update", json!({"instance": THEIRS, "state": "refused", "statusReason": 428})),
        ("qrcode.updated", json!({"message": "QR code limit reached, please login again", "statusCode": 500})),
    ] {
        let rig = Rig::without_instance().await;
        rig.create_and_make().await;
        rig.until("it is made at the server", async || rig.server.has(THEIRS)).await;
        rig.server.with(THEIRS, |i| i.qr = Some(("2@first".into(), None, 1)));
        rig.pass_until("it waits for its code to be scanned", SECOND, async || rig.status().await["state"] == "qr")
            .await;
        rig.server.with(THEIRS, |i| i.state = "close".into());
        rig.tell(event, data).await;
        let status = rig.until_state("close").await;
        assert!(status["state_reason"].as_str().expect("a reason").contains("pair it again"), "{event}: {status}");
    }
}

/// A failure under a good status.
#[tokio::test]
async fn a_failure_to_connect_has_a_good_status_and_is_one_all_the_same() {
    let rig = Rig::without_instance().await;
    rig.server.add_open(THEIRS);
    rig.server.with(THEIRS, |i| i.state = "broken".into());
    rig.create().await;
    let status = rig.until_state("close").await;
    assert!(status["state_reason"].as_str().expect("a reason").contains("no connection to WhatsApp"), "{status}");
}

/// A wrong key, and a place that may not be called.
#[tokio::test]
async fn what_cannot_work_is_told_at_once() {
    for (change, told) in [
        (("api_key", "wrong-key".to_owned()), "set api_key anew"),
        (("base_url", "http://127.0.0.1:9".to_owned()), "egress.allow"),
    ] {
        let rig = Rig::without_instance().await;
        let mut settings = rig.settings();
        settings.insert(change.0.to_owned(), change.1);
        rig.create_with(&settings).await.expect("an instance");
        let status = rig.until_state("close").await;
        assert!(status["state_reason"].as_str().expect("a reason").contains(told), "{status}");
        assert!(!status.to_string().contains("wrong-key"), "{status}");
    }
}

#[tokio::test]
async fn settings_are_judged_before_anything_is_made() {
    let rig = Rig::without_instance().await;
    let mut settings = rig.settings();
    settings.remove("api_key");
    let problem = rig.create_with(&settings).await.expect_err("no key");
    assert!(problem.contains("api_key"), "{problem}");
    // A secret and a name are made up.
    let mut settings = rig.settings();
    settings.remove("hook_secret");
    settings.remove("instance");
    rig.create_with(&settings).await.expect("an instance");
    rig.until("it is made at the server", async || rig.server.has(LINE)).await;
    let hook = rig.server.with(LINE, |i| i.webhook.clone());
    let secret = hook["headers"]["x-wa-gateway-secret"].as_str().expect("a secret").to_owned();
    assert!(secret.len() == 32 && secret != SECRET, "made up");
    // With another secret it is told anew, and the old one counts no more.
    rig.until("it hears", async || !rig.server.seen("/webhook/set/").is_empty()).await;
    let changed = [("hook_secret".to_owned(), SECRET.to_owned())].into();
    rig.world.command(InstanceSet { id: LINE.into(), settings: changed, ..Default::default() }).await.expect("set");
    rig.until("the server knows it", async || {
        rig.server.with(LINE, |i| i.webhook["headers"]["x-wa-gateway-secret"] == SECRET)
    })
    .await;
    assert_eq!(rig.call(&[&format!("X-Wa-Gateway-Secret: {secret}")], "{}").await.status, 401);
    assert_eq!(rig.call(&[&format!("X-Wa-Gateway-Secret: {SECRET}")], "{}").await.status, 200);
}
