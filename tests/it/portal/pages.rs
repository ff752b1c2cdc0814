//! The pages of who logs in: they are there in three languages, their forms do what they say, and nobody sees what is
//! another's.

use crate::harness::{
    visitor::Visitor,
    world::{INSTANCE, PHONE, SPAM, World, message, message_to, message_with, update},
};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};
use wa_gateway::app::commands::{InstanceCreate, InstancePause};

/// Those of customers.
pub const PAGES: &[&str] = &[
    "/overview",
    "/message-logs",
    "/inbound-logs",
    "/instances",
    "/instances/new?connector=cloud-api",
    "/instances/shop-line/manage",
    "/instances/shop-line/manage?tab=send",
    "/instances/shop-line/manage?tab=webhook",
    "/instances/shop-line/manage?tab=settings",
    "/suppressed-recipients",
    "/webhooks",
    "/notices",
    "/notices?all=on",
    "/api-keys",
    "/security",
    "/message-logs/1",
    "/account",
    "/scheduled",
    "/chat",
    "/chat?instance=shop-line&chat=c1",
    "/chat?instance=shop-line&q=%2B972501234567",
];

/// Those of who runs the appliance.
pub const ADMIN_PAGES: &[&str] = &[
    "/admin/accounts",
    "/admin/accounts/1",
    "/admin/reviews",
    "/admin/policy",
    "/admin/users",
    "/admin/requests",
    "/admin/audit",
    "/admin/egress",
    "/admin/system",
    "/admin/3cx",
    "/admin/notices",
];

/// What the template engine leaves behind when a text is missing looks like its key.
fn bare_keys(html: &str) -> Vec<&str> {
    let outside: Vec<&str> = html.split('>').filter_map(|part| part.split('<').next()).map(str::trim).collect();
    let known: BTreeSet<&str> = wa_gateway::texts::locale::all(wa_gateway::texts::locale::Lang::En)
        .keys()
        .filter_map(|key| key.split('.').next())
        .collect();
    outside
        .into_iter()
        .filter(|text| {
            let mut parts = text.split('.');
            known.contains(parts.next().unwrap_or_default())
                && parts.clone().count() >= 1
                && parts.all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
                && wa_gateway::events::webhooks::EventName::parse(text).is_none()
        })
        .collect()
}

/// A page without what stands in its `code` elements.
fn without_code(html: &str) -> String {
    let parts = html.split("<code").map(|part| part.split_once("</code>").map_or(part, |(_, rest)| rest));
    parts.collect()
}

#[tokio::test]
async fn every_page_is_there_in_three_languages_with_its_headers() {
    let world = World::start().await;
    world.send(&message()).await;
    world.send(&message_with(json!({"message": SPAM}))).await;
    world.hears(PHONE, "thank you").await;
    world.hears(PHONE, "STOP").await;
    let pause = InstancePause { id: INSTANCE.into(), reason: "looked odd".into() };
    world.command(pause).await.expect("paused");
    for role in ["viewer", "owner", "admin"] {
        let mut visitor = Visitor::logged_in(&world, role).await;
        for lang in ["en", "ar", "he"] {
            visitor.speaks(lang);
            let own = if role == "admin" { ADMIN_PAGES } else { &[] };
            for path in PAGES.iter().chain(own) {
                if role == "viewer" && path.contains("/new") {
                    continue;
                }
                let reply = visitor.get(path).await;
                assert_eq!(reply.status, 200, "{role} {lang} {path}");
                let direction = if lang == "en" { "ltr" } else { "rtl" };
                assert!(reply.body.contains(&format!("<html lang=\"{lang}\" dir=\"{direction}\"")), "{lang} {path}");
                // The audit's words for what was done look like keys, and are data.
                let shown = if *path == "/admin/audit" { without_code(&reply.body) } else { reply.body.clone() };
                assert_eq!(bare_keys(&shown), Vec::<&str>::new(), "{lang} {path}");
                let policy = reply.header("content-security-policy").expect("a policy");
                assert!(!policy.contains("unsafe"), "{policy}");
                assert!(!reply.body.contains(" style=") && !reply.body.contains("<script>"), "{path}: inline");
                // What scrolls on a phone is reached by the keyboard; a table of cards does not scroll.
                assert!(!reply.body.contains("<div class=\"table\"><table>"), "{path}: a table out of reach");
                assert_eq!(reply.header("cache-control"), Some("no-store"));
            }
        }
    }
}

