//! Webhooks on pages: deliveries found, paged and sent again; an instance's own tab; the address of the Chattu dialect.

use crate::harness::{
    receiver::Receiver,
    visitor::Visitor,
    wait::until,
    world::{INSTANCE, PHONE, World, message, update},
};
use std::net::TcpListener;
use wa_gateway::{
    app::commands::{InstanceStatus, WebhookCreate, WebhookDeliveries, WebhookList, WebhookSet},
    egress::EgressError,
    texts::reasons::delivery_word,
};

const ONE: &str = "https://one.example/hook";
const OTHER: &str = "https://other.example/hook";

async fn endpoint(world: &World, url: &str, events: &[&str]) -> i64 {
    let new = WebhookCreate {
        account: world.account,
        url: url.into(),
        events: events.iter().map(ToString::to_string).collect(),
        ..Default::default()
    };
    world.command(new).await.expect("an endpoint")["id"].as_i64().expect("a number")
}

fn rows(page: &str) -> usize {
    page.matches("<a href=\"/webhooks/deliveries/").count()
}

#[tokio::test]
async fn deliveries_are_found_by_endpoint_and_event_and_paged() {
    let world = World::start().await;
    let one = endpoint(&world, ONE, &["message.received", "conversation.updated"]).await;
    let other = endpoint(&world, OTHER, &["message.received"]).await;
    for n in 0..52 {
        world.hears(PHONE, &format!("question {n}")).await;
    }
    let mut owner = Visitor::logged_in(&world, "owner").await;
    // 52 messages to two endpoints, and 52 changes of a conversation to one of them.
    let table = [
        (String::new(), 100, true),
        (format!("endpoint={one}"), 100, true),
        (format!("endpoint={other}"), 52, false),
        ("event=message.received".into(), 100, true),
        (format!("event=conversation.updated&endpoint={one}"), 52, false),
        (format!("event=conversation.updated&endpoint={other}"), 0, false),
        ("event=group.updated".into(), 0, false),
    ];
    for (query, shown, more) in table {
        let page = owner.get(&format!("/webhooks?{query}")).await.body;
        assert_eq!((rows(&page), page.contains("class=\"pages\"")), (shown, more), "{query}");
    }
    let first = owner.get(&format!("/webhooks?event=message.received&endpoint={one}&failed=")).await.body;
    assert_eq!(rows(&first), 52);
    let page = owner.get("/webhooks").await.body;
    let next = page.split("href=\"?").nth(1).and_then(|rest| rest.split('"').next()).expect("the next page");
    let older = owner.get(&format!("/webhooks?{}", next.replace("&#38;", "&"))).await.body;
    assert_eq!((rows(&older), older.contains("class=\"pages\"")), (56, false), "the rest, and no more");
    assert!(older.contains(ONE) && older.contains(OTHER), "each says to which endpoint");
}

#[tokio::test]
async fn what_failed_is_sent_again_from_its_row_and_says_why_in_the_readers_language() {
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port where nobody is");
    let world =
        World::start_with(|config| config.egress.allow = vec![nobody.to_string().parse().expect("an entry")]).await;
    endpoint(&world, &format!("http://{nobody}/hook"), &["message.received"]).await;
    world.hears(PHONE, "are you open?").await;
    let failed = WebhookDeliveries { failed: true, endpoint: None };
    until("the attempt failed", async || world.command(failed.clone()).await.expect("a list")[0]["id"] == 1).await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let page = owner.get("/webhooks?failed=on").await.body;
    assert!(rows(&page) == 1 && page.contains("Failing") && !page.contains(">Active<"), "{page}");
    assert!(page.contains("action=\"/webhooks/deliveries/1/resend\""), "{page}");
    let sent = owner.post("/webhooks/deliveries/1/resend", &[]).await;
    assert_eq!(sent.status, 303);
    for (lang, text) in [("ar", "لا اتصال"), ("he", "אין חיבור")] {
        owner.speaks(lang);
        for path in ["/webhooks?failed=on", "/webhooks/deliveries/1"] {
            let page = owner.get(path).await.body;
            assert!(page.contains(text) && !page.contains("no connection"), "{lang} {path}");
        }
    }
}

