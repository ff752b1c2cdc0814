//! Programs keep the ids of contacts that they were told. When two contacts become one, either id leads to the person: by
//! whatever door, for what waits already, and to the last trace when they are erased.

use crate::harness::{
    http,
    visitor::Visitor,
    wait::until,
    world::{INSTANCE, PHONE, World, message_to, message_with},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    app::commands::{KeyCreate, PersonErase, PersonExport, SuppressAdd, SuppressRemove},
    connectors::inbound_event::RemoteParty,
    model::{clock::Clock as _, ids::InstanceId},
};

const LID: &str = "123456789012345@lid";
const FORMER: &str = "contact:1";

async fn listed(world: &World, key: &str, path: &str) -> Vec<Value> {
    let headers = [format!("authorization: Bearer {key}")];
    let reply = http::call(world.address(), "GET", path, &headers, b"").await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.body);
    reply.json()["data"].as_array().expect("rows").clone()
}

#[tokio::test]
async fn the_id_of_a_contact_that_became_part_of_another_one_leads_to_the_person() {
    let world = World::start().await;
    let sandbox = world.gateway().registry.sandbox(&InstanceId::from_text(INSTANCE)).expect("a sandbox");
    let hidden = RemoteParty { lid: Some(LID.into()), ..RemoteParty::default() };
    sandbox.receive(hidden.clone(), "Who am I?").await.expect("recorded");
    world.hears(PHONE, "Somebody with a number").await;
    let reader = KeyCreate { account: world.account, scopes: vec!["read".into()], ..Default::default() };
    let reader = world.command(reader).await.expect("a key")["key"].as_str().expect("a text").to_owned();
    // What waits for the one whose number is hidden, when it turns out whose it is.
    let due = world.clock.now().plus(Duration::from_secs(3600));
    let waits = message_with(json!({"phone": FORMER, "message": "It waited for you.", "send_at": due}));
    assert_eq!(world.send(&waits).await.status, 202);
    sandbox.receive(RemoteParty { phone: Some(PHONE.into()), ..hidden }, "It is me").await.expect("one person");
    assert_eq!(world.number("SELECT count(*) FROM contacts").await, 1);

    assert_eq!(world.send(&message_to(FORMER)).await.status, 200);
    assert_eq!(world.inbox().await.last().expect("a message")["to"], PHONE);
    for (path, rows) in [
        (format!("/api/messages?to={FORMER}"), 2),
        (format!("/api/inbound-messages?from={FORMER}"), 3),
        (format!("/api/conversations?phone={FORMER}"), 1),
        (format!("/api/contacts?phone={FORMER}"), 1),
        ("/api/messages?to=contact:2".to_owned(), 2),
        ("/api/messages?to=contact:3".to_owned(), 0),
    ] {
        assert_eq!(listed(&world, &reader, &path).await.len(), rows, "{path}");
    }
    let chat = format!("/chat?instance={INSTANCE}&chat=c1");
    let page = Visitor::logged_in(&world, "owner").await.get(&chat).await;
    assert!(page.status == 200 && page.body.contains("It is me"), "{}: {}", page.status, page.body);

    let add = SuppressAdd { account: world.account, phone: FORMER.into(), reason: None };
    let added = world.command(add).await.expect("suppressed");
    assert_eq!((&added["contact_id"], &added["added"]), (&json!(2), &json!(true)));
    for phone in [FORMER, PHONE] {
        assert_eq!(world.send(&message_to(phone)).await.error(), "recipient_suppressed", "{phone}");
    }
    let remove = SuppressRemove { account: world.account, phone: FORMER.into() };
    assert_eq!(world.command(remove).await.expect("lifted")["lifted"], 1);
    let nobody = SuppressAdd { account: world.account, phone: "contact:9".into(), reason: None };
    assert!(world.command(nobody).await.expect_err("nobody").contains("contact:9"));

    world.later(Duration::from_secs(3601));
    until("what waited is there", async || {
        world.inbox().await.iter().any(|message| message["text"] == "It waited for you." && message["to"] == PHONE)
    })
    .await;

    let all = world.command(PersonExport { phone: FORMER.into() }).await.expect("exported");
    assert_eq!(all["people"][0]["received"].as_array().map(Vec::len), Some(3), "{all}");
    until("nothing is on its way", async || {
        world.number("SELECT count(*) FROM messages WHERE quota = 'reserved'").await == 0
            && world.number("SELECT count(*) FROM schedules WHERE state = 'claimed'").await == 0
    })
    .await;
    let erased = world.command(PersonErase { phone: FORMER.into() }).await.expect("erased");
    assert_eq!((&erased["contacts"], &erased["messages"]), (&json!(1), &json!(6)), "{erased}");
    for left in [
        "SELECT count(*) FROM contacts",
        "SELECT count(*) FROM contact_identities",
        "SELECT count(*) FROM inbound_messages",
        "SELECT count(*) FROM messages",
        "SELECT count(*) FROM schedules",
        "SELECT count(*) FROM conversations",
    ] {
        assert_eq!(world.number(left).await, 0, "{left}");
    }
    assert_eq!(world.number("SELECT count(*) FROM events WHERE body LIKE '%contact_id%'").await, 0, "told of either");
    assert!(world.inbox().await.is_empty(), "what the phone of the sandbox kept");
    world.stop().await;
}
