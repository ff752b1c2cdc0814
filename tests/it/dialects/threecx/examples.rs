//! What stands in `examples/3cx/` works: the CRM template is interpreted as 3CX would, each curl of the README is posted,
//! the property table of the call flow is evaluated, and the answers are those that the text promises.

use crate::harness::{
    http::{self, Reply},
    pbx::Pbx,
    world::{PHONE, World},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use wa_gateway::app::root::everybody;
use wa_gateway::{
    app::commands::{ThreecxSettings, UserCreate, UserLoginLink},
    dialects::threecx::{Integration, IntegrationId, Settings, crm_template, snippet},
    model::{clock::Clock, ids::InstanceId},
};

const README: &str = include_str!("../../../../examples/3cx/README.md");
const TEMPLATE: &str = include_str!("../../../../examples/3cx/crm-template.xml");

type Variables = BTreeMap<String, String>;

async fn world() -> (World, Pbx) {
    let world = World::start_with(|config| {
        config.guard.recipient_per_minute = 0;
        config.public_url = Some("https://wa.example.com".into());
    })
    .await;
    let pbx = world.pbx(ThreecxSettings { call_events: Some(true), ..Default::default() }).await;
    for event in ["missed_call", "voicemail", "call_ended", "queue_callback", "after_hours"] {
        world.template(&pbx, event, None).await;
    }
    world.hears(PHONE, "Hello?").await;
    (world, pbx)
}

/// Posts to the gateway what was meant for an address of it.
async fn post(world: &World, url: &str, headers: &[String], body: &str) -> Reply {
    let path = url.strip_prefix("https://wa.example.com").unwrap_or_else(|| panic!("another address: {url}"));
    http::call(world.address(), "POST", path, headers, body.as_bytes()).await
}

/// A cookie of somebody with a role.
async fn cookie(world: &World, account: Option<i64>, email: &str, role: &str) -> String {
    let (email, role) = (email.to_owned(), role.to_owned());
    let create = UserCreate {
        account,
        email: email.clone(),
        role,
        password: Some("correct horse".into()),
        ..Default::default()
    };
    world.command(create).await.expect("a user");
    let link = world.command(UserLoginLink { email }).await.expect("a link");
    let path = link["link"].as_str().expect("a link").trim_start_matches("https://wa.example.com").to_owned();
    let page = http::call(world.address(), "GET", &path, &[], &[]).await;
    let cookie = page.header("set-cookie").expect("a cookie");
    format!("Cookie: {}", cookie.split(';').next().expect("a pair"))
}

async fn template(world: &World, id: &str, headers: &[String]) -> Reply {
    http::call(world.address(), "GET", &format!("/integrations/3cx/{id}/template.xml"), headers, &[]).await
}

#[tokio::test]
async fn the_template_is_its_owners() {
    let (world, pbx) = world().await;
    let stranger = world.new_account("Other", "growth").await;
    let owner = cookie(&world, Some(world.account), "o@shop.example", "owner").await;
    let admin = cookie(&world, None, "a@shop.example", "admin").await;
    let other = cookie(&world, Some(stranger), "o@other.example", "owner").await;
    assert_eq!(template(&world, &pbx.id, &[]).await.status, 303);
    for who in [&owner, &admin] {
        let reply = template(&world, &pbx.id, std::slice::from_ref(who)).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/xml; charset=utf-8")));
        assert!(reply.body.contains(&format!("https://wa.example.com{}", pbx.path())), "{}", reply.body);
        assert!(!reply.body.contains(&pbx.secret), "the secret is typed into 3CX");
    }
    let (theirs, nobodys) = (
        template(&world, &pbx.id, std::slice::from_ref(&other)).await,
        template(&world, "tcx_none", std::slice::from_ref(&other)).await,
    );
    let theirs_but_for_the_id = theirs.body.replace(pbx.id.as_str(), "tcx_none");
    assert_eq!((theirs.status, theirs_but_for_the_id), (404, nobodys.body), "another's is like none at all");
    world.stop().await;
}

#[tokio::test]
async fn the_template_reports_calls() {
    let (world, pbx) = world().await;
    let owner = cookie(&world, Some(world.account), "o@shop.example", "owner").await;
    let xml = template(&world, &pbx.id, &[owner]).await.body;
    for (call, status) in [("Missed", "sent"), ("Notanswered", "skipped"), ("Inbound", "sent"), ("Outbound", "skipped")]
    {
        let typed = [("Secret", pbx.secret.as_str())];
        let asked = report_call(&xml, &typed, &[("CallType", call), ("Number", PHONE), ("Agent", "101")]);
        let asked = asked.expect("it is not skipped");
        let reply = post(&world, &asked.url, &asked.headers, &asked.body).await;
        assert_eq!((reply.status, &reply.json()["status"]), (200, &json!(status)), "{call}: {}", reply.body);
    }
    let off = report_call(&xml, &[("ReportCallEnabled", "False")], &[("CallType", "Missed"), ("Number", PHONE)]);
    assert!(off.is_none(), "the administrator switched it off");
    let wrong = report_call(&xml, &[("Secret", "wrong")], &[("CallType", "Missed"), ("Number", PHONE)]);
    let wrong = wrong.expect("it is not skipped");
    assert_eq!(post(&world, &wrong.url, &wrong.headers, &wrong.body).await.status, 401);
    assert_eq!(world.inbox().await.len(), 2);
    world.stop().await;
}

#[test]
fn the_file_is_what_comes_out() {
    let integration = Integration {
        id: IntegrationId::from_text("tcx_exampleexampleexample1"),
        account_id: wa_gateway::model::ids::AccountId(1),
        settings: Settings::new(InstanceId::from_text("shop-line"), "The Shop".into()),
        previous_until: None,
        endpoint_id: None,
        created_at: wa_gateway::model::clock::Time::from_millis(0),
    };
    assert_eq!(crm_template::render(&integration, "https://wa.example.com"), TEMPLATE);
    // A name is text wherever it stands.
    let mut odd = integration;
    odd.settings.name = "A & B <\"C\"> ]]>".into();
    let xml = crm_template::render(&odd, "https://wa.example.com");
    assert_eq!(element(&xml, "Crm")["Name"], "WhatsApp Gateway: A & B <\"C\"> ]]>");
}

#[tokio::test]
async fn every_curl_of_the_readme_works() {
    let (world, pbx) = world().await;
    let mut seen = Vec::new();
    for (command, signed) in curls() {
        let mut variables: Variables = [
            ("GATEWAY", "https://wa.example.com".to_owned()),
            ("ID", pbx.id.clone()),
            ("SECRET", pbx.secret.clone()),
            ("CUSTOMER", PHONE.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if signed {
            world.set_pbx(&pbx, ThreecxSettings { signing: Some(true), ..Default::default() }).await;
            let (body, now) = (r#"{"event_type":"test"}"#, world.clock.now().seconds().to_string());
            assert!(README.contains(&format!("BODY='{body}'")));
            variables.insert("BODY".into(), body.into());
            variables.insert("SIGNATURE".into(), pbx.signature(&now, body.as_bytes()));
            variables.insert("NOW".into(), now);
        }
        let words = shell_words(&command, &variables);
        let (url, headers, body) = curl(&words);
        let reply = post(&world, &url, &headers, &body).await;
        assert_eq!(reply.status, 200, "{command}: {}", reply.body);
        let sent: Value = serde_json::from_str(&body).expect("JSON");
        let (event, status) = (sent["event_type"].clone(), reply.json()["status"].clone());
        seen.push(format!("{} {}", event.as_str().unwrap_or("agent"), status.as_str().unwrap_or("sent")));
    }
    let expected = [
        "agent sent",
        "test ok",
        "outbound_message sent",
        "inbound_reply sent",
        "missed_call sent",
        "voicemail sent",
        "call_ended sent",
        "queue_callback sent",
        "after_hours sent",
        "call_started recorded",
        "queue_event recorded",
        "test ok",
    ];
    assert_eq!(seen, expected, "all ten events and the agent's own way");
    world.stop().await;
}

#[tokio::test]
async fn the_property_table_of_the_call_flow_works() {
    let (world, pbx) = world().await;
    let value = |property: &str| {
        let row = README.lines().find(|line| line.starts_with(&format!("| {property} |"))).expect(property);
        let cell = row.rsplit_once(" |").and_then(|(row, _)| row.split_once(&format!("| {property} | ")));
        cell.expect("a value").1.to_owned()
    };
    let session = [("session.ani", PHONE), ("session.dnis", "800")].map(|(n, v)| (n.to_owned(), v.to_owned())).into();
    let given = |text: String| text.replace("$GATEWAY", "https://wa.example.com").replace("$ID", &pbx.id);
    let url = given(evaluated(value("URI").trim_matches('`'), &session));
    let content_type = evaluated(value("ContentType").trim_matches('`'), &session);
    let body = evaluated(value("Content").trim_matches('`'), &session);
    assert_eq!(body, format!("event_type=after_hours&caller={PHONE}&queue=800"));
    let header = value("Headers");
    let (name, secret) = header.split_once(": ").expect("a header");
    let secret = evaluated(secret.trim_matches('`'), &session).replace("$SECRET", &pbx.secret);
    let headers = [format!("{}: {secret}", name.trim_matches('`')), format!("Content-Type: {content_type}")];
    let reply = post(&world, &url, &headers, &body).await;
    assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("sent")), "{}", reply.body);
    assert_eq!(value("RequestType"), "`POST`");
    world.stop().await;
}

#[tokio::test]
async fn what_is_offered_to_copy_works() {
    let (world, pbx) = world().await;
    let id = IntegrationId::from_text(pbx.id.clone());
    let now = world.clock.now().seconds().to_string();
    let body = r#"{"event_type":"test"}"#;
    let given: Variables = [
        ("SECRET", &pbx.secret),
        ("NOW", &now),
        ("BODY", &body.to_owned()),
        ("SIGNATURE", &pbx.signature(&now, body.as_bytes())),
    ]
    .map(|(name, value)| (name.to_owned(), value.clone()))
    .into();
    for signing in [false, true] {
        world.set_pbx(&pbx, ThreecxSettings { signing: Some(signing), ..Default::default() }).await;
        let integration = world.gateway().threecx.find(&id, everybody()).await.expect("it is there");
        let offered = snippet::snippets(&integration, "https://wa.example.com");
        assert_eq!(offered.webhook_url, format!("https://wa.example.com{}", pbx.path()));
        assert_eq!(offered.sms_url, format!("https://wa.example.com{}", pbx.sms_path()));
        assert!(!serde_json::to_string(&offered).expect("JSON").contains(&pbx.secret));
        let command = offered.curl.replace("\\\n", " ");
        let command = command.lines().find(|line| line.starts_with("curl ")).expect("a command");
        let (url, headers, body) = curl(&shell_words(command, &given));
        let reply = post(&world, &url, &headers, &body).await;
        assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("ok")), "{command}: {}", reply.body);
        // The README says it in the same words.
        let readme = offered.curl.replace("https://wa.example.com", "$GATEWAY").replace(&pbx.id, "$ID");
        assert!(README.contains(&readme), "{readme}");
        let property = |name: &str| offered.call_flow.iter().find(|(n, _)| *n == name).expect(name).1.clone();
        assert_eq!(evaluated(&property("URI"), &Variables::new()), offered.webhook_url);
        let session =
            [("session.ani", PHONE), ("session.dnis", "800")].map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        assert!(evaluated(&property("Content"), &session).starts_with("event_type=missed_call&caller=+966"));
    }
    world.stop().await;
}

