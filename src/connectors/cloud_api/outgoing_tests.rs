//! What is handed over, and what answers mean, row for row.

use super::*;
use crate::{
    connectors::{
        AboutMessage, SendErrorKind,
        outgoing::MediaFile,
        templates::{Category, Slot, TemplateButton, TemplateFrame, TemplateName},
    },
    model::{
        ids::{InstanceId, MessageId},
        phone::Phone,
        why::why,
    },
};
use bytes::Bytes;

fn now() -> Time {
    Time::parse("2026-06-01T08:00:00Z").expect("a time")
}

fn phone() -> Address {
    Address::Phone(Phone::parse("+966501234567", None).expect("a number"))
}

fn out(to: Address, content: Content) -> Outgoing {
    let (instance, message_id) = (InstanceId::from_text("line"), MessageId::from_text("msg_1"));
    Outgoing { instance, message_id, to, content, reply_to: None, outside_window: false }
}

fn media(kind: MediaKind, caption: &str, file_name: Option<&str>) -> Content {
    let file_name = file_name.map(str::to_owned);
    let file = MediaFile { path: "x".into(), mime_type: "image/jpeg".into(), size: 1, file_name };
    Content::Media { kind, file, caption: caption.to_owned() }
}

fn template(variables: &[&str]) -> Content {
    let variables = variables.iter().map(|v| (*v).to_owned()).collect();
    Content::Template { name: "order_news".into(), language: "he".into(), variables, file_name: None }
}

fn reaction(emoji: &str) -> Content {
    let about = AboutMessage { provider_message_id: "wamid.y".into(), from_me: false, author: None, file: None };
    Content::Reaction { about, emoji: emoji.to_owned() }
}

/// A request without what all have.
fn said(out: &Outgoing, template: Option<&Template>) -> Value {
    let mut body = request(out, Some("media-1"), template).expect("a request");
    for (name, value) in
        [("messaging_product", "whatsapp"), ("recipient_type", "individual"), ("biz_opaque_callback_data", "msg_1")]
    {
        assert_eq!(body.as_object_mut().and_then(|b| b.remove(name)), Some(json!(value)), "{name}");
    }
    body
}