#[tokio::test]
async fn what_is_anothers_answers_like_what_is_not_there() {
    let world = World::start().await;
    let phone = "+966507654321";
    world.send(&message_to(phone)).await;
    world.hears(phone, "STOP").await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let fields = [("url", "https://shop.example/hook"), ("event", "message.received")];
    assert_eq!(owner.post("/webhooks", &fields).await.status, 200);
    let stranger = world.new_account("Other", "growth").await;
    world.new_instance(stranger, "other-line").await;
    let mut other = Visitor::of_account(&world, "owner", stranger, "o@other.example").await;
    let theirs = [
        ("GET", "/message-logs/1", "/message-logs/999999"),
        ("POST", "/message-logs/1/settle", "/message-logs/999999/settle"),
        ("POST", "/message-logs/1/judge", "/message-logs/999999/judge"),
        ("GET", "/instances/shop-line/manage", "/instances/no-such/manage"),
        ("POST", "/instances/shop-line/send", "/instances/no-such/send"),
        ("POST", "/instances/shop-line/settings", "/instances/no-such/settings"),
        ("POST", "/instances/shop-line/delete", "/instances/no-such/delete"),
        ("POST", "/instances/shop-line/chattu", "/instances/no-such/chattu"),
        ("GET", "/instances/shop-line/phone", "/instances/no-such/phone"),
        ("POST", "/instances/shop-line/phone", "/instances/no-such/phone"),
        ("POST", "/api-keys/1/revoke", "/api-keys/999999/revoke"),
        ("POST", "/api-keys/1/purpose", "/api-keys/999999/purpose"),
        ("GET", "/webhooks/1", "/webhooks/999999"),
        ("POST", "/webhooks/1", "/webhooks/999999"),
        ("POST", "/webhooks/1/resend-failed", "/webhooks/999999/resend-failed"),
        ("GET", "/webhooks/deliveries/1", "/webhooks/deliveries/999999"),
        ("POST", "/suppressed-recipients/1/lift", "/suppressed-recipients/999999/lift"),
        ("GET", "/chat?instance=shop-line", "/chat?instance=no-such"),
        ("GET", "/chat?instance=shop-line&chat=c1", "/chat?instance=no-such&chat=c1"),
        ("GET", "/chat?instance=other-line&chat=c1", "/chat?instance=other-line&chat=c999999"),
        ("POST", "/chat/shop-line/c1/send", "/chat/no-such/c1/send"),
        ("POST", "/chat/other-line/c1/send", "/chat/other-line/c999999/send"),
        ("POST", "/chat/shop-line/c1/read", "/chat/no-such/c1/read"),
        ("POST", "/chat/shop-line/c1/react", "/chat/no-such/c1/react"),
        ("POST", "/chat/shop-line/c1/change", "/chat/no-such/c1/change"),
        ("GET", "/instances/shop-line/templates", "/instances/no-such/templates"),
        ("POST", "/instances/shop-line/templates", "/instances/no-such/templates"),
        ("GET", "/instances/shop-line/billing", "/instances/no-such/billing"),
        ("POST", "/chat/shop-line/c1/typing", "/chat/no-such/c1/typing"),
        ("GET", "/chat/shop-line/file/inb_1", "/chat/no-such/file/inb_999999"),
        ("GET", "/instances/shop-line/qr.svg", "/instances/no-such/qr.svg"),
    ];
    let masked = |body: &str, path: &str| body.replace(path, "PATH").replace(&path.replace('&', "&#38;"), "PATH");
    for (method, path, none) in theirs {
        let (theirs, nobodys) = match method {
            "GET" => (other.get(path).await, other.get(none).await),
            _ => (other.post(path, &[("do", "delete")]).await, other.post(none, &[("do", "delete")]).await),
        };
        assert_eq!(theirs.status, 404, "{method} {path}");
        assert_eq!(masked(&theirs.body, path), masked(&nobodys.body, none), "{method} {path}");
    }
    for path in
        ["/chat", "/message-logs", "/inbound-logs", "/suppressed-recipients", "/webhooks", "/api-keys", "/instances"]
    {
        let body = other.get(path).await.body;
        assert!(!body.contains(phone) && !body.contains(INSTANCE) && !body.contains("shop.example/hook"), "{path}");
    }
}

