//! Whether a request has the shape of Meta's examples (`tests/data/meta/requests.json`): every member stands in an
//! example of the same type, as the same kind of value; and what the examples cannot show is held to its limits.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// What Meta documents beside its examples: type, path and kind of value.
const BESIDE: &[(&str, &str, &str)] = &[
    ("image", ".image.caption", "string"),
    ("document", ".document.filename", "string"),
    ("audio", ".audio.voice", "bool"),
    ("contacts", ".recipient_type", "string"),
    ("interactive", ".interactive.footer", "object"),
    ("interactive", ".interactive.footer.text", "string"),
    ("interactive", ".interactive.action.name", "string"),
    ("interactive", ".interactive.action.parameters", "object"),
    ("interactive", ".interactive.action.parameters.display_text", "string"),
    ("interactive", ".interactive.action.parameters.url", "string"),
    ("template", ".template.components[].parameters[].parameter_name", "string"),
    ("template", ".template.components[].parameters[].document", "object"),
    ("template", ".template.components[].parameters[].document.link", "string"),
    ("template", ".template.components[].parameters[].document.filename", "string"),
    ("template", ".template.components[].parameters[].location", "object"),
    ("template", ".template.components[].parameters[].location.latitude", "number"),
    ("template", ".template.components[].parameters[].location.longitude", "number"),
    ("template", ".template.components[].parameters[].location.name", "string"),
    ("template", ".template.components[].parameters[].location.address", "string"),
    ("template", ".template.components[].parameters[].coupon_code", "string"),
    ("template", ".template.components[].parameters[].action", "object"),
    ("template", ".template.components[].parameters[].action.flow_token", "string"),
];
/// The same for every type.
const BESIDE_ALL: &[(&str, &str)] = &[
    (".biz_opaque_callback_data", "string"),
    (".recipient", "string"),
    (".category", "string"),
    (".messaging_account_id", "string"),
];

type Members = BTreeSet<(String, &'static str)>;

/// The members that examples of each type have.
static EXAMPLES: LazyLock<BTreeMap<String, Members>> = LazyLock::new(|| {
    let examples: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("../../../data/meta/requests.json")).expect("Meta's examples");
    let mut all: BTreeMap<String, Members> = BTreeMap::new();
    for example in examples.values() {
        members(example, String::new(), all.entry(kind_of(example)).or_default());
    }
    for (kind, path, value) in BESIDE {
        all.get_mut(*kind).expect("a type with examples").insert(((*path).to_owned(), value));
    }
    for (kind, members) in &mut all {
        if kind != "read" {
            members.extend(BESIDE_ALL.iter().map(|(path, value)| ((*path).to_owned(), *value)));
        }
    }
    all
});

/// `type`, which an example of a text may leave out; a read mark has a status instead.
fn kind_of(body: &Value) -> String {
    let kind = body["type"].as_str().or(body["status"].as_str());
    kind.or(body.get("text").map(|_| "text")).unwrap_or("none").to_owned()
}

fn members(value: &Value, path: String, all: &mut Members) {
    let kind = match value {
        Value::Object(members) => {
            for (name, member) in members {
                self::members(member, format!("{path}.{name}"), all);
            }
            "object"
        }
        Value::Array(items) => {
            for item in items {
                self::members(item, format!("{path}[]"), all);
            }
            "array"
        }
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
        Value::Null => "null",
    };
    all.insert((path, kind));
}