#[test]
fn each_kind_of_message_has_metas_shape() {
    let to = "+966501234567";
    let text = Content::Text("Hello https://a.example".into());
    let rows = [
        (text.clone(), json!({"type": "text", "text": {"body": "Hello https://a.example", "preview_url": false}})),
        (
            media(MediaKind::Image, "A caption", Some("a.jpg")),
            json!({"type": "image", "image": {"id": "media-1", "caption": "A caption"}}),
        ),
        (media(MediaKind::Audio, "", None), json!({"type": "audio", "audio": {"id": "media-1"}})),
        (media(MediaKind::Voice, "", None), json!({"type": "audio", "audio": {"id": "media-1", "voice": true}})),
        (media(MediaKind::Sticker, "", None), json!({"type": "sticker", "sticker": {"id": "media-1"}})),
        (media(MediaKind::Video, "", None), json!({"type": "video", "video": {"id": "media-1"}})),
        (
            media(MediaKind::Document, "", Some("bill.pdf")),
            json!({"type": "document", "document": {"id": "media-1", "filename": "bill.pdf"}}),
        ),
        (
            media(MediaKind::Document, "c", None),
            json!({"type": "document", "document": {"id": "media-1", "filename": "document", "caption": "c"}}),
        ),
        (template(&[]), json!({"type": "template", "template": {"name": "order_news", "language": {"code": "he"}}})),
        (
            template(&["one", "two"]),
            json!({"type": "template", "template": {"name": "order_news", "language": {"code": "he"}, "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}]}}),
        ),
        (reaction("👍"), json!({"type": "reaction", "reaction": {"message_id": "wamid.y", "emoji": "👍"}})),
        (reaction(""), json!({"type": "reaction", "reaction": {"message_id": "wamid.y", "emoji": ""}})),
    ];
    for (content, mut expected) in rows {
        expected["to"] = json!(to);
        assert_eq!(said(&out(phone(), content), None), expected);
    }
    let reply = Outgoing { reply_to: Some("wamid.x".into()), ..out(phone(), text.clone()) };
    assert_eq!(said(&reply, None)["context"], json!({"message_id": "wamid.x"}));
    let hidden = said(&out(Address::Bsuid("US.1349".into()), text.clone()), None);
    assert_eq!((&hidden["recipient"], &hidden["to"]), (&json!("US.1349"), &Value::Null));
    for nobody in [Address::Lid("1@lid".into()), Address::Group("1@g.us".into())] {
        let refused = request(&out(nobody, text.clone()), None, None).expect_err("no such address there");
        assert_eq!(refused.kind, SendErrorKind::Permanent);
    }
    assert_eq!(
        read_mark("wamid.x", true),
        json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x",
               "typing_indicator": {"type": "text"}})
    );
    assert!(read_mark("wamid.x", false).get("typing_indicator").is_none());
}

#[test]
fn a_known_template_gets_its_variables_where_they_belong() {
    let slot = |place, name: Option<&str>| Slot { place, name: name.map(str::to_owned), media: None };
    let known = |slots| Template {
        name: TemplateName::parse("order_news", "he").expect("a name"),
        category: Category::Utility,
        status: "approved".into(),
        body: String::new(),
        slots,
        frame: TemplateFrame::default(),
    };
    let spread = known(vec![
        slot(PlaceholderSlot::Header, None),
        slot(PlaceholderSlot::Body, Some("who")),
        slot(PlaceholderSlot::Body, Some("what")),
        slot(PlaceholderSlot::Button(1), None),
    ]);
    let said_of = |template: &Template, variables: &[&str]| {
        said(&out(phone(), self::template(variables)), Some(template))["template"]["components"].clone()
    };
    let named = |name: &str, text: &str| json!({"type": "text", "text": text, "parameter_name": name});
    assert_eq!(
        said_of(&spread, &["H", "a", "b", "c"]),
        json!([
            {"type": "header", "parameters": [{"type": "text", "text": "H"}]},
            {"type": "body", "parameters": [named("who", "a"), named("what", "b")]},
            {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "c"}]},
        ])
    );
    for kind in [SlotKind::Image, SlotKind::Video, SlotKind::Document] {
        let head = Slot { media: Some(kind), ..slot(PlaceholderSlot::Header, None) };
        let with_file = known(vec![head, slot(PlaceholderSlot::Body, None)]);
        let mut file = json!({"type": kind.as_str()});
        file[kind.as_str()] = json!({"link": "https://shop.example/a"});
        if kind == SlotKind::Document {
            file["document"]["filename"] = json!("a.pdf");
        }
        assert_eq!(
            said_of(&with_file, &["https://shop.example/a", "b"]),
            json!([{"type": "header", "parameters": [file]},
                   {"type": "body", "parameters": [{"type": "text", "text": "b"}]}])
        );
    }
    let place = Slot { media: Some(SlotKind::Location), ..slot(PlaceholderSlot::Header, None) };
    let coupon = Slot { media: Some(SlotKind::CouponCode), ..slot(PlaceholderSlot::Button(0), None) };
    assert_eq!(
        said_of(&known(vec![place, coupon]), &["24.7136, 46.6753; Shop; King Fahd Road 1", "SAVE20"]),
        json!([{"type": "header", "parameters": [{"type": "location", "location": {
                   "latitude": 24.7136, "longitude": 46.6753, "name": "Shop", "address": "King Fahd Road 1"}}]},
               {"type": "button", "sub_type": "copy_code", "index": "0",
                "parameters": [{"type": "coupon_code", "coupon_code": "SAVE20"}]}])
    );
    let in_the_text = json!([{"type": "body", "parameters": [{"type": "text", "text": "a"}]}]);
    assert_eq!(said_of(&spread, &["a"]), in_the_text, "another number of them: Meta says what is wrong");
    assert_eq!(said_of(&known(Vec::new()), &[]), Value::Null);
    let button = |kind: &str| TemplateButton { kind: kind.to_owned(), text: "See".to_owned(), url: None };
    let mut with_form = known(vec![slot(PlaceholderSlot::Body, None)]);
    with_form.frame.buttons = vec![button("quick_reply"), button("flow")];
    let token = out(phone(), self::template(&[])).message_id;
    assert_eq!(
        said_of(&with_form, &["a"]),
        json!([{"type": "body", "parameters": [{"type": "text", "text": "a"}]},
               {"type": "button", "sub_type": "flow", "index": "1",
                "parameters": [{"type": "action", "action": {"flow_token": token}}]}])
    );
}

