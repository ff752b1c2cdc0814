//! What a person does, in a real browser: the first setup and a day's work, once in English and once in Arabic; a
//! telephone system set up from nothing with what its page shows.

use super::accessibility::enter_as_admin;
use crate::harness::{
    browser::Browser,
    http,
    receiver::Receiver,
    visitor::{PASSWORD, Visitor},
    wait,
    world::{INSTANCE, SPAM, World, message, message_with},
};
use serde_json::{Value, json};
use std::net::SocketAddr;
use wa_gateway::app::commands::{InstancePause, InstanceResume, SandboxInbox, SandboxReceive, SetupToken};

async fn world(receiver: &Receiver) -> World {
    let entry = receiver.address.to_string().parse().expect("an entry");
    World::start_with(|config| config.egress.allow = vec![entry]).await
}

async fn set_up(world: &World, browser: &Browser, language: &str) {
    let link = world.command(SetupToken).await.expect("a link")["link"].as_str().expect("a link").to_owned();
    browser.goto(&link[link.find("/setup/").expect("a set-up link")..]).await;
    browser.fill("#business", "Corner Shop").await;
    browser.fill("#email", "boss@shop.example").await;
    browser.fill("#password", PASSWORD).await;
    browser.fill("#again", PASSWORD).await;
    browser.choose("#language", language).await;
    browser.fill("#timezone", "Asia/Riyadh").await;
    browser.click("form.narrow button").await;
    wait::until("the overview", async || browser.path().await == "/overview").await;
}

async fn log_in(browser: &Browser) {
    browser.click("details.menu:last-of-type summary").await;
    browser.click("form[action=\"/logout\"] button").await;
    browser.fill("#email", "boss@shop.example").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("form.narrow button.primary").await;
    wait::until("the overview", async || browser.path().await == "/overview").await;
}

async fn send(to: SocketAddr, key: &str, text: &str) -> Value {
    let headers = ["Content-Type: application/json".to_owned(), format!("Authorization: Bearer {key}")];
    let body = json!({"instance_id": "till-line", "phone": "+966501112233", "message": text,
                      "message_purpose": "transactional"});
    http::call(to, "POST", "/api/send-message", &headers, body.to_string().as_bytes()).await.json()
}

/// The whole way, in one language.
async fn a_days_work(language: &str, width: u32) {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    let browser = Browser::open(&format!("http://{}", world.address()), width).await;
    set_up(&world, &browser, language).await;
    log_in(&browser).await;
    let direction = browser.script("return document.documentElement.dir").await;
    assert_eq!(direction, if language == "en" { "ltr" } else { "rtl" });

    add_till(&browser).await;
    wait::until("the number's page", async || browser.path().await.starts_with("/instances/till-line/manage")).await;

    browser.goto("/api-keys").await;
    browser.fill("#name", "shop").await;
    browser.click("form.narrow button.primary").await;
    let key = browser.text("#key").await;

    browser.goto("/webhooks").await;
    browser.fill("#url", &receiver.url()).await;
    browser.click("form.narrow button.primary").await;
    assert!(browser.text("#secret").await.starts_with("whsec_"));

    let sent = send(world.address(), &key, "Your order #41 is ready.").await;
    assert_eq!(sent["status"], "sent", "{sent}");
    receiver.wait_for(1).await;
    browser.goto("/message-logs").await;
    browser.click("tbody tr:first-of-type a").await;
    assert!(browser.text(".bubble").await.contains("order #41"));
    assert_eq!(browser.script("return document.querySelectorAll('.state.pass').length").await, 13, "each gate passed");

    let hears = SandboxReceive {
        instance: "till-line".into(),
        from: "+966501112233".into(),
        text: "STOP".into(),
        ..Default::default()
    };
    world.command(hears).await.expect("recorded");
    assert_eq!(send(world.address(), &key, "Your order #42 is ready.").await["error"], "recipient_suppressed");
    browser.goto("/message-logs?status=blocked").await;
    browser.click("tbody tr:first-of-type a").await;
    assert!(browser.text("section.card dl").await.contains("recipient_suppressed"));
    browser.goto("/suppressed-recipients").await;
    assert!(browser.text("tbody").await.contains("+966501112233"));

    let before = receiver.got().len();
    browser.goto("/webhooks").await;
    browser.click("tbody tr:last-of-type a").await;
    browser.click("form[action$=\"/resend\"] button").await;
    receiver.wait_for(before + 1).await;

    paused_and_resumed(&world, &browser, &key).await;
    let complaints: Vec<String> =
        browser.complaints().await.into_iter().filter(|c| c.contains("Content Security Policy")).collect();
    assert_eq!(complaints, Vec::<String>::new());
    world.stop().await;
}

