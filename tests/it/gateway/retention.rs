//! What is too old goes, and nothing that a limit or a repeated request needs; a person is shown and erased without a
//! trace, and stays suppressed.

use crate::harness::deps::for_everything;
use crate::harness::{
    files::FileServer,
    receiver::Receiver,
    wait,
    world::{INSTANCE, PHONE, World, message, message_to, message_with},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};
use wa_gateway::app::commands::{
    PersonErase, PersonExport, SandboxCall, SandboxFile, SandboxReceive, SuppressAdd, SuppressExport, SuppressImport,
    SuppressList, SuppressRemove, WebhookCreate,
};
use wa_gateway::app::scheduler::Scheduler;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DIGITS: &[u8] = b"966501234567";
const SECRET: &str = "Zaytoun-77-marker";
const GIF: &[u8] = b"GIF89a with a Zaytoun-77-marker inside";

/// The files below a folder in which `needle` stands.
pub fn found_in(folder: &Path, needle: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(found_in(&entry, needle));
        } else if fs::read(&entry).is_ok_and(|bytes| bytes.windows(needle.len()).any(|w| w == needle)) {
            found.push(entry.display().to_string());
        }
    }
    found
}

/// Waits until `needle` stands nowhere below a folder: the log of the database is emptied at the latest when nobody reads
/// it any more.
pub async fn until_gone(folder: &Path, needle: &[u8]) {
    let found = || found_in(folder, needle);
    if !wait::came(async || found().is_empty()).await {
        panic!("still there: {:?}", found());
    }
}

/// A world in which a person left traces wherever one can be left.
async fn world_with_traces() -> (World, FileServer, Receiver) {
    let (server, receiver) = (FileServer::start().await, Receiver::start().await);
    let allow = [server.address, receiver.address].map(|a| for_everything(&a)).to_vec();
    let world = World::start_with(|config| config.egress.allow = allow).await;
    let events = ["message.received", "message.sent"].map(str::to_owned).to_vec();
    let request = WebhookCreate { account: world.account, url: receiver.url(), events, ..Default::default() };
    world.command(request).await.expect("an endpoint");
    world.hears(PHONE, SECRET).await;
    let file = SandboxReceive {
        instance: INSTANCE.into(),
        from: PHONE.into(),
        text: SECRET.into(),
        kind: Some("image".into()),
        file: Some(SandboxFile { name: "a.gif".into(), base64: STANDARD.encode(GIF) }),
        ..Default::default()
    };
    world.command(file).await.expect("recorded");
    let url = server.put("a.gif", "image/gif", GIF);
    let text = format!("Your order {SECRET} has left.");
    let sent = message_with(json!({"message": text, "media_url": url, "media_type": "image"}));
    assert_eq!(world.send(&sent).await.status, 200);
    assert_eq!(world.send_with(&world.key, &message(), &["Idempotency-Key: k-1"]).await.status, 200);
    world.send(&message_to("+966501234599")).await;
    let call = SandboxCall { instance: INSTANCE.into(), from: PHONE.into(), missed: true };
    world.command(call).await.expect("recorded");
    world.suppress(PHONE).await;
    assert_eq!(world.send(&message()).await.error(), "recipient_suppressed");
    receiver.wait_for(5).await;
    (world, server, receiver)
}

#[tokio::test]
async fn a_person_is_erased_without_a_trace_and_stays_suppressed() {
    let (mut world, _server, _receiver) = world_with_traces().await;
    let folder = world.dir.path().to_owned();
    assert!(!found_in(&folder, DIGITS).is_empty() && !found_in(&folder, SECRET.as_bytes()).is_empty());
    let used = world.used().await;
    let report = world.command(PersonErase { phone: "00966 50 123 4567".into() }).await.expect("erased");
    assert_eq!((&report["contacts"], &report["files"]), (&json!(1), &json!(2)), "{report}");
    assert_eq!((&report["suppressions_kept"], &report["copies"]), (&json!(1), &json!(0)));
    for needle in [DIGITS, SECRET.as_bytes()] {
        until_gone(&folder, needle).await;
    }
    assert!(!found_in(&folder, b"966501234599").is_empty(), "others stay");
    assert_eq!(world.used().await, used, "what was used stays used");
    assert_eq!(world.send(&message()).await.error(), "recipient_suppressed");
    // A block by hand is not the person's to lift, and is the account's.
    world.hears(PHONE, "START").await;
    assert_eq!(world.send(&message()).await.error(), "recipient_suppressed");
    world.restart().await;
    assert_eq!(world.send(&message()).await.error(), "recipient_suppressed");
    let remove = SuppressRemove { account: world.account, phone: PHONE.into() };
    world.command(remove).await.expect("lifted");
    assert_eq!(world.send(&message()).await.status, 200);
    world.stop().await;
}

