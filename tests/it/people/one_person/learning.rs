//! What the provider tells of a person, in each order in which it can come, with the power going off in between: one
//! contact at the end, one opt-out, and nothing is sent after it.

use crate::{
    connectors::cloud_api::outgoing::rig::{LINE, PHONE, Rig},
    harness::{graph::Sent, world::World},
};
use serde_json::{Value, json};
use wa_gateway::{app::commands::PersonErase, model::clock::Clock as _, store::StoreError};

const HIDDEN: &str = "SA.13491208655302741918";

/// A message of somebody who shows nothing but the hidden id.
fn hidden_message(world: &World, text: &str) -> Value {
    let at = world.clock.now();
    json!({"messages": [{"from_user_id": HIDDEN, "id": format!("wamid.in-{}-{text}", at.millis()),
                         "timestamp": at.seconds().to_string(), "type": "text", "text": {"body": text}}]})
}

/// A status that names the recipient by number and by hidden id.
fn receipt(world: &World, sent: &Sent, status: &str) -> Value {
    json!({"statuses": [{
        "id": sent.id, "status": status, "timestamp": world.clock.now().seconds().to_string(),
        "recipient_id": PHONE.trim_start_matches('+'), "recipient_user_id": HIDDEN,
        "biz_opaque_callback_data": sent.ours(),
    }]})
}

fn template(rig: &Rig) -> Value {
    let mut body = rig.message("");
    body["template"] = json!({"name": "order_ready", "language": "en_US", "variables": ["2041"]});
    body.as_object_mut().expect("an object").remove("message");
    body
}

async fn one(world: &World, sql: &'static str) -> i64 {
    let read = world.gateway().store.read(move |tx| tx.one(sql, [], |r| r.get::<_, i64>(0)));
    read.await.map_err(|e: StoreError| e.to_string()).expect("a number")
}

/// One contact with both names, one opt-out, and no door lets a message out.
async fn assert_one_person_who_opted_out(rig: &Rig, world: &World, order: &str) {
    let names = "SELECT count(DISTINCT contact_id) FROM contact_identities WHERE value IN ('+966501234567', \
                 'SA.13491208655302741918')";
    assert_eq!(one(world, names).await, 1, "{order}: one contact");
    assert_eq!(one(world, "SELECT count(*) FROM contacts").await, 1, "{order}: no other");
    assert_eq!(one(world, "SELECT count(*) FROM suppressions WHERE lifted_at IS NULL").await, 1, "{order}");
    let contact = one(world, "SELECT id FROM contacts").await;
    let before = rig.graph.sent().len();
    for phone in [PHONE.to_owned(), format!("contact:{contact}")] {
        let mut body = template(rig);
        body["phone"] = json!(phone);
        assert_eq!(world.send(&body).await.error(), "recipient_suppressed", "{order}: to {phone}");
    }
    assert_eq!(rig.graph.sent().len(), before, "{order}: nothing left");
}

async fn brings(rig: &Rig, world: &World, value: Value) {
    assert_eq!(rig.graph.call(world.address(), LINE, value).await, 200);
}