#[tokio::test]
async fn a_key_is_shown_once_works_and_is_revoked() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let new = [("scope", "send"), ("name", "till <b>one</b>"), ("instance", INSTANCE), ("kind", "bearer")];
    let page = owner.post("/api-keys", &new).await;
    assert_eq!(page.status, 200);
    let key = page.body.split("id=\"key\" dir=\"ltr\">").nth(1).and_then(|t| t.split('<').next()).expect("a key");
    assert_eq!(world.send_with(key, &message(), &[]).await.status, 200);
    let listed = owner.get("/api-keys").await.body;
    assert!(!listed.contains(key) && listed.contains("till &#60;b&#62;one"), "escaped, and without the key");
    for bad in [("instance", "not-ours"), ("expires", "2020-01-01")] {
        assert_eq!(owner.post("/api-keys", &[("scope", "send"), ("name", "x"), bad]).await.status, 422, "{bad:?}");
    }
    assert_eq!(owner.post("/api-keys/2/revoke", &[]).await.status, 303);
    assert_eq!(world.send_with(key, &message(), &[]).await.error(), "revoked_api_key");
}

/// What the page prints beside a new key sends a first message with it, in the key's own dialect.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_beside_a_new_key_can_be_pasted() {
    let world = World::start().await;
    let mut change = update(world.account);
    change.modules = Some(vec!["api_access".into(), "chattu".into()]);
    world.command(change).await.expect("the module");
    let mut owner = Visitor::logged_in(&world, "owner").await;
    for (n, kind) in ["bearer", "chattu"].into_iter().enumerate() {
        let page = owner
            .post("/api-keys", &[("scope", "send"), ("name", kind), ("instance", INSTANCE), ("kind", kind)])
            .await
            .body;
        let shown =
            page.split("id=\"sample\">").nth(1).and_then(|rest| rest.split("</code>").next()).expect("a command");
        let unescaped = [("&#39;", "'"), ("&#34;", "\""), ("&#38;", "&")];
        let own = shown.replace(&world.gateway().public_url, &format!("http://{}", world.address()));
        let command = unescaped.iter().fold(own, |text, (entity, sign)| text.replace(entity, sign));
        assert!(
            command.contains(if kind == "chattu" { "x-api-key: " } else { "Authorization: Bearer wg_" }),
            "{command}"
        );
        let run = move || std::process::Command::new("sh").args(["-c", &command]).output();
        let output = tokio::task::spawn_blocking(run).await.expect("it runs").expect("a shell");
        assert!(String::from_utf8_lossy(&output.stdout).contains("\"success\":true"), "{kind}: {output:?}");
        assert_eq!(world.inbox().await.len(), n + 1, "{kind}");
    }
    world.stop().await;
}