#[tokio::test]
async fn copies_from_before_an_upgrade_are_told_by_an_erasure_and_go_after_two_weeks() {
    let world = World::start().await;
    world.hears(PHONE, "Hello").await;
    let folder = world.dir.path().join("backups");
    std::fs::create_dir_all(&folder).expect("a folder");
    let copy = folder.join("before-schema-14-20260601T080000Z.db");
    std::fs::write(&copy, DIGITS).expect("a copy");
    let report = world.command(PersonErase { phone: PHONE.into() }).await.expect("erased");
    assert_eq!(report["copies"], 1);
    for (after, there) in [(DAY * 13, true), (DAY * 2, false)] {
        world.later(after);
        Scheduler(world.gateway().clone()).step().await;
        assert_eq!(copy.exists(), there, "{after:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn an_opt_out_survives_its_persons_erasure_until_they_take_it_back() {
    let world = World::start().await;
    world.hears(PHONE, "STOP").await;
    world.command(PersonErase { phone: PHONE.into() }).await.expect("erased");
    assert_eq!(world.send(&message()).await.error(), "recipient_suppressed");
    world.hears(PHONE, "START").await;
    assert_eq!(world.send(&message()).await.status, 200);
    let unknown = world.command(PersonErase { phone: "+12025550101".into() }).await;
    assert!(unknown.expect_err("nobody").contains("nobody"), "an unknown number is said to be so");
    world.stop().await;
}

#[tokio::test]
async fn a_person_is_exported_with_all_that_is_kept() {
    let (world, _server, _receiver) = world_with_traces().await;
    let all = world.command(PersonExport { phone: PHONE.into() }).await.expect("exported");
    let person = &all["people"][0];
    let count = |name: &str| person[name].as_array().map_or(0, Vec::len);
    assert_eq!((count("received"), count("sent"), count("files"), count("calls")), (2, 3, 2, 1), "{person}");
    assert_eq!((count("suppressions"), count("conversations"), count("identities")), (1, 1, 1));
    assert_eq!(person["received"][0]["body"], SECRET);
    assert!(!all.to_string().contains("966501234599"), "nobody else is in it");
    world.stop().await;
}

#[tokio::test]
async fn what_is_too_old_goes_class_by_class_and_limits_stay() {
    let (world, _server, _receiver) = world_with_traces().await;
    let used = world.used().await;
    // Whatever wants to be delivered is.
    let waiting = "SELECT count(*) FROM deliveries WHERE state = 'pending'";
    wait::until("all is delivered", async || world.number(waiting).await == 0).await;
    let step = async || world.gateway().retention.step().await.expect("a step");
    assert_eq!(step().await, 0, "nothing is old yet");
    world.later(29 * DAY);
    assert_eq!(step().await, 0);
    world.later(2 * DAY);
    step().await;
    assert_eq!(world.number("SELECT count(*) FROM media WHERE state = 'stored'").await, 0);
    assert_eq!(found_in(&world.dir.path().join("media"), b"GIF89a"), Vec::<String>::new());
    assert_eq!(world.number("SELECT count(*) FROM events").await, 0);
    assert!(world.number("SELECT count(*) FROM messages WHERE body <> ''").await > 0);
    world.later(60 * DAY);
    step().await;
    assert_eq!(world.number("SELECT count(*) FROM messages WHERE body <> '' OR content IS NOT NULL").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM inbound_messages WHERE body <> ''").await, 0);
    assert!(world.number("SELECT count(*) FROM messages").await >= 4, "rows stay without their texts");
    world.sql("UPDATE idempotency SET expires_at = expires_at + 34646400000").await;
    world.later(310 * DAY);
    step().await;
    assert_eq!(world.number("SELECT count(*) FROM messages").await, 1, "a remembered request keeps its row");
    assert_eq!(world.number("SELECT count(*) FROM inbound_messages").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM media").await, 0);
    let replayed = world.send_with(&world.key, &message(), &["Idempotency-Key: k-1"]).await;
    assert_eq!(replayed.header("idempotent-replayed"), Some("true"), "{}", replayed.body);
    assert_eq!(world.used().await, used, "used quota is counted elsewhere");
    assert_eq!(world.send(&message()).await.error(), "recipient_suppressed");
    world.stop().await;
}

#[tokio::test]
async fn a_suppression_list_comes_back_as_it_was_written() {
    let world = World::start().await;
    let add = |phone: &str, reason: &str| SuppressAdd {
        account: world.account,
        phone: phone.into(),
        reason: Some(reason.into()),
    };
    world.command(add(PHONE, "=1+1, \"quoted\"")).await.expect("added");
    world.command(add("+12025550101", "gone")).await.expect("added");
    let remove = SuppressRemove { account: world.account, phone: "+12025550101".into() };
    world.command(remove).await.expect("lifted");
    let export = |all| SuppressExport { account: world.account, all, ..Default::default() };
    let current = world.command(export(false)).await.expect("a list");
    let all = world.command(export(true)).await.expect("a list");
    assert_eq!((&current["rows"], &all["rows"]), (&json!(1), &json!(2)));
    let csv = current["csv"].as_str().expect("a text").to_owned();
    let calculated = csv.lines().flat_map(|line| line.split(',')).filter(|cell| cell.starts_with(['=', '+', '-', '@']));
    assert_eq!(calculated.count(), 0, "{csv}");
    let other = world.new_account("Other", "starter").await;
    let report = world.command(SuppressImport { account: other, csv, ..Default::default() }).await.expect("imported");
    assert_eq!((&report["imported"], &report["skipped"]), (&json!(1), &json!(0)), "{report}");
    let listed: Value = world.command(SuppressList { account: other }).await.expect("a list");
    assert_eq!((&listed[0]["phone"], &listed[0]["reason"]), (&json!(PHONE), &json!("=1+1, \"quoted\"")));
    world.stop().await;
}
