//! Signs on earlier messages: through the guard like any message, to the very message that was meant, and shown on it.

use crate::harness::{
    contract::{assert_refused, assert_refused_with},
    visitor::Visitor,
    world::{INSTANCE, PHONE, World, message, message_to},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    app::commands::SandboxGroup,
    model::{
        clock::Clock as _,
        ids::{AccountId, InstanceId},
        phone::Recipient,
        purpose::Purpose,
    },
    sending::{Outcome, Request, Sender, Source, request::Draft, schedule::NewSchedule},
};

const OTHER: &str = "+966507654321";

fn reaction(to: &str, about: &Value, emoji: &str) -> Value {
    json!({"instance_id": INSTANCE, "phone": to, "message_purpose": "support",
           "reaction": {"message_id": about, "emoji": emoji}})
}

/// Ids of the newest heard message: ours and the provider's.
async fn heard(world: &World) -> (Value, Value) {
    let read = world.gateway().store.read(|tx| {
        tx.one("SELECT id, provider_message_id FROM inbound_messages ORDER BY id DESC LIMIT 1", [], |r| {
            Ok((json!(format!("inb_{}", r.get::<_, i64>(0)?)), json!(r.get::<_, String>(1)?)))
        })
    });
    read.await.expect("one was heard")
}

#[tokio::test]
async fn a_sign_reaches_the_phone_by_each_name_of_the_message_and_counts_like_a_message() {
    let world = World::start().await;
    let sent = world.send(&message()).await.json();
    let at_provider = world.inbox().await[0]["provider_message_id"].clone();
    world.hears(PHONE, "Thank you").await;
    let (ours, theirs) = heard(&world).await;
    let named = [(sent["message_id"].clone(), &at_provider), (at_provider.clone(), &at_provider), (ours, &theirs)];
    for (about, provider) in named.into_iter().chain([(theirs.clone(), &theirs)]) {
        world.later(Duration::from_secs(60));
        let reply = world.send(&reaction(PHONE, &about, "👍🏽")).await;
        assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("sent")), "{about}: {}", reply.body);
        let inbox = world.inbox().await;
        let last = inbox.last().expect("it");
        assert_eq!((&last["kind"], &last["text"], &last["reply_to"]), (&json!("reaction"), &json!("👍🏽"), provider));
        assert_eq!(last["message_id"], reply.json()["message_id"]);
        let row = world.row(&reply.json()["log_id"]).await;
        assert_eq!((&row["kind"], &row["quota"]), (&json!("reaction"), &json!("counted")));
    }
    assert_eq!(world.used().await, (5, 5));
    world.later(Duration::from_secs(60));
    let reply = world.send(&reaction(PHONE, &theirs, "")).await;
    assert_eq!(reply.status, 200, "taken back: {}", reply.body);
    assert_eq!(world.inbox().await.last().expect("it")["text"], "");
    world.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_reaction_is_named() {
    let world = World::start().await;
    let sent = world.send(&message()).await.json();
    world.hears(OTHER, "Hello").await;
    let (others, others_at_provider) = heard(&world).await;
    let id = &sent["message_id"];
    let rows = [
        (json!("👍"), vec!["reaction"]),
        (json!({}), vec!["reaction.message_id", "reaction.emoji"]),
        (json!({"message_id": id}), vec!["reaction.emoji"]),
        (json!({"message_id": id, "emoji": 1}), vec!["reaction.emoji"]),
        (json!({"message_id": id, "emoji": "ok"}), vec!["reaction.emoji"]),
        (json!({"message_id": id, "emoji": "👍👍"}), vec!["reaction.emoji"]),
        (json!({"message_id": "", "emoji": "👍"}), vec!["reaction.message_id"]),
        (json!({"message_id": 5, "emoji": "👍"}), vec!["reaction.message_id"]),
        // Of another chat, or of none.
        (json!({"message_id": others, "emoji": "👍"}), vec!["reaction.message_id"]),
        (json!({"message_id": others_at_provider, "emoji": "👍"}), vec!["reaction.message_id"]),
        (json!({"message_id": "msg_unknown", "emoji": "👍"}), vec!["reaction.message_id"]),
        (json!({"message_id": "inb_99999999999999999999", "emoji": "👍"}), vec!["reaction.message_id"]),
        (json!({"message_id": "wamid.unknown", "emoji": "👍"}), vec!["reaction.message_id"]),
    ];
    for (value, fields) in rows {
        let mut body = reaction(PHONE, id, "👍");
        body["reaction"] = value.clone();
        assert_refused_with(&world.send(&body).await, "validation_error", json!({"fields": fields}));
    }
    let beside = [
        ("message", json!("and a text"), vec!["reaction"]),
        ("reply_to", id.clone(), vec!["reaction"]),
        ("template", json!({"name": "n", "language": "en"}), vec!["reaction"]),
        ("media_url", json!("https://files.example/a.png"), vec!["media_type", "reaction"]),
    ];
    for (field, value, fields) in beside {
        let mut body = reaction(PHONE, id, "👍");
        body[field] = value;
        assert_refused_with(&world.send(&body).await, "validation_error", json!({"fields": fields}));
    }
    // A reaction has none of its own.
    let first = world.send(&reaction(PHONE, id, "👍")).await.json();
    let about_it = world.send(&reaction(PHONE, &first["message_id"], "👍")).await;
    assert_refused_with(&about_it, "validation_error", json!({"fields": ["reaction.message_id"]}));
    assert_eq!(world.inbox().await.len(), 2);
    world.stop().await;
}

