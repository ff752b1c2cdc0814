//! Templates on the pages Send and Scheduled: chosen, filled in, looked at, sent; what is wrong is said by the field, and
//! nobody sends another's.

use super::accessibility::enter;
use crate::{
    connectors::cloud_api::outgoing::rig::{LINE, PHONE, Rig},
    harness::{browser::Browser, http::Reply, visitor::Visitor, wait},
};
use serde_json::{Value, json};
use std::time::Duration;

/// The tab of the instance's page, and where its form goes.
const TAB: &str = "/instances/cloud-line/manage?tab=send";
const SEND: &str = "/instances/cloud-line/send";

fn template(name: &str, kind: (&str, &str), components: Value) -> Value {
    let (category, status) = kind;
    json!({"name": name, "language": "en", "category": category, "status": status, "id": name, "components": components})
}

const GOOD: (&str, &str) = ("UTILITY", "APPROVED");

/// A number at Meta with a template of each kind.
pub(super) async fn rig() -> Rig {
    let rig = Rig::without_instance().await;
    let body = |text: &str| json!({"type": "BODY", "text": text});
    let buttons = |all: Value| json!({"type": "BUTTONS", "buttons": all});
    let head = |format: &str| json!({"type": "HEADER", "format": format});
    let all = vec![
        template(
            "order_news",
            GOOD,
            json!([
            {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"}, body("Hello {{1}}, {{2}} <is> ready."),
            {"type": "FOOTER", "text": "The shop"},
            buttons(json!([{"type": "URL", "text": "Track", "url": "https://shop.example/o/{{1}}"},
                           {"type": "QUICK_REPLY", "text": "Thanks"}]))]),
        ),
        template("bill", GOOD, json!([head("DOCUMENT"), body("Your bill {{1}}.")])),
        template("pickup", GOOD, json!([head("LOCATION"), body("Come by.")])),
        template("voucher", GOOD, json!([body("Yours."), buttons(json!([{"type": "COPY_CODE", "text": "Copy it"}]))])),
        template(
            "login",
            ("AUTHENTICATION", "APPROVED"),
            json!([
                body("*{{1}}* is your code."),
                buttons(json!([{"type": "OTP", "otp_type": "COPY_CODE", "text": ""}]))
            ]),
        ),
        template("booking", GOOD, json!([body("Book now."), buttons(json!([{"type": "FLOW", "text": "Book"}]))])),
        template("resting", ("UTILITY", "PAUSED"), json!([body("Hello.")])),
        template("sale", ("MARKETING", "APPROVED"), json!([body("Only today.")])),
        template("goods", GOOD, json!([body("See."), buttons(json!([{"type": "MPM", "text": "View"}]))])),
    ];
    let count = i64::try_from(all.len()).expect("few");
    (rig.graph.state().page, rig.graph.state().templates) = (100, all);
    rig.create_with(&rig.graph.settings()).await.expect("an instance");
    rig.until_looked(1).await;
    rig.until("the templates are kept", async || rig.world.number("SELECT count(*) FROM templates").await == count)
        .await;
    rig
}

/// What a person reads of a page.
pub(super) fn text(html: &str) -> String {
    let parts = html.split('<').filter_map(|part| part.split_once('>').map(|(_, text)| text));
    parts.collect::<String>().replace("&#60;", "<").replace("&#62;", ">").replace("&#39;", "'")
}

pub(super) fn form<'a>(template: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let all = [("phone", PHONE), ("purpose", "transactional"), ("template", template)];
    all.into_iter().chain(more.iter().copied()).collect()
}

pub(super) const ORDER: [(&str, &str); 4] =
    [("variable", "2041"), ("variable", "Amal & co"), ("variable", "the lamp"), ("variable", "2041-x")];

async fn log_page(owner: &mut Visitor, sent: &Reply) -> String {
    assert_eq!(sent.status, 303, "{}", text(&sent.body));
    let story = sent.header("location").expect("its timeline").to_owned();
    assert!(story.starts_with("/message-logs/"), "{story}");
    owner.get(&story).await.body
}

