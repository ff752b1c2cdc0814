//! Conversations on the portal: what the page shows, what its forms send, and what the guard says to whoever types.

use crate::harness::{
    visitor::Visitor,
    wait,
    world::{INSTANCE, PHONE, SPAM, World, message_to},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    app::commands::{InstanceDelete, InstancePause, SandboxFile, SandboxGroup, SandboxReceive},
    connectors::{
        GroupInfo,
        inbound_event::{InboundMessage, Told},
    },
    model::{clock::Clock, ids::InstanceId},
};

const GROUP: &str = "120363123456789012@g.us";
const PIXEL: &str = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

/// The texts of the lines on a page, in their order.
fn texts(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in html.split("<p class=\"text\" dir=\"auto\">").skip(1) {
        found.push(part.split("</p>").next().unwrap_or_default().to_owned());
    }
    // The last one is the template of what waits.
    found.retain(|text| !text.is_empty());
    found
}

async fn send(owner: &mut Visitor, chat: &str, text: &str, nonce: &str) -> Value {
    let fields = [("text", text), ("nonce", nonce), ("as", "json")];
    owner.post(&format!("/chat/{INSTANCE}/{chat}/send"), &fields).await.json()
}

#[tokio::test]
async fn a_conversation_is_listed_read_answered_and_marked() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let empty = owner.get("/chat").await.body;
    assert!(empty.contains("No conversations yet"));
    world.hears(PHONE, "האם החבילה הגיעה?").await;
    world.later(Duration::from_secs(1));
    world.hears("+966507654321", "other <b>one</b>").await;
    let page = owner.get("/chat").await.body;
    let (first, second) = (page.find("other &#60;b&#62;one"), page.find("האם החבילה"));
    assert!(first.is_some() && first < second, "newest first, and escaped");
    assert_eq!(page.matches("class=\"count\">1<").count(), 2);

    let page = owner.get("/chat?instance=shop-line&chat=c1").await.body;
    assert_eq!(texts(&page), ["האם החבילה הגיעה?"]);
    world.later(Duration::from_secs(1));
    let answer = send(&mut owner, "c1", "כן, היא כאן 🙂\nשנייה", "n-1").await;
    assert_eq!((&answer["outcome"], &answer["refusal"]), (&json!("sent"), &Value::Null), "{answer}");
    let html = answer["html"].as_str().expect("a line");
    assert!(html.contains("data-nonce=\"n-1\"") && html.contains("tick sent"), "{html}");
    let page = owner.get("/chat?instance=shop-line&chat=c1").await.body;
    assert_eq!(texts(&page), ["האם החבילה הגיעה?", "כן, היא כאן 🙂\nשנייה"]);
    assert_eq!(page.matches("class=\"count\">").count(), 1, "who answers has read it");
    assert_eq!(world.inbox().await[0]["text"], "כן, היא כאן 🙂\nשנייה");

    assert_eq!(owner.post("/chat/shop-line/c2/read", &[]).await.status, 303);
    assert!(!owner.get("/chat").await.body.contains("class=\"count\">"));
    // A form without the script, whose browser writes its own line ends.
    let fields = [("text", "plain\r\nform"), ("nonce", "n-2")];
    let reply = owner.post("/chat/shop-line/c1/send", &fields).await;
    assert_eq!(reply.header("location"), Some("/chat?instance=shop-line&chat=c1"));
    assert_eq!(world.inbox().await[1]["text"], "plain\nform");
    world.stop().await;
}

/// What a page's title says first, and how often the page says it beside a word.
fn waiting(page: &str) -> (String, usize) {
    let title = page.split("<title>").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let shown = title.trim_matches(['(', ')']).to_owned();
    let count = page.matches(&format!("data-unread> <bdi>{shown}</bdi>")).count();
    (shown, count)
}

