//! The pages as a browser gets them.

use crate::harness::{
    http::{self, Reply},
    visitor::Visitor,
    world::{INSTANCE, World},
};
use std::collections::BTreeSet;
use wa_gateway::{
    api::openapi,
    app::routes::ROUTES,
    events::webhooks::EventName,
    model::code::Code,
    portal::docs::{catalogue::PAGES, library},
    texts::locale::Lang,
};

/// The double braces that a reader may see: the five variables of 3CX texts, and what programs of recipes fill in.
const VARIABLES: [&str; 12] = [
    "{{customer_phone}}",
    "{{agent_extension}}",
    "{{queue}}",
    "{{call_time}}",
    "{{business_name}}",
    "{{order.id}}",
    "{{order.name}}",
    "{{order.shippingAddress.phone}}",
    "{{ phone }}",
    "{{ message | tojson }}",
    "{{ $json.id }}",
    "{{ JSON.stringify(",
];

async fn get(world: &World, path: &str, headers: &[&str]) -> Reply {
    let mut all = vec!["Accept: text/html".to_owned()];
    all.extend(headers.iter().map(ToString::to_string));
    http::call(world.address(), "GET", path, &all, &[]).await
}

#[tokio::test]
async fn every_page_is_there_in_every_language_and_complete() {
    let world = World::start().await;
    for entry in PAGES {
        for lang in Lang::ALL {
            let reply = get(&world, &format!("{}?lang={lang}", entry.path), &[]).await;
            let what = format!("{} in {lang}", entry.path);
            assert_eq!(reply.status, 200, "{what}");
            let title = &library::page(*lang, entry).expect("a page").title;
            assert!(reply.body.contains(&format!("<h1><bdi>{title}</bdi></h1>")), "{what} has no title");
            assert!(reply.body.contains(&format!("<html lang=\"{lang}\" dir=\"{}\"", lang.dir())), "{what}");
            let shown = VARIABLES.iter().fold(reply.body.clone(), |text, variable| text.replace(variable, ""));
            assert!(!shown.contains("{{"), "{what} has a place that nobody filled");
            assert!(!shown.contains("missing:"), "{what} names a sample that is not there");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn samples_carry_this_gateways_own_address() {
    let world = World::start().await;
    let reply = get(&world, "/docs/send?lang=en", &[]).await;
    let address = world.gateway().public_url.clone();
    assert!(reply.body.contains(&format!("{address}/api/send-message")), "{address}");
    assert!(reply.body.contains("demo-support-line"), "nobody is logged in: an example stands for the instance");
    world.stop().await;
}

#[tokio::test]
async fn who_is_logged_in_reads_their_own_instance() {
    let world = World::start().await;
    let page = Visitor::logged_in(&world, "viewer").await.get("/docs/send").await.body;
    assert!(page.contains(INSTANCE) && !page.contains("demo-support-line"));
    assert!(!page.contains(&world.key), "keys are shown once, and not here");
    world.stop().await;
}

#[tokio::test]
async fn the_language_follows_the_browser() {
    let world = World::start().await;
    for (header, lang) in [("Accept-Language: he-IL,en;q=0.5", Lang::He), ("Accept-Language: ar", Lang::Ar)] {
        let reply = get(&world, "/docs", &[header]).await;
        assert!(reply.body.contains(&format!("lang=\"{lang}\"")), "{header}");
    }
    world.stop().await;
}

/// Letters of the language's own script against Latin ones, in each paragraph and list item, code left out.
#[test]
fn no_paragraph_is_left_in_english() {
    assert!(is_english("This sentence was never translated by anybody at all."));
    assert!(!is_english("أرسل Idempotency-Key مع كل طلب حتى لا يتكرر"));
    for lang in [Lang::Ar, Lang::He] {
        for entry in PAGES {
            let page = library::page(lang, entry).expect("a page");
            for section in &page.sections {
                for sentence in section.text.split(['.', ':', '؟', '?']) {
                    assert!(!is_english(sentence), "{} in {lang}: {sentence}", entry.path);
                }
            }
        }
    }
}

/// Four words and more of plain lower-case English, and hardly a letter of another script.
fn is_english(text: &str) -> bool {
    let words = text.split_whitespace().filter(|w| w.len() > 1 && w.bytes().all(|b| b.is_ascii_lowercase())).count();
    let own = text.chars().filter(|c| c.is_alphabetic() && !c.is_ascii()).count();
    words >= 4 && own < words
}

#[test]
fn every_internal_link_leads_somewhere() {
    let served: BTreeSet<&str> = ROUTES.iter().filter(|r| r.method == "GET").map(|r| r.path).collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for lang in Lang::ALL {
        for entry in PAGES {
            let page = library::page(*lang, entry).expect("a page");
            for link in page.html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                seen += 1;
                let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
                let target = if path.is_empty() { Some(entry) } else { PAGES.iter().find(|e| e.path == path) };
                let anchors = |e| library::page(*lang, e).is_some_and(|p| p.headings.iter().any(|h| h.id == anchor));
                let leads = match target {
                    Some(target) => anchor.is_empty() || anchors(target),
                    None => served.contains(path) || PORTAL.contains(&path),
                };
                if !leads {
                    wrong.push(format!("{} in {lang}: {link}", entry.path));
                }
            }
        }
    }
    assert!(seen > 300, "links are found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Pages of the portal that the contract lists.
const PORTAL: [&str; 6] =
    ["/api-keys", "/instances", "/suppressed-recipients", "/inbound-logs", "/message-logs", "/integrations/3cx"];

#[test]
fn every_error_code_has_its_entry() {
    for lang in Lang::ALL {
        let entry = PAGES.iter().find(|e| e.path == "/docs/troubleshooting").expect("the page");
        let page = library::page(*lang, entry).expect("a page");
        for code in Code::ALL {
            assert!(page.headings.iter().any(|h| h.id == code.as_str()), "{code} in {lang}");
            assert!(page.html.contains(&format!("&quot;error&quot;: &quot;{code}&quot;")), "{code} has no example");
        }
    }
}

#[test]
fn every_event_has_its_entry() {
    let entry = PAGES.iter().find(|e| e.path == "/docs/receive").expect("the page");
    let page = library::page(Lang::En, entry).expect("a page");
    for name in EventName::ALL {
        assert!(page.headings.iter().any(|h| h.id == name.as_str()), "{name}");
        assert!(page.html.contains(&format!("&quot;event&quot;: &quot;{name}&quot;")), "{name} has no example");
    }
}

#[test]
fn every_route_of_the_interface_has_its_line() {
    let entry = PAGES.iter().find(|e| e.path == "/docs/endpoints").expect("the page");
    let page = library::page(Lang::En, entry).expect("a page");
    let described: BTreeSet<String> =
        page.html.split("<code dir=\"ltr\">").filter_map(|rest| rest.split('<').next()).map(openapi::unnamed).collect();
    let ours = [
        "/api/",
        "/integrations/3cx/webhook",
        "/integrations/3cx/sms",
        "/hooks/",
        "/media/",
        "/clients/",
        "/schedule-message",
        "/scheduled-messages",
        "/healthz",
        "/readyz",
    ];
    for route in ROUTES.iter().filter(|r| ours.iter().any(|begin| r.path.starts_with(begin))) {
        let line = openapi::unnamed(&format!("{} {}", route.method, route.path));
        assert!(described.contains(&line), "{line} is not described");
    }
}

#[tokio::test]
async fn the_search_answers_without_a_script_and_serves_its_index_once() {
    let world = World::start().await;
    let reply = get(&world, "/docs/search?lang=en&q=recipient_suppressed", &[]).await;
    assert!(reply.body.contains("href=\"/docs/troubleshooting#recipient_suppressed\""), "{}", reply.body);
    let reply = get(&world, "/docs/search?lang=en&q=%3Cscript%3Ezzz", &[]).await;
    assert!(!reply.body.contains("<script>zzz"), "what was asked for is escaped");
    for lang in Lang::ALL {
        let path = format!("/docs/search.json?lang={lang}");
        let reply = get(&world, &path, &[]).await;
        let items = reply.json();
        assert!(items.as_array().is_some_and(|all| all.len() > 80), "{lang}");
        assert!(!reply.body.contains("{{base_url}}"));
        let etag = reply.header("etag").expect("an ETag").to_owned();
        let again = get(&world, &path, &[&format!("If-None-Match: {etag}")]).await;
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{lang}");
    }
    world.stop().await;
}
