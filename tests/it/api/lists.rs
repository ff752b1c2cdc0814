//! The lists of the guarded API: who may read them, what a page holds, what is refused, and by which index they are found.

use crate::harness::{
    contract::{assert_refused, assert_refused_with},
    http::{self, Reply},
    world::{INSTANCE, PHONE, World, message, message_to, message_with},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    accounts::Scope,
    app::commands::KeyCreate,
    model::{
        clock::Time,
        ids::{AccountId, ContactId, InstanceId, LogId},
    },
    people::conversations::{PeopleSearch, Whose, contacts_statement, conversations_statement, heard_statement},
    sending::search::{LogSearch, statement},
    store::StoreError,
};

/// The first five show a key what is of its own instances.
const LISTS: [&str; 8] = [
    "/api/messages",
    "/api/inbound-messages",
    "/api/contacts",
    "/api/conversations",
    "/api/instances",
    "/api/suppressions",
    "/api/templates",
    "/api/usage",
];

/// A key with these scopes, for these instances.
pub async fn key(world: &World, scopes: &[&str], instances: &[&str]) -> String {
    let owned = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    let make =
        KeyCreate { account: world.account, scopes: owned(scopes), instances: owned(instances), ..Default::default() };
    world.command(make).await.expect("a key")["key"].as_str().expect("its text").to_owned()
}

pub async fn get(world: &World, key: &str, path: &str, more: &[String]) -> Reply {
    let mut headers = vec![format!("Authorization: Bearer {key}")];
    headers.extend_from_slice(more);
    http::call(world.address(), "GET", path, &headers, &[]).await
}

/// Each page's values of `name`, following the cursors.
async fn pages(world: &World, key: &str, path: &str, name: &str) -> Vec<Vec<Value>> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let reply = get(world, key, &format!("{path}{cursor}"), &[]).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let page = reply.json();
        all.push(page["data"].as_array().expect("rows").iter().map(|row| row[name].clone()).collect());
        let Some(next) = page["next_cursor"].as_str() else { return all };
        cursor = format!("&cursor={next}");
        // What comes in between stands before the first page.
        world.send(&message_to("+966501239999")).await;
        world.hears("+966501239999", "between").await;
    }
}

#[tokio::test]
async fn a_key_reads_only_when_it_has_the_scope_and_sends_only_when_it_has_that() {
    let world = World::start().await;
    let (reader, both) = (key(&world, &["read"], &[]).await, key(&world, &["send", "read"], &[]).await);
    for path in LISTS {
        assert_refused(&world.get(path).await, "insufficient_scope");
        assert_eq!(get(&world, &reader, path, &[]).await.status, 200, "{path}");
        assert_eq!(get(&world, &both, path, &[]).await.status, 200, "{path}");
        assert_eq!(get(&world, "wg_live_no", path, &[]).await.error(), "invalid_api_key");
    }
    let refused = world.send_with(&reader, &message(), &[]).await;
    assert_refused_with(&refused, "insufficient_scope", json!({"scope": "send"}));
    assert_eq!(refused.header("x-message-status"), Some("blocked"));
    assert!(world.inbox().await.is_empty(), "nothing left");
    // The keys from before send and ask after what they sent.
    let sent = world.send(&message()).await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    let row = format!("/api/messages/{}", sent.json()["log_id"]);
    assert_eq!(world.get(&row).await.status, 200);
    // Who only reads may ask, too; who only says who is not written to may not: the row has the text and the number.
    assert_eq!(get(&world, &reader, &row, &[]).await.status, 200);
    let manager = key(&world, &["manage"], &[]).await;
    assert_refused_with(&get(&world, &manager, &row, &[]).await, "insufficient_scope", json!({"scope": "read"}));
    assert_eq!(world.send_with(&both, &message_to("+966501234599"), &[]).await.status, 200);
    let wrong = KeyCreate { account: world.account, scopes: vec!["write".into()], ..Default::default() };
    assert!(world.command(wrong).await.is_err_and(|e| e.to_string().contains("send, read or manage")));
    world.stop().await;
}

#[tokio::test]
async fn pages_hold_each_row_once_while_others_come_in() {
    let world = World::start_with(|config| {
        config.guard.throttle_burst = 1000;
        config.guard.throttle_per_minute = 10_000;
    })
    .await;
    let reader = key(&world, &["read"], &[]).await;
    for n in 0..5 {
        world.send(&message_to(&format!("+96650123450{n}"))).await;
        world.hears(&format!("+96650123450{n}"), &format!("Hello {n}")).await;
        // Two of them in the same moment.
        if n != 2 {
            world.clock.advance(Duration::from_secs(60));
        }
    }
    let sent = pages(&world, &reader, "/api/messages?limit=2", "to").await;
    let numbers = |all: &[Vec<Value>]| all.iter().flatten().map(|v| v.to_string()).collect::<Vec<_>>();
    let expected: Vec<String> = (0..5).rev().map(|n| format!("\"+96650123450{n}\"")).collect();
    assert_eq!((sent.len(), numbers(&sent)), (3, expected.clone()));
    // The three that came in between are the newest now.
    let heard = numbers(&pages(&world, &reader, "/api/inbound-messages?limit=4", "from").await);
    assert_eq!(heard.len(), 7, "{heard:?}");
    assert_eq!(heard[2..], expected);
    world.stop().await;
}