/// Meta refuses a variable with a line break, a tab or a long run of blanks; a code is given once and stands twice.
#[test]
fn variables_are_as_meta_takes_them() {
    for (given, sent) in [
        ("Leave at door\nCall first", "Leave at door Call first"),
        ("a\r\nb", "a b"),
        ("a\tb", "a b"),
        ("a     b", "a b"),
        ("a    b", "a b"),
        ("a   b", "a   b"),
        ("a \n \n b", "a b"),
        ("\nשלום", " שלום"),
        ("plain", "plain"),
        ("", ""),
    ] {
        assert_eq!(in_one_line(given), sent, "{given:?}");
        let body = said(&out(phone(), template(&[given])), None);
        assert_eq!(body["template"]["components"][0]["parameters"][0]["text"], sent, "{given:?}");
    }
    let slot = |place| Slot { place, name: None, media: None };
    let code = Template {
        name: TemplateName::parse("login", "en-US").expect("a name"),
        category: Category::Authentication,
        status: "approved".into(),
        body: String::new(),
        slots: vec![slot(PlaceholderSlot::Body), slot(PlaceholderSlot::Button(0))],
        frame: TemplateFrame::default(),
    };
    let once = said(&out(phone(), template(&["123456"])), Some(&code));
    let twice = said(&out(phone(), template(&["123456", "123456"])), Some(&code));
    assert_eq!(once, twice);
    assert_eq!(once["template"]["components"][1]["parameters"][0]["text"], "123456");
    let utility = Template { category: Category::Utility, ..code };
    assert_ne!(said(&out(phone(), template(&["123456"])), Some(&utility)), twice, "no code: Meta says what is wrong");
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> GraphResponse {
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        all.append(*name, value.parse().expect("a header"));
    }
    let status = StatusCode::from_u16(status).expect("a status");
    GraphResponse { status, headers: all, body: Bytes::copy_from_slice(body.as_bytes()), truncated: false }
}

fn error(status: u16, code: i64) -> GraphResponse {
    answer(status, &[], &json!({"error": {"message": "m", "code": code, "type": "OAuthException"}}).to_string())
}

fn failure(answer: GraphResponse) -> Failure {
    outcome(Ok(answer), now()).expect_err("a failure")
}

#[test]
fn the_code_decides_and_not_the_status() {
    let temporary = || SendErrorKind::Temporary { retry_after: None };
    let permanent = || SendErrorKind::Permanent;
    for (code, kind, demand, recipient_fault) in [
        (2, temporary(), Demand::None, false),
        (131_000, temporary(), Demand::None, false),
        (131_016, temporary(), Demand::None, false),
        (135_000, temporary(), Demand::None, false),
        (4, temporary(), Demand::SlowLine(None), false),
        (80_007, temporary(), Demand::SlowLine(None), false),
        (130_429, temporary(), Demand::SlowLine(None), false),
        (131_056, temporary(), Demand::SlowRecipient(None), false),
        (
            131_057,
            SendErrorKind::Temporary { retry_after: Some(MAINTENANCE) },
            Demand::SlowLine(Some(MAINTENANCE)),
            false,
        ),
        (131_047, permanent(), Demand::None, false),
        (131_026, permanent(), Demand::None, true),
        (131_049, permanent(), Demand::None, false),
        (132_015, permanent(), Demand::None, false),
        (100, permanent(), Demand::None, false),
        (131_053, permanent(), Demand::None, false),
        (190, permanent(), Demand::Close, false),
        (0, permanent(), Demand::Close, false),
        (131_042, permanent(), Demand::Close, false),
        (131_005, permanent(), Demand::Close, false),
        (131_064, permanent(), Demand::Warn, false),
        (131_041, permanent(), Demand::None, false),
        (133_010, permanent(), Demand::Close, false),
    ] {
        for status in [200, 400, 401, 403, 404, 429, 500, 503] {
            let failure = failure(error(status, code));
            let SendError { kind: found, code: told, recipient_fault: fault, .. } = failure.error;
            assert_eq!((found, failure.demand), (kind, demand.clone()), "{code} under {status}");
            assert_eq!((told, fault), (code.to_string(), recipient_fault), "{code}");
        }
    }
}