#[tokio::test]
async fn a_template_is_chosen_filled_in_looked_at_and_sent_once() {
    let rig = rig().await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let plain = owner.get(TAB).await.body;
    for id in ["order_news/en", "bill/en", "pickup/en", "voucher/en", "login/en", "booking/en"] {
        assert!(plain.contains(&format!("<option value=\"{id}\">")), "{id}");
    }
    for id in ["resting/en", "sale/en", "goods/en"] {
        assert!(!plain.contains(id), "{id} cannot be sent");
    }
    let chosen = owner.get(&format!("{TAB}&template=order_news/en")).await.body;
    let read = text(&chosen);
    for shown in
        ["Order {{1}}\nHello {{1}}, {{2}} <is> ready.\nThe shop", "Track https://shop.example/o/{{1}}", "Thanks"]
    {
        assert!(read.contains(shown), "{shown}: {read}");
    }
    for label in ["Line above, {{1}}", "Text, {{1}}", "Text, {{2}}", "Button “Track”: the end of its address"] {
        assert!(read.contains(label), "{label}");
    }
    let name = chosen.split("name=\"form\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("its name");
    let mut fields = form("order_news/en", &ORDER);
    fields.extend([("form", name), ("do", "preview")]);
    let looked = owner.post(SEND, &fields).await;
    let read = text(&looked.body);
    assert_eq!((looked.status, rig.graph.sent().len()), (200, 0), "it is only looked at");
    for shown in ["Order 2041\nHello Amal &#38; co, the lamp <is> ready.", "https://shop.example/o/2041-x"] {
        assert!(read.contains(shown), "{shown}: {read}");
    }
    assert!(looked.body.contains("value=\"Amal &#38; co\"") && looked.body.contains(&format!("value=\"{PHONE}\"")));

    fields.pop();
    let sent = owner.post(SEND, &fields).await;
    let again = owner.post(SEND, &fields).await;
    let page = log_page(&mut owner, &sent).await;
    assert_eq!(sent.header("location"), again.header("location"));
    assert_eq!(rig.graph.sent().len(), 1, "once");
    let said = |text: &str| json!([{"type": "text", "text": text}]);
    assert_eq!(
        rig.last().body["template"],
        json!({"name": "order_news", "language": {"code": "en"}, "components": [
            {"type": "header", "parameters": said("2041")},
            {"type": "body", "parameters": [{"type": "text", "text": "Amal & co"}, {"type": "text", "text": "the lamp"}]},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": said("2041-x")}]})
    );
    // What it said stays what it said.
    rig.world.sql("UPDATE templates SET body = 'Another text' WHERE name = 'order_news'").await;
    let read = text(&page);
    assert!(read.contains("order_news") && read.contains("Hello Amal &#38; co, the lamp <is> ready."), "{read}");
    let lists = [format!("/chat?instance={LINE}&chat=c1"), "/message-logs".to_owned()];
    for path in lists.iter().chain([&sent.header("location").expect("one").to_owned()]) {
        let read = text(&owner.get(path).await.body);
        assert!(read.contains("Hello Amal &#38; co, the lamp <is> ready."), "{path}: {read}");
    }
    rig.assert_good_manners();
}

#[tokio::test]
async fn each_kind_of_blank_reaches_meta_as_it_was_typed() {
    let rig = rig().await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let url = "https://shop.example/bill.pdf";
    let place =
        [("latitude", "24,7136"), ("longitude", "46.6753"), ("place_name", "Shop; main"), ("place_address", "Road 1")];
    let copied = |kind: &str, of: Value| json!({"type": "button", "sub_type": kind, "index": "0", "parameters": [of]});
    let body = |text: &str| json!({"type": "body", "parameters": [{"type": "text", "text": text}]});
    let head = |kind: &str, of: Value| json!({"type": "header", "parameters": [{"type": kind, kind: of}]});
    for (id, fields, components) in [
        (
            "bill/en",
            &[("variable", url), ("file_name", "Bill 7"), ("variable", "7")][..],
            vec![head("document", json!({"link": url, "filename": "Bill 7.pdf"})), body("7")],
        ),
        (
            "bill/en",
            &[("variable", url), ("file_name", ""), ("variable", "8")],
            vec![head("document", json!({"link": url, "filename": "bill.pdf"})), body("8")],
        ),
        (
            "pickup/en",
            &place,
            vec![head(
                "location",
                json!({"latitude": 24.7136, "longitude": 46.6753, "name": "Shop, main", "address": "Road 1"}),
            )],
        ),
        (
            "pickup/en",
            &[("latitude", "-1"), ("longitude", "180"), ("place_name", ""), ("place_address", "")],
            vec![head("location", json!({"latitude": -1.0, "longitude": 180.0}))],
        ),
        (
            "voucher/en",
            &[("variable", "SAVE20")],
            vec![copied("copy_code", json!({"type": "coupon_code", "coupon_code": "SAVE20"}))],
        ),
        (
            "login/en",
            &[("variable", "123456")],
            vec![body("123456"), copied("url", json!({"type": "text", "text": "123456"}))],
        ),
    ] {
        rig.world.later(Duration::from_secs(60));
        log_page(&mut owner, &owner_post(&rig, id, fields).await).await;
        assert_eq!(rig.last().body["template"]["components"], json!(components), "{id}");
    }
    log_page(&mut owner, &owner_post(&rig, "booking/en", &[]).await).await;
    let token = rig.last().body["biz_opaque_callback_data"].clone();
    let flow = copied("flow", json!({"type": "action", "action": {"flow_token": token}}));
    assert_eq!(rig.last().body["template"]["components"], json!([flow]));
    let chosen = owner.get(&format!("{TAB}&template=login/en")).await.body;
    assert!(chosen.contains("value=\"authentication\" selected"), "a code is for logging in");
    assert!(text(&chosen).contains("One-time code") && chosen.matches("name=\"variable\"").count() == 1);
    rig.assert_good_manners();
}

async fn owner_post(rig: &Rig, id: &str, fields: &[(&str, &str)]) -> Reply {
    Visitor::logged_in(&rig.world, "owner").await.post(SEND, &form(id, fields)).await
}

/// Of a template that is none of those that are offered.
const GONE: &str = "This template cannot be sent any more";

/// A template, what is typed into its blanks, and what is said of it.
type WrongForm<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str);

/// What cannot be sent; `long` is longer than a blank takes.
fn wrong_forms(long: &str) -> Vec<WrongForm<'_>> {
    let order = |at: usize, value: &'static str| {
        let mut fields = ORDER.to_vec();
        fields[at].1 = value;
        fields
    };
    vec![
        ("order_news/en", order(0, " "), "Line above, {{1}}: fill it in."),
        ("order_news/en", order(1, ""), "Text, {{1}}: fill it in."),
        ("order_news/en", ORDER[..3].to_vec(), "Button “Track”: the end of its address: fill it in."),
        ("order_news/en", Vec::new(), "Text, {{2}}: fill it in."),
        ("order_news/en", order(2, "a\r\nb"), "Text, {{2}}: one line, without line breaks and tabs."),
        ("order_news/en", order(2, "a\tb"), "Text, {{2}}: one line"),
        ("order_news/en", order(2, "a\0b"), "Text, {{2}}: one line"),
        (
            "order_news/en",
            vec![ORDER[0], ("variable", long), ORDER[2], ORDER[3]],
            "Text, {{1}}: at most 1,024 characters.",
        ),
        (
            "bill/en",
            vec![("variable", "bill.pdf"), ("variable", "7")],
            "Document above the text: its address: an address that begins",
        ),
        ("pickup/en", vec![("latitude", "91"), ("longitude", "1")], "Latitude: a number from -90 to 90."),
        ("pickup/en", vec![("latitude", "1"), ("longitude", "east")], "Longitude: a number from -180 to 180."),
        ("pickup/en", vec![("latitude", "NaN"), ("longitude", "1")], "Latitude: a number"),
        ("pickup/en", Vec::new(), "Latitude: fill it in."),
        (
            "pickup/en",
            vec![("latitude", "1.00000000000000000000000000000001"), ("longitude", "1")],
            "Latitude: at most 32 characters.",
        ),
        (
            "bill/en",
            vec![("variable", "https://shop.example/bill.pdf"), ("variable", "7"), ("file_name", "...")],
            "Name of the document (optional): a name, such as bill.pdf.",
        ),
        (
            "voucher/en",
            vec![("variable", "ABCDEFGHIJKLMNOP")],
            "Button “Copy it”: the code that it copies: at most 15 characters.",
        ),
        ("login/en", vec![("variable", "1234567890123456")], "One-time code: at most 15 characters."),
        ("resting/en", Vec::new(), GONE),
        ("sale/en", Vec::new(), GONE),
        ("goods/en", Vec::new(), GONE),
        ("order_news/he", ORDER.to_vec(), GONE),
        ("nothing", Vec::new(), GONE),
    ]
}

/// Sent now or kept for later, looked at or not: each field that is wrong is named, what was typed stays, nothing is sent.
#[tokio::test]
async fn what_is_wrong_is_said_by_its_field() {
    let rig = rig().await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let long = "x".repeat(1025);
    let rows = wrong_forms(&long);
    for (id, fields, said) in &rows {
        for step in ["preview", "send"] {
            let mut now = form(id, fields);
            now.push(("do", step));
            let later = [&now[..], &[("instance", LINE), ("at", "2027-05-05T18:30")]].concat();
            for (path, fields) in [(SEND, &now), ("/scheduled", &later)] {
                let refused = owner.post(path, fields).await;
                let read = text(&refused.body);
                assert!(refused.status == 422 && read.contains(said), "{path} {id}, {said}: {} {read}", refused.status);
                assert!(
                    refused.body.contains("role=\"alert\"") && refused.body.contains(&format!("value=\"{PHONE}\""))
                );
                if let Some((_, typed)) =
                    fields.iter().find(|(name, value)| *name == "variable" && *value == "the lamp")
                {
                    assert!(
                        refused.body.contains(&format!("value=\"{typed}\"")) || *said == GONE,
                        "{path} {id}: {typed}"
                    );
                }
            }
        }
    }
    // The number and the blanks are told of together.
    let mut both = form("voucher/en", &[]);
    both[0].1 = "12";
    let read = text(&owner.post(SEND, &both).await.body);
    assert!(read.contains("the code that it copies: fill it in.") && read.contains("digits"), "{read}");
    let counts = ["SELECT count(*) FROM messages", "SELECT count(*) FROM schedules"];
    assert_eq!(
        (rig.graph.sent().len(), rig.world.number(counts[0]).await, rig.world.number(counts[1]).await),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn nobody_sends_what_is_anothers() {
    let rig = rig().await;
    let stranger = rig.world.new_account("Other", "growth").await;
    rig.world.new_instance(stranger, "other-line").await;
    let mut other = Visitor::of_account(&rig.world, "owner", stranger, "o@other.example").await;
    let fields = form("order_news/en", &ORDER);
    assert_eq!(other.post(SEND, &fields).await.status, 404);
    let own = other.post("/instances/other-line/send", &fields).await;
    assert!(own.status == 422 && text(&own.body).contains("This template cannot be sent any more"), "{}", own.body);
    let later = |instance: &'static str| [&fields[..], &[("instance", instance), ("at", "2027-05-05T18:30")]].concat();
    assert!(other.post("/scheduled", &later(LINE)).await.body.contains("There is no number"));
    assert!(text(&other.post("/scheduled", &later("other-line")).await.body).contains("cannot be sent any more"));
    let page = other.get("/scheduled?template=cloud-line/order_news/en").await.body;
    assert!(!page.contains("data-preview") && page.contains("name=\"message\""), "as if it were not there");

    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    for from in ["Origin: https://evil.example", "Sec-Fetch-Site: cross-site"] {
        assert_eq!(owner.post_with(SEND, &fields, &[from]).await.status, 403, "{from}");
        assert_eq!(owner.post_with("/scheduled", &later(LINE), &[from]).await.status, 403, "{from}");
    }
    assert_eq!(owner.post_with(SEND, &fields, &[]).await.status, 403, "without the form's token");
    let mut viewer = Visitor::logged_in(&rig.world, "viewer").await;
    assert_eq!(viewer.post(SEND, &fields).await.status, 403);
    assert_eq!(viewer.post("/scheduled", &later(LINE)).await.status, 403);
    assert!(!viewer.get("/scheduled?template=cloud-line/order_news/en").await.body.contains("data-preview"));
    assert_eq!((rig.graph.sent().len(), rig.world.number("SELECT count(*) FROM schedules").await), (0, 0));
}

/// What needs products is refused by its field before Meta is asked, through the guarded API, too.
#[tokio::test]
async fn a_template_that_needs_more_than_variables_is_refused_with_its_reason() {
    let rig = rig().await;
    let body = json!({"instance_id": LINE, "phone": PHONE, "message_purpose": "transactional",
                      "template": {"name": "goods", "language": "en"}});
    let refused = rig.world.send(&body).await;
    assert_eq!((refused.status, refused.error()), (422, "validation_error".to_owned()), "{}", refused.body);
    assert_eq!(refused.json()["details"]["fields"], json!(["template"]));
    assert!(refused.body.contains("(mpm)"), "{}", refused.body);
    assert!(rig.graph.sent().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_preview_follows_what_is_typed() {
    let rig = rig().await;
    Visitor::logged_in(&rig.world, "owner").await;
    let browser = Browser::open(&format!("http://{}", rig.world.address()), 1280).await;
    enter(&rig.world, &browser, "owner@shop.example").await;
    for (path, button) in [
        (format!("{TAB}&template=order_news/en"), "manage"),
        ("/scheduled?template=cloud-line/order_news/en".to_owned(), "scheduled"),
    ] {
        browser.goto(&path).await;
        assert_eq!(
            browser.script("return document.querySelector('button[value=preview]').offsetParent === null").await,
            true,
            "{button}"
        );
        assert!(browser.text("[data-preview]").await.contains("Hello {{1}}, {{2}} <is> ready."), "{button}");
        browser.fill("#blank-1", "עמל").await;
        browser.fill("#blank-3", "2041-x").await;
        let read = browser.text("[data-preview]").await;
        assert!(read.contains("Hello עמל, {{2}} <is> ready.") && read.contains("/o/2041-x"), "{button}: {read}");
        browser.script("const i = document.querySelector('#blank-1'); i.value = ''; i.dispatchEvent(new Event('input', {bubbles: true}))").await;
        assert!(browser.text("[data-preview]").await.contains("Hello {{1}}"), "{button}");
    }
    browser.goto(&format!("{TAB}&template=order_news/en")).await;
    browser.fill("#phone", PHONE).await;
    for (at, (_, value)) in ORDER.iter().enumerate() {
        browser.fill(&format!("#blank-{at}"), value).await;
    }
    browser.click("form.narrow button.primary").await;
    wait::until("its timeline", async || browser.path().await.starts_with("/message-logs/")).await;
    assert!(browser.text(".bubble").await.contains("Hello Amal & co, the lamp <is> ready."));
    assert_eq!(rig.graph.sent().len(), 1);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