#[tokio::test]
async fn filters_find_and_what_is_none_is_refused_by_name() {
    let world = World::start().await;
    let reader = key(&world, &["read"], &[]).await;
    world.send(&message_with(json!({"reference": "order-1"}))).await;
    world.clock.advance(Duration::from_secs(3600));
    world.send(&message_with(json!({"phone": "+966501234599", "message": "Your parcel waits."}))).await;
    world.hears(PHONE, "Thanks").await;
    for (query, rows) in [
        ("", 2),
        ("?to=%2B966501234567", 1),
        ("?to=966501234567", 1),
        ("?reference=order-1", 1),
        ("?status=sent", 2),
        ("?status=failed", 0),
        ("?instance_id=shop-line", 2),
        ("?instance_id=nobodys", 0),
        ("?since=2026-06-01T08:30:00Z", 1),
        ("?q=parcel&since=2026-06-01T00:00:00Z", 1),
        ("?q=%25&since=2026-06-01T00:00:00Z", 0),
    ] {
        let reply = get(&world, &reader, &format!("/api/messages{query}"), &[]).await;
        assert_eq!(reply.json()["data"].as_array().map(Vec::len), Some(rows), "{query}: {}", reply.body);
    }
    let heard = get(&world, &reader, "/api/inbound-messages?from=%2B966501234567", &[]).await.json();
    assert_eq!((&heard["data"][0]["message_text"], &heard["data"][0]["from"]), (&json!("Thanks"), &json!(PHONE)));
    let cursor = get(&world, &reader, "/api/messages?limit=1", &[]).await.json()["next_cursor"].clone();
    let strange = format!("/api/inbound-messages?cursor={}", cursor.as_str().expect("a cursor"));
    for (path, name) in [
        ("/api/messages?limit=0", "limit"),
        ("/api/messages?limit=1000", "limit"),
        ("/api/messages?cursor=abc", "cursor"),
        ("/api/messages?since=yesterday", "since"),
        ("/api/messages?status=lost", "status"),
        ("/api/messages?to=12", "to"),
        ("/api/messages?q=parcel", "since"),
        ("/api/inbound-messages?from=x", "from"),
        (&strange, "cursor"),
        // A filter that is not one would show what it was to leave out.
        ("/api/messages?phone=0501234567", "query"),
        ("/api/messages?status=sent&status=failed", "query"),
        ("/api/messages?reference=%ff", "query"),
        ("/api/inbound-messages?to=%2B966501234567", "query"),
        ("/api/contacts?q=Ahmad", "query"),
        ("/api/conversations?instance=shop", "query"),
        ("/api/suppressions?phone=%2B966501234567", "query"),
        ("/api/instances?state=open", "query"),
        ("/api/templates?name=x", "query"),
        ("/api/usage?month=2026-05", "query"),
        ("/api/events?events=message.sent", "query"),
    ] {
        let reply = get(&world, &reader, path, &[]).await;
        assert_eq!((reply.status, reply.error()), (422, "validation_error".into()), "{path}: {}", reply.body);
        let details = &reply.json()["details"];
        assert_eq!(details["fields"], json!([name]), "{path}");
        assert!(details["reason"].as_str().is_some_and(|why| why.starts_with(name)), "{details}");
    }
    world.stop().await;
}