/// An expression of the call flow designer: a text in quotes, a variable, or `CONCATENATE` of such.
fn evaluated(expression: &str, session: &Variables) -> String {
    let expression = expression.trim();
    if let Some(inner) = expression.strip_prefix("CONCATENATE(").and_then(|rest| rest.strip_suffix(')')) {
        let mut parts = vec![String::new()];
        let mut quoted = false;
        for c in inner.chars() {
            quoted ^= c == '"';
            if c == ',' && !quoted { parts.push(String::new()) } else { parts.last_mut().expect("one").push(c) }
        }
        return parts.iter().map(|part| evaluated(part, session)).collect();
    }
    match expression.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(text) => text.to_owned(),
        None => session.get(expression).unwrap_or_else(|| panic!("no such variable: {expression}")).clone(),
    }
}

/// What 3CX would post.
struct Posted {
    url: String,
    headers: Vec<String>,
    body: String,
}

/// Runs the template's `ReportCall` scenario: parameters have what was typed in, else their default.
fn report_call(xml: &str, typed: &[(&str, &str)], call: &[(&str, &str)]) -> Option<Posted> {
    let mut variables = Variables::new();
    for parameter in elements(xml, "Parameter") {
        variables.insert(parameter["Name"].clone(), parameter["Default"].clone());
    }
    assert!(elements(xml, "Parameter").iter().any(|p| p["Name"] == "Secret" && p["Type"] == "Password"));
    for (name, value) in typed.iter().chain(call) {
        variables.insert((*name).to_owned(), (*value).to_owned());
    }
    assert_eq!(element(xml, "Scenario")["Id"], "ReportCall");
    let request = element(xml, "Request");
    let (left, right) = request["SkipIf"].split_once("!=").expect("a comparison");
    if filled(left, &variables) != filled(right, &variables) {
        return None;
    }
    assert_eq!((request["RequestType"].as_str(), request["RequestEncoding"].as_str()), ("Post", "Json"));
    let mut body = Map::new();
    let posted = xml.split("<PostValues").nth(1).and_then(|rest| rest.split("</PostValues>").next()).expect("values");
    for (value, text) in elements(posted, "Value").iter().zip(texts(posted, "Value")) {
        body.insert(value["Key"].clone(), Value::from(filled(&text, &variables)));
    }
    assert_eq!(element(xml, "Authentication")["Type"], "Basic");
    let pair = xml.split("<Authentication").nth(1).map(|rest| texts(rest, "Value")[0].clone()).expect("a pair");
    let basic = STANDARD.encode(filled(&pair, &variables));
    let content_type = request["RequestContentType"].clone();
    Some(Posted {
        url: filled(&request["Url"], &variables),
        headers: vec![format!("Authorization: Basic {basic}"), format!("Content-Type: {content_type}")],
        body: Value::Object(body).to_string(),
    })
}