#[tokio::test]
async fn each_page_says_how_many_chats_wait() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let quiet = owner.get("/overview").await.body;
    assert_eq!(waiting(&quiet).1, 0, "nothing waits: {quiet}");
    assert_eq!(quiet.matches("data-unread hidden>").count(), 2, "it has its place already");
    world.hears(PHONE, "one").await;
    world.hears(PHONE, "and one more: the same chat").await;
    world.hears("+966507654321", "two").await;
    let said = SandboxGroup {
        instance: INSTANCE.into(),
        group: GROUP.into(),
        name: Some("Drivers".into()),
        from: PHONE.into(),
        text: "three".into(),
    };
    world.command(said).await.expect("recorded");
    let page = owner.get("/api-keys").await.body;
    assert_eq!(waiting(&page), ("3".to_owned(), 2), "beside the word and on a phone's button: {page}");
    assert_eq!(owner.post("/chat/shop-line/c1/read", &[]).await.status, 303);
    assert_eq!(waiting(&owner.get("/overview").await.body).0, "2");

    let other = world.new_account("Another shop", "growth").await;
    world.new_instance(other, "other-line").await;
    let hears = |from: String| SandboxReceive {
        instance: "other-line".into(),
        from,
        text: "hello".into(),
        ..Default::default()
    };
    for n in 0..101 {
        world.command(hears(format!("+9665012345{n:02}"))).await.expect("recorded");
    }
    assert_eq!(waiting(&owner.get("/overview").await.body).0, "2", "of the own account alone");
    let mut admin = Visitor::logged_in(&world, "admin").await;
    assert_eq!(admin.post("/preferences", &[("account", "all"), ("next", "/overview")]).await.status, 303);
    assert_eq!(waiting(&admin.get("/overview").await.body).0, "99+");
    world.command(InstanceDelete { id: "other-line".into() }).await.expect("deleted");
    assert_eq!(waiting(&admin.get("/overview").await.body).0, "2", "a number that is gone waits for nobody");
    world.stop().await;
}

#[tokio::test]
async fn the_same_message_made_again_is_one_message() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    world.hears(PHONE, "hello").await;
    let first = send(&mut owner, "c1", "once", "n-1").await;
    let again = send(&mut owner, "c1", "once", "n-1").await;
    assert_eq!(first["html"], again["html"]);
    assert_eq!(world.inbox().await.len(), 1);
    assert_eq!(send(&mut owner, "c1", "twice", "n-2").await["outcome"], "sent");
    assert_eq!(world.inbox().await.len(), 2);
    world.stop().await;
}

#[tokio::test]
async fn what_cannot_be_sent_is_explained_where_one_types() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    world.hears(PHONE, "hello").await;
    let refused = send(&mut owner, "c1", SPAM, "n-1").await;
    assert_eq!((&refused["outcome"], &refused["refusal"]["code"]), (&json!("blocked"), &json!("policy_violation")));
    assert!(refused["refusal"]["advice"].as_str().is_some_and(|advice| advice.len() > 20), "{refused}");
    let page = owner.get("/chat?instance=shop-line&chat=c1").await.body;
    assert!(page.contains("is-blocked") && page.contains("class=\"why\""), "it stands in the conversation");
    for (text, nonce) in [("", "n"), ("  ", "n"), ("x", ""), ("x", "no spaces"), (&"x".repeat(4097), "n")] {
        let fields = [("text", text), ("nonce", nonce)];
        let reply = owner.post("/chat/shop-line/c1/send", &fields).await;
        assert_eq!(reply.status, 422);
        assert!(reply.body.contains("role=\"alert\"") && reply.body.contains("<textarea"));
        let mut json = fields.to_vec();
        json.push(("as", "json"));
        assert!(owner.post("/chat/shop-line/c1/send", &json).await.json()["problem"].is_string());
    }
    world.hears(PHONE, "STOP").await;
    let page = owner.get("/chat?instance=shop-line&chat=c1").await.body;
    assert!(page.contains("hint bad") && page.contains("/suppressed-recipients/1\""));
    assert!(page.contains("class=\"compose\" hidden") && !page.contains("can-reply"), "nobody types in vain");
    let lifted = owner.post("/suppressed-recipients/1/lift", &[("instance", "shop-line")]).await;
    assert_eq!((lifted.status, lifted.header("location")), (303, Some("/chat?instance=shop-line&chat=c1")));
    let page = owner.get("/chat?instance=shop-line&chat=c1").await.body;
    assert!(page.contains("class=\"compose\" data-compose") && !page.contains("/lift"), "and then it can be written");
    world.command(InstancePause { id: INSTANCE.into(), reason: "odd".into() }).await.expect("paused");
    assert!(owner.get("/chat?instance=shop-line&chat=c1").await.body.contains("paused for review"));
    assert!(world.inbox().await.is_empty());
    let mut viewer = Visitor::logged_in(&world, "viewer").await;
    let page = viewer.get("/chat?instance=shop-line&chat=c1").await.body;
    assert!(page.contains("Your role may read") && !page.contains("<textarea"));
    world.stop().await;
}

