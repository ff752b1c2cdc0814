//! A person who is erased leaves nothing in what waits for its time, nor in what endpoints answered; what is too old goes
//! from there too; and two contacts that turn out to be one take along what waits for either.

use super::Shop;
use crate::{
    gateway::retention::{found_in, until_gone},
    harness::{
        receiver::Receiver,
        world::{INSTANCE, PHONE},
    },
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    app::commands::{InstanceSet, PersonErase, PersonExport, SandboxCall},
    connectors::inbound_event::RemoteParty,
    model::{ids::InstanceId, phone::Recipient},
};

const DIGITS: &[u8] = b"966501234567";
const MARKER: &str = "Zaytoun-78-marker";
const OTHER: &str = "+966501234599";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn schedule(shop: &Shop, number: &str, text: &str) -> Value {
    let body = json!({"clientId": INSTANCE, "number": number, "message": text, "scheduleTime": "2026-06-02T08:00:00Z"});
    let reply = shop.post("/schedule-message", &body).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.json()
}

async fn reject_calls(shop: &Shop) {
    let settings = [("reject_calls".to_owned(), "on".to_owned())].into();
    shop.world.command(InstanceSet { id: INSTANCE.into(), settings, ..Default::default() }).await.expect("set");
}

async fn call(shop: &Shop) {
    let call = SandboxCall { instance: INSTANCE.into(), from: PHONE.into(), ..Default::default() };
    shop.world.command(call).await.expect("a call");
}

/// A shop whose endpoint answered somebody who wrote and called, and which is to write to them tomorrow.
async fn shop_with_traces() -> (Shop, Receiver) {
    let (shop, receiver) = Shop::with_receiver().await;
    reject_calls(&shop).await;
    receiver.say_next(&json!({"response": format!("We heard: {MARKER}")}).to_string());
    shop.world.hears(PHONE, MARKER).await;
    super::hooks::inbox(&shop.world, 1).await;
    receiver.wait_for(2).await;
    receiver.say_next(&json!({"rejectionMessage": format!("Later: {MARKER}")}).to_string());
    call(&shop).await;
    super::hooks::inbox(&shop.world, 2).await;
    receiver.wait_for(4).await;
    // Nothing of it is on its way any more.
    crate::harness::wait::until("all is settled", async || {
        shop.world.number("SELECT count(*) FROM deliveries WHERE state = 'pending'").await == 0
            && shop.world.number("SELECT count(*) FROM schedules WHERE state <> 'fired'").await == 0
    })
    .await;
    schedule(&shop, PHONE, &format!("Tomorrow: {MARKER}")).await;
    schedule(&shop, OTHER, "Tomorrow, to somebody else").await;
    (shop, receiver)
}

#[tokio::test]
async fn nothing_that_waits_is_left_of_an_erased_person() {
    let (shop, _receiver) = shop_with_traces().await;
    let world = &shop.world;
    assert_eq!(world.number("SELECT count(*) FROM endpoint_answers").await, 2);
    assert!(world.number("SELECT count(*) FROM answerable_events").await >= 2);
    let all = world.command(PersonExport { phone: PHONE.into() }).await.expect("exported");
    let person = &all["people"][0];
    let count = |name: &str| person[name].as_array().map_or(0, Vec::len);
    assert_eq!((count("scheduled"), count("answers")), (3, 2), "two answers that were sent, one for tomorrow");
    let folder = world.dir.path();
    assert!(!found_in(folder, DIGITS).is_empty() && !found_in(folder, MARKER.as_bytes()).is_empty());

    let report = world.command(PersonErase { phone: PHONE.into() }).await.expect("erased");
    assert_eq!((&report["contacts"], &report["scheduled"]), (&json!(1), &json!(3)), "{report}");
    for needle in [DIGITS, MARKER.as_bytes()] {
        until_gone(folder, needle).await;
    }
    for rows in [
        "SELECT count(*) FROM endpoint_answers",
        "SELECT count(*) FROM answerable_events",
        "SELECT count(*) FROM schedules WHERE recipient <> '+966501234599'",
    ] {
        assert_eq!(world.number(rows).await, 0, "{rows}");
    }
    let left = shop.get("/scheduled-messages").await.json();
    assert_eq!((left.as_array().map(Vec::len), &left[0]["recipient"]), (Some(1), &json!(OTHER)), "others stay");
    let before = world.inbox().await.len();
    world.later(DAY);
    super::hooks::inbox(world, before + 1).await;
    assert_eq!(world.inbox().await[before]["to"], OTHER, "only the other one is written to");
    shop.world.stop().await;
}

#[tokio::test]
async fn somebody_who_is_only_to_be_written_to_is_erased_too() {
    let shop = Shop::start().await;
    schedule(&shop, PHONE, MARKER).await;
    let all = shop.world.command(PersonExport { phone: PHONE.into() }).await.expect("exported");
    assert_eq!(all["scheduled_messages"][0]["body"], MARKER, "{all}");
    let report = shop.world.command(PersonErase { phone: PHONE.into() }).await.expect("erased");
    assert_eq!((&report["contacts"], &report["scheduled"]), (&json!(0), &json!(1)), "{report}");
    for needle in [DIGITS, MARKER.as_bytes()] {
        until_gone(shop.world.dir.path(), needle).await;
    }
    let again = shop.world.command(PersonErase { phone: PHONE.into() }).await;
    assert!(again.expect_err("nobody is left").contains("nobody"));
    shop.world.stop().await;
}

