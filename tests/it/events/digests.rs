//! Notices that go out: by mail over a real connection, by webhook; once, gathered, and not lost to a server that is down.

use crate::harness::{
    post_office::PostOffice,
    receiver::Receiver,
    visitor::Visitor,
    world::{INSTANCE, World},
};
use serde_json::json;
use std::{net::SocketAddr, time::Duration};
use wa_gateway::{
    accounts::notices::{self, NoticeKind},
    config::{Config, SmtpTls},
    model::{clock::Clock, ids::AccountId, instance::InstanceState},
    ops::{
        appliance_notices::{self, FreeSpace},
        x509::CertificateFacts,
    },
    store::StoreError,
};

const MINUTE: Duration = Duration::from_secs(60);
const ADMIN: &str = "ops@gateway.example";

fn mail(config: &mut Config, address: SocketAddr) {
    let notices = &mut config.notices;
    (notices.smtp_host, notices.smtp_port) = (Some("127.0.0.1".into()), address.port());
    notices.smtp_tls = SmtpTls::Off;
    notices.from = "gateway@gateway.example".into();
    notices.to = vec![ADMIN.into()];
}

async fn step(world: &World) -> usize {
    world.gateway().digests.step().await.expect("a step")
}

async fn raise(world: &World, kind: NoticeKind, subject: &'static str) {
    let (account, now) = (AccountId(world.account), world.clock.now());
    let parameters = json!({"url": subject, "reason": "it answered 410", "period": subject, "limit": 5, "used": 4});
    let done =
        world.gateway().store.write(move |tx| notices::raise(tx, Some(account), (kind, subject), &parameters, now));
    done.await.map_err(|e: StoreError| e.to_string()).expect("written");
}

async fn clear(world: &World, kind: NoticeKind, subject: &'static str) {
    let (account, now) = (AccountId(world.account), world.clock.now());
    let done = world.gateway().store.write(move |tx| notices::clear(tx, Some(account), kind, subject, now));
    done.await.map_err(|e: StoreError| e.to_string()).expect("written");
}

#[tokio::test]
async fn a_number_that_stays_away_is_told_to_admin_and_owner_in_their_languages() {
    let office = PostOffice::plain().await;
    let world = World::start_with(|config| mail(config, office.address)).await;
    let _owner = Visitor::logged_in(&world, "owner").await;
    let arabic = world.gateway().store.write(|tx| tx.execute("UPDATE users SET language = 'ar'", []).map(drop));
    arabic.await.map_err(|e: StoreError| e.to_string()).expect("written");
    let phone = world.gateway().registry.sandbox(&wa_gateway::model::ids::InstanceId::from_text(INSTANCE));
    let phone = phone.expect("a sandbox");
    phone.set_state(InstanceState::Close, Some("logged out")).await.expect("told");
    world.later(MINUTE * 4);
    step(&world).await;
    assert!(office.got().is_empty(), "most come back by themselves");
    world.later(MINUTE * 2);
    step(&world).await;
    let got = office.got();
    assert_eq!(got.iter().map(|m| m.to.as_str()).collect::<Vec<_>>(), [ADMIN, "owner@shop.example"]);
    assert!(got[0].header("Subject").contains("Number not connected"), "{}", got[0].text);
    let body = got[0].body();
    for part in ["Line shop-line", "logged out", "(Shop)", "/notices"] {
        assert!(body.contains(part), "{part} in {body}");
    }
    assert!(got[1].body().contains("الرقم غير متصل"), "{}", got[1].body());
    assert_eq!(got[0].header("Auto-Submitted"), "auto-generated");
    assert!(got[0].header("Date").contains("1 Jun 2026 08:06:00") || got[0].header("Date").contains("01 Jun 2026"));
    // Told is told; and one that drops again within a day is not told again.
    world.later(MINUTE * 60);
    step(&world).await;
    phone.set_state(InstanceState::Open, None).await.expect("told");
    phone.set_state(InstanceState::Close, Some("again")).await.expect("told");
    world.later(MINUTE * 60);
    step(&world).await;
    assert_eq!(office.got().len(), 2);
    world.later(MINUTE * 60 * 24);
    step(&world).await;
    assert_eq!(office.got().len(), 4, "a day later it is");
    world.stop().await;
}

