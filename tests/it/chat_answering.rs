//! What one does in a conversation beside writing a text: reading it, beginning an answer.

use crate::harness::{
    program::moment,
    visitor::Visitor,
    world::{INSTANCE, PHONE, World, update},
};
use std::{sync::Arc, time::Duration};
use wa_gateway::{
    connectors::{
        heard::{Group, Sender},
        sandbox::{Mark, Sandbox},
    },
    control::Request,
    model::ids::InstanceId,
};

const GROUP: &str = "120363123456789012@g.us";

fn line(world: &World) -> Arc<Sandbox> {
    world.gateway().registry.sandbox(&InstanceId::from_text(INSTANCE)).expect("a sandbox")
}

fn person(phone: &str) -> Sender {
    Sender { phone: Some(phone.into()), ..Sender::default() }
}

/// What phones were shown, once it is as much as is expected.
async fn marks(line: &Sandbox, count: usize) -> Vec<Mark> {
    for _ in 0..1500 {
        if line.marks().len() >= count {
            break;
        }
        moment().await;
    }
    line.marks()
}

fn read(chat: &str, messages: &[&str]) -> Mark {
    Mark::Read { chat: chat.into(), messages: messages.iter().map(ToString::to_string).collect() }
}

#[tokio::test]
async fn whoever_wrote_is_told_once_that_it_was_read() {
    let world = World::start().await;
    let mut change = update(world.account);
    if let Request::AccountUpdate { modules, .. } = &mut change {
        *modules = Some(vec!["api_access".into(), "chattu".into()]);
    }
    world.update_account(change).await;
    let (mut owner, line) = (Visitor::logged_in(&world, "owner").await, line(&world));
    for id in ["in-1", "in-2"] {
        line.receive_again(id, person(PHONE), "hello").await.expect("heard");
        world.later(Duration::from_secs(1));
    }
    let group = Group { id: GROUP.into(), name: "Drivers".into() };
    let said = line.group_message(group, person("+966507654321"), "on my way").await.expect("heard");
    assert_eq!(owner.get("/chat?instance=shop-line&chat=c1").await.status, 200);
    assert_eq!(line.marks(), [], "a page that is fetched is not read yet");
    assert_eq!(owner.post("/chat/shop-line/c1/read", &[]).await.status, 303);
    assert_eq!(marks(&line, 1).await, [read(PHONE, &["in-1", "in-2"])]);
    // What was read is not told again: neither by reading nor by answering nor by the other dialect.
    assert_eq!(owner.post("/chat/shop-line/c1/read", &[]).await.status, 303);
    line.receive_again("in-3", person(PHONE), "and?").await.expect("heard");
    let fields = [("text", "yes"), ("nonce", "n-1"), ("as", "json")];
    assert_eq!(owner.post("/chat/shop-line/c1/send", &fields).await.json()["outcome"], "sent");
    let chat = format!("/api/chats/shop-line/{}@c.us/read", &PHONE[1..]);
    assert_eq!(owner.json("POST", &chat, &serde_json::json!({})).await.status, 200);
    assert_eq!(owner.post(&format!("/chat/shop-line/{GROUP}/read"), &[]).await.status, 303);
    let told = marks(&line, 3).await;
    assert_eq!(told[1..], [read(PHONE, &["in-3"]), read(GROUP, &[&said])]);
    // The other dialect tells too.
    line.receive_again("in-4", person(PHONE), "thanks").await.expect("heard");
    assert_eq!(owner.json("POST", &chat, &serde_json::json!({})).await.status, 200);
    assert_eq!(marks(&line, 4).await[3], read(PHONE, &["in-4"]));
    world.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_begun_is_told_now_and_then() {
    let world = World::start().await;
    let (mut owner, line) = (Visitor::logged_in(&world, "owner").await, line(&world));
    line.receive_again("in-1", person(PHONE), "hello").await.expect("heard");
    let typing = || Mark::Typing { chat: PHONE.into(), answered: "in-1".into() };
    for _ in 0..5 {
        assert_eq!(owner.post("/chat/shop-line/c1/typing", &[]).await.status, 200);
    }
    assert_eq!(marks(&line, 1).await, [typing()]);
    world.later(Duration::from_secs(10));
    assert_eq!(owner.post("/chat/shop-line/c1/typing", &[]).await.status, 200);
    assert_eq!(marks(&line, 2).await, [typing(), typing()]);
    // Nobody who could be told.
    let stranger = wa_gateway::portal::form::encode("+966507777777");
    assert_eq!(owner.post(&format!("/chat/shop-line/{stranger}/typing"), &[]).await.status, 200);
    assert_eq!(owner.post("/chat/shop-line/c99/typing", &[]).await.status, 404);
    let mut viewer = Visitor::logged_in(&world, "viewer").await;
    assert_eq!(viewer.post("/chat/shop-line/c1/typing", &[]).await.status, 403);
    assert_eq!(line.marks().len(), 2);
    world.stop().await;
}

#[tokio::test]
async fn nobody_is_told_where_that_is_switched_off_and_nothing_breaks_where_it_fails() {
    let world = World::start().await;
    let (mut owner, line) = (Visitor::logged_in(&world, "owner").await, line(&world));
    let page = owner.get("/instances/shop-line/manage?tab=settings").await.body;
    assert!(page.contains("<option value=\"on\" selected>"), "told by default");
    let saved = owner.post("/instances/shop-line/settings", &[("tell_read", "off")]).await;
    assert_eq!(saved.status, 303);
    let page = owner.get("/instances/shop-line/manage?tab=settings").await.body;
    assert!(page.contains("<option value=\"off\" selected>"));
    assert_eq!(owner.post("/instances/shop-line/settings", &[("tell_read", "maybe")]).await.status, 422);
    line.receive_again("in-1", person(PHONE), "hello").await.expect("heard");
    assert_eq!(owner.post("/chat/shop-line/c1/typing", &[]).await.status, 200);
    assert_eq!(owner.post("/chat/shop-line/c1/read", &[]).await.status, 303);
    assert!(!owner.get("/chat").await.body.contains("class=\"count\">"), "read here all the same");
    owner.post("/instances/shop-line/settings", &[("tell_read", "on")]).await;
    // Its provider cannot be told now; reading is done all the same.
    line.receive_again("in-2", person(PHONE), "hello?").await.expect("heard");
    world.sandbox("state", "close").await;
    assert_eq!(owner.post("/chat/shop-line/c1/read", &[]).await.status, 303);
    assert!(!owner.get("/chat").await.body.contains("class=\"count\">"));
    world.sandbox("state", "open").await;
    line.receive_again("in-3", person(PHONE), "there?").await.expect("heard");
    assert_eq!(owner.post("/chat/shop-line/c1/read", &[]).await.status, 303);
    let expected = read(PHONE, &["in-3"]);
    for _ in 0..1500 {
        if line.marks().contains(&expected) {
            break;
        }
        moment().await;
    }
    assert_eq!(line.marks().last(), Some(&expected));
    world.stop().await;
}
