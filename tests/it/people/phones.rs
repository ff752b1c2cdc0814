//! One person, whatever a caller writes: spellings, the account's region, people by their contact's number, people
//! whose telephone number nobody knows.

use crate::harness::{
    contract::{assert_refused, assert_refused_with},
    world::{INSTANCE, PHONE, World, message, message_to, message_with, update},
};
use serde_json::json;
use wa_gateway::{app::commands::SuppressRemove, connectors::inbound_event::RemoteParty, model::ids::InstanceId};

#[tokio::test]
async fn who_opted_out_is_hit_in_every_spelling() {
    let world = World::start().await;
    world.hears(PHONE, "STOP").await;
    let spellings = [
        "+966501234567",
        "00966501234567",
        "966501234567",
        " +966 50 123 4567 ",
        "+966-50-123-4567",
        "+966.50.123.4567",
        "+966 (50) 1234567",
        "+966\u{a0}50\u{a0}1234567",
        "\u{202a}+966501234567\u{202c}",
        "+٩٦٦٥٠١٢٣٤٥٦٧",
        "+۹۶۶۵۰۱۲۳۴۵۶۷",
    ];
    for spelling in spellings {
        assert_refused(&world.send(&message_to(spelling)).await, "recipient_suppressed");
    }
    assert_eq!(world.send(&message_to("+966501234568")).await.status, 200);
    world.hears(PHONE, "START").await;
    assert_eq!(world.send(&message()).await.status, 200);
    world.stop().await;
}

#[tokio::test]
async fn the_national_form_needs_the_accounts_region() {
    let world = World::start().await;
    world.suppress(PHONE).await;
    let national = message_to("050 123 4567");
    assert_refused_with(&world.send(&national).await, "validation_error", json!({"fields": ["phone"]}));
    let mut request = update(world.account);
    request.region = Some("SA".into());
    world.update_account(request).await;
    assert_refused(&world.send(&national).await, "recipient_suppressed");
    let reply = world.send(&message_to("050 123 4568")).await;
    assert_eq!((reply.status, &world.inbox().await[0]["to"]), (200, &json!("+966501234568")), "{}", reply.body);
    world.stop().await;
}

#[tokio::test]
async fn a_contacts_number_reaches_the_person_and_their_suppression() {
    let world = World::start().await;
    let contact = world.suppress(PHONE).await["contact_id"].clone();
    let by_contact = message_with(json!({"phone": format!("contact:{contact}")}));
    assert_refused(&world.send(&by_contact).await, "recipient_suppressed");
    let request = SuppressRemove { account: world.account, phone: PHONE.into() };
    world.command(request).await.expect("lifted");
    assert_eq!(world.send(&by_contact).await.status, 200);
    assert_eq!(world.inbox().await[0]["to"], PHONE);

    let other = world.new_account("Other", "scale").await;
    world.new_instance(other, "other-line").await;
    let theirs = world.new_key(other, &[]).await;
    let body = message_with(json!({"instance_id": "other-line", "phone": format!("contact:{contact}")}));
    let reply = world.send_with(&theirs, &body, &[]).await;
    assert_refused_with(&reply, "validation_error", json!({"fields": ["phone"]}));
    world.stop().await;
}

#[tokio::test]
async fn a_suppression_belongs_to_its_account() {
    let world = World::start().await;
    world.suppress(PHONE).await;
    let other = world.new_account("Other", "scale").await;
    world.new_instance(other, "other-line").await;
    let theirs = world.new_key(other, &[]).await;
    let reply = world.send_with(&theirs, &message_with(json!({"instance_id": "other-line"})), &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    world.stop().await;
}

#[tokio::test]
async fn a_start_does_not_lift_what_the_business_blocked() {
    let world = World::start().await;
    world.suppress(PHONE).await;
    world.hears(PHONE, "START").await;
    assert_refused(&world.send(&message()).await, "recipient_suppressed");
    world.stop().await;
}

const LID: &str = "123456789012345@lid";

/// Somebody writes under these identities.
async fn writes(world: &World, phone: Option<&str>, lid: Option<&str>, text: &str) {
    let from = RemoteParty { phone: phone.map(str::to_owned), lid: lid.map(str::to_owned), ..RemoteParty::default() };
    let sandbox = world.gateway().registry.sandbox(&InstanceId::from_text(INSTANCE)).expect("a sandbox");
    sandbox.receive(from, text).await.expect("recorded");
}

#[tokio::test]
async fn a_person_whose_number_is_hidden_can_be_answered_and_can_opt_out() {
    let world = World::start().await;
    writes(&world, None, Some(LID), "Hello, is it there?").await;
    let contact = world.number("SELECT max(id) FROM contacts").await;
    let answer = message_with(json!({"phone": format!("contact:{contact}")}));
    let reply = world.send(&answer).await;
    assert_eq!((reply.status, &world.inbox().await[0]["to"]), (200, &json!(LID)), "{}", reply.body);
    writes(&world, None, Some(LID), "STOP").await;
    assert_refused(&world.send(&answer).await, "recipient_suppressed");
    world.stop().await;
}

#[tokio::test]
async fn who_opts_out_under_one_identity_is_hit_under_all_of_them() {
    let world = World::start().await;
    writes(&world, Some(PHONE), Some(LID), "Hello, is it there?").await;
    writes(&world, None, Some(LID), "STOP").await;
    assert_refused(&world.send(&message()).await, "recipient_suppressed");
    world.stop().await;

    // The number becomes known only after the person opted out.
    let world = World::start().await;
    writes(&world, None, Some(LID), "STOP").await;
    writes(&world, Some(PHONE), Some(LID), "Is anybody there?").await;
    assert_refused(&world.send(&message()).await, "recipient_suppressed");
    world.stop().await;

    // Two contacts turn out to be one person.
    let world = World::start().await;
    assert_eq!(world.send(&message()).await.status, 200);
    writes(&world, None, Some(LID), "STOP").await;
    writes(&world, Some(PHONE), Some(LID), "Is anybody there?").await;
    assert_refused(&world.send(&message()).await, "recipient_suppressed");
    world.stop().await;
}