#[test]
fn what_a_call_can_fail_with_is_said_in_the_readers_language() {
    let failures = [
        EgressError::Dns("x".into()),
        EgressError::Connect("x".into()),
        EgressError::Tls("x".into()),
        EgressError::TimedOut { sent: true, status: None },
        EgressError::Broken { sent: true, status: None },
    ];
    for failure in failures {
        for text in [failure.to_string(), failure.for_customers()] {
            assert!(delivery_word(&text).is_some(), "{text}");
        }
    }
    assert_eq!(delivery_word("answered 500"), Some(("answered", "500")));
    assert_eq!(delivery_word("something that nobody wrote"), None);
}

#[tokio::test]
async fn an_instances_tab_makes_its_own_endpoint() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let tab = owner.get("/instances/shop-line/manage?tab=webhook").await.body;
    assert!(tab.contains("name=\"instance\" value=\"shop-line\"") && tab.contains("value=\"call.missed\""));
    assert!(!tab.contains("name=\"chattu_url\""), "the account has no such module");
    let fields = [("url", ONE), ("instance", INSTANCE), ("event", "message.received")];
    assert!(owner.post("/webhooks", &fields).await.body.contains("whsec_"));
    let tab = owner.get("/instances/shop-line/manage?tab=webhook").await.body;
    assert!(tab.contains(ONE), "{tab}");
}

#[tokio::test]
async fn the_chattu_address_of_a_number_is_set_changed_and_taken_away() {
    let world = World::start().await;
    let mut modules = update(1);
    modules.modules = Some(vec!["api_access".into(), "chattu".into()]);
    world.command(modules).await.expect("the module");
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let tab = "/instances/shop-line/manage?tab=webhook";
    for (url, stands) in [(ONE, true), (OTHER, true), ("", false)] {
        let reply = owner.post("/instances/shop-line/chattu", &[("chattu_url", url)]).await;
        assert_eq!(reply.status, 303, "{url}");
        let page = owner.get(tab).await.body;
        assert!(page.contains(&format!(
            "name=\"chattu_url\" type=\"url\" dir=\"ltr\" placeholder=\"https://shop.example/whatsapp\" value=\"{url}\""
        )));
        let page = owner.get("/webhooks").await.body;
        let link = "href=\"/instances/shop-line/manage?tab=webhook\"";
        assert_eq!((page.contains(link), !url.is_empty() && page.contains(url)), (stands, stands), "{url}");
    }
    // What an entry of the list would allow leads an administrator there, and nobody else.
    let inside = [("chattu_url", "http://10.0.0.7:8080/w")];
    let told = owner.post("/instances/shop-line/chattu", &inside).await;
    assert!(told.status == 422 && !told.body.contains("href=\"/admin/egress"));
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let told = admin.post("/instances/shop-line/chattu", &inside).await;
    assert!(told.status == 422 && told.body.contains("<a href=\"/admin/egress?entry="), "{}", told.body);
    let made = admin.post("/webhooks", &[("url", "http://10.0.0.7:8080/w"), ("event", "message.sent")]).await;
    let link = "/admin/egress?entry=10.0.0.7%3A8080";
    assert!(made.status == 422 && made.body.contains(&format!("<a href=\"{link}\">")), "{}", made.body);
    assert!(admin.get(link).await.body.contains("value=\"10.0.0.7:8080\""), "it is filled in");
}

#[tokio::test]
async fn whether_calls_are_ended_is_chosen_on_the_page_and_shown() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let status = async || world.command(InstanceStatus { id: INSTANCE.into() }).await.expect("a state");
    assert_eq!(status().await["reject_calls"], false);
    let change = [("tell_read", "on"), ("reject_calls", "on"), ("reject_text", "مغلق الآن")];
    assert_eq!(owner.post("/instances/shop-line/settings", &change).await.status, 303);
    let now = status().await;
    assert_eq!((&now["reject_calls"], &now["reject_text"]), (&true.into(), &"مغلق الآن".into()));
    let page = owner.get("/instances/shop-line/manage?tab=settings").await.body;
    assert!(page.contains("<option value=\"on\" selected>The call is ended") && page.contains(">مغلق الآن</textarea>"));
    let change = [("tell_read", "on"), ("reject_calls", "off"), ("reject_text", "")];
    assert_eq!(owner.post("/instances/shop-line/settings", &change).await.status, 303);
    let now = status().await;
    assert!(now["reject_calls"] == false && now["reject_text"].is_null(), "{now}");
}