#[tokio::test]
async fn the_answer_the_receipt_and_the_opt_out_may_come_in_any_order_and_the_power_may_go_between_them() {
    for (order, answered_first) in
        [("RO", true), ("OR", true), ("RO", false), ("OR", false), ("ORR", false), ("ROO", true)]
    {
        let rig = Rig::start().await;
        let label = format!("{order}, answered {answered_first}");
        if answered_first {
            rig.graph.state().hidden.insert(PHONE.to_owned(), HIDDEN.to_owned());
            assert_eq!(rig.world.send(&template(&rig)).await.status, 200, "{label}");
        } else {
            rig.graph.hold_answers(true);
            let body = template(&rig);
            let sending = rig.world.send(&body);
            let has_it = rig.until("Meta has it", async || !rig.graph.sent().is_empty());
            tokio::select! {
                biased;
                _ = sending => panic!("answers are held"),
                () = has_it => {}
            }
        }
        let sent = rig.graph.sent().pop().expect("it went");
        let mut world = rig.world.after_a_crash().await;
        rig.graph.hold_answers(false);
        for step in order.chars() {
            let value = match step {
                'R' => receipt(&world, &sent, "delivered"),
                _ => hidden_message(&world, "STOP"),
            };
            brings(&rig, &world, value).await;
            let next = world.after_a_crash().await;
            world.stop().await;
            world = next;
        }
        assert_one_person_who_opted_out(&rig, &world, &label).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn an_opt_out_that_comes_before_the_answer_holds_when_the_answer_comes() {
    let rig = Rig::start().await;
    rig.graph.state().hidden.insert(PHONE.to_owned(), HIDDEN.to_owned());
    rig.graph.hold_answers(true);
    let body = template(&rig);
    let rest = async {
        rig.until("Meta has it", async || !rig.graph.sent().is_empty()).await;
        rig.call(hidden_message(&rig.world, "STOP")).await;
        rig.graph.hold_answers(false);
    };
    let (reply, ()) = tokio::join!(rig.world.send(&body), rest);
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_one_person_who_opted_out(&rig, &rig.world, "answer last").await;
}

#[tokio::test]
async fn the_form_that_the_answer_names_is_the_same_person() {
    for (asked, theirs) in [("+5511987654321", "551187654321"), ("+525512345678", "5215512345678")] {
        let rig = Rig::start().await;
        let mut body = template(&rig);
        body["phone"] = json!(asked);
        assert_eq!(rig.world.send(&body).await.status, 200);
        let at = rig.world.clock.now().seconds().to_string();
        let stop = json!({"messages": [{"from": theirs, "id": format!("wamid.in-{theirs}"), "timestamp": at,
                                        "type": "text", "text": {"body": "STOP"}}]});
        rig.call(stop).await;
        assert_eq!(rig.world.send(&body).await.error(), "recipient_suppressed", "{asked} is {theirs}");
        assert_eq!(rig.graph.sent().len(), 1);
        assert_eq!(rig.graph.sent()[0].body["to"], asked, "with its plus sign");
    }
}

#[tokio::test]
async fn free_text_goes_to_the_other_form_of_whoever_wrote_and_not_over_another_number_of_the_account() {
    let rig = Rig::start().await;
    rig.hears("+551187654321").await;
    let mut body = rig.message("Here is your answer.");
    body["phone"] = json!("+5511987654321");
    assert_eq!(rig.world.send(&body).await.status, 200, "they wrote a moment ago");
    // They wrote to the account's other number: that opens nothing here.
    rig.world.hears("+966507777777", "Hello").await;
    body["phone"] = json!("+966507777777");
    assert_eq!(rig.world.send(&body).await.error(), "conversation_window_closed");
    // A call opens it, as at Meta.
    let at = rig.world.clock.now().seconds().to_string();
    let call = json!({"calls": [{"id": "wacid.9", "from": "966507777777", "to": "15550783881", "event": "connect",
                                 "direction": "USER_INITIATED", "timestamp": at}]});
    rig.call(call).await;
    let reply = rig.world.send(&body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn a_message_that_went_to_another_country_is_an_alarm_and_nobodys_new_name() {
    let rig = Rig::start().await;
    rig.graph.state().strays.insert(PHONE.to_owned(), "16315551234".to_owned());
    assert_eq!(rig.world.send(&template(&rig)).await.status, 200);
    let raised = one(&rig.world, "SELECT count(*) FROM notices WHERE kind = 'sent_abroad'").await;
    assert_eq!(raised, 1, "the owner is told");
    let names = "SELECT parameters ->> 'asked' LIKE '+966%' AND parameters ->> 'told' LIKE '+1%' FROM notices";
    assert_eq!(one(&rig.world, names).await, 1, "in words that each language has");
    assert_eq!(one(&rig.world, "SELECT count(*) FROM contact_identities WHERE value = '+16315551234'").await, 0);
    let told = one(&rig.world, "SELECT count(*) FROM notices WHERE parameters LIKE '%501234567%'").await;
    assert_eq!(told, 0, "without a whole number");
}

#[tokio::test]
async fn a_person_whose_hidden_id_changes_stays_the_same_person() {
    let rotated = |at: &str, kind: &str| {
        json!({"messages": [{"id": format!("wamid.sys-{kind}"), "timestamp": at, "type": "system",
            "system": {"type": kind, "body": "User ID changed", "user_id": "SA.2222", "previous_user_id": HIDDEN}}]})
    };
    for kind in ["user_changed_user_id", "user_changed_number"] {
        let rig = Rig::start().await;
        rig.call(hidden_message(&rig.world, "STOP")).await;
        let before = one(&rig.world, "SELECT contact_id FROM contact_identities WHERE kind = 'bsuid'").await;
        rig.call(rotated(&rig.world.clock.now().seconds().to_string(), kind)).await;
        let mut later = hidden_message(&rig.world, "Hello again");
        later["messages"][0]["from_user_id"] = json!("SA.2222");
        rig.call(later).await;
        let same = one(&rig.world, "SELECT contact_id FROM contact_identities WHERE value = 'SA.2222'").await;
        assert_eq!(same, before, "{kind}");
        let mut body = template(&rig);
        body["phone"] = json!(format!("contact:{before}"));
        assert_eq!(rig.world.send(&body).await.error(), "recipient_suppressed", "{kind}");
        assert_eq!(one(&rig.world, "SELECT count(*) FROM inbound_messages WHERE chat = 'nobody'").await, 0, "{kind}");
    }
    // Somebody who was erased stays suppressed under the new id, too.
    let rig = Rig::start().await;
    let mut both = hidden_message(&rig.world, "STOP");
    both["messages"][0]["from"] = json!("966507777777");
    rig.call(both).await;
    rig.world.command(PersonErase { phone: "+966507777777".into() }).await.expect("erased");
    rig.call(rotated(&rig.world.clock.now().seconds().to_string(), "user_changed_user_id")).await;
    let mut later = hidden_message(&rig.world, "Hello again");
    later["messages"][0]["from_user_id"] = json!("SA.2222");
    rig.call(later).await;
    let contact = one(&rig.world, "SELECT contact_id FROM contact_identities WHERE value = 'SA.2222'").await;
    let mut body = template(&rig);
    body["phone"] = json!(format!("contact:{contact}"));
    assert_eq!(rig.world.send(&body).await.error(), "recipient_suppressed", "erased, and rotated");
}
