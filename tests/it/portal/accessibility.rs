//! Every page, light and dark, in both directions, on a phone and on a wide screen, held against WCAG 2.2 A and AA by
//! axe-core. `tests/run` gets the library where npm is; without it this says so and looks at nothing.

use crate::{
    connectors::cloud_api::outgoing::rig::Rig,
    harness::{
        browser::Browser,
        graph::Graph,
        visitor::{PASSWORD, Visitor},
        world::{INSTANCE, PHONE, SPAM, World, message, message_with},
    },
};
use serde_json::{Value, json};
use wa_gateway::{
    app::{
        Access,
        commands::{InstancePause, ThreecxCreate, ThreecxSettings, UserCreate, UserLoginLink, WebhookCreate},
        routes::ROUTES,
    },
    model::clock::Clock as _,
};

const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/node/node_modules/axe-core/axe.min.js");

/// Pages with something of a name in their path, as this world has it; and pages with more than one face.
const NAMED: &[(&str, &[&str])] = &[
    (
        "/instances/{id}/manage",
        &[
            "/instances/shop-line/manage",
            "/instances/shop-line/manage?tab=send",
            "/instances/shop-line/manage?tab=webhook",
            "/instances/shop-line/manage?tab=settings",
            "/instances/cloud-line/manage",
            "/instances/cloud-line/manage?tab=send&template=order_ready/en_US",
        ],
    ),
    ("/scheduled", &["/scheduled", "/scheduled?template=cloud-line/order_ready/en_US"]),
    ("/instances/{id}/phone", &["/instances/shop-line/phone"]),
    ("/instances/{id}/billing", &["/instances/cloud-line/billing"]),
    ("/instances/{id}/templates", &["/instances/cloud-line/templates"]),
    ("/admin/accounts/{id}", &["/admin/accounts/1"]),
    ("/instances/new", &["/instances/new", "/instances/new?connector=evolution"]),
    ("/chat", &["/chat", "/chat?instance=shop-line&chat=c1"]),
    ("/message-logs/{log_id}", &["/message-logs/1", "/message-logs/2"]),
    ("/suppressed-recipients/{contact_id}", &["/suppressed-recipients/1"]),
    ("/webhooks/{id}", &["/webhooks/1"]),
    ("/webhooks/deliveries/{id}", &["/webhooks/deliveries/1"]),
    (
        "/integrations/3cx/{integration_id}",
        &[
            "/integrations/3cx/{integration}",
            "/integrations/3cx/{integration}?tab=try",
            "/integrations/3cx/{integration}?tab=settings",
            "/integrations/3cx/{integration}?tab=texts",
            "/integrations/3cx/{integration}?tab=requests",
        ],
    ),
];

/// What is a file or for programs, needs a one-time link, or only leads elsewhere.
const NO_PAGES: &[&str] = &[
    "/ws",
    "/chat/{instance}/file/{message_id}",
    "/instances/{id}/qr.svg",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs/search.json",
    "/message-logs/export.csv",
    "/suppressed-recipients/export.csv",
    "/account/words/examples.tsv",
    "/docs/wa-gateway.postman_collection.json",
    "/integrations/3cx/{integration_id}/template.xml",
    "/setup/{token}",
    "/login/{token}",
    "/password/{token}",
    // Not there unless the configuration lets people register; the form is that of the set-up.
    "/register",
    "/register/{invitation}",
    "/media/{token}",
    "/assets/{name}",
    "/favicon.ico",
];

/// A world with something of everything in it, and the id of its telephone system.
pub(super) async fn furnished() -> (Rig, String) {
    let rig = Rig::without_instance().await;
    let world = &rig.world;
    world.send(&message()).await;
    world.send(&message_with(json!({"message": SPAM}))).await;
    world.hears(PHONE, "thank you").await;
    let hook = WebhookCreate {
        account: world.account,
        url: "https://shop.example/hook".into(),
        events: vec!["recipient.opted_out".into()],
        ..Default::default()
    };
    world.command(hook).await.expect("an endpoint");
    world.hears(PHONE, "STOP").await;
    let pbx = ThreecxCreate { account: world.account, instance: INSTANCE.into(), settings: ThreecxSettings::default() };
    let made = world.command(pbx).await.expect("an integration");
    let id = made["id"].as_str().expect("an id").to_owned();
    let mut owner = Visitor::logged_in(world, "owner").await;
    let asked = owner.post("/account/limits", &[("daily", "2000"), ("reason", "the season")]).await;
    assert_eq!(asked.status, 303);
    let pause = InstancePause { id: INSTANCE.into(), reason: "looked odd".into() };
    world.command(pause).await.expect("paused");
    at_meta(&rig).await;
    (rig, id)
}

/// A number on the Cloud API: templates in several states, and a message that was billed.
async fn at_meta(rig: &Rig) {
    let template = |name: &str, category: &str, status: &str, text: &str| {
        json!({"id": name, "name": name, "language": "en_US", "category": category, "status": status,
               "components": [{"type": "BODY", "text": text}]})
    };
    rig.graph.state().templates = vec![
        template("order_ready", "UTILITY", "APPROVED", "Your order {{1}} is ready."),
        template("spring_sale", "MARKETING", "APPROVED", "Everything for half the price."),
        template("a_name_as_long_as_the_names_of_templates_are_in_real_life_2026", "UTILITY", "REJECTED", "שלום {{1}}"),
    ];
    rig.create_with(&rig.graph.settings()).await.expect("an instance");
    rig.until_looked(1).await;
    // Not the one who said STOP.
    let phone = "+966501112233";
    rig.hears(phone).await;
    assert_eq!(rig.world.send(&rig.message_to(phone, "Your order 2041 is ready.")).await.status, 200);
    let mut value = Graph::status(&rig.last(), "delivered", rig.world.clock.now().seconds());
    value["statuses"][0]["pricing"] = json!({"category": "utility", "type": "regular"});
    rig.call(value).await;
}

