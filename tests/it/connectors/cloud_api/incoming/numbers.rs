//! Several numbers of one app, whose calls all come to one address.

use super::rig::{LINE, NUMBER, Rig, SECRET, SHEENA, TOKEN, WABA, change, contact, signed, text, value};
use crate::harness::{http, visitor::Visitor};
use serde_json::{Value, json};
use wa_gateway::{
    app::commands::{InstanceCreate, InstanceDelete, InstancePause, InstanceSet},
    model::clock::Clock as _,
    ops::status::Survey,
};

const AT: i64 = 1_780_300_740;
const OTHER: &str = "help-line";
const OTHER_NUMBER: &str = "106540352249999";

async fn rig_with_two() -> Rig {
    let rig = Rig::start().await;
    let settings = [
        ("phone_number_id", OTHER_NUMBER),
        ("waba_id", WABA),
        ("access_token", "EAAG-other"),
        ("app_secret", SECRET),
        ("verify_token", "another-token"),
        ("base_url", "http://127.0.0.1:9"),
    ];
    let request = InstanceCreate {
        account: rig.world.account,
        id: OTHER.into(),
        name: "Help line".into(),
        connector: "cloud-api".into(),
        settings: settings.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        ..Default::default()
    };
    rig.world.command(request).await.expect("an instance");
    rig
}

/// A value of the other number's.
fn theirs(members: Value) -> Value {
    let mut told = value(members);
    told["metadata"] = json!({"display_phone_number": "15550009999", "phone_number_id": OTHER_NUMBER});
    told
}

fn heard(id: &str, from: &str, body: &str) -> Value {
    json!({"contacts": [contact("Sheena", from)], "messages": [text(id, from, AT, body)]})
}

/// Which instance heard which texts.
async fn texts(rig: &Rig) -> Vec<(String, String)> {
    let rows = rig.rows("SELECT instance_id, body FROM inbound_messages ORDER BY id").await;
    let word = |row: &Value, name: &str| row[name].as_str().expect("a text").to_owned();
    rows.iter().map(|row| (word(row, "instance_id"), word(row, "body"))).collect()
}

fn said(instance: &str, body: &str) -> (String, String) {
    (instance.to_owned(), body.to_owned())
}

#[tokio::test]
async fn each_number_hears_what_is_its_through_one_address() {
    let rig = rig_with_two().await;
    // One call with both, in the order that Meta likes.
    let mut both = change("messages", theirs(heard("wamid.1", SHEENA, "To the other")));
    let own = change("messages", value(heard("wamid.2", SHEENA, "To this one")));
    both["entry"].as_array_mut().expect("a list").push(own["entry"][0].clone());
    rig.bring(&both).await;
    assert_eq!(texts(&rig).await, [said(OTHER, "To the other"), said(LINE, "To this one")]);
    // A receipt of a message that the other one sent.
    let account = rig.world.account;
    rig.change(&format!(
        "INSERT INTO messages (message_id, account_id, source, instance_id, recipient, purpose, kind, body, fingerprint,
             status, provider_message_id, quota, day, month, created_at, updated_at)
         VALUES ('msg_9', {account}, 'api', '{OTHER}', '+{SHEENA}', 'support', 'text', 'Ready', 0, 'sent', 'wamid.9',
             'counted', '2026-06-01', '2026-06', 1780300700000, 1780300700000)"
    ))
    .await;
    let failed = json!({"id": "wamid.9", "status": "failed", "timestamp": AT.to_string(), "recipient_id": SHEENA,
                        "errors": [{"code": 131_026, "title": "Message undeliverable"}]});
    rig.bring(&change("messages", theirs(json!({"statuses": [failed]})))).await;
    assert_eq!(rig.row("SELECT status FROM messages").await["status"], "failed");
    // While Meta's agent has the conversation, the number may stand one level deeper.
    rig.bring(&change("standby", json!({"standby": theirs(heard("wamid.4", SHEENA, "To the agent"))}))).await;
    assert_eq!(texts(&rig).await[2..], [said(OTHER, "To the agent")]);
    // An opt-out holds in the account.
    rig.bring(&change("messages", theirs(heard("wamid.3", SHEENA, "STOP")))).await;
    let suppressed = rig.row("SELECT instance_id FROM suppressions WHERE lifted_at IS NULL").await;
    assert_eq!(suppressed["instance_id"], OTHER);
    assert_eq!(rig.counts().await["provider_news"], 0, "nothing was anybody else's");
}

