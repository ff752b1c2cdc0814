//! What one does in a conversation beside writing a text: reading it, beginning an answer, files, answers
//! to one message.

use crate::harness::{
    visitor::Visitor,
    wait::until,
    world::{INSTANCE, PHONE, SPAM, World, update},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use wa_gateway::{
    connectors::{
        inbound_event::{GroupRef, RemoteParty},
        sandbox::{Mark, Sandbox},
    },
    model::{clock::Clock, ids::InstanceId},
};

const GROUP: &str = "120363123456789012@g.us";

fn line(world: &World) -> Arc<Sandbox> {
    world.gateway().registry.sandbox(&InstanceId::from_text(INSTANCE)).expect("a sandbox")
}

fn person(phone: &str) -> RemoteParty {
    RemoteParty { phone: Some(phone.into()), ..RemoteParty::default() }
}

/// What phones were shown, once it is as much as is expected.
async fn marks(line: &Sandbox, count: usize) -> Vec<Mark> {
    until("phones are shown something", async || line.marks().len() >= count).await;
    line.marks()
}

fn read(chat: &str, messages: &[&str]) -> Mark {
    Mark::Read { chat: chat.into(), messages: messages.iter().map(ToString::to_string).collect() }
}

#[tokio::test]
async fn whoever_wrote_is_told_once_that_it_was_read() {
    let world = World::start().await;
    let mut change = update(world.account);
    change.modules = Some(vec!["api_access".into(), "chattu".into()]);
    world.update_account(change).await;
    let (mut owner, line) = (Visitor::logged_in(&world, "owner").await, line(&world));
    for id in ["in-1", "in-2"] {
        line.receive_again(id, person(PHONE), "hello").await.expect("heard");
        world.later(Duration::from_secs(1));
    }
    let group = GroupRef { id: GROUP.into(), name: "Drivers".into() };
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
    let stranger = wa_gateway::model::percent::encode("+966507777777");
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
    until("it was told", async || line.marks().last() == Some(&expected)).await;
    world.stop().await;
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR a picture of a parcel";
const OGG: &[u8] = b"OggS\0\x02 a voice";

/// Sends a file as the page's script does.
async fn bring(who: &mut Visitor, chat: &str, text: &str, nonce: &str, file: (&str, &str, &[u8])) -> Value {
    let path = format!("/chat/{INSTANCE}/{}/send", wa_gateway::model::percent::encode(chat));
    who.post_file(&path, &[("text", text), ("nonce", nonce), ("as", "json")], file).await.json()
}

/// How many files lie below the data directory.
fn kept(world: &World) -> usize {
    let folders = std::fs::read_dir(world.dir.path().join("media")).into_iter().flatten().flatten();
    folders.map(|folder| std::fs::read_dir(folder.path()).map_or(0, Iterator::count)).sum()
}

#[tokio::test]
async fn a_file_goes_with_what_was_typed() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    world.hears(PHONE, "where is it?").await;
    let page = owner.get("/chat?instance=shop-line&chat=c1").await.body;
    assert!(page.contains("type=\"file\"") && page.contains("enctype=\"multipart/form-data\""));
    let told = bring(&mut owner, "c1", "here it is", "n-1", ("חבילה 1.png", "image/png", PNG)).await;
    assert_eq!(told["outcome"], "sent", "{told}");
    let html = told["html"].as_str().expect("a line");
    assert!(html.contains("<img src=") && html.contains("here it is") && html.contains("data-nonce=\"n-1\""), "{html}");
    let url = html.split("<img src=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a picture");
    let picture = owner.get(url).await;
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/png")));
    let on_phone = &world.inbox().await[0];
    assert_eq!((&on_phone["kind"], &on_phone["text"]), (&json!("image"), &json!("here it is")));
    assert_eq!((&on_phone["size"], &on_phone["file_name"]), (&json!(PNG.len()), &json!("חבילה 1.png")));
    // The same word again is the same message, and leaves no second file.
    let again = bring(&mut owner, "c1", "here it is", "n-1", ("חבילה 1.png", "image/png", PNG)).await;
    assert_eq!(again["html"], told["html"]);
    assert_eq!((world.inbox().await.len(), kept(&world)), (1, 1));
    // What its bytes are decides: sound goes as sound, what nobody knows as a document, and both without any text.
    for (n, file, kind) in
        [(2, ("v.bin", "application/pdf", OGG), "audio"), (3, ("l.png", "image/png", &b"a list"[..]), "document")]
    {
        let told = bring(&mut owner, "c1", "", &format!("n-{n}"), file).await;
        assert_eq!(told["outcome"], "sent", "{told}");
        assert_eq!(world.inbox().await[n - 1]["kind"], kind);
    }
    // To a number that nobody has written with yet, and by the form alone.
    let path = format!("/chat/{INSTANCE}/{}/send", wa_gateway::model::percent::encode("+966507654321"));
    let reply =
        owner.post_file(&path, &[("nonce", "n-5"), ("text", "")], ("a.pdf", "application/pdf", b"%PDF-1.7 x")).await;
    assert_eq!(reply.status, 303);
    assert_eq!(world.inbox().await[3]["to"], "+966507654321");
    // A form whose file field is empty is a text.
    let reply =
        owner.post_file("/chat/shop-line/c1/send", &[("nonce", "n-6"), ("text", "just text")], ("", "", b"")).await;
    assert_eq!(reply.status, 303);
    assert_eq!(world.inbox().await[4]["text"], "just text");
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_file_to_send_is_explained() {
    let world = World::start_with(|config| (config.media.image_mb, config.media.document_mb) = (1, 9)).await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    world.hears(PHONE, "hello").await;
    let mut large = PNG.to_vec();
    large.resize((1 << 20) + 1, b'x');
    for (file, text, expected) in [
        (("a.png", "image/png", &large[..]), "", "too large. Picture: at most \u{2066}1.0\u{a0}MiB\u{2069}"),
        (("a.png", "image/png", &[][..]), "", "is empty"),
        (("a.ogg", "audio/ogg", OGG), "listen", "Sound goes without text"),
        (("a.png", "image/png", PNG), &"x".repeat(4097), "1 to 4,096 characters"),
    ] {
        let told = bring(&mut owner, "c1", text, "n-1", file).await;
        assert!(told["problem"].as_str().is_some_and(|problem| problem.contains(expected)), "{expected}: {told}");
    }
    let told = bring(&mut owner, "c1", SPAM, "n-2", ("a.png", "image/png", PNG)).await;
    assert_eq!((&told["outcome"], &told["refusal"]["code"]), (&json!("blocked"), &json!("policy_violation")), "{told}");
    assert_eq!((world.inbox().await.len(), kept(&world)), (0, 0), "nothing is left of what was refused");
    // Larger than every other form, and still a document.
    let document = vec![b'x'; 8_500_000];
    let told = bring(&mut owner, "c1", "", "n-3", ("a.bin", "", &document)).await;
    assert_eq!(told["outcome"], "sent", "{told}");
    assert_eq!(world.inbox().await[0]["size"], 8_500_000);
    // Who may not send brings nothing so large, nor anything at all.
    let mut viewer = Visitor::logged_in(&world, "viewer").await;
    let fields = [("text", ""), ("nonce", "n-4")];
    let file = ("a.png", "image/png", PNG);
    assert_eq!(viewer.post_file("/chat/shop-line/c1/send", &fields, file).await.status, 403);
    let page = viewer.get("/chat?instance=shop-line&chat=c1").await.body;
    assert!(!page.contains("type=\"file\""));
    world.stop().await;
}

#[tokio::test]
async fn a_file_and_an_answer_go_to_a_group_after_its_pause() {
    let world = World::start().await;
    let (mut owner, line) = (Visitor::logged_in(&world, "owner").await, line(&world));
    let group = GroupRef { id: GROUP.into(), name: "Drivers".into() };
    line.group_message(group, person(PHONE), "which road?").await.expect("heard");
    let page = owner.get(&format!("/chat?instance=shop-line&chat={GROUP}")).await.body;
    let asked = page.split("data-id=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a line").to_owned();
    let path = format!("/chat/{INSTANCE}/{}/send", wa_gateway::model::percent::encode(GROUP));
    let before = world.clock.now();
    for n in 1..=2 {
        let fields = [("text", "this one"), ("nonce", &format!("n-{n}")), ("as", "json"), ("reply_to", &asked)];
        let file = if n == 1 { ("road.png", "image/png", PNG) } else { ("", "", &b""[..]) };
        let sending = owner.post_file(&path, &fields, file);
        tokio::pin!(sending);
        let pause = async {
            // Whoever waits for a group waits 2 to 5 seconds.
            let (least, most) = (world.clock.now().plus(Duration::from_secs(2)), Duration::from_secs(5));
            world.clock.wait_for_sleeper_between(least, world.clock.now().plus(most)).await;
            world.later(most);
        };
        let (told, ()) = tokio::join!(sending, pause);
        let told = told.json();
        assert_eq!(told["outcome"], "sent", "{told}");
        assert!(told["html"].as_str().is_some_and(|html| html.contains("which road?</blockquote>")), "{told}");
    }
    assert!(world.clock.now().since(before) >= Duration::from_secs(4));
    let on_phone = world.inbox().await;
    assert_eq!((&on_phone[0]["kind"], &on_phone[0]["to"]), (&json!("image"), &json!(GROUP)));
    assert_eq!((&on_phone[1]["text"], on_phone.len()), (&json!("this one"), 2));
    world.stop().await;
}

#[tokio::test]
async fn a_message_answers_another_one_of_its_own_conversation() {
    let world = World::start().await;
    let (mut owner, line) = (Visitor::logged_in(&world, "owner").await, line(&world));
    line.receive_again("in-1", person(PHONE), "which size?").await.expect("heard");
    line.receive_again("in-2", person("+966507654321"), "of somebody else").await.expect("heard");
    let page = owner.get("/chat?instance=shop-line&chat=c1").await.body;
    assert!(page.contains("can-reply") && page.contains("data-reply"));
    let answer = |text: &'static str, nonce: &'static str, line: &str| {
        [
            ("text", text.to_owned()),
            ("nonce", nonce.to_owned()),
            ("as", "json".to_owned()),
            ("reply_to", line.to_owned()),
        ]
    };
    let post = async |who: &mut Visitor, fields: [(&str, String); 4]| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        who.post("/chat/shop-line/c1/send", &fields).await.json()
    };
    world.later(Duration::from_secs(1));
    let told = post(&mut owner, answer("forty-two", "n-1", "inb_1")).await;
    assert!(told["html"].as_str().is_some_and(|html| html.contains("which size?</blockquote>")), "{told}");
    assert_eq!(reply_of(&world, &told).await, "in-1", "as its provider names it");
    let first =
        told["html"].as_str().and_then(|html| html.split("data-id=\"").nth(1)).and_then(|t| t.split('"').next());
    let told = post(&mut owner, answer("or forty-three", "n-2", first.expect("an id"))).await;
    assert!(told["html"].as_str().is_some_and(|html| html.contains("forty-two</blockquote>")), "{told}");
    for line in ["inb_2", "inb_99", "msg_nothing", "x"] {
        let told = post(&mut owner, answer("no", "n-3", line)).await;
        assert!(told["problem"].as_str().is_some_and(|p| p.contains("not in this conversation")), "{line}: {told}");
    }
    assert_eq!(world.inbox().await.len(), 2);
    world.stop().await;
}

/// What a message of ours answers, as its row says.
async fn reply_of(world: &World, told: &Value) -> String {
    let row: i64 =
        told["story"].as_str().and_then(|s| s.rsplit('/').next()).and_then(|n| n.parse().ok()).expect("a row");
    let read = world
        .gateway()
        .store
        .read(move |tx| tx.one("SELECT reply_to FROM messages WHERE id = ?1", [row], |r| r.get::<_, String>(0)));
    read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("a row")
}

#[tokio::test]
async fn a_sign_is_put_on_a_message_and_taken_back() {
    let world = World::start().await;
    let (mut owner, line) = (Visitor::logged_in(&world, "owner").await, line(&world));
    line.receive_again("in-1", person(PHONE), "done?").await.expect("heard");
    line.receive_again("in-2", person("+966507654321"), "of somebody else").await.expect("heard");
    let page = owner.get("/chat?instance=shop-line&chat=c1").await.body;
    assert!(page.contains("can-react") && page.contains("data-signs"));
    let post = async |who: &mut Visitor, line: &str, emoji: &str, nonce: &str| {
        let fields = [("line", line), ("emoji", emoji), ("nonce", nonce), ("as", "json")];
        who.post("/chat/shop-line/c1/react", &fields).await.json()
    };
    let told = post(&mut owner, "inb_1", "👍", "n-1").await;
    let html = told["html"].as_str().expect("the line that it is about");
    assert!(html.contains("data-id=\"inb_1\"") && html.contains("data-sign=\"👍\""), "{html}");
    let told = post(&mut owner, "inb_1", "", "n-2").await;
    assert!(told["html"].as_str().is_some_and(|html| !html.contains("data-sign") && !html.contains("👍")), "{told}");
    let on_phone = world.inbox().await;
    let signs: Vec<_> = on_phone.iter().map(|m| (m["text"].as_str(), m["reply_to"].as_str())).collect();
    assert_eq!(signs, [(Some("👍"), Some("in-1")), (Some(""), Some("in-1"))]);
    for (line, emoji) in [("inb_1", "ok"), ("inb_2", "👍"), ("inb_99", "👍"), ("", "👍")] {
        assert!(post(&mut owner, line, emoji, "n-3").await["problem"].is_string(), "{line} {emoji}");
    }
    assert_eq!(world.inbox().await.len(), 2);
    world.stop().await;
}

#[tokio::test]
async fn buttons_lists_and_cards_are_put_together_on_the_page() {
    let world = World::start_with(|config| config.guard.recipient_per_minute = 0).await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    line(&world).receive_again("in-1", person(PHONE), "hello").await.expect("heard");
    let page = owner.get("/chat?instance=shop-line&chat=c1").await.body;
    for kind in ["buttons", "list", "link_button", "location", "contact", "contact_request"] {
        assert!(page.contains(&format!("name=\"compose\" value=\"{kind}\"")), "{kind}: {page}");
    }
    type Composed = (&'static str, &'static [(&'static str, &'static str)], &'static str, &'static str);
    let rows: &[Composed] = &[
        (
            "buttons",
            &[("text", "Is nine good?"), ("button", "Yes"), ("button", ""), ("button", "No")],
            "buttons",
            "Is nine good?\nYes\nNo",
        ),
        (
            "list",
            &[("text", "When?"), ("list_button", "Choose"), ("rows", "Morning | 8 to 12\r\nEvening")],
            "list",
            "When?\nChoose\nMorning\n8 to 12\nEvening",
        ),
        (
            "link_button",
            &[("text", "Invoice"), ("title", "Open"), ("url", "https://shop.example/2041")],
            "link",
            "Invoice\nOpen\nhttps://shop.example/2041",
        ),
        (
            "location",
            &[("latitude", "24,7136"), ("longitude", "46.6753"), ("name", "Shop")],
            "location",
            "Shop\n24.7136, 46.6753",
        ),
        ("contact", &[("name", "Amal Haddad"), ("phone", "+966501112222")], "contacts", "Amal Haddad\n+966501112222"),
        ("contact_request", &[("text", "May we call you?")], "contact_request", "May we call you?"),
    ];
    for (n, (kind, members, shown, words)) in rows.iter().enumerate() {
        let nonce = format!("n-{n}");
        let mut fields = vec![("compose", *kind), ("nonce", nonce.as_str()), ("as", "json")];
        fields.extend(members.iter().copied());
        let told = owner.post("/chat/shop-line/c1/send", &fields).await;
        assert_eq!(told.json()["outcome"], "sent", "{kind}: {}", told.body);
        let inbox = world.inbox().await;
        let last = inbox.last().expect("it");
        assert_eq!((&last["kind"], &last["text"]), (&json!(shown), &json!(words)), "{kind}");
    }
    for (kind, members, part) in [
        ("buttons", vec![("text", "Is nine good?")], "Reply buttons"),
        ("location", vec![("latitude", "a"), ("longitude", "1")], "Place"),
        ("contact", vec![("name", "Amal"), ("phone", "12")], "Contact card"),
        ("link_button", vec![("text", "x"), ("title", "Open"), ("url", "ftp://x")], "Link button"),
    ] {
        let mut fields = vec![("compose", kind), ("nonce", "n-bad"), ("as", "json")];
        fields.extend(members);
        let told = owner.post("/chat/shop-line/c1/send", &fields).await;
        assert_eq!(told.status, 422, "{kind}: {}", told.body);
        assert!(told.json()["problem"].as_str().is_some_and(|text| text.contains(part)), "{}", told.body);
    }
    assert_eq!(owner.post("/chat/shop-line/c1/send", &[("compose", "poll"), ("nonce", "n-x")]).await.status, 404);
    assert_eq!(world.inbox().await.len(), rows.len());
    world.stop().await;
}
