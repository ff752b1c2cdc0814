//! Nothing moves while a page appears: every page over a slow line, where it comes in pieces and its scripts late, with
//! what the browser itself counts as a shift.

use super::accessibility::{enter_as_admin, furnished, pages};
use crate::harness::{
    browser::Browser,
    wait::found,
    world::{INSTANCE, World},
};
use serde_json::Value;

/// Bytes a second: a page comes in several pieces, and what it loads after it.
const SLOW: u32 = 30_000;

/// What moved since the page began, as the browser saw it: how much, and which parts.
const MOVED: &str = "const all = [];
    const seen = new PerformanceObserver((list) => {
        for (const e of list.getEntries()) for (const s of e.sources) {
            const where = s.node?.outerHTML ?? s.node?.parentElement?.outerHTML ?? '';
            all.push(e.value.toFixed(5) + ' ' + where.slice(0, 90) + ' from ' + s.previousRect.y + ' to ' + s.currentRect.y);
        }
    });
    seen.observe({type: 'layout-shift', buffered: true});
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(all), 60)));";

/// Everything that moved on the page that is open.
async fn moved(browser: &Browser) -> Vec<String> {
    let all = browser.script_until_done(MOVED).await;
    let all = all.as_array().unwrap_or_else(|| panic!("no answer: {all}"));
    all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A chat with days, files' names and our own lines with their ticks.
async fn talked(world: &World) {
    for text in
        ["Are you open?", "שלום", "A longer question, which takes more than one line on a phone: when do you open?"]
    {
        world.hears("+966501112299", text).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_moves_while_a_page_appears() {
    let (rig, integration) = furnished().await;
    let world = &rig.world;
    talked(world).await;
    let browser = Browser::open(&format!("http://{}", world.address()), 1280).await;
    enter_as_admin(world, &browser).await;
    browser.line_is_slow(SLOW).await;

    // The control: what a script puts above the rest moves it.
    browser.goto("/overview").await;
    browser.script("document.querySelector('main').prepend(Object.assign(document.createElement('h1'), {textContent: 'late'}))")
        .await;
    found("a shift that the browser counts", async || (!moved(&browser).await.is_empty()).then_some(())).await;

    let mut paths = pages(&integration);
    paths.push(format!("/chat?instance={INSTANCE}&chat=c2"));
    paths.push("/docs/ways".into());
    let mut wrong = Vec::new();
    for (lang, width) in [("en", 1280), ("he", 390)] {
        browser.set_cookie("lang", lang).await;
        browser.looks(width, false).await;
        for path in &paths {
            browser.goto(path).await;
            wrong.extend(moved(&browser).await.into_iter().map(|what| format!("{path} {lang} {width}: {what}")));
        }
    }
    assert!(wrong.is_empty(), "{} shifts:\n{}", wrong.len(), wrong.join("\n"));
    drop(browser);
}
