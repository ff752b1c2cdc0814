//! What a form says is wrong, in the visitor's language: no English sentence stands on an Arabic or a Hebrew page.

use crate::harness::{
    http::Reply,
    visitor::Visitor,
    world::{INSTANCE, World, update},
};

type Fields<'a> = &'a [(&'a str, &'a str)];

/// Forms of customers that cannot be taken.
const OWNERS: &[(&str, Fields<'_>)] = &[
    ("/api-keys", &[("name", "x"), ("instance", "not-ours")]),
    ("/api-keys", &[("name", "x"), ("expires", "2020-01-01")]),
    ("/instances", &[("connector", "sandbox"), ("id", "till-line"), ("name", " ")]),
    ("/instances", &[("connector", "sandbox"), ("id", "no slug!"), ("name", "Till")]),
    ("/instances", &[("connector", "sandbox"), ("id", INSTANCE), ("name", "Till")]),
    ("/instances", &[("connector", "cloud-api"), ("id", "meta-line"), ("name", "Meta")]),
    ("/instances", &[("connector", "cloud-api"), ("id", "meta-line"), ("name", "Meta"), ("access_token", "t")]),
    (
        "/instances",
        &[
            ("connector", "cloud-api"),
            ("id", "meta-line"),
            ("name", "Meta"),
            ("access_token", "t"),
            ("phone_number_id", "+966 50"),
        ],
    ),
    (
        "/instances",
        &[("connector", "evolution"), ("id", "evo-line"), ("name", "Evo"), ("api_key", "k"), ("base_url", "ftp://x")],
    ),
    ("/instances/shop-line/delete", &[("id", "another")]),
    ("/instances/shop-line/send", &[("phone", "12"), ("purpose", "support"), ("message", "x")]),
    ("/webhooks", &[("url", "https://shop.example/hook")]),
    ("/webhooks", &[("url", "shop.example"), ("event", "message.sent")]),
    ("/webhooks", &[("url", "https://shop.example/#x"), ("event", "message.sent")]),
    ("/webhooks", &[("url", "https://me:secret@shop.example/"), ("event", "message.sent")]),
    ("/webhooks", &[("url", "http://shop.example/hook"), ("event", "message.sent")]),
    ("/webhooks", &[("url", "https://10.0.0.7/hook"), ("event", "message.sent")]),
    ("/webhooks", &[("url", "https://169.254.169.254/hook"), ("event", "message.sent")]),
    ("/suppressed-recipients", &[("phone", "")]),
    ("/suppressed-recipients", &[("phone", "no number")]),
    ("/suppressed-recipients", &[("phone", "0501234567")]),
    ("/suppressed-recipients", &[("phone", "+9991234567")]),
    ("/suppressed-recipients/import", &[("csv", "name\nnobody")]),
    ("/suppressed-recipients/import", &[("csv", "\"+966501234567")]),
    ("/scheduled", &[("instance", INSTANCE), ("phone", "12"), ("purpose", "support"), ("message", "x")]),
    (
        "/scheduled",
        &[
            ("instance", INSTANCE),
            ("phone", "+966501234567"),
            ("at", "2020-01-01T10:00"),
            ("purpose", "support"),
            ("message", "x"),
        ],
    ),
    ("/account", &[("timezone", "Mars/Olympus")]),
    ("/account", &[("timezone", "UTC"), ("region", "Narnia")]),
    ("/account/limits", &[("daily", "many"), ("reason", "x")]),
    ("/account/limits", &[("daily", "2"), ("reason", "x")]),
    ("/account/limits", &[("daily", "2000"), ("reason", "")]),
    ("/account/limits", &[("reason", "x")]),
    ("/account/person", &[("do", "export"), ("phone", "12")]),
    ("/account/person", &[("do", "export"), ("phone", "+966507654321")]),
    ("/integrations/3cx", &[("name", "PBX"), ("instance", "not-ours")]),
    ("/integrations/3cx", &[("name", "PBX"), ("instance", INSTANCE), ("destination_url", "pbx")]),
    ("/security/password", &[("old", "wrong"), ("password", "another one here"), ("again", "another one here")]),
];

/// Those of who runs the appliance.
const ADMINS: &[(&str, Fields<'_>)] = &[
    ("/admin/accounts", &[("name", " ")]),
    ("/admin/accounts", &[("name", "Shop"), ("timezone", "Mars/Olympus")]),
    ("/admin/accounts/1/grants", &[("daily", "2000")]),
    ("/admin/accounts/1/grants", &[("reason", "x")]),
    ("/admin/users", &[("email", "nobody"), ("role", "owner"), ("account", "1")]),
    ("/admin/users", &[("email", "new@shop.example"), ("role", "owner")]),
    ("/admin/users", &[("email", "owner@shop.example"), ("role", "owner"), ("account", "1")]),
    ("/admin/users", &[("email", "new@shop.example"), ("role", "owner"), ("account", "77")]),
    ("/admin/egress", &[("entry", "127.0.0.1"), ("reason", "n8n")]),
    ("/admin/egress", &[("entry", "127.0.0.1:5678"), ("reason", "")]),
    ("/admin/policy", &[("refuse_score", "101")]),
    ("/admin/policy", &[("refuse_score", "50"), ("review_score", "60")]),
    ("/admin/policy/phrases", &[("phrase", ""), ("group", "prize"), ("weight", "40")]),
    ("/admin/policy/phrases", &[("phrase", "x"), ("group", "prize"), ("weight", "400")]),
    ("/admin/policy/phrases", &[("phrase", "***"), ("group", "prize"), ("weight", "40")]),
    ("/instances/shop-line/pause", &[("reason", "")]),
];

/// What the page says is wrong, without its marks and without the values that stand in it.
fn said(reply: &Reply) -> Vec<String> {
    let parts = reply.body.split("role=\"alert\"").skip(1);
    parts.filter_map(|part| part.split_once('>')?.1.split("</p>").next().map(plain)).collect()
}

/// Outside marks, and outside what was isolated as a value.
fn plain(html: &str) -> String {
    let (mut out, mut in_mark, mut isolated) = (String::new(), false, 0_usize);
    for c in html.chars() {
        match c {
            '<' => in_mark = true,
            '>' => in_mark = false,
            '\u{2068}' => isolated += 1,
            '\u{2069}' => isolated = isolated.saturating_sub(1),
            c if !in_mark && isolated == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// Two Latin words in a row, or more: a sentence, and no name, code or value.
fn english(text: &str) -> Option<String> {
    let is_word = |word: &&str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_alphabetic());
    let words: Vec<&str> = text.split_whitespace().map(|w| w.trim_matches([',', '.', ':', ';', '!', '?'])).collect();
    words.windows(2).find(|pair| pair.iter().all(is_word)).map(|pair| pair.join(" "))
}

async fn check(visitor: &mut Visitor, forms: &[(&str, Fields<'_>)]) {
    for lang in ["en", "ar", "he"] {
        visitor.speaks(lang);
        for (path, fields) in forms {
            let reply = visitor.post(path, fields).await;
            assert_eq!(reply.status, 422, "{lang} {path} {fields:?}");
            let said = said(&reply);
            assert!(said.iter().any(|text| text.trim().chars().count() > 8), "{lang} {path} {fields:?}: {said:?}");
            for text in said {
                // The control: the same forms do speak English to whoever reads English.
                assert_eq!(english(&text).is_some(), lang == "en", "{lang} {path} {fields:?}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_form_is_said_in_the_language_of_the_page() {
    let world = World::start().await;
    let mut modules = update(1);
    modules.modules = Some(vec!["api_access".into(), "3cx".into()]);
    world.command(modules).await.expect("the module");
    check(&mut Visitor::logged_in(&world, "owner").await, OWNERS).await;
    check(&mut Visitor::logged_in(&world, "admin").await, ADMINS).await;
}

#[tokio::test]
async fn a_wrong_login_and_a_wrong_registration_too() {
    let world = World::start_with(|config| config.portal.registration = wa_gateway::config::Registration::Open).await;
    let person: Fields<'_> = &[
        ("business", "Shop"),
        ("email", "none"),
        ("password", "four words in a row"),
        ("again", "four words in a row"),
        ("timezone", "Asia/Riyadh"),
    ];
    let short: Fields<'_> = &[
        ("business", "Shop"),
        ("email", "a@shop.example"),
        ("password", "short"),
        ("again", "short"),
        ("timezone", "Asia/Riyadh"),
    ];
    check(&mut Visitor::nobody(&world), &[("/login", &[("email", "x@shop.example"), ("password", "no")])]).await;
    check(&mut Visitor::nobody(&world), &[("/register", person), ("/register", short)]).await;
}