#[tokio::test]
async fn each_list_takes_the_parameters_that_the_document_names() {
    let world = World::start().await;
    let reader = key(&world, &["read"], &[]).await;
    let document = world.get("/openapi.json").await.json();
    for path in LISTS.iter().chain(&["/api/events"]) {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().expect("parameters");
        let named = parameters.iter().filter(|p| p["in"] == "query").filter_map(|p| p["name"].as_str());
        let empty = named.map(|name| format!("{name}=")).collect::<Vec<_>>().join("&");
        let reply = get(&world, &reader, &format!("{path}?{empty}"), &[]).await;
        assert_eq!(reply.status, 200, "{path}?{empty}: {}", reply.body);
        let other = get(&world, &reader, &format!("{path}?{empty}&another="), &[]).await;
        assert_eq!(other.status, 422, "{path}: {}", other.body);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_key_sees_its_own_account_and_its_own_instances() {
    let world = World::start().await;
    world.new_instance(world.account, "second-line").await;
    world.send(&message()).await;
    world.hears(PHONE, "Hello").await;
    let other = world.new_account("Other", "scale").await;
    let make = KeyCreate { account: other, scopes: vec!["read".into()], ..Default::default() };
    let stranger = world.command(make).await.expect("a key")["key"].as_str().expect("its text").to_owned();
    let second = key(&world, &["read"], &["second-line"]).await;
    let first = key(&world, &["read"], &[INSTANCE]).await;
    // The rest holds for the whole account.
    for path in &LISTS[..5] {
        let rows = |reply: Reply| reply.json()["data"].as_array().map_or(0, Vec::len);
        assert_eq!(rows(get(&world, &stranger, path, &[]).await), 0, "{path}");
        assert_eq!(rows(get(&world, &first, path, &[]).await), 1, "{path}");
        let own = usize::from(*path == "/api/instances");
        assert_eq!(rows(get(&world, &second, path, &[]).await), own, "{path}");
        let asked = format!("{path}?instance_id={INSTANCE}");
        assert_eq!(rows(get(&world, &second, &asked, &[]).await), 0, "{asked}");
        assert_eq!(rows(get(&world, &first, &asked, &[]).await), 1, "{asked}");
    }
    world.stop().await;
}

#[tokio::test]
async fn an_answer_that_one_has_is_not_sent_again() {
    let world = World::start().await;
    let reader = key(&world, &["read"], &[]).await;
    for path in LISTS {
        let first = get(&world, &reader, path, &[]).await;
        let tag = first.header("etag").expect("a tag").to_owned();
        let again = get(&world, &reader, path, &[format!("If-None-Match: \"x\", W/{tag}")]).await;
        assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", Some(tag.as_str())), "{path}");
        assert_eq!(first.header("cache-control"), Some("private, no-cache"));
    }
    let tag = get(&world, &reader, LISTS[0], &[]).await.header("etag").expect("a tag").to_owned();
    world.send(&message()).await;
    assert_eq!(get(&world, &reader, LISTS[0], &[format!("If-None-Match: {tag}")]).await.status, 200);
    world.stop().await;
}

#[tokio::test]
async fn who_is_suppressed_and_what_is_used_can_be_asked_before_sending() {
    let world = World::start().await;
    let reader = key(&world, &["read"], &[]).await;
    for n in 0..5 {
        world.hears(&format!("+96650000010{n}"), "STOP").await;
        world.clock.advance(Duration::from_secs(60));
    }
    let all: Vec<Value> = pages(&world, &reader, "/api/suppressions?limit=2", "phone").await.concat();
    assert_eq!(all, [4, 3, 2, 1, 0].map(|n| json!(format!("+96650000010{n}"))), "newest first");
    let one = get(&world, &reader, "/api/suppressions?limit=1", &[]).await.json();
    assert_eq!(
        (&one["data"][0]["source"], &one["data"][0]["reason"]),
        (&json!("recipient"), &json!("recipient_requested_stop"))
    );
    let before = get(&world, &reader, "/api/usage", &[]).await.json();
    assert_eq!(world.send(&message()).await.status, 200);
    let after = get(&world, &reader, "/api/usage", &[]).await.json();
    for period in ["day", "month"] {
        let figures = |of: &Value| ["used", "limit", "remaining"].map(|f| of[period][f].as_u64().expect("a figure"));
        let ([used, limit, left], [used_now, limit_now, left_now]) = (figures(&before), figures(&after));
        assert_eq!((used_now, limit_now, left_now), (used + 1, limit, left - 1), "{after}");
        assert_eq!(used + left, limit);
    }
    assert_eq!(get(&world, &reader, "/api/templates", &[]).await.json(), json!({"data": []}), "a sandbox has none");
    world.stop().await;
}

#[tokio::test]
async fn every_list_is_found_by_an_index() {
    let world = World::start().await;
    let (account, instance) = (AccountId(world.account), InstanceId::from_text(INSTANCE));
    let (seen, since) = (Time::from_millis(1_780_300_800_000), Some(Time::from_millis(0)));
    let all = || LogSearch { limit: 50, ..LogSearch::of(Scope::Account(account)) };
    let among = Some(vec![INSTANCE.to_owned()]);
    for wanted in [
        all(),
        LogSearch { after: Some((seen, LogId(7))), since, ..all() },
        LogSearch { instance: Some(instance.clone()), ..all() },
        LogSearch { among: among.clone(), ..all() },
        LogSearch { recipient: Some(PHONE.into()), ..all() },
        LogSearch { contact: Some(ContactId(1)), ..all() },
        LogSearch { reference: Some("order-1".into()), ..all() },
        LogSearch { text: Some("parcel".into()), since, ..all() },
    ] {
        let (sql, values) = statement(&wanted);
        let plan = explained(&world, "messages", sql, values.len()).await;
        let own = [(&wanted.recipient, "messages_recipient"), (&wanted.reference, "messages_reference")];
        for (_, index) in own.iter().filter(|(asked, _)| asked.is_some()) {
            assert!(plan.contains(index), "one person's are not looked for along all of time: {plan}");
        }
        assert!(!plan.contains("SCAN contact_identities"), "{plan}");
    }
    let all =
        || PeopleSearch { account, instance: None, among: None, person: None, since: None, after: None, limit: 50 };
    for wanted in [
        all(),
        PeopleSearch { after: Some((seen, 7)), since, ..all() },
        PeopleSearch { instance: Some(instance), ..all() },
        PeopleSearch { among, ..all() },
        PeopleSearch { person: Some(Whose::Phone(PHONE.into())), ..all() },
        PeopleSearch { person: Some(Whose::Contact(ContactId(1))), ..all() },
    ] {
        let (sql, values) = heard_statement(&wanted);
        explained(&world, "m", sql, values.len()).await;
    }
    let all =
        || PeopleSearch { account, instance: None, among: None, person: None, since: None, after: None, limit: 50 };
    for wanted in [
        all(),
        PeopleSearch { after: Some((seen, 7)), since, ..all() },
        PeopleSearch { instance: Some(InstanceId::from_text(INSTANCE)), ..all() },
        PeopleSearch { among: Some(vec![INSTANCE.to_owned()]), ..all() },
        PeopleSearch { person: Some(Whose::Phone(PHONE.into())), ..all() },
        PeopleSearch { person: Some(Whose::Contact(ContactId(1))), ..all() },
    ] {
        for (table, (sql, values)) in [("c", contacts_statement(&wanted)), ("v", conversations_statement(&wanted))] {
            explained(&world, table, sql, values.len()).await;
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn people_and_conversations_are_listed_once_and_found_by_any_form_of_a_number() {
    let world = World::start().await;
    let reader = key(&world, &["read"], &[]).await;
    for n in 0..5 {
        world.hears(&format!("+96650123450{n}"), &format!("Hello {n}")).await;
        if n != 2 {
            world.clock.advance(Duration::from_secs(60));
        }
    }
    world.hears("+966501234501", "STOP").await;
    let newest = [4, 3, 2, 1, 0].map(|n| json!(format!("+96650123450{n}")));
    let people = pages(&world, &reader, "/api/contacts?limit=2", "phone").await.concat();
    assert_eq!(people, newest, "by when they were first known");
    let heard: Vec<Value> = get(&world, &reader, "/api/conversations?limit=200", &[]).await.json()["data"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["from"].clone())
        .collect();
    // The two who came in while the pages were read, and who wrote last among the others.
    assert_eq!(heard[..2], [json!("+966501239999"), json!("+966501234501")]);
    assert_eq!(heard.len(), 6);
    for (path, name, value) in [
        ("/api/contacts?phone=966501234501", "suppressed", json!(true)),
        ("/api/contacts?phone=%2B966501234500", "suppressed", json!(false)),
        ("/api/conversations?phone=966501234501", "unread_count", json!(2)),
        ("/api/conversations?phone=966501234501&instance_id=shop-line", "sequence", json!(2)),
    ] {
        let found = get(&world, &reader, path, &[]).await.json();
        assert_eq!((found["data"].as_array().map(Vec::len), &found["data"][0][name]), (Some(1), &value), "{path}");
    }
    let nobody = get(&world, &reader, "/api/conversations?phone=966501234501&instance_id=nobodys", &[]).await.json();
    assert_eq!(nobody["data"], json!([]));
    let refused = get(&world, &reader, "/api/contacts?phone=12", &[]).await;
    assert_eq!((refused.status, &refused.json()["details"]["fields"]), (422, &json!(["phone"])));
    world.stop().await;
}

/// The plan enters the table by an index; the plan.
async fn explained(world: &World, table: &'static str, sql: String, values: usize) -> String {
    let asked = format!("EXPLAIN QUERY PLAN {sql}");
    let read = world.gateway().store.read(move |tx| {
        let none = vec![rusqlite::types::Null; values];
        tx.list(&asked, rusqlite::params_from_iter(none), |r| r.get::<_, String>(3))
    });
    let plan = read.await.map_err(|e: StoreError| e.to_string()).expect("a plan").join("\n");
    assert!(plan.contains(&format!("SEARCH {table} USING")), "{sql}\n{plan}");
    assert!(!plan.contains(&format!("SCAN {table}")), "{sql}\n{plan}");
    plan
}