/// `[Name]` replaced; a variable that has no value is empty.
fn filled(text: &str, variables: &Variables) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let (name, behind) = after.split_once(']').expect("a bracket is closed");
        out += before;
        out += variables.get(name).map_or("", String::as_str);
        rest = behind;
    }
    out + rest
}

fn element(xml: &str, name: &str) -> Variables {
    elements(xml, name).into_iter().next().unwrap_or_else(|| panic!("no {name}"))
}

/// The attributes of each element with this name.
fn elements(xml: &str, name: &str) -> Vec<Variables> {
    let start = format!("<{name} ");
    let starts = xml.match_indices(&start).map(|(at, m)| &xml[at + m.len()..]);
    starts
        .map(|rest| {
            let (mut all, mut rest) = (Variables::new(), rest.trim_start());
            while let Some((key, after)) = rest.split_once("=\"").filter(|(key, _)| !key.contains('>')) {
                let (value, behind) = after.split_once('"').expect("a value is closed");
                all.insert(key.trim().to_owned(), unescaped(value));
                rest = behind;
            }
            all
        })
        .collect()
}

/// What stands inside each element with this name.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let inside = |rest: &str| Some(unescaped(rest.split_once('>')?.1.split_once('<')?.0));
    xml.split(&format!("<{name}")).skip(1).filter_map(inside).collect()
}

