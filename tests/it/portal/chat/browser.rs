//! Two windows on one conversation, in Hebrew: a hundred messages each way, with the wire cut in the middle. No gap, no
//! double, the same order in both and on the phone.

use crate::harness::{
    browser::Browser,
    cut::Cut,
    program::moment,
    wait::{found, until},
    world::{INSTANCE, PHONE, World},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use wa_gateway::{
    app::commands::{UserCreate, UserLoginLink},
    connectors::sandbox::Mark,
    model::ids::InstanceId,
};

const EACH_WAY: usize = 100;
/// Every line of the page that has a place: its text, whether it is ours, its state.
const LINES: &str = "return [...document.querySelectorAll('[data-lines] [data-id]')].map((line) => \
    [line.querySelector('.text').textContent, line.classList.contains('mine'), line.querySelector('.tick')?.className ?? ''])";

async fn log_in(world: &World, browser: &Browser) {
    let new = UserCreate {
        account: Some(world.account),
        email: "boss@shop.example".into(),
        role: "owner".into(),
        ..Default::default()
    };
    let _ = world.command(new).await;
    let link = world.command(UserLoginLink { email: "boss@shop.example".into() }).await.expect("a link");
    let link = link["link"].as_str().expect("an address").to_owned();
    browser.goto(&link[link.find("/login/").expect("a login link")..]).await;
    browser.script("document.cookie = 'lang=he; path=/'").await;
    browser.goto(&format!("/chat?instance={INSTANCE}&chat=c1")).await;
    assert_eq!(browser.script("return document.documentElement.dir").await, "rtl");
}

async fn lines(browser: &Browser) -> Vec<(String, bool, String)> {
    serde_json::from_value(browser.script(LINES).await).expect("lines")
}

/// Waits until a window shows as many lines, all of ours read.
async fn wait_for(browser: &Browser, count: usize) -> Vec<(String, bool, String)> {
    found(&format!("{count} lines, ours read"), async || {
        let shown = lines(browser).await;
        let is_settled = shown.iter().all(|(_, mine, tick)| !mine || tick == "tick read");
        (shown.len() >= count && is_settled).then_some(shown)
    })
    .await
}

async fn world() -> World {
    let world = World::start_with(|config| {
        config.guard.recipient_per_minute = 10_000;
        config.guard.throttle_per_minute = 10_000;
        config.guard.repetition_support = 10_000;
    })
    .await;
    world.sandbox("receipts", "read").await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_windows_and_a_cut_wire_lose_nothing_and_double_nothing() {
    let world = Arc::new(world().await);
    world.hears(PHONE, "שלום, יש מישהו?").await;
    let wire = Cut::between(world.address()).await;
    let origin = format!("http://{}", wire.address);
    let (one, two) = (Browser::open(&origin, 1280).await, Browser::open(&origin, 390).await);
    log_in(&world, &one).await;
    log_in(&world, &two).await;
    let ticking = world.clone();
    let ticks = tokio::spawn(async move {
        loop {
            ticking.later(Duration::from_millis(50));
            moment().await;
        }
    });
    for n in 0..EACH_WAY {
        match n {
            30 => wire.cut(),
            60 => wire.mend(),
            _ => {}
        }
        let window = if n % 2 == 0 { &one } else { &two };
        // Who types does not wait for what was sent before.
        let typed = json!(format!("תשובה מספר {n}"));
        let script = format!(
            "const form = document.querySelector('[data-compose]'); form.elements.text.value = {typed}; form.requestSubmit()"
        );
        window.script(&script).await;
        world.hears(PHONE, &format!("שאלה מספר {n}")).await;
    }
    let (first, second) = (wait_for(&one, 1 + 2 * EACH_WAY).await, wait_for(&two, 1 + 2 * EACH_WAY).await);
    ticks.abort();
    let _ = ticks.await;
    assert_eq!(first, second, "both windows show the same");
    let texts = |mine: bool| -> Vec<String> {
        first.iter().filter(|(_, is_mine, _)| *is_mine == mine).map(|(text, ..)| text.clone()).collect()
    };
    let heard: Vec<String> = (0..EACH_WAY).map(|n| format!("שאלה מספר {n}")).collect();
    assert_eq!(texts(false)[1..], heard, "each question once, in order");
    let mut answers = texts(true);
    // Each window sends in its order; between the two there is none while the wire is cut.
    for parity in 0..2 {
        let of_window: Vec<&String> = answers.iter().filter(|text| number(text) % 2 == parity).collect();
        assert!(of_window.windows(2).all(|pair| number(pair[0]) < number(pair[1])), "{of_window:?}");
    }
    let on_phone: Vec<String> =
        world.inbox().await.iter().filter_map(|m| m["text"].as_str().map(str::to_owned)).collect();
    for parity in 0..2 {
        let of_window =
            |all: &[String]| -> Vec<String> { all.iter().filter(|text| number(text) % 2 == parity).cloned().collect() };
        assert_eq!(of_window(&answers), of_window(&on_phone), "the pages show what the phone got, in its order");
    }
    assert_eq!(on_phone.len(), answers.len());
    answers.sort_by_key(|text| number(text));
    assert_eq!(answers, (0..EACH_WAY).map(|n| format!("תשובה מספר {n}")).collect::<Vec<_>>(), "each answer once");
    // What is loaded anew is what was there.
    one.goto(&format!("/chat?instance={INSTANCE}&chat=c1")).await;
    let anew = lines(&one).await;
    assert_eq!(anew, first[first.len() - anew.len()..]);
    for window in [&one, &two] {
        let waiting = window.script("return document.querySelectorAll('[data-lines] > :not([data-id])').length").await;
        assert_eq!(waiting, 0);
        let refused: Vec<String> =
            window.complaints().await.into_iter().filter(|c| c.contains("Content Security Policy")).collect();
        assert_eq!(refused, Vec::<String>::new());
    }
    drop((one, two, wire));
    Arc::into_inner(world).expect("nobody else holds it").stop().await;
}

fn number(text: &str) -> usize {
    text.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_stays_keys_lead_and_nothing_that_comes_in_runs() {
    let world = world().await;
    let payload = "\"><img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>";
    world.hears(PHONE, "first").await;
    world.hears("+966507654321", payload).await;
    let browser = Browser::open(&format!("http://{}", world.address()), 1280).await;
    log_in(&world, &browser).await;
    let is = |script: &'static str| {
        let browser = &browser;
        async move { browser.script(&format!("return {script}")).await == Value::Bool(true) }
    };
    wait(&browser, "document.querySelector('[data-talk]').dataset.wired === 'true'").await;
    // Live, and escaped.
    world.hears(PHONE, payload).await;
    wait(&browser, "document.querySelectorAll('[data-lines] [data-id]').length === 2").await;
    assert!(is("document.title !== 'run' && !document.querySelector('[data-talk] img, [data-talk] script')").await);
    // Reading clears the badge here and for others.
    wait(&browser, "!document.querySelector('[data-chat=c1].unread')").await;
    assert!(is("!!document.querySelector('[data-chat=c2].unread')").await);
    // The other one waits, beside "Chat" and in the title, as on each page; what comes in is counted at once.
    wait(&browser, "document.querySelector('.side [data-unread] bdi').textContent === '1'").await;
    assert!(is("document.title.startsWith('(1) ') && !document.querySelector('.side [data-unread]').hidden").await);
    browser.fill("#text", "half a thought").await;
    browser.goto("/overview").await;
    browser.goto(&format!("/chat?instance={INSTANCE}&chat=c1")).await;
    assert!(is("document.querySelector('#text').value === 'half a thought'").await);
    // Refused: said where one types, and the text is given back.
    browser.fill("#text", crate::harness::world::SPAM).await;
    browser.click("[data-compose] .primary").await;
    wait(&browser, "!document.querySelector('[data-problem]').hidden").await;
    assert!(is("document.querySelector('#text').value.startsWith('CONGRATULATIONS')").await);
    assert!(is("document.querySelectorAll('.is-blocked').length === 1").await);
    // Esc to the list, an arrow down, Enter opens.
    let press = |key: &str, on: &str| {
        format!("{on}.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true, cancelable: true}}))")
    };
    browser.script(&press("Escape", "document.querySelector('#text')")).await;
    assert!(is("document.activeElement.closest('[data-chat]')?.dataset.chat === 'c1'").await);
    browser.script(&press("ArrowDown", "document.activeElement")).await;
    assert!(is("document.activeElement.closest('[data-chat]')?.dataset.chat === 'c2'").await);
    browser.script("document.activeElement.click()").await;
    wait(&browser, "location.search.includes('c2')").await;
    assert!(is("document.title !== 'run' && !document.querySelector('[data-talk] img, [data-talk] script')").await);
    wait(&browser, "document.querySelector('[data-talk]').dataset.wired === 'true'").await;
    wait(&browser, "!document.title.startsWith('(')").await;
    // Who looks elsewhere is told by the browser, where it was asked to: of what is new, once, and of nothing else.
    let elsewhere = "window.told = []; window.Notification = class extends EventTarget { \
        static permission = 'default'; static requestPermission = async () => (Notification.permission = 'granted'); \
        constructor(who, { body }) { super(); told.push(`${who}: ${body}`); } }; \
        document.querySelector('[data-notify]').click()";
    browser.script(elsewhere).await;
    wait(&browser, "document.querySelector('[data-notify]').ariaPressed === 'true'").await;
    world.hears("+966507654322", "and a third").await;
    wait(&browser, "document.title.startsWith('(1) ')").await;
    assert!(is("told.length === 0").await, "the page is looked at");
    browser.script("Object.defineProperty(document, 'visibilityState', { value: 'hidden' })").await;
    world.hears("+966507654322", "and one more").await;
    wait(&browser, "told.length === 1 && told[0].endsWith(': and one more')").await;
    browser.script("delete document.visibilityState").await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_quotes_and_signs_go_and_come_by_hand() {
    let world = world().await;
    world.hears(PHONE, "which parcel?").await;
    let browser = Browser::open(&format!("http://{}", world.address()), 1280).await;
    log_in(&world, &browser).await;
    wait(&browser, "document.querySelector('[data-talk]').dataset.wired === 'true'").await;
    // What is too large is said before anything leaves; what is dropped, pasted or chosen waits to be sent.
    let give = |size: usize, name: &str, how: &str| {
        let bytes = "[137, 80, 78, 71, 13, 10, 26, 10]";
        format!(
            "const bytes = new Uint8Array({size}); bytes.set({bytes}); const all = new DataTransfer(); \
             all.items.add(new File([bytes], '{name}', {{type: 'image/png'}})); \
             const init = {{bubbles: true, cancelable: true}}; {how}"
        )
    };
    let drop = "document.querySelector('.lines').dispatchEvent(new DragEvent('drop', {...init, dataTransfer: all}))";
    let paste =
        "document.querySelector('#text').dispatchEvent(new ClipboardEvent('paste', {...init, clipboardData: all}))";
    let choose = "const input = document.querySelector('[name=file]'); input.files = all.files; \
                  input.dispatchEvent(new Event('change', init))";
    browser.script(&give(6 << 20, "large.png", drop)).await;
    wait(&browser, "document.querySelector('[data-problem]').textContent.includes('large.png')").await;
    assert_eq!(browser.script("return document.querySelectorAll('[data-files] li').length").await, 0);
    for (n, how) in [drop, paste, choose].into_iter().enumerate() {
        browser.script(&give(300_000, &format!("parcel-{n}.png"), how)).await;
        wait(&browser, &format!("document.querySelectorAll('[data-files] li').length === {}", n + 1)).await;
    }
    browser.click("[data-files] li:nth-child(2) button").await;
    browser.fill("#text", "זאת").await;
    browser.click("[data-compose] .primary").await;
    wait(&browser, "document.querySelectorAll('[data-lines] [data-id] img').length === 2").await;
    until("both are on the phone", async || world.inbox().await.len() == 2).await;
    let on_phone = world.inbox().await;
    let told: Vec<_> =
        on_phone.iter().map(|m| (m["text"].as_str(), m["file_name"].as_str(), m["size"].as_u64())).collect();
    let expected =
        [(Some("זאת"), Some("parcel-0.png"), Some(300_000)), (Some(""), Some("parcel-2.png"), Some(300_000))];
    assert_eq!(told, expected);
    wait(&browser, "!document.querySelector('[data-lines] > :not([data-id])')").await;
    // An answer to one message; Esc leaves it.
    browser.script("document.querySelector('[data-id=inb_1] [data-reply]').click()").await;
    let strip = "document.querySelector('[data-answering]')";
    wait(&browser, &format!("!{strip}.hidden && {strip}.textContent.includes('which parcel?')")).await;
    let escape = "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))";
    browser.script(escape).await;
    wait(&browser, &format!("{strip}.hidden && document.activeElement.id === 'text'")).await;
    browser.script("document.querySelector('[data-id=inb_1] [data-reply]').click()").await;
    browser.fill("#text", "this one").await;
    browser.click("[data-compose] .primary").await;
    wait(&browser, "!!document.querySelector('.mine[data-id] blockquote')?.textContent.includes('which parcel?')")
        .await;
    assert!(browser.script(&format!("return {strip}.hidden")).await == Value::Bool(true));
    until("it is on the phone", async || world.inbox().await.len() == 3).await;
    assert!(world.inbox().await[2]["reply_to"].as_str().is_some_and(|id| id.starts_with("sbx_")));
    // However long what is quoted, a phone's page is as wide as the phone.
    browser.looks(360, false).await;
    let long = "document.querySelector('[data-id=inb_1] .text').textContent = 'a long question '.repeat(20)";
    browser.script(&format!("{long}; document.querySelector('[data-id=inb_1] [data-reply]').click()")).await;
    let fits = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
    assert_eq!(browser.script(fits).await, true);
    browser.script(escape).await;
    browser.looks(1280, false).await;
    // A sign, which the same one takes back.
    for (n, shown) in [(4, true), (5, false)] {
        browser.script("document.querySelector('[data-id=inb_1] [data-react]').click()").await;
        wait(&browser, "document.activeElement.closest('.signs') !== null").await;
        browser.script("document.activeElement.click()").await;
        wait(&browser, &format!("!!document.querySelector('[data-id=inb_1] .reactions') === {shown}")).await;
        until("it is on the phone", async || world.inbox().await.len() == n).await;
        let on_phone = world.inbox().await;
        let last = on_phone.last().expect("a sign");
        assert_eq!(
            (on_phone.len(), &last["kind"], &last["text"]),
            (n, &json!("reaction"), &json!(if shown { "👍" } else { "" }))
        );
    }
    // Who listens hears what came in; the phone was told that it was read, and that somebody wrote.
    world.hears(PHONE, "thank you").await;
    wait(&browser, "document.querySelector('[data-said]').textContent.endsWith('thank you')").await;
    let line = world.gateway().registry.sandbox(&InstanceId::from_text(INSTANCE)).expect("a sandbox");
    found("the phone is told that it was read, and that somebody writes", async || {
        let marks = line.marks();
        let is_read = marks.iter().any(|mark| matches!(mark, Mark::Read { .. }));
        (is_read && marks.iter().any(|mark| matches!(mark, Mark::Typing { .. }))).then_some(())
    })
    .await;
    let refused: Vec<String> =
        browser.complaints().await.into_iter().filter(|c| c.contains("Content Security Policy")).collect();
    assert_eq!(refused, Vec::<String>::new());
    world.stop().await;
}

async fn wait(browser: &Browser, what: &str) {
    found(what, async || (browser.script(&format!("return {what}")).await == Value::Bool(true)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_to_scan_appears_and_goes_by_itself() {
    let world = world().await;
    let browser = Browser::open(&format!("http://{}", world.address()), 1280).await;
    log_in(&world, &browser).await;
    browser.goto(&format!("/instances/{INSTANCE}/manage")).await;
    wait(&browser, "!document.querySelector('img.qr')").await;
    world.sandbox("state", "qr").await;
    wait(&browser, "document.querySelector('img.qr')?.naturalWidth > 0").await;
    world.sandbox("state", "open").await;
    wait(&browser, "!document.querySelector('img.qr') && !!document.querySelector('.state.open')").await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_stands_still_and_says_how_many_are_new() {
    let world = world().await;
    world.hears(PHONE, "before").await;
    let browser = Browser::open(&format!("http://{}", world.address()), 1280).await;
    log_in(&world, &browser).await;
    for (page, new) in [("/inbound-logs", 2), ("/message-logs", 1)] {
        browser.goto(page).await;
        let rows = browser.script("return document.querySelectorAll('tbody tr').length").await;
        world.hears(PHONE, &format!("first since {page}")).await;
        world.hears(PHONE, &format!("second since {page}")).await;
        world.send(&crate::harness::world::message_to(PHONE)).await;
        wait(&browser, &format!("document.querySelector('[data-n]')?.textContent === '{new}'")).await;
        assert_eq!(browser.script("return document.querySelectorAll('tbody tr').length").await, rows, "{page}");
        browser.click(".fresh a").await;
        let shown =
            format!("document.querySelectorAll('tbody tr').length === {} + {new}", rows.as_i64().expect("rows"));
        wait(&browser, &shown).await;
    }
    world.stop().await;
}

/// Opening it marks it as read, which is told to every open list: the conversation keeps its place and its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_conversation_that_is_opened_stays_where_it_is() {
    let world = world().await;
    world.hears(PHONE, "long ago").await;
    world.later(Duration::from_secs(3 * 24 * 3600));
    world.hears("+966507654321", "just now").await;
    let browser = Browser::open(&format!("http://{}", world.address()), 1280).await;
    // Opens the old one.
    log_in(&world, &browser).await;
    wait(&browser, "document.querySelector('[data-talk]').dataset.wired === 'true'").await;
    wait(&browser, "!document.querySelector('[data-chat=c1].unread')").await;
    let list = "return [...document.querySelectorAll('li[data-chat]')].map((row) => \
                [row.dataset.chat, row.querySelector('time').getAttribute('datetime').slice(0, 10)])";
    assert_eq!(browser.script(list).await, json!([["c2", "2026-06-04"], ["c1", "2026-06-01"]]));
    world.stop().await;
}