#[tokio::test]
async fn an_account_erases_what_is_its_own() {
    let shop = Shop::start().await;
    schedule(&shop, PHONE, "ours").await;
    let other = shop.world.new_account("Other", "scale").await;
    shop.world.new_instance(other, "other-line").await;
    let key = super::new_key(&shop.world, other).await;
    let body =
        json!({"clientId": "other-line", "number": PHONE, "message": "theirs", "scheduleTime": "2026-06-02T08:00:00Z"});
    assert_eq!(shop.post_as(&key, "/schedule-message", &body).await.status, 201);
    let who = Recipient::parse(PHONE, None).expect("a phone");
    let account = wa_gateway::accounts::Scope::Account(wa_gateway::model::ids::AccountId(other));
    let report = shop.world.gateway().erase_person(&who, account, "owner").await.expect("erased");
    assert_eq!(report.scheduled, 1);
    assert_eq!(shop.get_as(&key, "/scheduled-messages").await.json(), json!([]));
    assert_eq!(shop.get("/scheduled-messages").await.json()[0]["message"], "ours");
    shop.world.stop().await;
}

#[tokio::test]
async fn what_ended_long_ago_goes_and_what_waits_stays() {
    let (shop, _receiver) = shop_with_traces().await;
    let world = &shop.world;
    world
        .sql("UPDATE schedules SET due_at = due_at + 100000000000 WHERE state = 'pending' AND recipient LIKE '%599'")
        .await;
    let step = async || world.gateway().retention.step().await.expect("a step");
    world.later(31 * DAY);
    world.gateway().schedules.step().await.expect("a step");
    assert_eq!(world.number("SELECT count(*) FROM schedules WHERE state = 'missed'").await, 1);
    step().await;
    assert_eq!(world.number("SELECT count(*) FROM endpoint_answers").await, 0, "kept as long as deliveries are");
    assert_eq!(world.number("SELECT count(*) FROM answerable_events").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM schedules WHERE body = ''").await, 0);
    world.later(91 * DAY);
    step().await;
    assert_eq!(world.number("SELECT count(*) FROM schedules WHERE state <> 'pending' AND body <> ''").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM schedules WHERE state = 'pending' AND body <> ''").await, 1);
    world.later(401 * DAY);
    step().await;
    assert_eq!(world.number("SELECT count(*) FROM schedules").await, 1, "what waits is kept");
    shop.world.stop().await;
}

#[tokio::test]
async fn two_contacts_that_are_one_take_along_what_waits() {
    const LID: &str = "123456789012345@lid";
    let (shop, _receiver) = shop_with_traces().await;
    let sandbox = shop.world.gateway().registry.sandbox(&InstanceId::from_text(INSTANCE)).expect("a sandbox");
    let hidden = RemoteParty { lid: Some(LID.into()), ..RemoteParty::default() };
    sandbox.receive(hidden, "who am I?").await.expect("recorded");
    let contact = shop.world.number("SELECT contact_id FROM contact_identities WHERE kind = 'lid'").await;
    schedule_for(&shop, contact).await;
    let both = RemoteParty { phone: Some(PHONE.into()), lid: Some(LID.into()), ..RemoteParty::default() };
    sandbox.receive(both, "it is me").await.expect("two contacts become one");
    assert_eq!(
        shop.world
            .number(
                "SELECT count(*) FROM contacts c WHERE EXISTS
        (SELECT 1 FROM contact_identities i WHERE i.contact_id = c.id AND i.kind IN ('lid', 'phone'))"
            )
            .await,
        1
    );
    let before = shop.world.inbox().await.len();
    shop.world.later(DAY);
    let inbox = super::hooks::inbox(&shop.world, before + 3).await;
    let texts: Vec<&Value> = inbox[before..].iter().map(|m| &m["text"]).collect();
    assert!(texts.contains(&&json!("to a hidden number")), "{texts:?}");
    shop.world.stop().await;
}

/// Somebody schedules a message to a contact, as the portal does.
async fn schedule_for(shop: &Shop, contact: i64) {
    use wa_gateway::{
        model::{clock::Clock, ids::AccountId, phone::Recipient, purpose::Purpose},
        sending::{Sender, Source, request::Draft, schedule::NewSchedule},
    };
    let account = AccountId(shop.world.account);
    let new = NewSchedule {
        sender: Sender { account, key: None, source: Source::Schedule, module: None, request_id: None },
        account,
        instance: InstanceId::from_text(INSTANCE),
        recipient: Recipient::Contact(wa_gateway::model::ids::ContactId(contact)),
        draft: Draft::Text("to a hidden number".into()),
        purpose: Purpose::Transactional,
        reference: None,
        due_at: shop.world.clock.now().plus(DAY),
        created_by: "test".into(),
    };
    shop.world.gateway().schedules.create(new).await.expect("it is kept");
}