fn unescaped(text: &str) -> String {
    assert!(!text.contains('<'), "{text}");
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// The README's curl commands, and whether each is a signed one.
fn curls() -> Vec<(String, bool)> {
    let blocks = README.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or(rest));
    let joined = blocks.map(|block| block.replace("\\\n", " "));
    let lines = joined.flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>());
    lines.filter(|line| line.starts_with("curl ")).map(|line| (line.clone(), line.contains("$SIGNATURE"))).collect()
}

/// A command line as words: quotes of both kinds, variables outside of single ones.
fn shell_words(line: &str, variables: &Variables) -> Vec<String> {
    let (mut words, mut word, mut quote, mut in_word) = (Vec::new(), String::new(), None, false);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (None, '\'' | '"') => (quote, in_word) = (Some(c), true),
            (Some(open), c) if c == open => quote = None,
            (None, ' ') => {
                if std::mem::take(&mut in_word) {
                    words.push(std::mem::take(&mut word));
                }
            }
            (None | Some('"'), '$') => {
                let mut name = String::new();
                while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                word += variables.get(&name).unwrap_or_else(|| panic!("no such variable: {name}"));
                in_word = true;
            }
            (_, c) => {
                word.push(c);
                in_word = true;
            }
        }
    }
    assert!(quote.is_none(), "a quotation mark is not closed: {line}");
    if in_word {
        words.push(word);
    }
    words
}

/// Address, headers and body of a curl command.
fn curl(words: &[String]) -> (String, Vec<String>, String) {
    let (mut url, mut headers, mut body) = (String::new(), Vec::new(), String::new());
    let mut rest = words.iter();
    assert_eq!(rest.next().map(String::as_str), Some("curl"));
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-sS" => {}
            "-H" => headers.push(rest.next().expect("a header").clone()),
            "-d" => body = rest.next().expect("a body").clone(),
            address => url = address.to_owned(),
        }
    }
    (url, headers, body)
}