#[tokio::test]
async fn the_guard_judges_a_reaction_like_a_message() {
    let world = World::start().await;
    let sent = world.send(&message()).await.json();
    let sign = reaction(PHONE, &sent["message_id"], "👍");
    let mut without_purpose = sign.clone();
    without_purpose.as_object_mut().expect("an object").remove("message_purpose");
    assert_refused(&world.send(&without_purpose).await, "message_purpose_required");
    world.pause().await;
    assert_refused(&world.send(&sign).await, "instance_paused_for_review");
    world.resume().await;
    world.grant(Some(1), None).await;
    assert_refused_with(&world.send(&sign).await, "daily_message_limit_exceeded", json!({"limit": 1, "used": 1}));
    world.grant(Some(100), None).await;
    world.suppress(PHONE).await;
    assert_refused(&world.send(&sign).await, "recipient_suppressed");
    assert_eq!(world.inbox().await.len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn the_same_request_made_again_is_one_reaction_and_another_sign_is_another_request() {
    let world = World::start().await;
    let sent = world.send(&message()).await.json();
    let key = ["Idempotency-Key: r-1"];
    let sign = reaction(PHONE, &sent["message_id"], "👍");
    let first = world.send_with(&world.key, &sign, &key).await;
    let again = world.send_with(&world.key, &sign, &key).await;
    assert_eq!((first.json(), again.header("idempotent-replayed")), (again.json(), Some("true")));
    let other = world.send_with(&world.key, &reaction(PHONE, &sent["message_id"], "❤️"), &key).await;
    assert_refused(&other, "idempotency_key_reused");
    assert_eq!(world.inbox().await.len(), 2);
    world.stop().await;
}

/// One thumb to many people is no campaign; the same words to as many are.
#[tokio::test]
async fn thumbs_are_no_repeated_text() {
    let world = World::start_with(|config| {
        config.guard.repetition_support = 2;
        (config.guard.throttle_per_minute, config.guard.recipient_per_minute) = (6000, 6000);
    })
    .await;
    let mut world = world;
    let phones: Vec<String> = (0..4).map(|n| format!("+96650200000{n}")).collect();
    for phone in &phones {
        world.hears(phone, "It works now").await;
        world.later(Duration::from_secs(1));
        let reply = world.send(&reaction(phone, &heard(&world).await.0, "👍")).await;
        assert_eq!(reply.status, 200, "{phone}: {}", reply.body);
    }
    world.restart().await;
    world.hears(&phones[0], "Really").await;
    let reply = world.send(&reaction(&phones[0], &heard(&world).await.0, "👍")).await;
    assert_eq!(reply.status, 200, "counted again from the log: {}", reply.body);
    let words = |phone: &str| {
        let mut body = message_to(phone);
        (body["message"], body["message_purpose"]) = (json!("We are glad that it works again."), json!("support"));
        body
    };
    for (n, phone) in phones.iter().take(3).enumerate() {
        let reply = world.send(&words(phone)).await;
        assert_eq!(reply.status, if n < 2 { 200 } else { 429 }, "{phone}: {}", reply.body);
    }
    world.stop().await;
}

#[tokio::test]
async fn our_signs_stand_on_their_lines_and_are_no_lines_of_their_own() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    world.hears(PHONE, "Is it there?").await;
    let (ours, _) = heard(&world).await;
    world.later(Duration::from_secs(1));
    let sent = world.send(&message()).await.json();
    let show = async |owner: &mut Visitor| owner.get("/chat?instance=shop-line&chat=c1").await.body;
    let signs = |html: &str| html.matches("role=\"img\" aria-label=\"").count();
    let before = show(&mut owner).await.matches("data-id=").count();
    for about in [&ours, &sent["message_id"]] {
        world.later(Duration::from_secs(60));
        assert_eq!(world.send(&reaction(PHONE, about, "👍")).await.status, 200);
    }
    let page = show(&mut owner).await;
    assert_eq!((page.matches("data-id=").count(), signs(&page)), (before, 2), "{page}");
    assert!(page.contains("aria-label=\"👍 You\""));
    assert!(!owner.get("/chat").await.body.contains("👍"), "the list shows the newest line");
    // Another takes its place, an empty one takes it back, one that was refused counts for nothing.
    for (sign, shown) in [("❤️", "❤️"), ("", ""), ("🙏", "🙏")] {
        world.later(Duration::from_secs(60));
        assert_eq!(world.send(&reaction(PHONE, &ours, sign)).await.status, 200);
        let page = show(&mut owner).await;
        assert_eq!(signs(&page), if shown.is_empty() { 1 } else { 2 });
        assert!(page.contains(&format!("aria-label=\"{shown} You\"")) || shown.is_empty(), "{page}");
    }
    world.sandbox("fail", "refuse").await;
    world.later(Duration::from_secs(60));
    assert_ne!(world.send(&reaction(PHONE, &ours, "👎")).await.status, 200);
    assert!(!show(&mut owner).await.contains("👎"));
    world.stop().await;
}

/// As the page of conversations asks for it.
#[tokio::test]
async fn the_gateway_itself_reacts_and_is_given_the_line() {
    let world = World::start().await;
    world.hears(PHONE, "Is it there?").await;
    let (ours, _) = heard(&world).await;
    let sender =
        Sender { account: AccountId(world.account), key: None, source: Source::Portal, module: None, request_id: None };
    let about = ours.as_str().expect("an id").to_owned();
    let to = Recipient::parse(PHONE, None).expect("a number");
    let request = Request::reaction(InstanceId::from_text(INSTANCE), to, Purpose::Support, about.clone(), "👍".into());
    let answer = world.gateway().sending.submit(sender, request).await.expect("an answer");
    assert_eq!(answer.outcome, Outcome::Sent, "{answer:?}");
    let row = answer.log_id.0;
    let found = world.gateway().store.read(move |tx| wa_gateway::people::chats::sent(tx, row)).await.expect("read");
    let (chat, line) = found.expect("the line that it is about");
    assert_eq!((chat.to_string(), line.id, line.reactions.len()), ("c1".to_owned(), about, 1));
    assert_eq!((line.reactions[0].sign.as_str(), &line.reactions[0].by), ("👍", &None));
    world.stop().await;
}

/// In a group it waits its pause in the queue, and names who wrote what it is about.
#[tokio::test]
async fn a_sign_in_a_group_goes_through_the_queue() {
    const GROUP: &str = "120363123456789012@g.us";
    let world = World::start().await;
    let id = InstanceId::from_text(INSTANCE);
    let said = SandboxGroup {
        instance: INSTANCE.into(),
        group: GROUP.into(),
        name: Some("Drivers".into()),
        from: PHONE.into(),
        text: "The road is closed".into(),
    };
    world.command(said).await.expect("recorded");
    let (ours, theirs) = heard(&world).await;
    let sender =
        Sender { account: AccountId(world.account), key: None, source: Source::Portal, module: None, request_id: None };
    let now = world.clock.now();
    let new = NewSchedule {
        account: sender.account,
        sender,
        instance: id,
        recipient: Recipient::Group(GROUP.into()),
        draft: Draft::Reaction { about: ours.as_str().expect("an id").to_owned(), emoji: "👍".into() },
        purpose: Purpose::Support,
        reference: Some("r-1".into()),
        due_at: now.plus(Duration::from_secs(3)),
        created_by: "owner".into(),
    };
    let (answer, ()) = tokio::join!(world.gateway().schedules.send_after_once(new), world.step(&[3]));
    let answer = answer.expect("an answer").expect("it was new");
    assert_eq!(answer.outcome, Outcome::Sent, "{answer:?}");
    let inbox = world.inbox().await;
    assert_eq!((&inbox[0]["to"], &inbox[0]["kind"]), (&json!(GROUP), &json!("reaction")));
    assert_eq!((&inbox[0]["text"], &inbox[0]["reply_to"]), (&json!("👍"), &theirs));
    world.stop().await;
}

/// An answer names what it answers by the same ids.
#[tokio::test]
async fn an_answer_finds_what_came_in_by_our_id_of_it() {
    let world = World::start().await;
    world.hears(PHONE, "Is it there?").await;
    let (ours, theirs) = heard(&world).await;
    let mut body = message();
    body["reply_to"] = ours;
    assert_eq!(world.send(&body).await.status, 200);
    assert_eq!(world.inbox().await[0]["reply_to"], theirs);
    body["reply_to"] = json!("inb_99");
    assert_refused_with(&world.send(&body).await, "validation_error", json!({"fields": ["reply_to"]}));
    // What one customer wrote is not shown to another one, by whatever id it is named.
    world.hears("+966507654321", "Mine is broken.").await;
    let (another, at_provider) = heard(&world).await;
    for id in [another, at_provider] {
        body["reply_to"] = id;
        assert_refused_with(&world.send(&body).await, "validation_error", json!({"fields": ["reply_to"]}));
    }
    // What nobody here has seen may be the provider's.
    body["reply_to"] = json!("3EB0ABCDEF");
    assert_eq!(world.send(&body).await.status, 200);
    world.stop().await;
}
