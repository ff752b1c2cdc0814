//! What WhatsApp does to a number is told everywhere: the state, the log, an event, the notices and the pages say what
//! happened and what to do, the pages in each language.

use super::{
    friend::Friend,
    rig::{CUSTOMER, LINE, OWN, Rig},
};
use crate::harness::{
    log::CapturedLog,
    visitor::Visitor,
    whatsapp::{Fault, Scan},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    connectors::{Content, whatsapp_web::words},
    model::clock::Clock as _,
    texts::locale::{Lang, all},
};
use whatsapp_rust::NodeBuilder;

fn refuse(rig: &Rig, attributes: &[(&'static str, &str)]) {
    rig.service.refuse(OWN, Some(attributes));
    rig.service.drop_connection(OWN);
}

/// The open connection ends with this code alone.
fn end(rig: &Rig, code: &str) {
    rig.service.tell(OWN, NodeBuilder::new("stream:error").attr("code", code.to_owned()).build());
}

const MINUTE: Duration = Duration::from_secs(60);

/// The name of the sentence, what WhatsApp gave, and how it comes about.
type Ending = (&'static str, &'static str, fn(&Rig));

/// What ends an open connection.
const ENDINGS: &[Ending] = &[
    ("logged_out", "", |rig| rig.service.unlink(OWN)),
    ("logged_out", "", |rig| refuse(rig, &[("reason", "401")])),
    ("logged_out", "", |rig| end(rig, "401")),
    ("logged_out", "", |rig| end(rig, "516")),
    ("replaced", "", |rig| end(rig, "409")),
    ("replaced", "", |rig| rig.service.replace(OWN)),
    ("banned", "2026-06-01T09:00:00Z", |rig| refuse(rig, &[("reason", "402"), ("code", "101"), ("expire", "3600")])),
    ("banned", "", |rig| refuse(rig, &[("reason", "402")])),
    ("banned_for_good", "", |rig| refuse(rig, &[("reason", "406")])),
    ("locked", "", |rig| refuse(rig, &[("reason", "403")])),
    ("outdated", "", |rig| refuse(rig, &[("reason", "405")])),
    ("outdated", "", |rig| refuse(rig, &[("reason", "409")])),
    ("scanned_old_phone", "", |rig| refuse(rig, &[("reason", "411")])),
    ("refused", "400", |rig| refuse(rig, &[("reason", "400")])),
    ("refused", "414", |rig| refuse(rig, &[("reason", "414")])),
    ("refused", "418", |rig| refuse(rig, &[("reason", "418")])),
    ("refused", "501", |rig| refuse(rig, &[("reason", "501")])),
];

/// The sentence as a page has it.
fn sentence(lang: Lang, name: &str) -> String {
    let text = all(lang)[&format!("web_state.{name}")].trim_end_matches('.');
    text.replace('&', "&#38;").replace('\'', "&#39;").replace('"', "&#34;")
}

pub async fn pages_tell(rig: &Rig, name: &str, paths: &[String]) {
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let mut told = std::collections::BTreeSet::new();
    for lang in Lang::ALL {
        owner.cookies.insert("lang".into(), lang.as_str().into());
        let wanted = sentence(*lang, name);
        for path in paths {
            let page = owner.get(path).await.body;
            assert!(page.contains(&wanted), "{lang} {path} does not say {wanted:?}: {page}");
            // A time that WhatsApp gave is told as people write it.
            assert!(!page.contains("over: 2026") && !page.contains("T09:00:00Z</bdi>"), "{lang} {path}: {page}");
        }
        told.insert(wanted);
    }
    assert_eq!(told.len(), Lang::ALL.len(), "each language has words of its own");
}

/// The reason of the event that told of the closed state.
async fn event_of_the_end(rig: &Rig) -> Value {
    let find = || {
        let all = rig.receiver.got().into_iter().map(|got| got.json());
        all.filter(|e| e["event"] == "instance.connection_updated").find(|e| e["state"] == "close")
    };
    rig.until("an event tells it", async || find().is_some()).await;
    find().expect("one")["reason"].clone()
}

#[tokio::test]
async fn what_ends_a_connection_is_told_everywhere() {
    for (name, given, happens) in ENDINGS {
        let log = CapturedLog::begin();
        let rig = Rig::start().await;
        rig.subscribe(&["instance.connection_updated"]).await;
        happens(&rig);
        let why = rig.closed().await;
        assert_eq!(words::find(&why), Some((*name, *given)));
        assert_eq!(event_of_the_end(&rig).await, json!(why), "{name}");
        assert!(log.text().contains(&format!("closed: {why}")), "{name}: {}", log.text());
        let paths = [format!("/instances/{LINE}/manage"), "/instances".to_owned(), "/notices".to_owned()];
        pages_tell(&rig, name, &paths).await;
    }
}

#[tokio::test]
async fn a_phone_that_cannot_be_linked_is_told_everywhere() {
    for (name, scan) in [("passkey", Scan::Passkey), ("hosted", Scan::Hosted)] {
        let log = CapturedLog::begin();
        let rig = Rig::without_instance().await;
        rig.create().await;
        rig.subscribe(&["instance.connection_updated"]).await;
        let code = rig.code().await;
        rig.service.next_scan(scan);
        rig.service.scan(OWN, &code);
        let why = rig.closed().await;
        assert_eq!(words::find(&why), Some((name, "")));
        assert_eq!(event_of_the_end(&rig).await, json!(why), "{name}");
        assert!(log.text().contains(&format!("closed: {why}")), "{name}: {}", log.text());
        pages_tell(&rig, name, &[format!("/instances/{LINE}/manage"), "/instances".to_owned()]).await;
    }
}

/// WhatsApp's code, how long new chats are locked, and the name of the sentence.
const REFUSALS: &[(&str, Option<i64>, &str)] = &[
    ("463", None, "recipient_first"),
    ("463", Some(3600), "new_chats_locked"),
    ("475", None, "new_chats_used_up"),
    ("479", None, "not_from_here"),
    ("403", None, "may_not_write"),
    ("404", None, "no_such_chat"),
    ("429", None, "too_much"),
    ("400", None, "refused_message"),
];

#[tokio::test]
async fn a_refused_message_is_told_everywhere() {
    let log = CapturedLog::begin();
    let rig = Rig::start().await;
    rig.subscribe(&["message.failed"]).await;
    for (n, (code, lock, name)) in REFUSALS.iter().enumerate() {
        rig.service.lock_until(lock.map(|seconds| rig.world.clock.now().seconds() + seconds));
        rig.service.fault_next(Fault::Nack(code));
        let reply = rig.send(&format!("Your order {n} is ready.")).await;
        let row = rig.row(&reply).await;
        assert_eq!(row["status"], "failed", "{row}");
        let why = row["reason"].as_str().expect("a reason").to_owned();
        assert_eq!(words::find(&why).map(|(found, _)| found), Some(*name), "{why}");
        let failed = rig.events("message.failed", n + 1).await;
        let told = failed.iter().find(|event| event["message_id"] == row["message_id"]).expect("an event");
        assert_eq!(told["reason"], why.as_str(), "{told}");
        assert!(log.text().contains(&why), "{name}: {}", log.text());
        let ours = log.text().lines().filter(|line| line.contains(LINE)).collect::<Vec<_>>().join("\n");
        assert!(!ours.contains(&rig.customer.phone()[1..]), "the log names nobody: {ours}");
        assert_eq!(rig.status().await["state"], "open");
        let log_id = reply.header("x-log-id").expect("a row");
        let mut paths = vec![format!("/message-logs/{log_id}"), "/message-logs".to_owned()];
        if lock.is_some() {
            paths.push("/notices".to_owned());
        }
        pages_tell(&rig, name, &paths).await;
        // The guard's own pace to one person is not what is tried here.
        rig.world.later(MINUTE);
    }
    // Whoever wrote is answered meanwhile.
    rig.service.lock_until(Some(rig.world.clock.now().seconds() + 3600));
    let taken = rig.service.taken().len();
    let is_taken = async || rig.service.taken().len() > taken;
    // The minute may have been one in which nothing was heard; then it goes once the connection stands again.
    let passes = rig.pass_until("it is sent", Duration::from_secs(1), is_taken);
    let (last, ()) = tokio::join!(rig.send("Your last order is ready."), passes);
    assert_eq!(last.header("x-message-status"), Some("sent"));
}

/// Nobody new is written to while the account is locked: that would make the lock longer. Whoever wrote gets an answer.
#[tokio::test]
async fn while_new_chats_are_locked_only_answers_go() {
    const READER: u64 = 966_500_000_100;
    let rig = Rig::start().await;
    let _reader = Friend::with(&rig.service, &rig.world.clock, READER).await;
    rig.subscribe(&["message.received"]).await;
    let begin = async |n: u64| {
        let number = READER + n;
        rig.service.alias(number, READER);
        let mut body = rig.message(&format!("Your order {n} is ready."));
        body["phone"] = json!(format!("+{number}"));
        rig.world.send(&body).await
    };
    let end = rig.world.clock.now().seconds() + 3600;
    for (code, rate, name) in
        [("463", "new_chats_locked", "new_chats_locked"), ("475", "new_chats_used_up", "new_chats_used_up")]
    {
        let end = if code == "463" { end } else { end + 7200 };
        rig.service.lock_until((code == "463").then_some(end));
        rig.service.count_new_chats(50, 50, end);
        rig.service.fault_next(Fault::Nack(code));
        let first = end.unsigned_abs() % 1000;
        assert_eq!(rig.row(&begin(first).await).await["status"], "failed");
        let taken = rig.service.taken().len();
        let refused = begin(first + 1).await;
        assert_eq!((refused.status, refused.error().as_str()), (429, "sending_throttled"), "{}", refused.body);
        assert_eq!(refused.json()["details"]["rate"], rate);
        let wait: i64 = refused.header("retry-after").and_then(|s| s.parse().ok()).expect("seconds");
        assert!((end - rig.world.clock.now().seconds() - wait).abs() <= 1, "{wait}");
        assert_eq!(rig.service.taken().len(), taken, "it did not leave");
        pages_tell(&rig, name, &[format!("/message-logs/{}", refused.header("x-log-id").expect("a row"))]).await;
        // Whoever wrote is answered meanwhile.
        rig.customer
            .write(OWN, &format!("msg_01ASK{code}"), Content::Text("Is it ready?".into()))
            .await
            .expect("taken");
        rig.until("it is heard", async || rig.service.kept(OWN) == 0).await;
        assert_eq!(rig.send(&format!("Yes, {code} is.")).await.header("x-message-status"), Some("sent"));
        // It is over.
        rig.service.lock_until(None);
        rig.service.count_new_chats(0, 0, end);
        rig.long_after(Duration::from_secs((end - rig.world.clock.now().seconds()).unsigned_abs())).await;
        let taken = rig.service.taken().len();
        let again = begin(first + 1).await;
        assert_eq!(again.header("x-message-status"), Some("sent"), "{}", again.body);
        assert_eq!(rig.service.taken().len(), taken + 1, "it left");
    }
}

/// WhatsApp takes a message back that it took, and whose fault that is has to be asked for.
#[tokio::test]
async fn a_refusal_that_comes_late_is_told_with_its_reason() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.failed"]).await;
    // What was delivered was taken for good.
    rig.service.lose(CUSTOMER, "receipt", "");
    for (n, (code, lock, name)) in REFUSALS.iter().take(3).enumerate() {
        rig.service.lock_until(lock.map(|seconds| rig.world.clock.now().seconds() + seconds));
        let reply = rig.send(&format!("Your order {n} is ready.")).await;
        assert_eq!(reply.header("x-message-status"), Some("sent"), "{}", reply.body);
        rig.service.nack_late(OWN, CUSTOMER, &rig.last_id(), code);
        let failed = rig.events("message.failed", n + 1).await;
        let told = failed.iter().find(|event| event["message_id"] == reply.json()["message_id"]).expect("an event");
        let why = told["reason"].as_str().expect("a reason");
        assert_eq!(words::find(why).map(|(found, _)| found), Some(*name), "{why}");
        assert_eq!(why.contains("2026-06-01T"), lock.is_some(), "{why}");
        assert_eq!(rig.row(&reply).await["status"], "failed");
        rig.world.later(MINUTE);
    }
}

/// The number's page says what WhatsApp allows it, in each language.
#[tokio::test]
async fn the_lock_and_the_quota_of_new_chats_are_shown() {
    let rig = Rig::start().await;
    let end = rig.world.clock.now().seconds() + 3600;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let path = format!("/instances/{LINE}/manage");
    let facts = async |owner: &mut Visitor| {
        let page = owner.get(&path).await.body;
        page.split("<dl class=\"facts\">").nth(1).and_then(|rest| rest.split("</dl>").next()).expect("facts").to_owned()
    };
    assert!(!facts(&mut owner).await.contains("as WhatsApp allows them"), "nothing is limited");
    rig.service.count_new_chats(12, 50, end);
    rig.long_after(MINUTE * 10).await;
    let shown = async || {
        let mut looking = Visitor::logged_in(&rig.world, "owner").await;
        facts(&mut looking).await
    };
    rig.until("the quota is shown", async || shown().await.contains("38 of 50 left.")).await;
    rig.service.lock_until(Some(end));
    rig.service.fault_next(Fault::Nack("463"));
    assert_eq!(rig.row(&rig.send("Your order is ready.").await).await["status"], "failed");
    for (lang, told) in [("en", "None until"), ("ar", "لا شيء حتى"), ("he", "אין עד")] {
        owner.cookies.insert("lang".into(), lang.into());
        let facts = facts(&mut owner).await;
        assert!(facts.contains(told) && facts.contains("2026"), "{lang}: {facts}");
    }
    rig.service.lock_until(None);
    rig.service.count_new_chats(50, 50, end);
    rig.service.fault_next(Fault::Nack("463"));
    let row = rig.row(&rig.send("Your second order is ready.").await).await;
    assert_eq!(words::find(row["reason"].as_str().expect("a reason")).map(|(name, _)| name), Some("new_chats_used_up"));
    // When it is over, nothing is shown.
    rig.service.count_new_chats(0, 0, end);
    rig.world.later(MINUTE * 60);
    assert!(!facts(&mut owner).await.contains("dt>New chats"));
}
