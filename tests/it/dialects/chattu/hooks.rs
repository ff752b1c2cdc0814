//! Webhooks of the dialect: their shape and header, and what becomes of an endpoint's answer.

use super::{GROUP, Shop, examples, examples::like};
use crate::harness::{
    receiver::Receiver,
    world::{INSTANCE, PHONE, World},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    app::commands::{InstanceSet, SandboxCall, SandboxGroup},
    connectors::inbound_event::{InboundMessage, RemoteParty, Told},
    dialects::chattu::DEFAULT_REJECTION,
    model::{
        ids::InstanceId,
        message::{EDIT, REVOKE},
    },
};

/// Waits until so many messages are on the phones; the workers run by themselves.
pub async fn inbox(world: &World, n: usize) -> Vec<Value> {
    for _ in 0..20_000 {
        world.gateway().chattu.step().await.expect("a step");
        world.gateway().schedules.step().await.expect("a step");
        let all = world.inbox().await;
        if all.len() >= n {
            return all;
        }
        crate::harness::program::moment().await;
    }
    panic!("{n} messages were expected: {:?}", world.inbox().await);
}

/// Waits until so many deliveries were settled, then lets the workers do what follows.
pub(super) async fn quiet(shop: &Shop, receiver: &Receiver, n: usize) {
    receiver.wait_for(n).await;
    let n = i64::try_from(n).expect("a number");
    for _ in 0..20_000 {
        let settled =
            shop.world.gateway().store.read(|tx| tx.one("SELECT count(*) FROM attempts", [], |r| r.get::<_, i64>(0)));
        if settled.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("a count") >= n {
            break;
        }
        crate::harness::program::moment().await;
    }
    shop.world.gateway().chattu.step().await.expect("a step");
    shop.world.gateway().schedules.step().await.expect("a step");
}

pub(super) async fn call(world: &World) {
    let call = SandboxCall { instance: INSTANCE.into(), from: PHONE.into(), ..Default::default() };
    world.command(call).await.expect("a call");
}

pub(super) async fn reject_calls(world: &World, text: &str) {
    let settings = [("reject_calls".to_owned(), "on".to_owned()), ("reject_text".to_owned(), text.to_owned())];
    world
        .command(InstanceSet { id: INSTANCE.into(), settings: settings.into(), ..Default::default() })
        .await
        .expect("set");
}

#[tokio::test]
async fn what_an_endpoint_answers_is_sent_to_whoever_wrote() {
    let (shop, receiver) = Shop::with_receiver().await;
    // With the byte order mark of the script's file before it.
    receiver.say_next("\u{feff}{\"status\":\"success\",\"response\":\"תודה! Thank you 🙏\"}");
    shop.world.hears(PHONE, "Hello, this is a test message").await;
    let got = receiver.wait_for(1).await;
    like("hook_message_received", &got[0].json());
    assert_eq!(got[0].json()["data"]["from"], "966501234567");
    let clients = shop.get("/api/clients").await.json();
    assert_eq!(got[0].header("x-api-key"), clients[0]["apiKey"].as_str().expect("the client key"));
    let phones = inbox(&shop.world, 1).await;
    assert_eq!((&phones[0]["text"], &phones[0]["to"]), (&json!("תודה! Thank you 🙏"), &json!(PHONE)));
    let got = receiver.wait_for(2).await;
    like("hook_message_sent", &got[1].json());
    let sent = shop.get("/api/sent-messages").await.json();
    assert_eq!(sent.as_array().map(Vec::len), Some(1), "{sent}");
    shop.world.stop().await;
}

#[tokio::test]
async fn an_opt_out_and_a_group_are_not_answered() {
    let (shop, receiver) = Shop::with_receiver().await;
    let answer = r#"{"status":"success","response":"You should not see this."}"#;
    receiver.say_next(answer);
    shop.world.hears(PHONE, "STOP").await;
    quiet(&shop, &receiver, 1).await;
    receiver.say_next(answer);
    let group = SandboxGroup {
        instance: INSTANCE.into(),
        group: GROUP.into(),
        name: Some("Friends".into()),
        from: "+966501234568".into(),
        text: "hello all".into(),
    };
    shop.world.command(group).await.expect("heard");
    quiet(&shop, &receiver, 2).await;
    assert!(shop.world.inbox().await.is_empty());
    let told = receiver.got()[1].json();
    let listed = shop.get(&format!("/api/received-messages/{INSTANCE}")).await.json();
    assert_eq!(listed["messages"][0]["sender"], told["data"]["from"], "one sender in both");
    assert_eq!(told["data"]["from"], GROUP);
    shop.world.stop().await;
}