#[tokio::test]
async fn one_that_is_paused_hears_and_the_address_of_a_deleted_one_serves_the_other() {
    let rig = rig_with_two().await;
    let pause = InstancePause { id: OTHER.into(), reason: "to be looked at".into() };
    rig.world.command(pause).await.expect("paused");
    rig.bring(&change("messages", theirs(heard("wamid.1", SHEENA, "Are you there?")))).await;
    assert_eq!(texts(&rig).await, [said(OTHER, "Are you there?")]);
    // The instance whose address Meta has goes; the other one is still heard there, and the address still answers.
    rig.world.command(InstanceDelete { id: LINE.into() }).await.expect("deleted");
    rig.bring(&change("messages", theirs(heard("wamid.2", SHEENA, "And now?")))).await;
    assert_eq!(texts(&rig).await.last(), Some(&said(OTHER, "And now?")));
    let asked = "?hub.mode=subscribe&hub.verify_token=another-token&hub.challenge=77";
    assert_eq!(rig.call("GET", asked, &[], b"").await.body, "77");
    let gone = format!("?hub.mode=subscribe&hub.verify_token={}&hub.challenge=77", TOKEN.replace('+', "%2B"));
    assert_eq!(rig.call("GET", &gone, &[], b"").await.status, 404, "the token of the one that is gone");
    // What is the deleted one's now is nobody's.
    rig.bring(&change("messages", value(heard("wamid.3", SHEENA, "To the one that is gone")))).await;
    let news = rig.row("SELECT instance_id, kind, raw FROM provider_news").await;
    assert_eq!((&news["instance_id"], &news["kind"]), (&json!(OTHER), &json!("other_number")));
    assert!(news["raw"].as_str().expect("a text").contains(NUMBER));
    // Without the secret there is nothing at that address.
    let body = change("messages", theirs(heard("wamid.4", SHEENA, "Forged"))).to_string();
    let forged = [format!("X-Hub-Signature-256: {}", signed("another-secret", body.as_bytes()))];
    assert_eq!(rig.call("POST", "", &forged, body.as_bytes()).await.status, 404);
    assert_eq!(rig.call("POST", "", &[], body.as_bytes()).await.status, 404);
}

#[tokio::test]
async fn another_apps_number_gets_nothing_by_this_secret() {
    let rig = rig_with_two().await;
    let path = format!("/hooks/cloud-api/{OTHER}");
    let changes = [("app_secret".to_owned(), "a-secret-of-another-app".to_owned())].into_iter().collect();
    rig.world.command(InstanceSet { id: OTHER.into(), set: Vec::new(), settings: changes }).await.expect("set");
    rig.bring(&change("messages", theirs(heard("wamid.1", SHEENA, "Not by this app")))).await;
    assert_eq!(texts(&rig).await, []);
    assert_eq!(rig.row("SELECT kind FROM provider_news").await["kind"], "other_number");
    let body = change("messages", theirs(heard("wamid.1", SHEENA, "By its own"))).to_string();
    let headers = [format!("X-Hub-Signature-256: {}", signed("a-secret-of-another-app", body.as_bytes()))];
    assert_eq!(http::call(rig.world.address(), "POST", &path, &headers, body.as_bytes()).await.status, 200);
    assert_eq!(texts(&rig).await, [said(OTHER, "By its own")]);
}

#[tokio::test]
async fn what_is_nobodys_is_a_notice_once() {
    let rig = rig_with_two().await;
    for n in 0..3 {
        let mut told = change("messages", value(heard(&format!("wamid.{n}"), SHEENA, "a secret of theirs")));
        told["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = json!("999");
        told["entry"][0]["time"] = json!(1_780_300_000 + n);
        rig.bring(&told).await;
    }
    let notice = rig.row("SELECT parameters FROM notices WHERE kind = 'provider_news'").await;
    let words = notice["parameters"].as_str().expect("a text");
    assert!(words.contains("999") && !words.contains("secret of theirs"), "{words}");
    assert_eq!(rig.counts().await["provider_news"], 3, "a row for each");
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    assert!(owner.get("/notices").await.body.contains("999"));
    // The doctor finds it: whose it is, to whose address it came, how often.
    let now = rig.world.clock.now();
    let survey = rig.world.gateway().store.read(move |tx| Survey::take(tx, now)).await.map_err(|e| e.to_string());
    let strangers = survey.expect("a survey").strangers;
    let [found] = &strangers[..] else { panic!("one stranger: {strangers:?}") };
    assert_eq!((found.instance.as_str(), found.kind.as_str(), found.whose.as_str()), (LINE, "other_number", "999"));
    assert_eq!(found.count, 3);
}