/// The purpose that a key of the Chattu dialect stands for is chosen when it is made, and changed later; a key of the
/// guarded API has none.
#[tokio::test]
async fn a_keys_default_purpose_is_chosen_on_its_page() {
    let world = World::start().await;
    let mut change = update(world.account);
    change.modules = Some(vec!["api_access".into(), "chattu".into()]);
    world.update_account(change).await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let fields = [("name", "till"), ("scope", "send"), ("kind", "chattu"), ("purpose", "support")];
    let page = owner.post("/api-keys", &fields).await;
    let key = page.body.split("id=\"key\" dir=\"ltr\">").nth(1).and_then(|t| t.split('<').next()).expect("a key");
    let purpose = "SELECT purpose = 'support' FROM messages ORDER BY id DESC LIMIT 1";
    let body = json!({"clientId": INSTANCE, "number": PHONE, "message": "Your order is ready."});
    let headers = ["Content-Type: application/json".to_owned(), format!("x-api-key: {key}")];
    assert_eq!(world.post_raw(&headers, body.to_string().as_bytes()).await.status, 200);
    assert_eq!(world.number(purpose).await, 1);
    assert!(owner.get("/api-keys").await.body.contains("<option value=\"support\" selected>"));
    assert_eq!(owner.post("/api-keys/2/purpose", &[("purpose", "operational")]).await.status, 303);
    let body = json!({"clientId": INSTANCE, "number": "+966507654321", "message": "Your order is packed."});
    assert_eq!(world.post_raw(&headers, body.to_string().as_bytes()).await.status, 200);
    assert_eq!(world.number(purpose).await, 0);
    for (path, purpose) in [("/api-keys/1/purpose", "support"), ("/api-keys/2/purpose", "marketing")] {
        assert_eq!(owner.post(path, &[("purpose", purpose)]).await.status, 404, "{path} {purpose}");
    }
}

#[tokio::test]
async fn a_test_send_shows_each_gate_and_a_refusal_says_what_to_do() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let fields = [("phone", "+966 50 123 4567"), ("purpose", "support"), ("message", "Your ticket 41 is solved.")];
    let reply = owner.post("/instances/shop-line/send", &fields).await;
    let story = reply.header("location").expect("its story").to_owned();
    let page = owner.get(&story).await.body;
    assert!(page.contains("Your ticket 41 is solved.") && page.contains("Daily limit") && page.contains("state sent"));
    let spam = [("phone", PHONE), ("purpose", "support"), ("message", SPAM)];
    let story = owner.post("/instances/shop-line/send", &spam).await.header("location").expect("its story").to_owned();
    let page = owner.get(&story).await.body;
    assert!(
        page.contains("policy_violation") && page.contains("What to do") && page.contains("/docs/troubleshooting#")
    );
    let bad = [("phone", "12"), ("purpose", "support"), ("message", "x")];
    let reply = owner.post("/instances/shop-line/send", &bad).await;
    assert!(reply.status == 422 && reply.body.contains("value=\"12\""), "what was typed is kept");
}

#[tokio::test]
async fn the_log_is_searched_by_what_a_person_has_at_hand() {
    let world = World::start().await;
    world.send(&message_with(json!({"reference": "order-2041"}))).await;
    world.send(&message_with(json!({"phone": "+966507654321", "message": "Table for 100% of you_all"}))).await;
    world.send(&message_with(json!({"message": SPAM}))).await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let rows = [
        ("q=%2B966507654321", 1),
        ("q=00966507654321", 1),
        ("q=order-2041", 1),
        ("q=1", 1),
        ("q=nothing-like-it", 0),
        ("q=100%25&from=2026-06-01&to=2026-06-01", 1),
        ("q=you_all&from=2026-06-01", 1),
        ("q=youXall&from=2026-06-01", 0),
        ("q=table&from=2026-06-02", 0),
        ("status=blocked", 1),
        ("status=sent", 2),
        ("purpose=support", 0),
        ("instance=shop-line", 3),
        ("instance=other-line", 0),
        ("", 3),
    ];
    for (query, found) in rows {
        let body = owner.get(&format!("/message-logs?{query}")).await.body;
        assert_eq!(body.matches("<a href=\"/message-logs/").count(), found, "{query}");
    }
}