#[tokio::test]
async fn many_are_one_letter_and_an_outage_ends_in_one() {
    let office = PostOffice::plain().await;
    let world = World::start_with(|config| mail(config, office.address)).await;
    office.refuse(Some("451 try later"));
    raise(&world, NoticeKind::EndpointDisabled, "https://a.example").await;
    assert_eq!(step(&world).await, 0);
    let calls = office.calls();
    assert!(calls > 0);
    raise(&world, NoticeKind::EndpointDisabled, "https://b.example").await;
    assert_eq!((step(&world).await, office.calls()), (0, calls), "not before its time");
    for _ in 0..3 {
        world.later(MINUTE * 15);
        step(&world).await;
    }
    raise(&world, NoticeKind::LimitNear, "2026-06-01").await;
    clear(&world, NoticeKind::EndpointDisabled, "https://a.example").await;
    assert!(office.calls() > calls && office.got().is_empty());
    assert_eq!(world.number("SELECT count(*) FROM digests").await, 1, "they wait in one letter");
    let error = "SELECT count(*) FROM digests WHERE state = 'pending' AND last_error LIKE '%451%' AND attempts >= 3";
    assert_eq!(world.number(error).await, 1);
    office.refuse(None);
    world.later(MINUTE * 60);
    step(&world).await;
    let got = office.got();
    assert_eq!(got.len(), 1);
    let body = got[0].body();
    for part in ["https://a.example", "https://b.example", "4 of 5", "Over since"] {
        assert!(body.contains(part), "{part} in {body}");
    }
    assert!(got[0].header("Subject").contains("3 things need a hand"), "{}", got[0].header("Subject"));
    // What comes now waits until the last letter is long enough ago; then both are one.
    world.later(MINUTE * 16);
    raise(&world, NoticeKind::EndpointDisabled, "https://c.example").await;
    step(&world).await;
    assert_eq!(office.got().len(), 2);
    raise(&world, NoticeKind::EndpointDisabled, "https://d.example").await;
    raise(&world, NoticeKind::EndpointDisabled, "https://e.example").await;
    step(&world).await;
    assert_eq!(office.got().len(), 2);
    world.later(MINUTE * 16);
    step(&world).await;
    let got = office.got();
    assert_eq!(got.len(), 3);
    assert!(got[2].body().contains("https://d.example") && got[2].body().contains("https://e.example"));
    world.stop().await;
}

#[tokio::test]
async fn a_letter_survives_a_restart_and_is_given_up_after_days_but_its_cause_is_not() {
    let office = PostOffice::plain().await;
    let mut world = World::start_with(|config| mail(config, office.address)).await;
    office.refuse(Some("550 nobody here"));
    raise(&world, NoticeKind::EndpointDisabled, "https://a.example").await;
    step(&world).await;
    world.restart_after(MINUTE * 2).await;
    step(&world).await;
    assert_eq!(world.number("SELECT count(*) FROM digests WHERE state = 'pending' AND attempts >= 2").await, 1);
    for _ in 0..20 {
        world.later(MINUTE * 60 * 12);
        step(&world).await;
    }
    assert!(world.number("SELECT count(*) FROM digests WHERE state = 'failed'").await >= 1);
    office.refuse(None);
    world.later(MINUTE * 60 * 25);
    step(&world).await;
    step(&world).await;
    assert_eq!(office.got().len(), 1, "it is still open, so it is told");
    world.stop().await;
}

#[tokio::test]
async fn starttls_with_a_login_and_never_without_tls() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("password"), "open sesame\nnot this\n").expect("written");
    let (office, root) = PostOffice::with_tls(dir.path()).await;
    let plain = PostOffice::plain().await;
    for (address, root, works) in
        [(office.address, Some(root.clone()), true), (office.address, None, false), (plain.address, Some(root), false)]
    {
        let file = dir.path().join("password");
        let world = World::start_with(|config| {
            mail(config, address);
            config.notices.smtp_host = Some("localhost".into());
            config.notices.smtp_tls = SmtpTls::StartTls;
            config.notices.smtp_user = "gateway".into();
            config.notices.smtp_password_file = Some(file);
            config.notices.smtp_root = root;
        });
        let world = world.await;
        let outcomes = world.gateway().digests.test().await;
        assert_eq!(outcomes.len(), 1);
        assert_eq!(outcomes[0].problem.is_none(), works, "{outcomes:?}");
        world.stop().await;
    }
    let got = office.got();
    assert_eq!((got.len(), got[0].was_tls, got[0].login.as_deref()), (1, true, Some("gateway open sesame")));
    assert!(plain.got().is_empty(), "a server without TLS gets nothing");
}

#[tokio::test]
async fn the_webhook_gets_them_signed() {
    let receiver = Receiver::start().await;
    let dir = tempfile::tempdir().expect("a directory");
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").expect("written");
    let (entry, url) = (receiver.address.to_string().parse().expect("an entry"), receiver.url());
    let world = World::start_with(|config| {
        config.egress.allow = vec![entry];
        (config.notices.webhook_url, config.notices.webhook_secret_file) = (Some(url), Some(secret));
    });
    let world = world.await;
    receiver.answer_next("503 Service Unavailable");
    raise(&world, NoticeKind::EndpointDisabled, "https://a.example").await;
    assert_eq!(step(&world).await, 0);
    world.later(MINUTE * 2);
    step(&world).await;
    let got = receiver.got();
    assert_eq!(got.len(), 2);
    assert_eq!((got[0].header("webhook-id"), &got[0].body), (got[1].header("webhook-id"), &got[1].body));
    let verifier = standardwebhooks::Webhook::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a verifier");
    let mac = verifier.sign(
        got[1].header("webhook-id"),
        got[1].header("webhook-timestamp").parse().expect("seconds"),
        got[1].body.as_bytes(),
    );
    assert_eq!(mac.expect("a signature"), got[1].header("webhook-signature"));
    let body = got[1].json();
    assert_eq!((&body["type"], &body["data"]["is_test"]), (&json!("notices"), &json!(false)));
    let notice = &body["data"]["notices"][0];
    assert_eq!((&notice["kind"], &notice["account_name"]), (&json!("endpoint_disabled"), &json!("Shop")));
    assert!(notice["text"].as_str().expect("a text").contains("https://a.example"), "{notice}");
    world.stop().await;
}

