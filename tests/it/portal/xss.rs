//! A payload in everything that comes from outside, wherever it is kept, and every page looked at in a real browser: it
//! is shown as text, nothing runs, and the policy has nothing to refuse.

use crate::{
    harness::{
        browser::Browser,
        world::{INSTANCE, PHONE, SPAM, World, message_with, update},
    },
    portal::pages::{ADMIN_PAGES, PAGES},
};
use serde_json::{Value, json};
use wa_gateway::{
    app::commands::{
        InstancePause, SandboxFile, SandboxGroup, SandboxReceive, ThreecxCreate, ThreecxRotate, ThreecxSettings,
        UserLoginLink, WebhookCreate,
    },
    store::StoreError,
};

const PAYLOAD: &str = "\"><img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>'{{7*7}}";

/// Where texts are kept that people, programs, phones and providers choose.
const MAX_IN_FLIGHT: &[(&str, &[&str])] = &[
    ("accounts", &["name"]),
    ("api_keys", &["name"]),
    ("attempts", &["error", "answer"]),
    ("audit", &["target", "before", "after"]),
    ("contacts", &["name"]),
    ("deliveries", &["last_error"]),
    ("digests", &["recipient", "last_error"]),
    ("egress_entries", &["reason", "added_by"]),
    ("endpoints", &["url", "disabled_reason"]),
    ("granted_limits", &["reason", "granted_by"]),
    ("groups", &["name"]),
    ("inbound_messages", &["body"]),
    ("instances", &["name", "state_reason", "pause_reason"]),
    ("jobs", &["last_error"]),
    ("limit_requests", &["reason", "asked_by", "answer"]),
    ("media", &["file_name", "declared_type", "problem"]),
    ("messages", &["body", "reference", "provider_code"]),
    ("policy_phrases", &["phrase"]),
    ("review_notes", &["note", "actor"]),
    ("reviews", &["reason"]),
    ("schedules", &["body", "reason", "created_by"]),
    ("suppressions", &["reason"]),
    ("templates", &["name", "language", "status", "reason", "body"]),
    ("threecx_integrations", &["name", "business_name"]),
    ("threecx_requests", &["reason", "agent_extension"]),
];

/// Rows that no deed of this test makes.
const ROWS: &[&str] = &[
    "INSERT INTO attempts (delivery_id, at, took_ms, status, error, answer)
     VALUES ((SELECT min(id) FROM deliveries), 1780000001000, 12, 503, '', 'busy')",
    "INSERT INTO digests (id, channel, recipient, language, state, attempts, due_at, created_at, last_at, last_error)
     VALUES (90, 'mail', 'x', 'ar', 'pending', 2, 1990000060000, 1780000000000, 1780000060000, 'none')",
    "INSERT INTO egress_entries (entry, reason, added_by, added_at)
     VALUES ('127.0.0.1:5678', 'n8n', 'admin@shop.example', 1780000000000)",
    "INSERT INTO granted_limits (account_id, daily, monthly, reason, granted_by, created_at)
     VALUES (1, 800, 20000, 'festival', 'cli', 1780000000000)",
    "INSERT INTO limit_requests (account_id, daily, reason, asked_by, created_at)
     VALUES (1, 2000, 'More shops', 'owner@shop.example', 1780000002000)",
    "INSERT INTO policy_phrases (phrase, rule_group, weight, added_by, added_at)
     VALUES ('golden ticket', 'prize', 40, 'admin@shop.example', 1780000000000)",
    "INSERT INTO review_notes (review_id, at, actor, note)
     VALUES ((SELECT min(id) FROM reviews), 1780000001000, 'admin@shop.example', 'Asked the shop.')",
    "INSERT INTO templates (account_id, instance_id, name, language, category, status, quality, reason, body, slots, updated_at)
     VALUES (1, 'meta-line', 'order', 'en', 'utility', 'paused', 'yellow', 'low', 'Ready', '[]', 1780000000000)",
    "INSERT OR REPLACE INTO jobs VALUES ('close_periods', 1780000060000, 1780000000000, 'the disk was full')",
    "UPDATE reviews SET evidence = '[1]'",
];