#[tokio::test]
async fn a_long_conversation_is_read_upwards_each_line_once() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    // Many of the same moment: the order must hold all the same.
    for n in 0..130 {
        world.hears(PHONE, &format!("line {n}")).await;
        if n % 7 == 0 {
            world.later(Duration::from_secs(1));
        }
    }
    let mut all: Vec<String> = Vec::new();
    let mut path = "/chat?instance=shop-line&chat=c1".to_owned();
    loop {
        let page = owner.get(&path).await.body;
        let mut lines = texts(&page);
        lines.extend(all);
        all = lines;
        let Some(link) = page.split("data-earlier href=\"").nth(1).and_then(|rest| rest.split('"').next()) else {
            break;
        };
        path = link.replace("&amp;", "&");
    }
    assert_eq!(all, (0..130).map(|n| format!("line {n}")).collect::<Vec<_>>());
    world.stop().await;
}

#[tokio::test]
async fn conversations_are_found_by_name_and_number_and_a_new_one_begins_with_a_number() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    world.hears(PHONE, "one").await;
    world.hears("+972501112233", "two").await;
    let named =
        |tx: &wa_gateway::store::WriteTx<'_>| tx.execute("UPDATE contacts SET name = 'שרה כהן' WHERE id = 2", []);
    let done: Result<usize, wa_gateway::store::StoreError> = world.gateway().store.write(named).await;
    done.expect("named");
    for (q, found) in [("שרה", 1), ("050 111", 1), ("٩٧٢٥٠١", 1), ("966", 1), ("", 2), ("nobody", 0), ("%", 0)]
    {
        let path = format!("/chat?instance=shop-line&q={}", wa_gateway::model::percent::encode(q));
        assert_eq!(owner.get(&path).await.body.matches("<li data-chat=").count(), found, "{q}");
    }
    let page = owner.get("/chat?instance=shop-line&q=%2B972509998877").await.body;
    assert!(page.contains("chat=%2B972509998877"), "a number that nobody has written with yet");
    let page = owner.get("/chat?instance=shop-line&chat=%2B972509998877").await;
    assert!(page.status == 200 && page.body.contains("Nothing was said here yet"));
    let sent = send(&mut owner, "%2B972509998877", "Your ticket 7 is solved.", "n-1").await;
    assert_eq!((&sent["outcome"], &sent["chat"]), (&json!("sent"), &json!("c3")), "{sent}");
    assert!(
        owner.get("/chat?instance=shop-line&chat=%2B972501112233").await.body.contains("שרה כהן"),
        "known by number"
    );
    for none in ["c999", "x", "999@g.us", "+1"] {
        let path = format!("/chat?instance=shop-line&chat={}", wa_gateway::model::percent::encode(none));
        assert_eq!(owner.get(&path).await.status, 404, "{none}");
    }
    world.stop().await;
}

#[tokio::test]
async fn files_reactions_and_quotes_stand_where_they_belong() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let file = SandboxReceive {
        instance: INSTANCE.into(),
        from: PHONE.into(),
        text: "look".into(),
        kind: Some("image".into()),
        file: Some(SandboxFile { name: "cat.gif".into(), base64: PIXEL.into() }),
        ..Default::default()
    };
    world.command(file).await.expect("recorded");
    world.later(Duration::from_secs(1));
    let sent = world.send(&message_to(PHONE)).await.json();
    let sandbox = world.gateway().registry.sandbox(&InstanceId::from_text(INSTANCE)).expect("a sandbox");
    let provider_id: String = provider_id(&world, &sent["log_id"]).await;
    let say = |id: &str, kind: &str, text: &str| InboundMessage {
        provider_message_id: id.into(),
        from: wa_gateway::connectors::inbound_event::RemoteParty { phone: Some(PHONE.into()), ..Default::default() },
        kind: kind.into(),
        text: Some(text.into()),
        reply_to: Some(provider_id.clone()),
        group: None,
        may_opt_out: true,
        payload: None,
        media: None,
        raw: None,
        told: Told::Live,
    };
    sandbox.receive_message(say("r1", "reaction", "👍")).await.expect("heard");
    sandbox.receive_message(say("r2", "reaction", "❤️")).await.expect("heard");
    sandbox.receive_message(say("q1", "text", "when?")).await.expect("heard");
    let page = owner.get("/chat?instance=shop-line&chat=c1").await.body;
    assert_eq!(texts(&page).len(), 3, "reactions are no lines");
    assert!(page.contains("aria-label=\"❤️ ") && !page.contains("aria-label=\"👍 "), "the newest of a person counts");
    assert!(page.contains("<blockquote"));
    let url = page.split("<img src=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a picture").to_owned();
    let picture = owner.get(&url).await;
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/gif")));
    assert!(STANDARD.decode(PIXEL).is_ok_and(|bytes| picture.body.len() <= bytes.len() * 3));
    let stranger = world.new_account("Other", "growth").await;
    let mut other = Visitor::of_account(&world, "owner", stranger, "o@other.example").await;
    assert_eq!(other.get(&url).await.status, 404);
    assert_eq!(Visitor::nobody(&world).get(&url).await.status, 404);
    world.stop().await;
}

