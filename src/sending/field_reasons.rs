//! What is wrong with a field that was given, in words: what it has to be, and what it is.

use super::{read_request::present, request::MAX_CHARS};
use crate::model::{clock::Time, text};
use serde_json::{Map, Value};

/// What is known about a field's form.
struct Form {
    field: &'static str,
    /// Longest text in characters; 0: it is no text.
    most: usize,
    /// What would be right.
    right: &'static str,
}

const fn text(field: &'static str, most: usize, right: &'static str) -> Form {
    Form { field, most, right }
}

const FORMS: [Form; 19] = [
    text("instance_id", 128, "an instance's id, such as demo-support-line"),
    text("phone", 64, "a number in quotes, such as \"+966501234567\""),
    text("message", MAX_CHARS, "a text"),
    text("reference", 128, "a text"),
    text("reply_to", 256, "a message's id"),
    text("media_url", 2048, "an address that begins with https:// or http://"),
    text("media_type", 16, "image, video, audio, document, voice or sticker"),
    text("file_name", 255, "a name, such as invoice.pdf"),
    text("expires_at", 40, "a time, such as 2026-05-08T10:00:00Z"),
    text("send_at", 40, "a time to come, such as 2026-05-08T10:00:00Z"),
    text("queue", 0, "true or false"),
    text("template", 0, "an object with name, language and variables (a list of texts)"),
    text("reaction", 0, "an object with message_id and emoji, beside no text and no file"),
    text("reaction.message_id", 256, "a message's id"),
    text("edit", 0, "an object with message_id, beside a message and no file"),
    text("edit.message_id", 256, "a message's id"),
    text("delete", 0, "an object with message_id, beside no text and no file"),
    text("delete.message_id", 256, "a message's id"),
    text("reaction.emoji", 0, "one emoji, or nothing to take it back"),
];

/// Reasons for those of `wrong` that were given; of the others their name says enough, and `told` has its own.
pub(super) fn reasons(object: &Map<String, Value>, wrong: &[&'static str], told: &[String]) -> Vec<String> {
    let untold = wrong.iter().filter(|field| !told.iter().any(|why| why.starts_with(&format!("{field}:"))));
    untold.filter_map(|field| Some(format!("{field}: {}", reason(object, field)?))).collect()
}

fn reason(object: &Map<String, Value>, field: &str) -> Option<String> {
    let form = FORMS.iter().find(|form| form.field == field)?;
    let given = match field.split_once('.') {
        Some((of, inner)) => object.get(of).and_then(|v| v.get(inner)),
        None => present(object, field),
    }?;
    Some(match given {
        Value::String(said) if text::is_blank(said) => format!("it has to be {}, and it is empty", form.right),
        Value::String(said) if form.most > 0 && said.chars().count() > form.most => {
            format!("at most {} characters, and this one has {}", form.most, said.chars().count())
        }
        Value::String(said) if said.contains('\0') => "a text cannot hold the character U+0000".to_owned(),
        Value::String(_) if field == "message" => "sound goes without a text".to_owned(),
        Value::String(_) if field == "file_name" && present(object, "media_url").is_none() => {
            "it goes with a file, which media_url names".to_owned()
        }
        Value::String(said) if form.right.starts_with("a time") && lacks_zone(said) => {
            format!("it has to be {}: its zone is missing, which is Z or such as +03:00", form.right)
        }
        Value::String(_) if !form.right.starts_with("an object") => format!("it has to be {}", form.right),
        Value::Object(_) if form.right.starts_with("an object") => format!("it has to be {}", form.right),
        other => format!("it has to be {}, not {}", form.right, kind(other)),
    })
}

fn lacks_zone(said: &str) -> bool {
    Time::parse(said).is_err() && said.parse::<jiff::civil::DateTime>().is_ok()
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number without quotes",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_given_is_told_from_what_is_missing() {
        let long = "x".repeat(MAX_CHARS + 1);
        let rows = [
            (json!({"phone": 966_501_234_567_i64}), "phone", "not a number without quotes"),
            (json!({"message": ["a"]}), "message", "it has to be a text, not a list"),
            (json!({ "message": long }), "message", "at most 4096 characters, and this one has 4097"),
            (json!({"message": "a\0b"}), "message", "U+0000"),
            (json!({"message": "\u{200b}"}), "message", "it has to be a text, and it is empty"),
            (json!({"message": "\u{2800}", "media_type": "audio"}), "message", "and it is empty"),
            (json!({"message": "x", "media_type": "audio"}), "message", "sound goes without a text"),
            (json!({"expires_at": "soon"}), "expires_at", "such as 2026-05-08T10:00:00Z"),
            (json!({"media_url": "ftp://x"}), "media_url", "https://"),
            (json!({"media_type": "film"}), "media_type", "document, voice or sticker"),
            (json!({"template": {"name": "n"}}), "template", "name, language and variables"),
            (json!({"reaction": {"emoji": "no"}}), "reaction.emoji", "one emoji"),
            (json!({"reaction": {"message_id": ""}}), "reaction.message_id", "a message's id, and it is empty"),
            (json!({"reaction": {}, "message": "x"}), "reaction", "beside no text and no file"),
            (json!({"edit": "x"}), "edit", "an object with message_id, beside a message and no file, not a text"),
            (json!({"expires_at": ""}), "expires_at", "and it is empty"),
            (json!({"send_at": "2026-12-01T10:00:00"}), "send_at", "its zone is missing"),
            (json!({"queue": ""}), "queue", "true or false, and it is empty"),
            (json!({"file_name": "a.pdf"}), "file_name", "which media_url names"),
        ];
        for (object, field, why) in rows {
            let all = reasons(
                object.as_object().expect("an object"),
                &[FORMS.iter().find(|f| f.field == field).expect("a form").field],
                &[],
            );
            assert!(matches!(&all[..], [one] if one.starts_with(field) && one.contains(why)), "{field}: {all:?}");
        }
        let beside = json!({"reaction": {"message_id": "x", "emoji": "y"}, "message": "x"});
        let all = reasons(beside.as_object().expect("an object"), &["reaction"], &[]);
        assert!(all.iter().all(|why| !why.contains("not an object")), "{all:?}");
        for object in [json!({}), json!({"message": null}), json!({"message": " "})] {
            assert!(reasons(object.as_object().expect("an object"), &["message"], &[]).is_empty(), "{object}");
        }
        let told = ["phone: its own".to_owned()];
        assert!(reasons(json!({"phone": 5}).as_object().expect("an object"), &["phone"], &told).is_empty());
    }
}