#[test]
fn without_a_known_code_the_status_is_all_there_is() {
    use SendErrorKind::{Ambiguous, Permanent, Temporary};
    let none = Temporary { retry_after: None };
    for (answer, kind, demand) in [
        (error(400, 999_999), Permanent, Demand::None),
        (error(500, 999_999), none, Demand::None),
        (error(429, 999_999), none, Demand::SlowLine(None)),
        (answer(400, &[], r#"{"error":{"code":999999,"is_transient":true}}"#), none, Demand::None),
        (answer(429, &[], "slow down"), none, Demand::SlowLine(None)),
        (answer(502, &[], "<html>Bad Gateway</html>"), Ambiguous, Demand::None),
        (answer(500, &[], ""), Ambiguous, Demand::None),
        (answer(504, &[("retry-after", "5")], ""), Ambiguous, Demand::None),
        (answer(408, &[], ""), Ambiguous, Demand::None),
        (answer(302, &[], ""), Permanent, Demand::None),
        (answer(404, &[], "not here"), Permanent, Demand::None),
        (answer(403, &[], r#"{"error":"forbidden"}"#), Permanent, Demand::None),
        (answer(200, &[], r#"{"messages":[{"id":"wamid"#), Ambiguous, Demand::None),
        (answer(200, &[], r#"{"messages":[]}"#), Ambiguous, Demand::None),
        (answer(200, &[], r#"{"messages":[{"id":""}]}"#), Ambiguous, Demand::None),
        (answer(200, &[], ""), Ambiguous, Demand::None),
    ] {
        let failure = failure(answer.clone());
        assert_eq!((failure.error.kind, failure.demand), (kind, demand), "{answer:?}");
    }
}

#[test]
fn metas_wish_to_wait_is_read_in_every_form() {
    let usage = |minutes: i64| {
        json!({"1": [{"type": "messaging", "estimated_time_to_regain_access": minutes}], "2": [{"type": "x"}]})
            .to_string()
    };
    let (hour, none) = (usage(60), usage(0));
    type Headers<'a> = &'a [(&'static str, &'a str)];
    let rows: &[(Headers<'_>, Option<u64>)] = &[
        (&[], None),
        (&[("retry-after", "7")], Some(7)),
        (&[("retry-after", "0")], Some(0)),
        (&[("retry-after", "Mon, 01 Jun 2026 08:00:30 GMT")], Some(30)),
        (&[("retry-after", "Mon, 01 Jun 2020 08:00:30 GMT")], Some(0)),
        (&[("retry-after", "99999999999999999999")], Some(86400)),
        (&[("retry-after", "soon")], None),
        (&[("retry-after", "")], None),
        (&[("retry-after", "3"), ("retry-after", "9")], Some(9)),
        (&[("x-business-use-case-usage", &hour)], Some(3600)),
        (&[("x-business-use-case-usage", &hour), ("retry-after", "5")], Some(3600)),
        (&[("x-business-use-case-usage", &none), ("retry-after", "5")], Some(5)),
        (&[("x-business-use-case-usage", "{")], None),
    ];
    for (headers, seconds) in rows {
        let wait = seconds.map(Duration::from_secs);
        for body in [r#"{"error":{"code":130429}}"#, "no code"] {
            let failure = failure(answer(429, headers, body));
            assert_eq!(failure.error.kind, SendErrorKind::Temporary { retry_after: wait }, "{headers:?}");
            assert_eq!(failure.demand, Demand::SlowLine(wait), "{headers:?}");
        }
    }
}

#[test]
fn a_message_that_was_taken_is_sent_or_held_back_for_now() {
    let ack = |status: &str| {
        let body = json!({"messaging_product": "whatsapp", "contacts": [], "messages": [{"id": "wamid.1"}]});
        let mut body = body;
        if !status.is_empty() {
            body["messages"][0]["message_status"] = json!(status);
        }
        outcome(Ok(answer(200, &[], &body.to_string())), now()).expect("taken")
    };
    let taken =
        |acknowledged| Ack { provider_message_id: "wamid.1".into(), acknowledged, names: RemoteParty::default() };
    assert_eq!(ack(""), taken(true));
    assert_eq!(ack("accepted"), taken(true));
    assert_eq!(ack("held_for_quality_assessment"), taken(false));
}

#[test]
fn without_an_answer_it_depends_on_what_had_left() {
    let (sent, status) = (true, None);
    let t = SendErrorKind::Temporary { retry_after: None };
    for (e, message, file) in [
        (EgressError::Dns("x".into()), t, t),
        (EgressError::Connect("x".into()), t, t),
        (EgressError::Tls("x".into()), t, t),
        (EgressError::Broken { sent: false, status }, t, t),
        (EgressError::Broken { sent, status }, SendErrorKind::Ambiguous, t),
        (EgressError::TimedOut { sent, status }, SendErrorKind::Ambiguous, t),
        (EgressError::BadUrl(why!("url_host", "x")), SendErrorKind::Permanent, SendErrorKind::Permanent),
        (
            EgressError::Forbidden { why: why!("place_never", "x"), entry: None },
            SendErrorKind::Permanent,
            SendErrorKind::Permanent,
        ),
    ] {
        assert_eq!(outcome(Err(e.clone()), now()).expect_err("a failure").error.kind, message, "{e:?}");
        assert_eq!(uploaded(Err(e.clone()), now()).expect_err("a failure").error.kind, file, "{e:?}");
    }
    assert_eq!(uploaded(Ok(answer(200, &[], r#"{"id":"5"}"#)), now()), Ok("5".to_owned()));
    for answer in [answer(502, &[], "x"), answer(200, &[], "{"), answer(200, &[], "{}")] {
        assert_eq!(uploaded(Ok(answer), now()).expect_err("a failure").error.kind, t);
    }
    let closed = uploaded(Ok(error(401, 190)), now()).expect_err("a failure");
    assert_eq!(closed.demand, Demand::Close);
}
