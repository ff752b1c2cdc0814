//! What a form says is wrong, in the visitor's language: no English sentence stands on an Arabic or a Hebrew page. And what
//! was typed into it is still there.

use crate::harness::{
    http::Reply,
    visitor::Visitor,
    world::{INSTANCE, World, update},
};
use wa_gateway::app::commands::InstanceDelete;

type Fields<'a> = &'a [(&'a str, &'a str)];

/// A name and a reason that are one character too long.
const LONG_NAME: &str = x_times(&[b'x'; 129]);
const LONG_REASON: &str = x_times(&[b'x'; 1001]);
/// A message that is.
const LONG_TEXT: &str = x_times(&[b'x'; 4097]);

const fn x_times(all: &[u8]) -> &str {
    match str::from_utf8(all) {
        Ok(text) => text,
        Err(_) => "",
    }
}

/// Forms of customers that cannot be taken.
const OWNERS: &[(&str, Fields<'_>)] = &[
    ("/api-keys", &[("scope", "send"), ("name", "x"), ("instance", "not-ours")]),
    ("/api-keys", &[("scope", "send"), ("name", "x"), ("expires", "2020-01-01")]),
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
    ("/api-keys", &[("scope", "send"), ("name", LONG_NAME)]),
    ("/instances", &[("connector", "sandbox"), ("id", "till-line"), ("name", LONG_NAME)]),
    ("/instances/shop-line/pause", &[("reason", LONG_REASON)]),
    ("/suppressed-recipients", &[("phone", "+966501234567"), ("reason", LONG_REASON)]),
    ("/instances/shop-line/send", &[("phone", "+966501234567"), ("purpose", "support"), ("message", LONG_TEXT)]),
    ("/instances/shop-line/send", &[("phone", "+966501234567"), ("purpose", "support"), ("message", " ")]),
    ("/instances/shop-line/delete", &[("id", "another")]),
    ("/instances/shop-line/send", &[("phone", "12"), ("purpose", "support"), ("message", "x")]),
    ("/webhooks", &[("url", "https://shop.example/hook")]),
    ("/webhooks", &[("url", "shop.example"), ("event", "message.sent")]),
    ("/webhooks", &[("url", "https://shop.example/#x"), ("event", "message.sent")]),
    ("/webhooks", &[("url", "https://me:secret@shop.example/"), ("event", "message.sent")]),
    ("/webhooks", &[("url", "http://shop.example/hook"), ("event", "message.sent")]),
    ("/webhooks", &[("url", "https://10.0.0.7/hook"), ("event", "message.sent")]),
    ("/webhooks", &[("url", "https://169.254.169.254/hook"), ("event", "message.sent")]),
    ("/webhooks", &[("url", "https://shop.example/hook"), ("instance", "not-ours"), ("event", "message.sent")]),
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
    ("/account/words", &[("phrase", ""), ("group", "prize"), ("weight", "40")]),
    ("/account/words", &[("phrase", "x"), ("group", "prize"), ("weight", "400")]),
    ("/account/words", &[("phrase", "x"), ("group", ""), ("weight", "40")]),
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
    ("/admin/accounts", &[("name", LONG_NAME)]),
    ("/admin/egress", &[("entry", "127.0.0.1:5678"), ("reason", LONG_REASON)]),
    ("/admin/accounts/1/grants", &[("daily", "2000"), ("reason", LONG_REASON)]),
    ("/admin/accounts/1/grants", &[("daily", "2000")]),
    ("/admin/accounts/1/grants", &[("reason", "x")]),
    ("/admin/users", &[("email", "nobody"), ("role", "owner"), ("account", "1")]),
    ("/admin/users", &[("email", "new@shop.example"), ("role", "owner")]),
    ("/admin/users", &[("email", "owner@shop.example"), ("role", "owner"), ("account", "1")]),
    ("/admin/users", &[("email", "new@shop.example"), ("role", "owner"), ("account", "77")]),
    ("/admin/egress", &[("entry", "127.0.0.1"), ("reason", "n8n")]),
    ("/admin/egress", &[("entry", "127.0.0.1:5678"), ("reason", "")]),
    ("/admin/notices", &[("host", "no host!"), ("port", "587"), ("from", "a@shop.example"), ("to_owners", "on")]),
    ("/admin/notices", &[("host", "mail.example"), ("port", "many"), ("from", "a@shop.example"), ("to_owners", "on")]),
    (
        "/admin/notices",
        &[("host", "mail.example"), ("port", "25"), ("tls", "off"), ("from", "a@b.example"), ("to", "c@d.example")],
    ),
    ("/admin/notices", &[("host", "mail.example"), ("port", "587"), ("from", "nobody"), ("to_owners", "on")]),
    ("/admin/notices", &[("host", "mail.example"), ("port", "587"), ("from", "a@b.example"), ("to", "c@d.example, x")]),
    ("/admin/notices", &[("host", "mail.example"), ("port", "587"), ("from", "a@shop.example")]),
    (
        "/admin/notices",
        &[("host", "mail.example"), ("port", "587"), ("user", "me"), ("from", "a@b.example"), ("to_owners", "on")],
    ),
    ("/admin/system/backups", &[("directory", "kept"), ("every_hours", "24"), ("keep", "7")]),
    ("/admin/system/backups", &[("directory", "/dev/null/kept"), ("every_hours", "24"), ("keep", "7")]),
    ("/admin/system/backups", &[("directory", "/srv/kept"), ("every_hours", "0"), ("keep", "7")]),
    ("/admin/system/backups", &[("directory", "/srv/kept"), ("every_hours", "24"), ("keep", "1e3")]),
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

/// What a form never brings back.
const SECRET: &[&str] = &["password", "again", "old", "access_token", "api_key", "do", "connector", "id"];

/// Whether a field of the page holds this value: typed, chosen or ticked. `<field …>` begins a field.
fn holds(page: &str, name: &str, value: &str) -> bool {
    let escaped = value.replace('&', "&#38;").replace('"', "&#34;").replace('<', "&#60;").replace('>', "&#62;");
    let named = format!("name=\"{name}\"");
    let fields = page.split('<').enumerate().filter(|(_, tag)| tag.contains(&named));
    let rest = |at: usize| page.split('<').skip(at);
    fields.into_iter().any(|(at, tag)| {
        let is_value = tag.contains(&format!("value=\"{escaped}\""));
        if tag.starts_with("textarea") {
            tag.split_once('>').is_some_and(|(_, text)| text.trim() == escaped.trim())
        } else if tag.starts_with("select") {
            let options = rest(at + 1).take_while(|tag| !tag.starts_with("/select"));
            options.into_iter().any(|o| o.contains(&format!("value=\"{escaped}\"")) && o.contains(" selected"))
        } else if tag.contains("type=\"checkbox\"") {
            tag.contains(" checked") && (is_value || (value == "on" && !tag.contains("value=")))
        } else {
            is_value
        }
    })
}

/// The fields of a form that came back without what was typed.
fn lost(reply: &Reply, fields: Fields<'_>) -> Vec<String> {
    // What is no option of a list cannot be chosen in it again.
    let may_stay = |name: &str, value: &str| !SECRET.contains(&name) && !["", "not-ours", "77"].contains(&value.trim());
    let typed = fields.iter().filter(|(name, value)| may_stay(name, value));
    typed
        .filter(|(name, value)| !holds(&reply.body, name, value))
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

async fn check(visitor: &mut Visitor, forms: &[(&str, Fields<'_>)]) {
    for lang in ["en", "ar", "he"] {
        visitor.speaks(lang);
        for (path, fields) in forms {
            let reply = visitor.post(path, fields).await;
            assert_eq!(reply.status, 422, "{lang} {path} {fields:?}");
            assert_eq!(lost(&reply, fields), Vec::<String>::new(), "{lang} {path}: what was typed is gone");
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

/// Forms with everything filled in and one thing wrong.
const FULL: &[(&str, Fields<'_>)] = &[
    (
        "/api-keys",
        &[
            ("name", "till"),
            ("instance", INSTANCE),
            ("kind", "chattu"),
            ("scope", "read"),
            ("purpose", "support"),
            ("expires", "2020-01-01"),
        ],
    ),
    ("/webhooks", &[("url", "shop.example"), ("event", "call.missed"), ("event", "group.updated")]),
    ("/webhooks", &[("url", "shop.example"), ("instance", INSTANCE), ("event", "message.read")]),
    (
        "/webhooks",
        &[("url", "shop.example"), ("event", "message.read"), ("headers", "Authorization: Basic dXNlcjpwdw==")],
    ),
    ("/webhooks/1", &[("do", "change"), ("url", "shop.example"), ("instance", INSTANCE), ("event", "call.missed")]),
    ("/webhooks/1", &[("do", "change"), ("url", "https://10.0.0.7/w"), ("event", "message.read")]),
    ("/webhooks/1", &[("do", "change"), ("url", "https://shop.example/new")]),
    ("/webhooks/1", &[("do", "headers"), ("headers", "two words: x")]),
    ("/webhooks/1", &[("do", "headers"), ("headers", "Host: <elsewhere>")]),
    (
        "/instances/shop-line/settings",
        &[
            ("latency_ms", "soon"),
            ("receipts", "read"),
            ("tell_read", "off"),
            ("reject_calls", "on"),
            ("reject_text", "We are \"closed\" <now>."),
        ],
    ),
    ("/instances/shop-line/chattu", &[("chattu_url", "http://10.0.0.7/w")]),
    ("/instances", &[("connector", "sandbox"), ("id", "no slug!"), ("name", "Till")]),
    ("/suppressed-recipients", &[("phone", "no number"), ("reason", "asked on the phone")]),
    ("/account/limits", &[("daily", "many"), ("monthly", "20000"), ("reason", "the season")]),
    (
        "/scheduled",
        &[
            ("instance", INSTANCE),
            ("phone", "12"),
            ("purpose", "support"),
            ("at", "2031-01-01T10:00"),
            ("message", "We open at nine."),
        ],
    ),
];

/// The same of a telephone system.
const SETTINGS: Fields<'_> = &[
    ("name", "Back desk"),
    ("instance", INSTANCE),
    ("outbound", "on"),
    ("signing", "on"),
    ("mode", "sms"),
    ("destination_url", "pbx"),
    ("trunk_number", "+966112223344"),
    ("allowlist", "203.0.113.0/24"),
    ("window_hours", "12"),
    ("business_name", "The Shop"),
];

#[tokio::test]
async fn a_form_that_comes_back_keeps_what_was_typed() {
    let world = World::start().await;
    let mut modules = update(1);
    modules.modules = Some(vec!["api_access".into(), "3cx".into(), "chattu".into()]);
    world.command(modules).await.expect("the module");
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let hook = [("url", "https://shop.example/hook"), ("event", "message.received")];
    assert_eq!(owner.post("/webhooks", &hook).await.status, 200);
    check(&mut owner, FULL).await;
    let made = owner.post("/integrations/3cx", &[("name", "Front desk"), ("instance", INSTANCE)]).await;
    let path =
        made.body.split("/integrations/3cx/tcx_").nth(1).and_then(|rest| rest.split(['"', '/', '#', '?']).next());
    let path = format!("/integrations/3cx/tcx_{}", path.expect("its id"));
    let template = [("event", "missed_call"), ("text", "Call us back at {{nobody}}."), ("enabled", "on")];
    check(&mut owner, &[(&path, SETTINGS), (&format!("{path}/templates"), &template)]).await;
}

/// The number was deleted, or the role was changed, while somebody wrote: what they wrote stands on the page that says so.
#[tokio::test]
async fn what_was_written_for_a_number_that_is_gone_is_given_back() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    world.hears("+966501234567", "hello").await;
    let gone = InstanceDelete { id: INSTANCE.into() };
    world.command(gone).await.expect("deleted");
    let text = "We are <closed> on Friday.";
    let later = [("instance", INSTANCE), ("phone", "+966501234567"), ("at", "2031-01-01T10:00")];
    let forms: [(&str, Fields<'_>, u16); 3] = [
        ("/instances/shop-line/send", &[("phone", "+966501234567"), ("purpose", "support"), ("message", text)], 404),
        ("/chat/shop-line/c1/send", &[("nonce", "n-1"), ("text", text)], 404),
        ("/scheduled", &[later[0], later[1], later[2], ("purpose", "support"), ("message", text)], 422),
    ];
    for (path, fields, status) in forms {
        let reply = owner.post(path, fields).await;
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.body.contains("We are &#60;closed&#62; on Friday."), "{path}: {}", reply.body);
    }
    // Somebody else's page cannot have it show anything.
    let foreign = owner.post_with(forms[1].0, forms[1].1, &["Sec-Fetch-Site: cross-site"]).await;
    assert!(!foreign.body.contains("on Friday"));
}

#[tokio::test]
async fn a_form_that_was_taken_is_empty_again() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let key: Fields<'_> = &[("name", "a key of mine"), ("kind", "bearer"), ("scope", "read")];
    let hook: Fields<'_> = &[("url", "https://shop.example/hook"), ("event", "call.missed")];
    for (path, fields, field) in [("/api-keys", key, "name"), ("/webhooks", hook, "url")] {
        let reply = owner.post(path, fields).await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(!holds(&reply.body, field, fields[0].1), "{path}: pressed again, it would make another");
    }
    let mut admin = Visitor::logged_in(&world, "admin").await;
    let person = [("email", "new@shop.example"), ("role", "owner"), ("account", "1")];
    let reply = admin.post("/admin/users", &person).await;
    assert!(reply.status == 200 && !holds(&reply.body, "email", "new@shop.example"));
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