#[tokio::test]
async fn the_appliance_tells_of_certificate_disk_and_backups_and_takes_it_back() {
    let world = World::start().await;
    let now = world.clock.now();
    let days = |n: u64| MINUTE * 60 * 24 * u32::try_from(n).expect("days");
    let facts = |left: u64| CertificateFacts {
        not_before: now.minus(days(60)),
        not_after: now.plus(days(left)),
        self_issued: false,
    };
    let (good, bad) = (facts(30), facts(9));
    let (full, roomy) = (FreeSpace { free: 9 << 20, total: 1 << 34 }, FreeSpace { free: 1 << 33, total: 1 << 34 });
    let open = || world.number("SELECT count(*) FROM notices WHERE account_id IS NULL AND cleared_at IS NULL");
    let tell = |is_bad: bool| {
        world.gateway().store.write(move |tx| {
            appliance_notices::certificate(tx, Some(if is_bad { &bad } else { &good }), Some("rate limited"), now)?;
            appliance_notices::disk(tx, if is_bad { full } else { roomy }, now)?;
            appliance_notices::backup(tx, is_bad.then_some("no room"), now)
        })
    };
    for (is_bad, expected) in [(false, 0), (true, 3), (true, 3), (false, 0)] {
        tell(is_bad).await.map_err(|e: StoreError| e.to_string()).expect("written");
        assert_eq!(open().await, expected, "{is_bad}");
    }
    tell(true).await.map_err(|e: StoreError| e.to_string()).expect("written");
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let page = admin.get("/notices").await.body;
    for part in ["Certificate near its end", "rate limited", "Only 9 MB", "no room", "10 Jun 2026"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("The disk is nearly full."), "the banner");
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let page = owner.get("/notices").await.body;
    assert!(page.contains("Nothing needs a hand") && !page.contains("nearly full"), "it is not theirs to mend");
    let id = world.number("SELECT min(id) FROM notices WHERE cleared_at IS NULL").await;
    assert_eq!(owner.post(&format!("/notices/{id}"), &[("do", "dismiss")]).await.status, 404);
    assert_eq!(admin.post(&format!("/notices/{id}"), &[("do", "seen")]).await.status, 303);
    assert_eq!(admin.post(&format!("/notices/{id}"), &[("do", "dismiss")]).await.status, 303);
    assert_eq!(open().await, 2);
    world.stop().await;
}

#[tokio::test]
async fn a_backup_that_cannot_be_made_is_a_notice_until_one_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let target = dir.path().join("backups");
    std::fs::write(&target, "a file, where a directory should be").expect("written");
    let path = target.clone();
    let world = World::start_with(|config| config.backup.directory = Some(path)).await;
    let failed = "SELECT count(*) FROM notices WHERE kind = 'backup_failed' AND cleared_at IS NULL";
    let scheduler = wa_gateway::app::scheduler::Scheduler(world.gateway().clone());
    scheduler.step().await;
    assert_eq!(world.number(failed).await, 1);
    std::fs::remove_file(&target).expect("removed");
    world.later(MINUTE * 11);
    scheduler.step().await;
    assert_eq!(world.number(failed).await, 0);
    world.stop().await;
}

#[tokio::test]
async fn the_admins_page_hides_secrets_and_its_test_says_what_happened() {
    let office = PostOffice::plain().await;
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("password");
    std::fs::write(&file, "open sesame").expect("written");
    let world = World::start_with(|config| {
        mail(config, office.address);
        (config.notices.smtp_user, config.notices.smtp_password_file) = ("gateway".into(), Some(file.clone()));
        config.notices.webhook_url = Some("https://hooks.example/T0/SECRETPATH".into());
        config.notices.webhook_secret_file = Some(file);
    });
    let world = world.await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    assert_eq!(owner.get("/admin/notices").await.status, 403);
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let page = admin.get("/admin/notices").await.body;
    for part in [ADMIN, "owner@shop.example", "https://hooks.example/…", "127.0.0.1:"] {
        assert!(page.contains(part), "{part}");
    }
    office.refuse(Some("554 5.7.1 relaying denied"));
    let failed = admin.post("/admin/notices/test", &[]).await.body;
    assert!(failed.contains("relaying denied"), "{failed}");
    office.refuse(None);
    let passed = admin.post("/admin/notices/test", &[]).await.body;
    assert!(passed.contains("taken") && !passed.contains("relaying denied"), "{passed}");
    for text in [&page, &failed, &passed] {
        assert!(!text.contains("sesame") && !text.contains("SECRETPATH"));
    }
    assert!(office.got()[0].body().contains("This is a test."));
    assert_eq!(world.number("SELECT count(*) FROM digests").await, 0);
    world.stop().await;
}
