//! What Meta surely refuses is refused before the wire, with the field and what would be right; and files go by names that
//! open them.

use super::rig::{LINE, PHONE, Rig};
use crate::harness::{
    graph::{Fault, Graph},
    http::Reply,
    visitor::Visitor,
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::model::clock::Clock as _;

/// A refusal of one field before anything was brought to Meta.
fn assert_unfit(rig: &Rig, reply: &Reply, field: &str, told: &str) {
    assert_eq!((reply.status, reply.error()), (422, "validation_error".to_owned()), "{field}: {}", reply.body);
    let details = &reply.json()["details"];
    assert_eq!(details["fields"], json!([field]), "{}", reply.body);
    let reason = details["reason"].as_str().unwrap_or_default();
    assert!(reason.contains(told), "{told}: {reason}");
    assert_eq!(reply.header("x-message-status"), Some("blocked"));
    assert_eq!((rig.graph.sent().len(), rig.graph.state().uploads.len()), (0, 0));
}

fn file(rig: &Rig, url: &str, kind: &str, caption: &str) -> Value {
    let mut body = rig.message(caption);
    (body["media_url"], body["media_type"]) = (json!(url), json!(kind));
    body
}

#[tokio::test]
async fn files_that_meta_does_not_take_stay_here() {
    let rig = Rig::start().await;
    let gif = b"GIF89a\x01\0\x01\0\0\0\0;";
    let webp = b"RIFF\x10\0\0\0WEBPVP8 ....";
    let zip = b"PK\x03\x04\x14\0\0\0";
    let wav = b"RIFF\x10\0\0\0WAVEfmt ....";
    for (name, mime, bytes, kind, told) in [
        ("a.gif", "image/gif", &gif[..], "image", "image/gif"),
        ("a.webp", "image/webp", webp, "image", "send it as media_type document"),
        ("a.zip", "application/zip", zip, "document", "application/zip"),
        ("a.wav", "audio/wav", wav, "audio", "audio/wav"),
        ("a.mp3", "audio/mpeg", b"ID3\x04", "voice", "send it as media_type audio"),
        ("b.png", "image/png", b"\x89PNG\r\n\x1a\n", "sticker", "send it as media_type image"),
        ("a.bin", "application/octet-stream", b"\0\x01\x02", "document", "application/octet-stream"),
    ] {
        let url = rig.files.put(name, mime, bytes);
        assert_unfit(&rig, &rig.world.send(&file(&rig, &url, kind, "")).await, "media_url", told);
    }
    let png = [&b"\x89PNG\r\n\x1a\n"[..], &vec![0; 5 << 20]].concat();
    let url = rig.files.put("large.png", "image/png", &png);
    let reply = rig.world.send(&file(&rig, &url, "image", "")).await;
    assert_unfit(&rig, &reply, "media_url", "5242880");
    let url = rig.files.put("a.png", "image/png", b"\x89PNG\r\n\x1a\n");
    let reply = rig.world.send(&file(&rig, &url, "image", &"x".repeat(1025))).await;
    assert_unfit(&rig, &reply, "message", "1025");
    assert_eq!(rig.world.used().await, (0, 0), "nothing counts");
    let reply = rig.world.send(&file(&rig, &url, "image", &"x".repeat(1024))).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn text_files_and_office_files_go_as_what_they_are_and_open() {
    let rig = Rig::start().await;
    let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let disposed = "200 OK\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"Invoice 2041.pdf\"\
                    \r\nContent-Length: 9";
    for (url, named, mime, name) in [
        (rig.files.put("a.txt", "text/plain", b"plain"), None, "text/plain", "a.txt"),
        (rig.files.put("a.csv", "text/csv", "a;\u{5d7}\n".as_bytes()), None, "text/plain", "a.csv"),
        (rig.files.put("a.xml", "application/xml", b"<a/>"), None, "text/plain", "a.xml"),
        (rig.files.put("list.xlsx", "application/octet-stream", b"PK\x03\x04\x14\0"), None, sheet, "list.xlsx"),
        (rig.files.put("41", "application/pdf", b"%PDF-1.7\n"), None, "application/pdf", "41.pdf"),
        (
            rig.files.answer("web/content/41", disposed, b"%PDF-1.7\n", false),
            None,
            "application/pdf",
            "Invoice 2041.pdf",
        ),
        (rig.files.put("x.aspx", "", b"%PDF-1.7\n"), Some("Bill"), "application/pdf", "Bill.pdf"),
    ] {
        // Nobody gets them all at once.
        rig.world.later(Duration::from_secs(60));
        let mut body = file(&rig, &url, "document", "");
        body["file_name"] = json!(named);
        let reply = rig.world.send(&body).await;
        assert_eq!(reply.status, 200, "{url}: {}", reply.body);
        let sent = rig.last().body["document"].clone();
        let uploaded = rig.graph.state().uploads[sent["id"].as_str().expect("an id")].0.clone();
        assert_eq!((uploaded.as_str(), &sent["filename"]), (mime, &json!(name)), "{url}");
    }
    rig.assert_good_manners();
}

fn with_template(name: &str, variables: &[&str]) -> Value {
    json!({"instance_id": LINE, "phone": PHONE, "message_purpose": "transactional",
           "template": {"name": name, "language": "he", "variables": variables}})
}

async fn rig_with_templates() -> Rig {
    let rig = Rig::without_instance().await;
    let template = |name: &str, category: &str, components: Value| {
        json!({"name": name, "language": "he", "category": category, "status": "APPROVED", "id": "1",
               "components": components})
    };
    let body = |text: &str| json!({"type": "BODY", "text": text});
    rig.graph.state().templates = vec![
        template("order", "UTILITY", json!([body("Order {{1}}: {{2}}")])),
        template("bill", "UTILITY", json!([{"type": "HEADER", "format": "DOCUMENT"}, body("Bill {{1}}")])),
        template(
            "login",
            "AUTHENTICATION",
            json!([body("{{1}} is your code"), {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}]),
        ),
        template("way", "UTILITY", json!([{"type": "HEADER", "format": "LOCATION"}, body("Order {{1}} waits here.")])),
        template(
            "voucher",
            "UTILITY",
            json!([body("Your voucher."), {"type": "BUTTONS", "buttons": [{"type": "COPY_CODE", "text": "Copy"}]}]),
        ),
    ];
    rig.create_with(&rig.graph.settings()).await.expect("an instance");
    rig.until_looked(1).await;
    let known = || async { rig.world.number("SELECT count(*) FROM templates WHERE slots IS NOT NULL").await == 5 };
    rig.until("the templates are recorded", async || known().await).await;
    rig
}

#[tokio::test]
async fn variables_that_do_not_fit_their_template_stay_here() {
    let rig = rig_with_templates().await;
    for (name, variables, told) in [
        ("order", &["2041"][..], "2 placeholders, and 1 variables"),
        ("order", &["2041", "a", "b"], "2 placeholders, and 3 variables"),
        ("order", &["2041", " \t"], "template.variables[1]: it is blank"),
        ("bill", &["bill.pdf", "2041"], "template.variables[0]: it is the address of the document"),
        ("login", &["1", "2", "3"], "2 placeholders"),
        ("way", &["2041"], "2 placeholders, and 1 variables"),
        ("way", &["King Fahd Road 1", "2041"], "template.variables[0]: it is the place"),
        ("way", &["24.7136, 190; Shop", "2041"], "such as 24.7136, 46.6753; Shop"),
        ("voucher", &[], "1 placeholders, and 0 variables"),
    ] {
        let reply = rig.world.send(&with_template(name, variables)).await;
        assert_unfit(&rig, &reply, "template.variables", told);
    }
    let reply = rig.world.send(&with_template("order", &["2041", "Leave at door\nCall first"])).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(rig.last().body["template"]["components"][0]["parameters"][1]["text"], "Leave at door Call first");
    let mut body = with_template("login", &["123456"]);
    body["message_purpose"] = json!("authentication");
    let reply = rig.world.send(&body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let components = rig.last().body["template"]["components"].clone();
    assert_eq!((&components[1]["type"], &components[1]["parameters"][0]["text"]), (&json!("button"), &json!("123456")));
    rig.assert_good_manners();
}

/// By the API at once and later, and on the chat page.
#[tokio::test]
async fn a_templates_place_and_its_code_to_copy_go_with_it() {
    let rig = rig_with_templates().await;
    let variables = ["24.7136, 46.6753; Shop; King Fahd Road 1", "2041"];
    let head = json!({"type": "header", "parameters": [{"type": "location", "location": {
        "latitude": 24.7136, "longitude": 46.6753, "name": "Shop", "address": "King Fahd Road 1"}}]});
    let reply = rig.world.send(&with_template("way", &variables)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(rig.last().body["template"]["components"][0], head);
    let mut later = with_template("way", &["24.7136,46.6753", "2042"]);
    later["send_at"] = json!(rig.world.clock.now().plus(Duration::from_secs(3600)));
    assert_eq!(rig.world.send(&later).await.status, 202);
    rig.world.later(Duration::from_secs(3601));
    rig.until("it is sent when it is due", async || rig.graph.sent().len() == 2).await;
    let place = rig.last().body["template"]["components"][0]["parameters"][0]["location"].clone();
    assert_eq!(place, json!({"latitude": 24.7136, "longitude": 46.6753}));
    let reply = rig.world.send(&with_template("voucher", &["SAVE20"])).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let code = json!([{"type": "button", "sub_type": "copy_code", "index": "0",
                       "parameters": [{"type": "coupon_code", "coupon_code": "SAVE20"}]}]);
    assert_eq!(rig.last().body["template"]["components"], code);

    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let page = owner.get(&format!("/chat?instance={LINE}&chat=c1")).await.body;
    assert!(page.contains("↑ 24.7136, 46.6753; …; …"), "how a place is written: {page}");
    let fill = |nonce: &'static str, place: &'static str| {
        [("nonce", nonce), ("template", "way/he"), ("variable", place), ("variable", "2043")]
    };
    let send = format!("/chat/{LINE}/c1/send");
    let wrong = owner.post(&send, &fill("n-1", "at the shop")).await;
    assert!(wrong.status == 422 && wrong.body.contains("24.7136, 46.6753; Shop"), "{}", wrong.body);
    assert_eq!(owner.post(&send, &fill("n-2", "24.7136, 46.6753; Shop")).await.status, 303);
    assert_eq!(rig.last().body["template"]["components"][0]["parameters"][0]["location"]["name"], "Shop");
    rig.assert_good_manners();
}

#[tokio::test]
async fn a_templates_document_has_a_name() {
    let rig = rig_with_templates().await;
    let variables = ["https://shop.example/f/inv-2041", "2041"];
    for (named, name) in [(None, "inv-2041.pdf"), (Some("Invoice 2041"), "Invoice 2041.pdf"), (Some("B.pdf"), "B.pdf")]
    {
        let mut body = with_template("bill", &variables);
        body["file_name"] = json!(named);
        let reply = rig.world.send(&body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let head = rig.last().body["template"]["components"][0]["parameters"][0]["document"].clone();
        assert_eq!(head, json!({"link": variables[0], "filename": name}));
    }
    rig.assert_good_manners();
}

/// Meta takes no one-time code for a person whose number is hidden (131062): it is told before it is asked.
#[tokio::test]
async fn a_code_needs_a_number() {
    let rig = rig_with_templates().await;
    let message = json!({"from_user_id": "US.1349", "user_id": "US.1349", "id": "wamid.hidden",
                         "timestamp": rig.world.clock.now().seconds().to_string(), "type": "text",
                         "text": {"body": "Hello"}});
    rig.call(json!({"contacts": [{"profile": {"name": "Amal"}, "user_id": "US.1349"}], "messages": [message]})).await;
    let contact = rig.world.number("SELECT contact_id FROM contact_identities WHERE kind = 'bsuid'").await;
    let mut body = with_template("login", &["123456"]);
    (body["phone"], body["message_purpose"]) = (json!(format!("contact:{contact}")), json!("authentication"));
    assert_unfit(&rig, &rig.world.send(&body).await, "phone", "a number");
    body["template"] = json!({"name": "order", "language": "he", "variables": ["2041", "ready"]});
    let reply = rig.world.send(&body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

/// A program that repeats what failed needs to know what is worth it.
#[tokio::test]
async fn what_failed_says_whether_another_try_can_help() {
    let rig = Rig::start().await;
    rig.subscribe(&["message.failed", "message.status_updated"]).await;
    for (n, (code, retry)) in [(131_026, "never"), (131_049, "later"), (100, "never")].into_iter().enumerate() {
        rig.graph.fault_next(Fault::code("400 Bad Request", code));
        let reply = rig.send(&format!("Your order {n} is ready.")).await;
        assert_eq!((reply.status, reply.header("x-message-retry")), (502, Some(retry)), "{code}: {}", reply.body);
        assert_eq!(reply.json()["details"], json!([]), "as documented");
        assert_eq!(rig.row(&reply).await["retry"], retry, "{code}");
    }
    let reply = rig.send("Your order 3 is ready.").await;
    assert_eq!((reply.header("x-message-retry"), &rig.row(&reply).await["retry"]), (None, &Value::Null));
    rig.call(Graph::failed(&rig.last(), 131_026, rig.world.clock.now().seconds())).await;
    let told = rig.events("message.failed", 4).await;
    let retries: Vec<&Value> = told.iter().map(|event| &event["retry"]).collect();
    assert_eq!(retries, ["never", "later", "never", "never"]);
    let steps = rig.events("message.status_updated", 5).await;
    assert_eq!(steps.last().map(|step| (&step["status"], &step["retry"])), Some((&json!("failed"), &json!("never"))));
}

#[tokio::test]
async fn a_voice_message_and_a_sticker_go_as_meta_takes_them() {
    let rig = Rig::start().await;
    let voice = rig.files.put("a.ogg", "audio/ogg", b"OggS\0\x02 a voice");
    let sticker = rig.files.put("a.webp", "image/webp", b"RIFF\x10\0\0\0WEBPVP8 ....");
    for (url, kind, sent) in [(&voice, "voice", "audio"), (&sticker, "sticker", "sticker")] {
        rig.world.later(Duration::from_secs(60));
        let reply = rig.world.send(&file(&rig, url, kind, "")).await;
        assert_eq!(reply.status, 200, "{kind}: {}", reply.body);
        let body = rig.last().body;
        assert_eq!(
            (&body["type"], &body[sent]["voice"]),
            (&json!(sent), &if kind == "voice" { json!(true) } else { Value::Null })
        );
        let log_id = json!(reply.header("x-log-id").expect("a row").parse::<i64>().expect("a number"));
        assert_eq!(rig.world.row(&log_id).await["kind"], kind);
        let with_words = rig.world.send(&file(&rig, url, kind, "words")).await;
        assert_eq!(with_words.json()["details"]["fields"], json!(["message"]), "{}", with_words.body);
    }
    rig.assert_good_manners();
}

#[tokio::test]
async fn a_template_message_is_shown_by_its_name_and_text_wherever_it_stands() {
    let rig = rig_with_templates().await;
    let sent = rig.world.send(&with_template("order", &["2041", "at the door"])).await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    let log_id = sent.json()["log_id"].to_string();
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let page = format!("/message-logs/{log_id}");
    for (path, named) in [
        ("/message-logs", true),
        (page.as_str(), true),
        ("/message-logs/export.csv", true),
        ("/chat?instance=cloud-line&chat=c1", false),
    ] {
        let body = owner.get(path).await.body;
        assert!(body.contains("Order 2041: at the door"), "{path}: {body}");
        assert!(!named || body.contains("order"), "{path}: {body}");
    }
}