/// One of everything.
async fn world() -> (World, Vec<String>) {
    let world = World::start().await;
    let mut modules = update(1);
    modules.modules = Some(vec!["api_access".into(), "3cx".into()]);
    world.command(modules).await.expect("the module");
    let events = ["message.sent", "message.received"].map(str::to_owned).to_vec();
    let url = "https://shop.example/hook".to_owned();
    let hook = WebhookCreate { account: 1, url, events, ..Default::default() };
    world.command(hook).await.expect("an endpoint");
    world.send(&message_with(json!({"reference": "order-1"}))).await;
    world.send(&message_with(json!({"message": SPAM}))).await;
    world.hears(PHONE, "hello").await;
    let (instance, from) = (INSTANCE.to_owned(), PHONE.to_owned());
    let (group, name, text) = ("120363000000000001@g.us".to_owned(), "Neighbours".to_owned(), "Hello".to_owned());
    let said = SandboxGroup { instance: instance.clone(), group, name: Some(name), from: from.clone(), text };
    world.command(said).await.expect("a group");
    let file = SandboxReceive {
        instance: instance.clone(),
        from,
        text: "the list".into(),
        kind: Some("document".into()),
        file: Some(SandboxFile { name: "list.pdf".into(), base64: "JVBERi0xLjQK".into() }),
        ..Default::default()
    };
    world.command(file).await.expect("a file");
    let mut admin = crate::harness::visitor::Visitor::logged_in(&world, "admin").await;
    let later = [("instance", INSTANCE), ("phone", PHONE), ("purpose", "support"), ("at", "2027-05-05T18:30")];
    let made = admin.post("/scheduled", &[&later[..], &[("message", "later")]].concat()).await;
    assert_eq!(made.status, 303);
    let meta = [("connector", "cloud-api"), ("id", "meta-line"), ("name", "Meta"), ("access_token", "t")];
    let made = admin.post("/instances", &[&meta[..], &[("phone_number_id", "1")]].concat()).await;
    assert_eq!(made.status, 303, "{}", made.body);
    let pbx = ThreecxCreate { account: 1, instance, settings: ThreecxSettings::default() };
    let pbx = world.command(pbx).await.expect("an integration");
    let pbx = pbx["id"].as_str().expect("an id").to_owned();
    let path = format!("/integrations/3cx/webhook/{pbx}");
    let body = json!({"event_type": "test"}).to_string();
    let headers = ["Content-Type: application/json".to_owned()];
    crate::harness::http::call(world.address(), "POST", &path, &headers, body.as_bytes()).await;
    let secret = world.command(ThreecxRotate { id: pbx.clone() }).await.expect("a secret");
    let secret = secret["secret"].as_str().expect("a secret");
    let headers = [headers[0].clone(), format!("X-WhatsApp-Gateway-3CX-Secret: {secret}")];
    crate::harness::http::call(world.address(), "POST", &path, &headers, body.as_bytes()).await;
    world.hears(PHONE, "STOP").await;
    let pause = InstancePause { id: INSTANCE.into(), reason: "looked odd".into() };
    world.command(pause).await.expect("paused");
    let own = [format!("/integrations/3cx/{pbx}"), "/integrations/3cx".into(), "/webhooks/deliveries/1".into()];
    let more = ["/suppressed-recipients/1", "/instances/meta-line/manage", "/admin/notices", "/message-logs/2"];
    (world, own.into_iter().chain(more.map(str::to_owned)).collect())
}

/// Writes the payload into all places; each must have a row.
async fn plant(world: &World) {
    let planted = world.gateway().store.write(|tx| {
        for row in ROWS {
            tx.execute(row, []).map_err(|e| StoreError::Panicked(format!("{row}: {e}")))?;
        }
        for (table, columns) in MAX_IN_FLIGHT {
            for column in *columns {
                let sql = format!("UPDATE OR IGNORE {table} SET {column} = ?1");
                let rows = tx.execute(&sql, [PAYLOAD]).map_err(|e| StoreError::Panicked(format!("{sql}: {e}")))?;
                assert!(rows > 0, "{table} has no row to plant anything in");
            }
        }
        Ok::<_, StoreError>(())
    });
    planted.await.expect("planted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_in_every_text_is_shown_everywhere_and_runs_nowhere() {
    let (world, more) = world().await;
    plant(&world).await;
    let browser = Browser::open(&format!("http://{}", world.address()), 1280).await;
    let link = world.command(UserLoginLink { email: "admin@shop.example".into() }).await.expect("a link");
    let link = link["link"].as_str().expect("an address").to_owned();
    browser.goto(&link[link.find("/login/").expect("a path")..]).await;
    let mut shown = 0;
    for path in PAGES.iter().chain(ADMIN_PAGES).map(ToString::to_string).chain(more) {
        browser.goto(&path).await;
        let title = browser.script("return document.title").await;
        assert_ne!(title, "run", "{path}");
        let planted = "return document.querySelectorAll('img[src=x], main script, body > script:not([src])').length";
        assert_eq!(browser.script(planted).await, 0, "{path}");
        let text = browser.script("return document.querySelector('main').innerText").await;
        let text = text.as_str().unwrap_or_default();
        assert!(!text.contains("'49"), "{path}: it was calculated");
        shown += text.matches("<script>document.title='run'</script>").count();
        let refused: Vec<String> =
            browser.complaints().await.into_iter().filter(|c| c.contains("Content Security Policy")).collect();
        assert_eq!(refused, Vec::<String>::new(), "{path}");
    }
    assert!(shown > 40, "it is shown as text where it stands: {shown}");
    // The control: where something is not escaped, it is found.
    let control = "document.querySelector('main').innerHTML = '<img src=x>'";
    browser.script(control).await;
    assert_eq!(browser.script("return document.querySelectorAll('img[src=x]').length").await, Value::from(1));
    world.stop().await;
}
