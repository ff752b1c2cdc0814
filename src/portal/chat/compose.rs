//! Messages with more than words, as the chat page's forms say them: put into the words of the guarded API, and read like a
//! request of it, so that one set of bounds holds for both.

use crate::{
    dialects::AppState,
    instances::Instance,
    model::phone::{Phone, PhoneReading},
    portal::{PageContext, PageError},
    sending::{
        Malformed,
        request::{self, Draft},
    },
};
use serde_json::{Map, Value, json};

/// The kinds that the page offers, by the field of the guarded API.
pub const OFFERED: &[&str] = &["buttons", "list", "link_button", "location", "contact", "contact_request"];

/// The message that a form asks for, or what is wrong with it in plain words.
pub(super) async fn draft(
    gateway: &AppState,
    v: &PageContext,
    instance: &Instance,
    kind: &str,
) -> Result<Result<Draft, String>, PageError> {
    let Some(content) = content(v, kind) else { return Err(PageError::NotFound) };
    let mut body =
        json!({"instance_id": instance.id, "phone": "contact:1", "message_purpose": "support", kind: content});
    for (member, field) in [("message", "text"), ("footer", "footer")] {
        if let Some(text) = v.form.some(field) {
            body[member] = json!(text);
        }
    }
    let how = super::reading(gateway, instance).await?;
    let object = body.as_object().cloned().unwrap_or_default();
    match request::parse(&object, how, None) {
        Ok(request) => Ok(Ok(request.draft)),
        Err(wrong) => Ok(Err(told(v, kind, &wrong, how))),
    }
}

/// What is wrong with the message, part by part, and what would be right.
fn told(v: &PageContext, kind: &str, wrong: &Malformed, how: PhoneReading) -> String {
    let part = |field: &&'static str| {
        let name = v.word("compose", field);
        if kind == "contact"
            && let Err(problem) = Phone::parse(v.form.text("phone"), how)
        {
            return format!("{name}: {}", v.why(&problem.why()));
        }
        let why = wrong.because.iter().find_map(|why| why.strip_prefix(field)?.strip_prefix(": "));
        match why {
            Some(why) => format!("{name}: {}", v.reason(why)),
            None if *field == "message" => format!("{name}: {}", v.t("chat.empty_text")),
            None => v.fill("chat.wrong_part", "parts", &name),
        }
    };
    wrong.fields.iter().map(part).collect::<Vec<_>>().join("\n")
}

/// What stands under the field.
fn content(v: &PageContext, kind: &str) -> Option<Value> {
    let text = |name: &str| v.form.some(name);
    Some(match kind {
        "buttons" => {
            let titles = v.form.all("button").map(str::trim).filter(|title| !title.is_empty());
            titles.map(|title| json!({"title": title})).collect()
        }
        "list" => json!({"button": text("list_button"), "sections": [{"rows": rows(v.form.raw("rows"))}]}),
        "link_button" => json!({"title": text("title"), "url": text("url")}),
        "location" => {
            let angle = |name: &str| v.form.text(name).replace(',', ".").parse::<f64>().ok();
            json!({"latitude": angle("latitude"), "longitude": angle("longitude"), "name": text("name"),
                   "address": text("address")})
        }
        "contact" => json!({"name": text("name"), "phone": text("phone"), "organization": text("organization"),
                            "email": text("email")}),
        "contact_request" => json!(true),
        _ => return None,
    })
}

/// The rows of a list: one on each line, perhaps with a description behind a bar.
fn rows(text: &str) -> Vec<Value> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let row = |line: &str| {
        let (title, description) = line.split_once('|').map_or((line, ""), |(title, rest)| (title.trim(), rest.trim()));
        let mut row = Map::from_iter([("title".to_owned(), json!(title))]);
        if !description.is_empty() {
            row.insert("description".into(), json!(description));
        }
        Value::Object(row)
    };
    lines.map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_line() {
        let read = rows("Morning | 8 to 12\n\n  Evening \n|");
        assert_eq!(
            read,
            [json!({"title": "Morning", "description": "8 to 12"}), json!({"title": "Evening"}), json!({"title": ""})]
        );
    }
}
