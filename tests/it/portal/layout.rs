//! Every page in three languages on a wide screen, a phone and a small phone, measured in a browser: nothing sticks out of
//! the screen or of its box, covers a text, moves the page when it loads, or scrolls past the content.

use super::accessibility::{enter, enter_as_admin, furnished, pages};
use crate::harness::{
    browser::Browser,
    world::{World, message_with},
};
use serde_json::{Value, json};
use wa_gateway::app::commands::{InstanceCreate, WebhookCreate};

const BOXES: &str = include_str!("boxes.js");
const LONG_URL: &str =
    "https://hooks.a-customer-with-a-long-name.example.com/api/v2/integrations/whatsapp/incoming?token=abcd";

/// What is long in real life: names, addresses, ids, texts without a blank.
async fn lengthened(world: &World) {
    let line = InstanceCreate {
        account: world.account,
        id: "second-line-with-a-long-identifier".into(),
        name: "The second line of the shop in the northern branch".into(),
        connector: "sandbox".into(),
        set: Vec::new(),
        settings: [("state".to_owned(), "qr".to_owned())].into(),
    };
    world.command(line).await.expect("an instance");
    let hook = WebhookCreate {
        account: world.account,
        url: LONG_URL.into(),
        events: vec!["instance.connection_updated".into(), "message.status_updated".into()],
        ..Default::default()
    };
    world.command(hook).await.expect("an endpoint");
    let words = "https://shop.example/orders/".to_owned() + &"a1b2c3d4".repeat(20);
    world.send(&message_with(json!({"message": words, "reference": "ref-".to_owned() + &"9".repeat(100)}))).await;
}

/// What is wrong with the page that is open, at each width.
async fn measured(browser: &Browser, path: &str, lang: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for width in [1280, 390, 320] {
        browser.looks(width, false).await;
        let found = browser.script(BOXES).await;
        let texts = found.as_array().unwrap_or_else(|| panic!("no answer: {found}"));
        wrong.extend(texts.iter().map(|t| format!("{path} {lang} {width}: {}", t.as_str().unwrap_or_default())));
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_box_sticks_out_covers_or_moves() {
    let (rig, integration) = furnished().await;
    let world = &rig.world;
    lengthened(world).await;
    let browser = Browser::open(&format!("http://{}", world.address()), 1280).await;
    enter_as_admin(world, &browser).await;
    browser.goto("/overview").await;

    // The control: each kind of fault is found.
    let plant = "document.querySelector('main').insertAdjacentHTML('afterbegin', '<div class=card><p id=planted></p></div>');
        const p = document.querySelector('#planted');
        p.append('word '.repeat(3)); const s = p.style; s.whiteSpace = 'nowrap'; s.inlineSize = '900px';
        p.append('x'.repeat(300)); const img = new Image(); img.src = '/favicon.ico'; document.querySelector('main').append(img);
        const cover = document.createElement('div'); const c = cover.style;
        c.position = 'absolute'; c.insetBlockStart = '0'; c.insetInlineStart = '0'; c.inlineSize = '300px'; c.blockSize = '60px';
        cover.textContent = 'over'; document.body.append(cover);";
    browser.looks(390, false).await;
    browser.script(plant).await;
    let control = measured(&browser, "control", "en").await.join("\n");
    for kind in ["wider than the screen", "runs out of its box", "covered by", "picture without a size"] {
        assert!(control.contains(kind), "{kind}: {control}");
    }

    let mut wrong = Vec::new();
    let mut paths = pages(&integration);
    paths.push("/instances/second-line-with-a-long-identifier/manage".into());
    paths.retain(|path| path != "/login");
    assert!(paths.len() > 40, "the pages were not found: {paths:?}");
    for lang in ["en", "ar", "he"] {
        browser.set_cookie("lang", lang).await;
        for path in &paths {
            browser.goto(path).await;
            assert_ne!(browser.script("return document.querySelector('h1, .talk')").await, Value::Null, "{path}");
            wrong.extend(measured(&browser, path, lang).await);
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_phone_the_pages_are_behind_one_button_that_needs_no_script() {
    let (rig, _) = furnished().await;
    let world = &rig.world;
    let browser = Browser::open(&format!("http://{}", world.address()), 390).await;
    enter(world, &browser, "owner@shop.example").await;
    browser.goto("/overview").await;
    browser.looks(390, false).await;
    let top = "return Math.round(document.querySelector('main').getBoundingClientRect().top)";
    let begins = browser.script(top).await.as_i64().expect("a figure");
    assert!(begins < 160, "the page's own part begins at {begins} px");
    assert_eq!(browser.script("return getComputedStyle(document.querySelector('.side')).display").await, "none");
    browser.click(".nav-open").await;
    browser.click(".side a[href=\"/instances\"]").await;
    assert_eq!(browser.path().await, "/instances");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_typed_has_its_own_direction_on_a_page_that_runs_from_the_right() {
    let world = World::start().await;
    let browser = Browser::open(&format!("http://{}", world.address()), 1280).await;
    enter_as_admin(&world, &browser).await;
    let own = "return [...document.querySelectorAll('main input:not([type=hidden], [type=checkbox], [dir])')]
        .map((field) => getComputedStyle(field).unicodeBidi)";
    for (lang, expected) in [("en", "normal"), ("ar", "plaintext")] {
        browser.set_cookie("lang", lang).await;
        browser.goto("/message-logs?q=%2B966501234567").await;
        let fields = browser.script(own).await;
        let fields = fields.as_array().expect("a list");
        assert!(!fields.is_empty() && fields.iter().all(|field| field == expected), "{lang}: {fields:?}");
    }
    world.stop().await;
}