#[tokio::test]
async fn what_comes_at_a_repetition_is_an_answer_too_and_goes_out_once() {
    let (shop, receiver) = Shop::with_receiver().await;
    receiver.answer_next("500 Internal Server Error");
    shop.world.hears("+966501234569", "hello").await;
    quiet(&shop, &receiver, 1).await;
    assert!(shop.world.inbox().await.is_empty());
    receiver.say_next(r#"{"status":"success","response":"Sorry, we are back."}"#);
    shop.world.later(Duration::from_secs(6));
    receiver.wait_for(2).await;
    assert_eq!(inbox(&shop.world, 1).await[0]["text"], "Sorry, we are back.");
    // What was sent is told; the message itself is not answered again when its delivery is sent again by hand.
    quiet(&shop, &receiver, 3).await;
    receiver.say_next(r#"{"status":"success","response":"Sorry, we are back."}"#);
    let everything = wa_gateway::events::webhooks::Filter { limit: 100, ..Default::default() };
    let all = shop.world.gateway().webhooks.deliveries(everything).await;
    let first = all.expect("deliveries").into_iter().min_by_key(|d| d.id).expect("one").id;
    shop.world.gateway().webhooks.resend(first).await.expect("sent again");
    quiet(&shop, &receiver, 4).await;
    assert_eq!(shop.world.inbox().await.len(), 1);
    shop.world.stop().await;
}

#[tokio::test]
async fn whoever_asks_is_answered_each_time() {
    let (shop, receiver) = Shop::with_receiver().await;
    for n in 0..11 {
        receiver.say_next(&format!(r#"{{"status":"success","response":"answer {n}"}}"#));
        receiver.say_next("{}");
        shop.world.hears(PHONE, &format!("question {n}")).await;
        inbox(&shop.world, n + 1).await;
        receiver.wait_for(2 * (n + 1)).await;
        shop.world.later(Duration::from_secs(6));
    }
    let texts: Vec<Value> = shop.world.inbox().await.iter().map(|m| m["text"].clone()).collect();
    let expected: Vec<Value> = (0..11).map(|n| json!(format!("answer {n}"))).collect();
    assert_eq!(texts, expected);
    shop.world.stop().await;
}

/// So many questions in a moment, each answered before time passes.
async fn asked_at_once(shop: &Shop, receiver: &Receiver, questions: usize) {
    // What we sent is told to the same address, and answered with one of these that nobody reads.
    (0..60).for_each(|n| receiver.say_next(&format!(r#"{{"status":"success","response":"answer {n}"}}"#)));
    for n in 0..questions {
        shop.world.hears(PHONE, &format!("question {n}")).await;
    }
    let questions = i64::try_from(questions).expect("a number");
    until(&shop.world, "SELECT count(*) FROM schedules WHERE source = 'auto_reply'", |n| n >= questions).await;
}

/// Waits until a count is as expected.
async fn until(world: &World, count: &'static str, is_right: impl Fn(i64) -> bool) {
    for _ in 0..20_000 {
        if is_right(world.number(count).await) {
            return;
        }
        crate::harness::program::moment().await;
    }
    panic!("{count}: {}", world.number(count).await);
}

const SENT: &str = "SELECT count(*) FROM messages WHERE status IN ('sent', 'delivered', 'read')";
/// 9: all were sent; 1: one waits for its slot.
const NEXT: &str = "SELECT CASE sum(status IN ('sent', 'delivered', 'read')) WHEN 9 THEN 9
                           ELSE sum(status = 'accepted' AND quota = 'reserved') END FROM messages";
const UNSENT: &str = "SELECT count(*) FROM messages WHERE status IN ('blocked', 'failed', 'unknown')";

/// What the endpoint answered, in its order, or what was sent of it, in that of its leaving.
pub(super) async fn texts(world: &World, of: &'static str) -> Vec<String> {
    let read = world.gateway().store.read(move |tx| tx.list(of, [], |r| r.get::<_, String>(0)));
    read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("texts")
}

/// Five at once and ten a minute: the sixth has a slot in six seconds, and the others follow. A power cut while one waits
/// for its slot loses nothing.
#[tokio::test]
async fn answers_that_come_faster_than_the_guard_lets_pass_go_one_after_the_other() {
    let (mut shop, receiver) = Shop::with_receiver().await;
    asked_at_once(&shop, &receiver, 9).await;
    let made = texts(&shop.world, "SELECT body FROM schedules WHERE source = 'auto_reply' ORDER BY id").await;
    until(&shop.world, SENT, |n| n == 5).await;
    let phones = shop.world.inbox().await;
    let got: Vec<&str> = phones.iter().filter_map(|m| m["text"].as_str()).collect();
    assert_eq!(got, made[..5], "in the order in which they were given");
    let mut before = None;
    for sent in 5..9 {
        until(&shop.world, NEXT, |n| n == 1 || n == 9).await;
        if sent == 7 {
            let after = shop.world.after_a_crash().await;
            before = Some(std::mem::replace(&mut shop.world, after));
            until(&shop.world, NEXT, |n| n == 1 || n == 9).await;
        }
        shop.world.later(Duration::from_secs(7));
        until(&shop.world, SENT, |n| n > sent).await;
    }
    assert_eq!(shop.world.number(UNSENT).await, 0);
    let sent = texts(&shop.world, "SELECT body FROM messages ORDER BY sent_at, id").await;
    assert_eq!(sent, made, "each once");
    before.expect("the one that was cut off").stop_soon().await;
    shop.world.stop().await;
}

/// One a minute: the second does not fit into the time of a request. A power cut in between loses none, and what is not
/// sent within the hour stands in the log as failed.
#[tokio::test]
async fn an_answer_waits_through_a_power_cut_and_for_an_hour() {
    let (mut shop, receiver) = Shop::with_receiver_and(|config| {
        (config.guard.recipient_per_minute, config.guard.recipient_burst) = (1, 1);
    })
    .await;
    asked_at_once(&shop, &receiver, 4).await;
    let put_off = "SELECT count(*) FROM messages m JOIN schedules s ON s.message_id = m.message_id
                   WHERE m.status = 'accepted' AND s.state = 'pending' AND s.due_at > s.created_at";
    until(&shop.world, SENT, |n| n == 1).await;
    until(&shop.world, put_off, |n| n == 1).await;
    let after = shop.world.after_a_crash().await;
    std::mem::replace(&mut shop.world, after).stop().await;
    assert_eq!(shop.world.number(put_off).await, 1);
    shop.world.later(Duration::from_secs(61));
    until(&shop.world, SENT, |n| n == 2).await;
    until(&shop.world, put_off, |n| n == 1).await;
    shop.world.restart_after(Duration::from_secs(2 * 3600)).await;
    until(&shop.world, "SELECT count(*) FROM schedules WHERE state IN ('pending', 'claimed')", |n| n == 0).await;
    let late = "SELECT count(*) FROM messages WHERE status = 'failed' AND reason LIKE 'its expires_at passed%'";
    assert_eq!((shop.world.number(SENT).await, shop.world.number(late).await), (2, 2));
    shop.world.stop().await;
}

#[tokio::test]
async fn two_programs_do_not_answer_each_other_without_end() {
    let (shop, receiver) = Shop::with_receiver().await;
    // The other side gives back what it is told, as a program does that answers everything.
    let mut says = "Hello".to_owned();
    for n in 0..3 {
        receiver.say_next(&format!(r#"{{"response":"answer number {n}"}}"#));
        receiver.say_next("{}");
        shop.world.hears(PHONE, &says).await;
        says = inbox(&shop.world, n + 1).await[n]["text"].as_str().expect("a text").to_owned();
        receiver.wait_for(2 * (n + 1)).await;
        shop.world.later(Duration::from_secs(10));
    }
    for n in 0..4 {
        receiver.say_next(&format!(r#"{{"response":"one more {n}"}}"#));
        shop.world.hears(PHONE, &says).await;
        receiver.wait_for(7 + n).await;
        while shop.get("/api/logs").await.body.matches("our own answers come back").count() <= n {
            shop.world.gateway().chattu.step().await.expect("a step");
            crate::harness::program::moment().await;
        }
    }
    assert_eq!(shop.world.inbox().await.len(), 3, "nothing after it was recognised");
    // Whoever looks for the reason finds it.
    let log = shop.get("/api/logs").await.body;
    assert!(log.contains("webhook.answer_withheld") && log.contains("our own answers come back"), "{log}");
    shop.world.stop().await;
}

#[tokio::test]
async fn a_rejected_call_is_told_and_answered() {
    let (shop, receiver) = Shop::with_receiver().await;
    call(&shop.world).await;
    assert!(receiver.got().is_empty(), "calls ring unless the instance says otherwise");
    reject_calls(&shop.world, "").await;
    receiver.say_next(r#"{"status":"success","rejectionMessage":"We call you back. נחזור אליך"}"#);
    call(&shop.world).await;
    let got = receiver.wait_for(1).await;
    like("hook_call_rejected", &got[0].json());
    assert_eq!(inbox(&shop.world, 1).await[0]["text"], "We call you back. נחזור אליך");
    let sandbox = shop.world.gateway().registry.sandbox(&InstanceId::from_text(INSTANCE)).expect("a sandbox");
    assert_eq!(sandbox.rejected_calls().len(), 1);
    // An endpoint that says nothing: the dialect's own text.
    let before = receiver.wait_for(2).await.len();
    call(&shop.world).await;
    receiver.wait_for(before + 1).await;
    assert_eq!(inbox(&shop.world, 2).await[1]["text"], DEFAULT_REJECTION);
    shop.world.stop().await;
}

#[tokio::test]
async fn without_an_endpoint_the_caller_hears_what_the_instance_says() {
    let shop = Shop::start().await;
    reject_calls(&shop.world, "نحن مغلقون الآن").await;
    call(&shop.world).await;
    assert_eq!(inbox(&shop.world, 1).await[0]["text"], "نحن مغلقون الآن");
    let calls = shop.get("/api/call-logs").await.json();
    assert_eq!(calls["calls"][0]["duration"], 0, "a rejected call has ended: {calls}");
    shop.world.stop().await;
}

#[tokio::test]
async fn receivers_may_answer_as_the_documents_show_it() {
    let (shop, receiver) = Shop::with_receiver().await;
    reject_calls(&shop.world, "").await;
    let (mut told, mut sent) = (0, Vec::new());
    for example in examples::answers().iter().filter(|e| !e["sent"].is_null()) {
        receiver.say_next(&example["answer"].to_string());
        // What is then sent is told, too, and answered as the documents show it.
        let acknowledged = examples::answers().iter().find(|e| e["sent"].is_null()).expect("one")["answer"].to_string();
        receiver.say_next(&acknowledged);
        match example["response"]["event"].as_str() {
            Some("call_rejected") => call(&shop.world).await,
            _ => shop.world.hears(PHONE, "Hello, this is a test message").await,
        }
        sent.push(example["sent"].clone());
        inbox(&shop.world, sent.len()).await;
        told += 2;
        quiet(&shop, &receiver, told).await;
    }
    let texts: Vec<Value> = shop.world.inbox().await.iter().map(|m| m["text"].clone()).collect();
    assert_eq!((texts.len(), texts), (2, sent), "each once, and nothing in answer to an acknowledgement");
    shop.world.stop().await;
}

/// What was edited or taken back comes as words and not as an empty text, and a deletion is not answered.
#[tokio::test]
async fn an_edit_and_a_deletion_are_words_for_a_program() {
    let (shop, receiver) = Shop::with_receiver().await;
    let line = shop.world.gateway().registry.sandbox(&InstanceId::from_text(INSTANCE)).expect("a sandbox");
    let from = || RemoteParty { phone: Some(PHONE.into()), ..RemoteParty::default() };
    let change = |id: &str, kind: &str, text: Option<&str>| InboundMessage {
        provider_message_id: id.into(),
        from: from(),
        group: None,
        kind: kind.into(),
        text: text.map(str::to_owned),
        reply_to: Some("in-1".into()),
        may_opt_out: true,
        payload: None,
        media: None,
        raw: None,
        told: Told::Live,
    };
    line.receive_again("in-1", from(), "2 pieces").await.expect("heard");
    receiver.wait_for(1).await;
    line.receive_message(change("in-2", EDIT, Some("3 pieces"))).await.expect("heard");
    receiver.wait_for(2).await;
    receiver.say_next(r#"{"status":"success","response":"You should not see this."}"#);
    line.receive_message(change("in-3", REVOKE, None)).await.expect("heard");
    quiet(&shop, &receiver, 3).await;
    let texts: Vec<Value> = receiver.got().iter().map(|got| got.json()["data"]["body"].clone()).collect();
    assert_eq!(texts, ["2 pieces", "3 pieces", "[deleted] 2 pieces"]);
    assert!(shop.world.inbox().await.is_empty(), "what was taken back asks for no answer");
    shop.world.stop().await;
}

#[tokio::test]
async fn whoever_hides_the_number_is_listed_by_a_name_that_is_taken_back() {
    let shop = Shop::start().await;
    let line = shop.world.gateway().registry.sandbox(&InstanceId::from_text(INSTANCE)).expect("a sandbox");
    let hidden = RemoteParty { bsuid: Some("SA.60643027".into()), ..RemoteParty::default() };
    line.receive(hidden, "Hello").await.expect("heard");
    let listed = shop.get(&format!("/api/received-messages/{INSTANCE}")).await.json();
    let sender = listed["messages"][0]["sender"].as_str().expect("a name").to_owned();
    assert_eq!(sender, "contact:1");
    let answer =
        shop.post("/api/send-message", &json!({"clientId": INSTANCE, "number": sender, "message": "Hi"})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let sent = shop.get("/api/sent-messages").await.json();
    assert_eq!(sent[0]["recipient"], "contact:1", "{sent}");
    shop.world.stop().await;
}