/// Every page that answers a person, from the list of routes.
pub(super) fn pages(integration: &str) -> Vec<String> {
    let mut all = Vec::new();
    for route in ROUTES.iter().filter(|r| r.method == http::Method::GET && !NO_PAGES.contains(&r.path)) {
        let is_page = [Access::Anybody, Access::Viewer, Access::Owner, Access::Admin].contains(&route.access);
        if !is_page {
            continue;
        }
        match NAMED.iter().find(|(path, _)| *path == route.path) {
            Some((_, named)) => all.extend(named.iter().map(|p| p.replace("{integration}", integration))),
            None => {
                assert!(!route.path.contains('{'), "{} needs a line in NAMED or in NO_PAGES", route.path);
                all.push(route.path.to_owned());
            }
        }
    }
    all
}

/// What is wrong with the page that is open, each with the place.
async fn violations(browser: &Browser) -> Vec<String> {
    let found = browser
        .script_until_done(
            "const rules = {runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']},
                            resultTypes: ['violations']};
             axe.run(document, rules).then(r => done(r.violations.map(
                 v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + ' ' + n.failureSummary).join(' | '))),
                 e => done(['axe: ' + e]));",
        )
        .await;
    let texts = found.as_array().unwrap_or_else(|| panic!("no answer of axe: {found}"));
    texts.iter().map(|t| t.as_str().unwrap_or_default().to_owned()).collect()
}

/// Nothing where the page fits the screen; else what sticks out of it.
const WIDER: &str = "
    const d = document.documentElement;
    if (d.scrollWidth <= d.clientWidth) return null;
    const out = e => { const r = e.getBoundingClientRect(); return r.right > d.clientWidth + 1 || r.left < -1; };
    const scrolls = e => e && (getComputedStyle(e).overflowX !== 'visible' || scrolls(e.parentElement));
    const all = [...document.querySelectorAll('main, main *')].filter(e => out(e) && !scrolls(e)).slice(0, 4);
    return (d.scrollWidth - d.clientWidth) + ' pixels ' + all.map(e => e.outerHTML.slice(0, 120)).join(' | ');";

async fn look_at(browser: &Browser, axe: &str, paths: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for lang in ["en", "ar"] {
        browser.set_cookie("lang", lang).await;
        for path in paths {
            browser.goto(path).await;
            let direction = browser.script("return document.documentElement.dir").await;
            assert_eq!(direction, if lang == "en" { "ltr" } else { "rtl" }, "{path}");
            browser.script(axe).await;
            for (width, dark) in [(1280, false), (1280, true), (360, true), (360, false)] {
                browser.looks(width, dark).await;
                let all = violations(browser).await;
                wrong.extend(all.into_iter().map(|v| format!("{path} {lang} {width} dark={dark}: {v}")));
                let wider = browser.script(WIDER).await;
                wrong
                    .extend(wider.as_str().map(|what| format!("{path} {lang} {width}: wider than the screen: {what}")));
            }
        }
    }
    wrong
}

/// The browser logs in as an administrator, who is made for it.
pub(super) async fn enter_as_admin(world: &World, browser: &Browser) {
    let admin = UserCreate {
        account: Some(world.account),
        email: "admin@shop.example".into(),
        role: "admin".into(),
        password: Some(PASSWORD.into()),
        ..Default::default()
    };
    world.command(admin).await.expect("an admin");
    enter(world, browser, "admin@shop.example").await;
}

/// The browser logs in as somebody who is there.
pub(super) async fn enter(world: &World, browser: &Browser, email: &str) {
    let link = world.command(UserLoginLink { email: email.into() }).await.expect("a link");
    let link = link["link"].as_str().expect("an address");
    browser.goto(&link[link.find("/login/").expect("a path")..]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_violates_wcag() {
    let Ok(axe) = std::fs::read_to_string(LIBRARY) else {
        println!("axe-core is not there: `./tests/run` gets it where npm is installed. Nothing was looked at.");
        return;
    };
    let (rig, integration) = furnished().await;
    let world = &rig.world;
    let browser = Browser::open(&format!("http://{}", world.address()), 1280).await;
    browser.goto("/login").await;
    assert_ne!(browser.script(&format!("{axe}; return typeof axe")).await, Value::Null);
    // A page that is wrong is found: else the rest shows nothing.
    browser
        .script("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"/favicon.ico\">')")
        .await;
    let control = violations(&browser).await;
    assert!(control.iter().any(|v| v.starts_with("image-alt")), "{control:?}");
    let (public, private): (Vec<String>, Vec<String>) = pages(&integration)
        .into_iter()
        .partition(|p| ["/", "/login", "/acceptable-use", "/privacy"].contains(&p.as_str()) || p.starts_with("/docs"));
    assert!(public.len() > 25 && private.len() > 12, "the pages were not found: {public:?} {private:?}");
    let mut wrong = look_at(&browser, &axe, &public).await;
    enter_as_admin(world, &browser).await;
    wrong.extend(look_at(&browser, &axe, &private).await);
    assert!(wrong.is_empty(), "{} violations:\n{}", wrong.len(), wrong.join("\n"));
}