#[tokio::test]
async fn a_login_and_another_language_come_back_to_the_very_page() {
    let world = World::start().await;
    let mut nobody = Visitor::nobody(&world);
    let sent = nobody.get("/instances/shop-line/manage?tab=webhook").await;
    let next = sent.header("location").expect("to the login").to_owned();
    assert_eq!(next, "/login?next=%2Finstances%2Fshop-line%2Fmanage%3Ftab%3Dwebhook");
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let page = owner.get("/message-logs?status=blocked&done=saved&q=a%20b").await.body;
    let next = "/message-logs?status=blocked&q=a%20b";
    assert!(page.contains(&format!("name=\"next\" value=\"{}\"", next.replace('&', "&#38;"))), "{page}");
    let to = owner.post("/preferences", &[("lang", "ar"), ("next", next)]).await;
    assert_eq!(to.header("location"), Some(next));
}

#[tokio::test]
async fn everything_can_be_tried_with_the_sandboxs_phones_on_their_page() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let path = "/instances/shop-line/phone";
    assert!(owner.get("/instances/shop-line/manage").await.body.contains(path));
    assert_eq!(owner.post(path, &[("do", "write"), ("from", PHONE), ("text", "Are you open?")]).await.status, 303);
    assert!(owner.get("/inbound-logs").await.body.contains("Are you open?"));
    for what in ["call", "missed"] {
        assert_eq!(owner.post(path, &[("do", what), ("from", PHONE)]).await.status, 303);
    }
    assert_eq!(world.send(&message()).await.json()["status"], "sent");
    let page = owner.get(path).await.body;
    assert!(page.contains(PHONE) && page.contains("Your order"), "{page}");
    let wrong = owner.post(path, &[("do", "write"), ("from", "12"), ("text", "kept <b>text</b>")]).await;
    assert!(wrong.status == 422 && wrong.body.contains("kept &#60;b&#62;text") && wrong.body.contains("value=\"12\""));
    let set = [("do", "set"), ("state", "open"), ("receipts", "read"), ("fail", "refuse")];
    assert_eq!(owner.post(path, &set).await.status, 303);
    let page = owner.get(path).await.body;
    assert!(page.contains("<option value=\"refuse\" selected>") && page.contains("<option value=\"read\" selected>"));
    assert_eq!(world.send(&message()).await.error(), "gateway_send_failed");
    assert_eq!(Visitor::logged_in(&world, "viewer").await.get(path).await.status, 403);
}

