//! Requests that are whole, and each way in which one is not.

use super::*;
use serde_json::json;

fn fields(body: &str) -> Vec<&'static str> {
    let value: Value = serde_json::from_str(body).expect("json");
    parse(value.as_object().expect("object"), None, None).err().map(|m| m.fields).unwrap_or_default()
}

#[test]
fn every_wrong_field_is_named_in_order() {
    let rows: &[(&str, &[&str])] = &[
        ("{}", &["instance_id", "phone", "message"]),
        (r#"{"instance_id":5,"phone":[],"message":{}}"#, &["instance_id", "phone", "message"]),
        (r#"{"instance_id":"a","phone":"+966501234567","message":"  \n "}"#, &["message"]),
        (r#"{"instance_id":"a","phone":"+966501234567","message":"a\u0000b"}"#, &["message"]),
        (r#"{"instance_id":"a","phone":"+966501234567","message":"\u200b \u200f\ufeff"}"#, &["message"]),
        (r#"{"instance_id":"a","phone":"hello","message":"x","reference":7}"#, &["phone", "reference"]),
        (r#"{"instance_id":"a","phone":"+966501234567","message":"x","expires_at":"soon"}"#, &["expires_at"]),
        (r#"{"instance_id":"a","phone":"+966501234567","message":"x","media_url":"https://x"}"#, &["media_type"]),
        (r#"{"instance_id":"a","phone":"+966501234567","media_url":"https://x/a.png","media_type":"image"}"#, &[]),
        (
            r#"{"instance_id":"a","phone":"+966501234567","media_url":"ftp://x","media_type":"film"}"#,
            &["media_url", "media_type"],
        ),
        (
            r#"{"instance_id":"a","phone":"+966501234567","message":"x","media_url":"https://x","media_type":"audio"}"#,
            &["message"],
        ),
        (
            r#"{"instance_id":"a","phone":"+966501234567","message":"x","file_name":"a.pdf"}"#,
            &["media_url", "media_type"],
        ),
        (
            r#"{"instance_id":"a","phone":"+966501234567","message":" ","media_url":"https://x","media_type":"document","file_name":".."}"#,
            &["file_name"],
        ),
        (r#"{"instance_id":"a","phone":"+966501234567","template":{"name":"n","language":"he"}}"#, &[]),
        (r#"{"instance_id":"a","phone":"+966501234567","template":{"name":"n"}}"#, &["template"]),
        (r#"{"instance_id":"a","phone":"contact:12","message":"x","unknown":1}"#, &[]),
        // A line that no message would have room for is not left out in silence.
        (r#"{"instance_id":"a","phone":"contact:12","message":"x","footer":"f"}"#, &["footer"]),
        (
            r#"{"instance_id":"a","phone":"contact:12","location":{"latitude":1,"longitude":2},"footer":"f"}"#,
            &["footer"],
        ),
        (r#"{"instance_id":"a","phone":"contact:12","message":"x","contact_request":false}"#, &[]),
        (r#"{"instance_id":"a","phone":"contact:12","message":"x","contact_request":1}"#, &["contact_request"]),
    ];
    for (body, wrong) in rows {
        assert_eq!(fields(body), *wrong, "{body}");
    }
    let long = format!(r#"{{"instance_id":"a","phone":"+966501234567","message":"{}"}}"#, "م".repeat(4096));
    assert!(fields(&long).is_empty());
    let longer = long.replace(r#""message":""#, r#""message":"x"#);
    assert_eq!(fields(&longer), ["message"]);
}

/// The ways in which a member can be empty.
fn empty_values() -> [Value; 3] {
    [json!(null), json!(""), json!(" \n\u{a0}")]
}

/// A plain request with more members, or with others.
fn request(more: &Value) -> Result<Request, Malformed> {
    let mut body = json!({"instance_id": "a", "phone": "+966501234567", "message": "x", "message_purpose": "support"});
    body.as_object_mut().expect("object").extend(more.as_object().expect("object").clone());
    parse(body.as_object().expect("object"), None, None)
}

/// Clients that are made like forms send every member always: an optional one that is empty is none. What is needed is
/// missing then, and what an empty text says by itself it still says.
#[test]
fn an_optional_member_that_is_empty_is_absent() {
    let plain = request(&json!({})).expect("readable");
    let optional = ["reference", "media_url", "media_type", "file_name", "reply_to", "footer"];
    for field in super::NO_TEXT.iter().chain(&["send_at", "expires_at"]) {
        assert_eq!(request(&json!({*field: null})).as_ref(), Ok(&plain), "{field}");
        let refused = request(&json!({*field: ""})).expect_err("refused");
        // A place and a card stand alone, and here is a text.
        let named = if ["location", "contact"].contains(field) { "message" } else { field };
        assert_eq!(refused.fields[0], named, "{field}: {:?}", refused.fields);
    }
    for empty in empty_values() {
        for field in optional {
            assert_eq!(request(&json!({field: empty})).as_ref(), Ok(&plain), "{field}: {empty:?}");
        }
        let all: Map<String, Value> = optional.iter().map(|field| ((*field).to_owned(), empty.clone())).collect();
        assert_eq!(request(&Value::Object(all)).as_ref(), Ok(&plain), "all of them: {empty:?}");
    }
}

#[test]
fn an_inner_member_that_is_empty_is_absent() {
    for empty in empty_values() {
        for (with, without) in [
            (
                json!({"buttons": [{"title": "Yes", "id": empty}], "footer": empty}),
                json!({"buttons": [{"title": "Yes"}]}),
            ),
            (
                json!({"list": {"button": "See", "sections": [{"title": empty, "rows": [{"id": empty, "title": "A", "description": empty}]}]}}),
                json!({"list": {"button": "See", "sections": [{"rows": [{"title": "A"}]}]}}),
            ),
            (
                json!({"message": empty, "location": {"latitude": 1, "longitude": 2, "name": empty, "address": empty}}),
                json!({"message": null, "location": {"latitude": 1, "longitude": 2}}),
            ),
            (
                json!({"message": empty, "contact": {"name": "A", "phone": "+966501234567", "organization": empty, "email": empty}}),
                json!({"message": null, "contact": {"name": "A", "phone": "+966501234567"}}),
            ),
            (
                json!({"message": empty, "media_url": "https://x/a.png", "media_type": "image", "file_name": empty}),
                json!({"message": null, "media_url": "https://x/a.png", "media_type": "image"}),
            ),
        ] {
            let without = request(&without).expect("readable");
            assert_eq!(request(&with).as_ref(), Ok(&without), "{with}");
        }
    }
}

#[test]
fn a_needed_member_that_is_empty_is_missing() {
    for empty in empty_values() {
        for (needed, wrong) in [
            (json!({"instance_id": empty}), "instance_id"),
            (json!({"phone": empty}), "phone"),
            (json!({"message": empty}), "message"),
            (json!({"media_url": empty, "media_type": "image"}), "media_url"),
            (json!({"media_url": "https://x/a.png", "media_type": empty}), "media_type"),
            (json!({"template": {"name": empty, "language": "he"}}), "template"),
            (json!({"buttons": [{"title": empty}]}), "buttons"),
            (json!({"link_button": {"title": "See", "url": empty}}), "link_button"),
            (json!({"message": null, "contact": {"name": empty, "phone": "+966501234567"}}), "contact"),
            (json!({"message": null, "delete": {"message_id": empty}}), "delete.message_id"),
        ] {
            let refused = request(&needed).expect_err("refused");
            assert_eq!(refused.fields, [wrong], "{needed}");
        }
    }
    let taken_back = request(&json!({"message": "", "reaction": {"message_id": "msg_1", "emoji": ""}}));
    assert!(matches!(taken_back.expect("readable").draft, Draft::Reaction { emoji, .. } if emoji.is_empty()));
}

#[test]
fn wrong_fields_are_named_in_the_order_of_the_documents() {
    let wrong = json!({"instance_id": 1, "phone": 2, "message": 3, "reference": 4, "media_url": 5, "media_type": 6,
                       "file_name": 7, "template": 8, "reply_to": 9, "expires_at": 10});
    let fields = request(&wrong).expect_err("refused").fields;
    assert_eq!(fields[..4], ["instance_id", "phone", "message", "reference"], "{fields:?}");
    assert!(fields.ends_with(&["template", "reply_to", "expires_at"]), "{fields:?}");
}

#[test]
fn which_part_of_a_template_is_wrong_is_said() {
    for (template, part) in [
        (json!({}), "its name"),
        (json!({"name": "n"}), "its language"),
        (json!({"name": "n", "language": "he", "variables": {"1": "a"}}), "a list of texts"),
        (json!({"name": "n", "language": "he", "variables": ["a", 2041]}), "its variables[1]"),
        (json!({"name": "n", "language": "he", "variables": ["", "b"]}), "its variables[0]"),
        (
            json!({"name": "n", "language": "he", "variables": [{"latitude": 24.7, "longitude": 46.6}]}),
            "24.7136, 46.6753",
        ),
        (json!(["n"]), "an object with name, language and variables"),
    ] {
        let body = json!({"instance_id": "a", "phone": "contact:1", "template": template});
        let wrong = parse(body.as_object().expect("object"), None, None).expect_err("refused");
        let because = wrong.because.join("; ");
        assert!(wrong.fields == ["template"] && because.contains(part), "{template}: {because}");
    }
}

#[test]
fn two_spellings_of_a_phone_are_one_request() {
    let request = |phone: &str| {
        let body = json!({"instance_id": "a", "phone": phone, "message": "x", "message_purpose": "support"});
        parse(body.as_object().expect("object"), None, None).expect("readable").hash()
    };
    assert_eq!(request("+966501234567"), request("00966 50-123-4567"));
    assert_ne!(request("+966501234567"), request("+966501234568"));
    assert_eq!(request("+5511987654321"), request("+551187654321"), "two forms of one number");
    assert_ne!(request("+970591234567"), request("+972591234567"), "perhaps two people");
}

#[test]
fn a_phone_that_is_none_says_why() {
    let body = json!({"instance_id": "a", "phone": "966500000120.0", "message": "x"});
    let malformed = parse(body.as_object().expect("object"), None, None).expect_err("a spreadsheet's number");
    assert_eq!(malformed.fields, ["phone"]);
    let details = serde_json::to_value(malformed.refusal().details).expect("details");
    assert!(details["reason"].as_str().is_some_and(|why| why.contains("spreadsheet")), "{details}");
}

#[test]
fn a_key_that_was_kept_under_one_form_is_known_under_the_other() {
    let request = |phone: &str| {
        let body = json!({"instance_id": "a", "phone": phone, "message": "x", "message_purpose": "support"});
        parse(body.as_object().expect("object"), None, None).expect("readable")
    };
    let kept = request("+5511987654321").hash_to("+5511987654321");
    assert!(request("+5511987654321").has_hash(&kept), "kept by an earlier version");
    assert!(request("+551187654321").has_hash(&request("+5511987654321").hash()));
}

#[test]
fn purposes_are_stated_exactly() {
    let stated = |v: Value| read_purpose(json!({"message_purpose": v}).as_object().expect("object"));
    assert_eq!(stated(json!("support")), PurposeField::Allowed(Purpose::Support));
    assert_eq!(stated(json!(null)), PurposeField::Missing);
    assert_eq!(stated(json!("")), PurposeField::Missing);
    assert_eq!(stated(json!("Support")), PurposeField::NotAllowed("Support".into()));
    assert_eq!(stated(json!(7)), PurposeField::NotAllowed("(no text)".into()));
}
