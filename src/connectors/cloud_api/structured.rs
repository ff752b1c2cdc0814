//! Buttons, lists, links, places and cards in Meta's words (its reference of interactive, location and contacts messages).

use crate::connectors::{
    location::Location,
    structured::{ContactCard, ListRow, Structured},
};
use serde_json::{Map, Value, json};

/// The type of the message, and what stands under it.
pub(super) fn content(of: &Structured) -> (&'static str, Value) {
    match of {
        Structured::Buttons { text, buttons, footer } => {
            let reply = |b: &crate::connectors::structured::ReplyButton| json!({"type": "reply", "reply": {"id": b.id, "title": b.title}});
            let action = json!({"buttons": buttons.iter().map(reply).collect::<Vec<_>>()});
            interactive("button", text, footer.as_deref(), action)
        }
        Structured::List { text, button, sections, footer } => {
            let section = |one: &crate::connectors::structured::ListSection| {
                let mut section = json!({"rows": one.rows.iter().map(row).collect::<Vec<_>>()});
                if let Some(title) = &one.title {
                    section["title"] = json!(title);
                }
                section
            };
            let action = json!({"button": button, "sections": sections.iter().map(section).collect::<Vec<_>>()});
            interactive("list", text, footer.as_deref(), action)
        }
        Structured::Link { text, title, url, footer } => {
            let action = json!({"name": "cta_url", "parameters": {"display_text": title, "url": url}});
            interactive("cta_url", text, footer.as_deref(), action)
        }
        Structured::Location(place) => ("location", self::place(place)),
        Structured::Contact(card) => ("contacts", json!([contact(card)])),
        // Its page on business-scoped user ids, "Requesting phone numbers from users".
        Structured::ContactRequest { text } => {
            interactive("request_contact_info", text, None, json!({"name": "request_contact_info"}))
        }
    }
}

/// A place, alone or at a template's head.
pub(super) fn place(place: &Location) -> Value {
    let Location { latitude, longitude, name, address } = place;
    let mut told = json!({"latitude": latitude.degrees(), "longitude": longitude.degrees()});
    for (member, value) in [("name", name), ("address", address)] {
        if let Some(value) = value {
            told[member] = json!(value);
        }
    }
    told
}

fn interactive(kind: &str, text: &str, footer: Option<&str>, action: Value) -> (&'static str, Value) {
    let mut content = json!({"type": kind, "body": {"text": text}, "action": action});
    if let Some(footer) = footer {
        content["footer"] = json!({"text": footer});
    }
    ("interactive", content)
}

fn row(row: &ListRow) -> Value {
    let mut told = Map::from_iter([("id".to_owned(), json!(row.id)), ("title".to_owned(), json!(row.title))]);
    if let Some(description) = &row.description {
        told.insert("description".into(), json!(description));
    }
    Value::Object(told)
}

/// Meta wants a part of the name beside the whole one.
fn contact(card: &ContactCard) -> Value {
    let ContactCard { name, phone, organization, email } = card;
    let first = name.split_whitespace().next().unwrap_or(name);
    let mut told = json!({
        "name": {"formatted_name": name, "first_name": first},
        "phones": [{"phone": phone, "wa_id": phone.trim_start_matches('+'), "type": "CELL"}],
    });
    if let Some(organization) = organization {
        told["org"] = json!({"company": organization});
    }
    if let Some(email) = email {
        told["emails"] = json!([{"email": email, "type": "WORK"}]);
    }
    told
}