/// What is wrong with a request to `/messages`, if something is.
pub fn judge(body: &Value, uploads: &BTreeMap<String, (String, Vec<u8>)>) -> Result<(), String> {
    let kind = kind_of(body);
    let known = EXAMPLES.get(&kind).ok_or_else(|| format!("no example has the type {kind}"))?;
    let mut found = Members::new();
    members(body, String::new(), &mut found);
    if let Some((path, value)) = found.difference(known).next() {
        return Err(format!("no example of {kind} has {path} as {value}"));
    }
    let ensure = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    ensure(body["messaging_product"] == "whatsapp", "messaging_product is whatsapp")?;
    if kind == "read" {
        return ensure(body["message_id"].as_str().is_some_and(|id| id.starts_with("wamid.")), "a message is named");
    }
    ensure(body["recipient_type"] == "individual" && body["type"] == kind, "type and recipient_type are named")?;
    let to = body["to"]
        .as_str()
        .map(|to| to.starts_with('+') && to.len() > 1 && to[1..].bytes().all(|b| b.is_ascii_digit()));
    let hidden = body["recipient"].as_str().map(|id| id.contains('.'));
    ensure(matches!((to, hidden), (Some(true), None) | (None, Some(true))), "one recipient is named")?;
    let callback = body["biz_opaque_callback_data"].as_str().unwrap_or_default();
    ensure(callback.starts_with("msg_") && callback.len() <= 512, "our own id goes with it")?;
    let content = &body[&kind];
    let chars = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    match kind.as_str() {
        "text" => ensure((1..=4096).contains(&chars(&content["body"])), "a text has 1 to 4096 characters"),
        "image" | "video" | "audio" | "document" | "sticker" => {
            ensure(content["id"].as_str().is_some_and(|id| uploads.contains_key(id)), "the file is known")?;
            ensure(chars(&content["caption"]) <= 1024, "a caption has at most 1024 characters")
        }
        "reaction" => ensure(
            content["message_id"].as_str().is_some_and(|id| id.starts_with("wamid.")) && content["emoji"].is_string(),
            "a reaction names a message and a sign",
        ),
        "template" => ensure(content["language"]["code"].is_string(), "a template has a language"),
        _ => Ok(()),
    }
}

/// Type and bytes of a file that came as a form.
pub fn read_form(content_type: &str, body: &[u8]) -> Option<(String, Vec<u8>)> {
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=")?;
    let between = format!("--{boundary}\r\n");
    let rest = body.strip_suffix(format!("\r\n--{boundary}--\r\n").as_bytes())?;
    let mut fields: BTreeMap<String, (String, Vec<u8>)> = BTreeMap::new();
    for part in split(rest, between.as_bytes()).into_iter().skip(1) {
        let at = part.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = String::from_utf8(part[..at].to_vec()).ok()?;
        let name = head.split("name=\"").nth(1)?.split('"').next()?.to_owned();
        let value = part[at + 4..].strip_suffix(b"\r\n").unwrap_or(&part[at + 4..]).to_vec();
        fields.insert(name, (head, value));
    }
    let text = |name: &str| fields.get(name).and_then(|(_, value)| String::from_utf8(value.clone()).ok());
    let mime = text("type")?;
    let (head, bytes) = fields.get("file")?;
    let is_right = text("messaging_product")? == "whatsapp"
        && head.contains("filename=\"")
        && head.contains(&format!("Content-Type: {mime}"));
    is_right.then(|| (mime, bytes.clone()))
}

fn split<'a>(body: &'a [u8], between: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = body;
    while let Some(at) = rest.windows(between.len()).position(|w| w == between) {
        parts.push(&rest[..at]);
        rest = &rest[at + between.len()..];
    }
    parts.push(rest);
    parts
}

#[test]
fn the_judge_takes_metas_own_examples_and_nothing_else() {
    use serde_json::json;
    let uploads = BTreeMap::from([("5".to_owned(), (String::new(), Vec::new()))]);
    let good = json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+966501234567", "type": "text",
        "text": {"body": "x", "preview_url": false}, "biz_opaque_callback_data": "msg_1",
    });
    assert_eq!(judge(&good, &uploads), Ok(()));
    for (path, value) in [
        ("/messaging_product", json!("sms")),
        ("/to", json!("966501234567")),
        ("/to", json!(966_501_234_567_u64)),
        ("/type", json!("texts")),
        ("/text/body", json!("")),
        ("/text/preview_url", json!("false")),
        ("/text", json!({"body": "x", "markdown": true})),
        ("/biz_opaque_callback_data", json!("")),
        ("/recipient_type", json!("group")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(path).expect("a member") = value.clone();
        assert!(judge(&bad, &uploads).is_err(), "{path} {value}");
    }
    let mut both = good.clone();
    both["recipient"] = json!("US.1");
    assert!(judge(&both, &uploads).is_err(), "two recipients");
    let mut file = good;
    file["type"] = json!("image");
    file.as_object_mut().expect("an object").remove("text");
    file["image"] = json!({"id": "6"});
    assert!(judge(&file, &uploads).is_err(), "a file that was never brought");
    file["image"] = json!({"id": "5"});
    assert_eq!(judge(&file, &uploads), Ok(()));
}