#[tokio::test]
async fn an_endpoint_is_changed_on_its_page_and_what_waits_goes_to_the_new_address() {
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port where nobody is");
    let receiver = Receiver::start().await;
    let allow = [nobody.to_string(), receiver.address.to_string()].map(|entry| entry.parse().expect("an entry"));
    let world = World::start_with(|config| config.egress.allow = allow.to_vec()).await;
    let id = endpoint(&world, &format!("http://{nobody}/hook?token=s3cret"), &["message.received"]).await;
    world.hears(PHONE, "are you open?").await;
    let failed = WebhookDeliveries { failed: true, endpoint: None };
    until("the attempt failed", async || world.command(failed.clone()).await.expect("a list")[0]["id"] == 1).await;

    let mut owner = Visitor::logged_in(&world, "owner").await;
    let path = format!("/webhooks/{id}");
    assert!(owner.get("/webhooks").await.body.contains(&format!("href=\"{path}\"")));
    let shown = format!("http://{nobody}/hook?token=***");
    let page = owner.get(&path).await.body;
    assert!(page.contains(&format!("value=\"{shown}\"")) && !page.contains("s3cret"), "{page}");
    assert!(page.contains("value=\"message.received\" checked") && !page.contains("value=\"message.sent\" checked"));

    // The address as it is shown stays what it is; half of one is none.
    let half = shown.replace("/hook", "/other");
    let refused = owner.post(&path, &[("do", "change"), ("url", &half), ("event", "message.sent")]).await;
    assert!(refused.status == 422 && refused.body.contains("write the whole address"), "{}", refused.body);
    let of_line = [("do", "change"), ("url", &*shown), ("instance", INSTANCE), ("event", "message.received")];
    assert_eq!(owner.post(&path, &of_line).await.header("location"), Some(&*format!("{path}?done=saved")));
    let listed = async || world.command(WebhookList).await.expect("a list")[0].clone();
    let now = listed().await;
    assert_eq!((&now["destination_url"], &now["instance_id"]), (&shown.clone().into(), &INSTANCE.into()));
    let deliveries = world.command(WebhookDeliveries::default()).await.expect("a list");
    assert_eq!(deliveries[0]["state"], "pending", "{deliveries}");

    let to = receiver.url();
    let moved = [("do", "change"), ("url", &*to), ("event", "message.received"), ("event", "message.sent")];
    assert_eq!(owner.post(&path, &moved).await.status, 303);
    let got = receiver.wait_for(1).await;
    assert_eq!(got[0].json()["message_text"], "are you open?", "what waited");
    assert_eq!(world.send(&message()).await.json()["status"], "sent");
    assert_eq!(receiver.wait_for(2).await[1].json()["event"], "message.sent", "what was added");
    let now = listed().await;
    assert!(now["instance_id"].is_null() && now["failing_since"].is_null(), "{now}");

    // Each change is in the audit, without what is secret in an address.
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let audit = admin.get("/admin/audit").await.body;
    assert!(audit.contains("webhook.update") && !audit.contains("s3cret"), "{audit}");
}

#[tokio::test]
async fn an_endpoint_that_was_switched_off_by_hand_stays_so_and_one_of_an_integration_is_not_changed_here() {
    let world = World::start().await;
    let id = endpoint(&world, ONE, &["message.received"]).await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let path = format!("/webhooks/{id}");
    let fails = |tx: &wa_gateway::store::WriteTx<'_>| tx.execute("UPDATE endpoints SET failing_since = created_at", []);
    let written: Result<usize, wa_gateway::store::StoreError> = world.gateway().store.write(fails).await;
    written.expect("it fails");
    assert_eq!(owner.post(&path, &[("do", "disable")]).await.status, 303);
    let banners = owner.get(&path).await.body;
    assert!(!banners.contains("was disabled after days"), "whoever switched it off is not told that it gave up");
    let change = [("do", "change"), ("url", OTHER), ("event", "message.received")];
    assert_eq!(owner.post(&path, &change).await.status, 303);
    let page = owner.get(&path).await.body;
    assert!(page.contains("Switched off by hand") && page.contains(OTHER) && page.contains("value=\"enable\""));
    let none = WebhookSet { id, instance: Some("no-such".into()), ..Default::default() };
    assert!(world.command(none).await.expect_err("refused").contains("has no instance no-such"));
    let set = WebhookSet { id, url: Some(ONE.into()), events: vec!["call.missed".into()], ..Default::default() };
    world.command(set).await.expect("changed by the command line");
    let now = world.command(WebhookList).await.expect("a list")[0].clone();
    assert_eq!((&now["destination_url"], &now["events"]), (&ONE.into(), &serde_json::json!(["call.missed"])));

    let mut modules = update(1);
    modules.modules = Some(vec!["api_access".into(), "chattu".into()]);
    world.command(modules).await.expect("the module");
    assert_eq!(owner.post("/instances/shop-line/chattu", &[("chattu_url", ONE)]).await.status, 303);
    let page = owner.get("/webhooks/2").await.body;
    assert!(page.contains("tab=webhook") && !page.contains("value=\"change\"") && page.contains("value=\"test\""));
    let change = [("do", "change"), ("url", OTHER), ("event", "message.received")];
    let refused = owner.post("/webhooks/2", &change).await;
    assert!(refused.status == 422 && refused.body.contains("change it there"), "{}", refused.body);

    let mut viewer = Visitor::logged_in(&world, "viewer").await;
    let page = viewer.get(&path).await;
    assert!(page.status == 200 && !page.body.contains(&format!("action=\"{path}\"")), "{}", page.body);
    assert_eq!(viewer.post(&path, &change).await.status, 403);
}