async fn provider_id(world: &World, log_id: &Value) -> String {
    let id = log_id.as_i64().expect("a log id");
    let read = world.gateway().store.read(move |tx| {
        tx.one("SELECT provider_message_id FROM messages WHERE id = ?1", [id], |r| r.get::<_, String>(0))
    });
    read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("an id")
}

#[tokio::test]
async fn a_group_is_a_conversation_whose_writers_are_named() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let sandbox = world.gateway().registry.sandbox(&InstanceId::from_text(INSTANCE)).expect("a sandbox");
    sandbox.put_group(GroupInfo { id: GROUP.into(), name: "Drivers".into(), ..GroupInfo::default() });
    let said = SandboxGroup {
        instance: INSTANCE.into(),
        group: GROUP.into(),
        name: Some("Drivers".into()),
        from: PHONE.into(),
        text: "on my way".into(),
    };
    world.command(said).await.expect("recorded");
    let page = owner.get(&format!("/chat?instance=shop-line&chat={GROUP}")).await.body;
    assert!(page.contains("Drivers") && page.contains(&format!("class=\"writer\"><bdi>{PHONE}")), "{page}");
    assert_eq!(page.matches("class=\"count\">1<").count(), 1);
    let chat = GROUP.to_owned();
    // It waits 2 to 5 seconds by itself.
    let [least, most] = [2, 5].map(|seconds| world.clock.now().plus(Duration::from_secs(seconds)));
    let pause = async {
        world.clock.wait_for_sleeper_between(least, most).await;
        world.clock.set(most);
    };
    let (answer, ()) = tokio::join!(send(&mut owner, &chat, "thank you", "n-1"), pause);
    assert_eq!(answer["outcome"], "sent", "{answer}");
    let again = send(&mut owner, &chat, "thank you", "n-1").await;
    assert_eq!(again["outcome"], "under_way", "the same word is not sent twice");
    assert_eq!(world.inbox().await.len(), 1);
    assert!(!owner.get("/chat").await.body.contains("class=\"count\">"));
    sandbox.put_group(GroupInfo {
        id: GROUP.into(),
        name: "Drivers".into(),
        is_read_only: true,
        ..GroupInfo::default()
    });
    assert!(
        send(&mut owner, &chat, "more", "n-2").await["problem"].as_str().is_some_and(|p| p.contains("administrators"))
    );
    world.stop().await;
}

#[tokio::test]
async fn a_code_that_has_run_out_gives_way_to_the_next_and_every_page_says_that_one_waits() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    assert!(!owner.get("/overview").await.body.contains("class=\"banner warn\""));
    world.sandbox("state", "qr").await;
    let shown = |page: &str| {
        let picture = page.split("/qr.svg?").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned);
        picture.unwrap_or_else(|| panic!("there is no code: {page}"))
    };
    let path = format!("/instances/{INSTANCE}/manage");
    let first = shown(&owner.get(&path).await.body);
    assert_eq!(shown(&owner.get(&path).await.body), first);
    world.clock.advance(Duration::from_secs(61));
    let next = shown(&owner.get(&path).await.body);
    assert_ne!(next, first, "its end has come");
    assert!(owner.get("/overview").await.body.contains("class=\"banner warn\""));
    assert!(owner.get("/message-logs").await.body.contains("waits for its code to be scanned"));
}

#[tokio::test]
async fn a_code_to_scan_is_a_picture_for_those_who_may_link() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    assert_eq!(owner.get("/instances/shop-line/qr.svg").await.status, 404, "it is connected");
    world.sandbox("state", "qr").await;
    let (line, waiting) = (InstanceId::from_text(INSTANCE), "SELECT count(*) FROM instances WHERE state = 'qr'");
    let offered = async || world.gateway().registry.pairing(&line).is_some() && world.number(waiting).await == 1;
    wait::until("there is a code", offered).await;
    let page = owner.get("/instances/shop-line/manage").await.body;
    assert!(page.contains("src=\"/instances/shop-line/qr.svg?"));
    let picture = owner.get("/instances/shop-line/qr.svg").await;
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/svg+xml")));
    assert!(picture.body.starts_with("<svg ") && picture.header("cache-control") == Some("no-store"));
    let mut viewer = Visitor::logged_in(&world, "viewer").await;
    assert_eq!(viewer.get("/instances/shop-line/qr.svg").await.status, 403);
    assert!(!viewer.get("/instances/shop-line/manage").await.body.contains("qr.svg"));
    world.stop().await;
}