/// How often the page says that something was done; loaded again, it does not.
async fn said_done(browser: &Browser) -> Value {
    let said = browser.script("return document.querySelectorAll('.banner.good').length").await;
    assert!(!browser.path().await.contains("done="), "{}", browser.path().await);
    said
}

/// An admin stops the number by hand, everybody is told, and lets it send again with a note that is kept.
async fn paused_and_resumed(world: &World, browser: &Browser, key: &str) {
    let other = async || {
        let headers = ["Content-Type: application/json".to_owned(), format!("Authorization: Bearer {key}")];
        let body = json!({"instance_id": "till-line", "phone": "+966501112244", "message": "Your order #43 is ready.",
                          "message_purpose": "transactional"});
        http::call(world.address(), "POST", "/api/send-message", &headers, body.to_string().as_bytes()).await.json()
    };
    browser.goto("/instances/till-line/manage").await;
    browser.fill("#reason", "A customer complained.").await;
    browser.click("#pause button").await;
    assert_eq!(said_done(browser).await, 1);
    assert!(browser.text("dl.facts").await.contains("A customer complained."));
    browser.goto("/overview").await;
    assert!(browser.text(".banner.bad").await.contains("Till"));
    let refused = other().await;
    assert_eq!(refused["error"], "instance_paused_for_review", "{refused}");

    browser.click(".banner.bad a").await;
    browser.click("a.button.primary[href=\"/admin/reviews\"]").await;
    assert!(browser.text("section.card dl").await.contains("A customer complained."));
    browser.fill("#note-1", "Spoke to them: it was a mix-up.").await;
    browser.click_and_confirm("button[value=\"resume\"]").await;
    assert_eq!(said_done(browser).await, 1);
    assert!(browser.text("tbody").await.contains("it was a mix-up"), "what was decided is kept");
    assert_eq!(other().await["status"], "sent");
    browser.goto("/overview").await;
    assert_eq!(browser.script("return document.querySelectorAll('.banner.bad').length").await, 0);
    browser.goto("/admin/audit").await;
    let audit = browser.text("tbody").await;
    assert!(audit.contains("instance.pause") && audit.contains("instance.resume"), "{audit}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_day_in_english() {
    a_days_work("en", 1280).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_day_in_arabic_on_a_phone() {
    a_days_work("ar", 420).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_from_outside_is_shown_and_never_run() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    let browser = Browser::open(&format!("http://{}", world.address()), 1280).await;
    set_up(&world, &browser, "en").await;
    let payload = "\"><img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>'{{7*7}}";
    browser.goto("/instances/new?connector=sandbox").await;
    browser.fill("#name", payload).await;
    browser.fill("#id", "till-line").await;
    browser.click("form.narrow button.primary").await;
    browser.goto("/api-keys").await;
    browser.fill("#name", payload).await;
    browser.click("form.narrow button.primary").await;
    let key = browser.text("#key").await;
    let hears = SandboxReceive {
        instance: "till-line".into(),
        from: "+966501112233".into(),
        text: payload.into(),
        ..Default::default()
    };
    world.command(hears).await.expect("recorded");
    send(world.address(), &key, payload).await;
    send(world.address(), &key, SPAM).await;
    for path in [
        "/overview",
        "/message-logs",
        "/message-logs/1",
        "/inbound-logs",
        "/instances",
        "/api-keys",
        "/instances/till-line/manage?tab=settings",
    ] {
        browser.goto(path).await;
        let title = browser.script("return document.title").await;
        assert_ne!(title, "run", "{path}");
        let planted = browser.script("return document.querySelectorAll('img[src=x], main script').length").await;
        assert_eq!(planted, 0, "{path}");
    }
    world.stop().await;
}

/// An owner's own number of the sandbox.
async fn add_till(browser: &Browser) {
    browser.goto("/instances/new?connector=sandbox").await;
    browser.fill("#name", "Till").await;
    browser.fill("#id", "till-line").await;
    browser.click("form.narrow button.primary").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_system_is_set_up_with_what_its_page_shows() {
    let trunk = Receiver::start().await;
    let world = world(&trunk).await;
    let browser = Browser::open(&format!("http://{}", world.address()), 1280).await;
    set_up(&world, &browser, "en").await;
    add_till(&browser).await;
    let mut modules = crate::harness::world::update(2);
    modules.modules = Some(vec!["api_access".into(), "3cx".into()]);
    world.command(modules).await.expect("the module");

    browser.goto("/integrations/3cx").await;
    browser.fill("#name", "Front desk").await;
    browser.choose("#instance", "till-line").await;
    browser.fill("#destination_url", &trunk.url()).await;
    browser.click("form.narrow button.primary").await;
    let (secret, url) = (browser.text("#secret").await, browser.text("#webhook-url").await);
    let line = browser.text("#curl").await;
    assert!(line.contains(&secret) && !line.contains("$SECRET"), "it can be pasted as it stands: {line}");
    let path = url.find("/integrations/").map(|at| url[at..].to_owned()).expect("an address");
    let post = async |body: Value| {
        let headers = [format!("X-WhatsApp-Gateway-3CX-Secret: {secret}"), "Content-Type: application/json".into()];
        http::call(world.address(), "POST", &path, &headers, body.to_string().as_bytes()).await
    };
    assert_eq!(post(json!({"event_type": "test"})).await.status, 200);

    let hears = SandboxReceive {
        instance: "till-line".into(),
        from: "+966501112233".into(),
        text: "Are you open?".into(),
        ..Default::default()
    };
    world.command(hears).await.expect("recorded");
    let got = trunk.wait_for(1).await;
    assert_eq!(got[0].json()["message_text"], "Are you open?");
    let reply = json!({"event_type": "outbound_message", "to": "+966501112233", "message_text": "Until six.",
                       "message_purpose": "support", "agent_extension": "101"});
    let answer = post(reply).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let inbox =
        world.command(SandboxInbox { instance: "till-line".into(), ..Default::default() }).await.expect("an inbox");
    assert!(inbox.to_string().contains("Until six."), "{inbox}");

    browser.click("section.secret a.button").await;
    browser.click("button[value=\"missed_calls\"]").await;
    assert_eq!(said_done(&browser).await, 1);
    let missed = post(json!({"event_type": "missed_call", "caller": "+966501112233"})).await;
    assert_eq!(missed.json()["status"], "sent", "switched on in one step: {}", missed.body);
    browser.click("a[href$=\"tab=requests\"]").await;
    let log = browser.text("main").await;
    assert!(log.contains("outbound_message") && log.contains("sent") && !log.contains(&secret), "{log}");
    browser.click("a[href$=\"tab=try\"]").await;
    examined(&browser, &secret).await;
    browser.click("a[href$=\"tab=settings\"]").await;
    browser.click("input[name=\"outbound\"]").await;
    browser.click("form.narrow button.primary").await;
    assert_eq!(said_done(&browser).await, 1);
    assert!(browser.path().await.ends_with("?tab=settings"), "one stays where one was");
    let refused = post(json!({"event_type": "outbound_message", "to": "+966501112233", "message_text": "Until six.",
                              "message_purpose": "support"}));
    assert_eq!(refused.await.json()["error"], "outbound_disabled");
    browser.click("a[href$=\"tab=connect\"]").await;
    browser.click("button[value=\"test\"]").await;
    trunk.wait_for(2).await;
    world.stop().await;
}

/// What would become of an answer to somebody who never wrote, and to the customer who did.
async fn examined(browser: &Browser, secret: &str) {
    for (to, secret, want) in [
        ("+966509998877", "wrong", ["conversation_window_closed", "the secret is missing or wrong"]),
        ("+966501112233", secret, ["It would be accepted", "See you at six."]),
    ] {
        browser.choose("#x-event", "outbound_message").await;
        browser.fill("#x-to", to).await;
        browser.fill("#x-text", "See you at six.").await;
        browser.choose("#x-purpose", "support").await;
        browser.fill("#x-secret", secret).await;
        browser.click("button[value=\"examine\"]").await;
        let found = browser.text("#finding").await;
        assert!(want.iter().all(|text| found.contains(text)), "{found}");
    }
}

/// Ctrl+K: a page, a number, a message, a phone and the documentation from one box, by keys alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_reached_by_ctrl_k() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    let browser = Browser::open(&format!("http://{}", world.address()), 1280).await;
    set_up(&world, &browser, "en").await;
    add_till(&browser).await;
    for (from, typed, leads) in [
        ("/overview", "suppr", "/suppressed-recipients"),
        ("/overview", "till", "/instances/till-line/manage"),
        ("/overview", "41", "/message-logs/41"),
        ("/overview", "+966 50 111 2233", "/message-logs?q=%2B966501112233"),
        ("/overview", "recipient_suppressed", "/docs/troubleshooting#recipient_suppressed"),
        ("/docs/send", "idempotency", "/docs/"),
    ] {
        browser.goto(from).await;
        let press = "const press = (key, ctrlKey) => (document.querySelector('.palette input') ?? document.body)
                         .dispatchEvent(new KeyboardEvent('keydown', {key, ctrlKey, bubbles: true, cancelable: true}));";
        browser.script(&format!("{press} press('k', true)")).await;
        let chosen = format!(
            "const box = document.querySelector('dialog.palette[open] input'), typed = {};
             if (!box) return '';
             if (box.value !== typed) {{ box.value = typed; box.dispatchEvent(new Event('input')); }}
             return document.querySelector('.palette [aria-selected=true]')?.dataset.href ?? '';",
            json!(typed)
        );
        let is_chosen = async || browser.script(&chosen).await.as_str().is_some_and(|href| href.contains(leads));
        wait::until(&format!("{typed} finds {leads}"), is_chosen).await;
        browser.script(&format!("{press} press('Enter', false)")).await;
        wait::until(leads, async || browser.path().await.starts_with(leads)).await;
    }
    world.stop().await;
}

/// An owner pauses the own number and lets it go on, without anybody's help; what waits for a review is not theirs to end.
#[tokio::test]
async fn an_owner_pauses_the_own_number() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let path = format!("/instances/{INSTANCE}/pause");
    let page = format!("/instances/{INSTANCE}/manage");
    assert_eq!(owner.post(&path, &[("reason", "We are on holiday.")]).await.status, 303);
    let shown = owner.get(&page).await.body;
    assert!(shown.contains("We are on holiday.") && shown.contains("value=\"resume\""), "{shown}");
    let refused = world.send(&message()).await;
    assert_eq!(refused.json()["error"], "instance_paused_for_review", "{}", refused.body);
    assert_eq!(owner.post(&path, &[("do", "resume")]).await.status, 303);
    assert_eq!(world.send(&message()).await.json()["status"], "sent");
    assert_eq!(owner.post(&path, &[("do", "resume")]).await.status, 422, "it is not paused");

    assert_eq!(owner.post(&path, &[("reason", "We are on holiday.")]).await.status, 303);
    let review = InstancePause { id: INSTANCE.into(), reason: "looked odd".into() };
    world.command(review).await.expect("paused for review");
    assert_eq!(owner.post(&path, &[("do", "resume")]).await.status, 422, "it waits for a review");
    assert_eq!(owner.post(&path, &[("reason", "mine")]).await.status, 422);
    assert!(owner.get(&page).await.body.contains("looked odd"));
    let mut viewer = Visitor::logged_in(&world, "viewer").await;
    assert_eq!(viewer.post(&path, &[("reason", "no")]).await.status, 403);
    let resume = InstanceResume { id: INSTANCE.into(), note: "fine".into() };
    world.command(resume).await.expect("resumed");
    assert_eq!(world.send(&message_with(json!({"message": "Your order is packed."}))).await.json()["status"], "sent");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_click_of_a_double_click_sends_nothing() {
    let world = World::start().await;
    let browser = Browser::open(&format!("http://{}", world.address()), 1280).await;
    enter_as_admin(&world, &browser).await;
    for (path, form) in
        [("/api-keys", "/api-keys"), ("/instances/shop-line/manage?tab=send", "/instances/shop-line/send")]
    {
        browser.goto(path).await;
        let twice = format!(
            "const form = document.querySelector('form[action=\"{form}\"]'); let sent = 0;
             for (const field of form.querySelectorAll('[required]')) field.value ||= '+966501112233';
             addEventListener('submit', (event) => {{ sent += !event.defaultPrevented; event.preventDefault(); }});
             const button = form.querySelector('button.primary, button:not([name])'); button.click(); button.click();
             return sent;"
        );
        assert_eq!(browser.script(&twice).await, 1, "{path}");
    }
    world.stop().await;
}