/// What leads on: a row of the inbound log to its chat, the first steps to the very form, a refused page to one that is
/// not; the list of numbers says which is in use, and a sample names one that can send.
#[tokio::test]
async fn every_page_has_a_way_on() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let first = owner.get("/overview").await.body;
    assert!(first.contains("href=\"/instances/shop-line/manage?tab=send\""), "{first}");
    let asleep = InstanceCreate {
        account: world.account,
        id: "a-line".into(),
        name: "Another".into(),
        connector: "sandbox".into(),
        settings: [("state".to_owned(), "qr".to_owned())].into(),
        set: Vec::new(),
    };
    world.command(asleep).await.expect("an instance");
    assert!(owner.get("/message-logs").await.body.contains("instance_id&#34;:&#34;shop-line&#34;"));
    assert!(!owner.get("/instances/a-line/manage").await.body.contains("type the code"), "there is none");
    world.hears(PHONE, "When do you open?").await;
    world.send(&message()).await;
    let heard = owner.get("/inbound-logs").await.body;
    let chat = heard.split("href=\"/chat?instance=shop-line").nth(1).and_then(|t| t.split('"').next());
    let chat = format!("/chat?instance=shop-line{}", chat.expect("a link").replace("&#38;", "&").replace("&amp;", "&"));
    assert!(owner.get(&chat).await.body.contains("When do you open?"), "{chat}");
    let numbers = owner.get("/instances").await.body;
    for part in ["data-label=\"Today\">1</td>", "data-label=\"Today\">0</td>", "data-label=\"Last message\">never</td>"]
    {
        assert!(numbers.contains(part), "{part}: {numbers}");
    }
    world.later(Duration::from_secs(24 * 3600));
    let tomorrow = Visitor::logged_in(&world, "owner").await.get("/instances").await.body;
    assert!(tomorrow.contains("shop-line") && !tomorrow.contains("data-label=\"Today\">1</td>"), "today has ended");
    let mut viewer = Visitor::logged_in(&world, "viewer").await;
    for (path, status) in [("/admin/system", 403), ("/nowhere", 404)] {
        let page = viewer.get(path).await;
        assert_eq!(page.status, status);
        assert!(page.body.contains("<a class=\"button\" href=\"/overview\">"), "{path}: {}", page.body);
    }
    world.stop().await;
}

#[tokio::test]
async fn an_owner_makes_so_many_of_each_and_an_admin_more() {
    let world = World::start_with(|config| config.portal.owners_may_make = 2).await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let hook = [("url", "https://shop.example/hook"), ("event", "message.sent")];
    let statuses = |path: &'static str, fields: Vec<(&'static str, &'static str)>| (path, fields);
    // The world has an instance and a key already.
    let rows = [
        statuses("/webhooks", hook.to_vec()),
        statuses("/api-keys", vec![("scope", "send"), ("name", "another"), ("kind", "bearer")]),
    ];
    for (path, fields) in rows {
        let mut made = 0;
        for _ in 0..4 {
            let reply = owner.post(path, &fields).await;
            assert!(reply.status == 200 || reply.status == 422, "{path}: {}", reply.status);
            made += usize::from(reply.status == 200);
        }
        assert_eq!(made, if path == "/webhooks" { 2 } else { 1 }, "{path}");
    }
    let instance = |id: &'static str| [("connector", "sandbox"), ("id", id), ("name", "A line")];
    assert_eq!(owner.post("/instances", &instance("second-line")).await.status, 303);
    assert_eq!(owner.post("/instances", &instance("third-line")).await.status, 422);
    let mut admin = Visitor::logged_in(&world, "admin").await;
    assert_eq!(admin.post("/webhooks", &hook).await.status, 200, "an administrator may");
}

#[tokio::test]
async fn why_a_number_is_not_open_and_a_message_failed_is_told_in_the_readers_language() {
    let world = World::start().await;
    world.sandbox("fail", "refuse").await;
    let failed = world.send(&message()).await;
    let message = format!("/message-logs/{}", failed.header("x-log-id").expect("a row"));
    let mut owner = Visitor::logged_in(&world, "owner").await;
    for (state, english) in
        [("close", "is set to be closed"), ("connecting", "is set to be connecting"), ("qr", "waits for its QR")]
    {
        world.sandbox("state", state).await;
        for lang in ["ar", "he"] {
            owner.speaks(lang);
            for path in ["/instances".to_owned(), format!("/instances/{INSTANCE}/manage"), message.clone()] {
                let page = owner.get(&path).await;
                assert_eq!(page.status, 200, "{path}");
                let told = page.body.contains(english) || page.body.contains("refuse every message");
                assert!(!told, "{lang} {path} {state}: English on a translated page");
            }
        }
        owner.speaks("en");
        let page = owner.get(&format!("/instances/{INSTANCE}/manage")).await.body;
        assert!(page.contains(english), "{state}: {page}");
    }
    world.stop().await;
}
