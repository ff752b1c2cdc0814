//! Buttons, lists, links, places and cards in a request: read, or told what is wrong with them.

use super::read_request::present;
use crate::connectors::{
    location::Location,
    structured::{
        BUTTON_TEXT_MAX, BUTTON_TITLE_MAX, BUTTONS_MAX, ContactCard, Degrees, FOOTER_MAX, ListRow, ListSection,
        ROW_DESCRIPTION_MAX, ROW_TITLE_MAX, ROWS_MAX, ReplyButton, Structured,
    },
};
use crate::model::{
    phone::{Phone, PhoneReading},
    text,
};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// The members that ask for such a message, in the order in which they are read.
pub(super) const FIELDS: [&str; 6] = ["buttons", "list", "link_button", "location", "contact", "contact_request"];
/// Longest id of a button, and of a row, in characters.
const ID_MAX: (usize, usize) = (256, 200);
/// Longest address of a link, in characters.
const URL_MAX: usize = 2000;
/// Longest name or address of a place, or member of a card, in characters.
const NAME_MAX: usize = 256;

/// Which member is wrong, and why.
pub(super) type WrongMember = (&'static str, String);

/// The message that one of [`FIELDS`] asks for, with the request's `message` as its text.
///
/// # Errors
/// The first member that is wrong.
pub(super) fn read(
    field: &'static str,
    object: &Map<String, Value>,
    message: &str,
    how: PhoneReading,
) -> Result<Structured, WrongMember> {
    let value = &object[field];
    let members = || value.as_object().ok_or_else(|| (field, "it is an object".to_owned()));
    let wrong = |why: String| (field, why);
    if matches!(field, "location" | "contact") {
        if !text::is_blank(message) {
            return Err(("message", format!("a {field} has no text beside it")));
        }
        if present(object, "footer").is_some() {
            return Err(("footer", format!("a {field} has none")));
        }
        let of = members()?;
        return if field == "location" { place(of).map(Structured::Location) } else { contact(of, how) }.map_err(wrong);
    }
    let most = if field == "list" { super::request::MAX_CHARS } else { BUTTON_TEXT_MAX };
    let length = message.chars().count();
    if text::is_blank(message) || length > most {
        return Err(("message", format!("beside {field} it has 1 to {most} characters, and this one {length}")));
    }
    let footer = optional(object, "footer", FOOTER_MAX).map_err(|why| ("footer", why))?;
    if field == "contact_request" && footer.is_some() {
        return Err(("footer", format!("a {field} has none")));
    }
    let text = message.to_owned();
    match field {
        "contact_request" if *value == true => Ok(Structured::ContactRequest { text }),
        "contact_request" => Err(wrong("it is true".to_owned())),
        "buttons" => Ok(Structured::Buttons { text, buttons: buttons(value).map_err(wrong)?, footer }),
        "list" => {
            let of = members()?;
            let button = needed(of, "button", BUTTON_TITLE_MAX).map_err(wrong)?;
            Ok(Structured::List { text, button, sections: sections(of).map_err(wrong)?, footer })
        }
        _ => {
            let of = members()?;
            let title = needed(of, "title", BUTTON_TITLE_MAX).map_err(wrong)?;
            let url = needed(of, "url", URL_MAX).map_err(wrong)?;
            let is_one = url.starts_with("https://") || url.starts_with("http://");
            if !is_one || url.contains(|c: char| c.is_whitespace() || c.is_control()) {
                return Err(wrong("its url is an http or https address, without blanks".to_owned()));
            }
            Ok(Structured::Link { text, title, url, footer })
        }
    }
}

fn buttons(value: &Value) -> Result<Vec<ReplyButton>, String> {
    let list = value.as_array().filter(|list| (1..=BUTTONS_MAX).contains(&list.len()));
    let list = list.ok_or_else(|| format!("it is a list of 1 to {BUTTONS_MAX} buttons"))?;
    let read = |button: &Value| {
        let of = button.as_object().ok_or("each button is an object with a title")?;
        let title = needed(of, "title", BUTTON_TITLE_MAX)?;
        let id = optional(of, "id", ID_MAX.0)?.unwrap_or_else(|| title.clone());
        Ok::<_, String>(ReplyButton { id, title })
    };
    let all = list.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    distinct(all.iter().map(|b| b.title.as_str()), "title")?;
    distinct(all.iter().map(|b| b.id.as_str()), "id")?;
    Ok(all)
}

fn sections(of: &Map<String, Value>) -> Result<Vec<ListSection>, String> {
    let list = of.get("sections").and_then(Value::as_array).filter(|list| !list.is_empty());
    let list = list.ok_or("its sections are a list of at least one")?;
    let read = |section: &Value| {
        let of = section.as_object().ok_or("each section is an object with rows")?;
        let title = optional(of, "title", ROW_TITLE_MAX)?;
        if title.is_none() && list.len() > 1 {
            return Err("each of several sections has a title".to_owned());
        }
        let rows = of.get("rows").and_then(Value::as_array).filter(|rows| !rows.is_empty());
        let rows = rows.ok_or("each section has at least one row")?.iter().map(row).collect::<Result<_, _>>()?;
        Ok(ListSection { title, rows })
    };
    let all = list.iter().map(read).collect::<Result<Vec<ListSection>, String>>()?;
    let rows = || all.iter().flat_map(|section| &section.rows);
    if rows().count() > ROWS_MAX {
        return Err(format!("it has {} rows, and at most {ROWS_MAX} are taken", rows().count()));
    }
    distinct(rows().map(|row| row.id.as_str()), "id")?;
    Ok(all)
}

fn row(value: &Value) -> Result<ListRow, String> {
    let of = value.as_object().ok_or("each row is an object with an id and a title")?;
    let title = needed(of, "title", ROW_TITLE_MAX)?;
    let id = optional(of, "id", ID_MAX.1)?.unwrap_or_else(|| title.clone());
    Ok(ListRow { id, title, description: optional(of, "description", ROW_DESCRIPTION_MAX)? })
}

fn place(of: &Map<String, Value>) -> Result<Location, String> {
    let angle = |name: &str, most: f64| {
        let degrees = of.get(name).and_then(Value::as_f64).and_then(|degrees| Degrees::new(degrees, most));
        degrees.ok_or_else(|| format!("its {name} is a number from -{most} to {most}"))
    };
    Ok(Location {
        latitude: angle("latitude", 90.0)?,
        longitude: angle("longitude", 180.0)?,
        name: optional(of, "name", NAME_MAX)?,
        address: optional(of, "address", NAME_MAX)?,
    })
}

fn contact(of: &Map<String, Value>, how: PhoneReading) -> Result<Structured, String> {
    let phone = needed(of, "phone", NAME_MAX)?;
    let phone = Phone::parse(&phone, how).map_err(|problem| format!("its phone: {problem}"))?;
    Ok(Structured::Contact(ContactCard {
        name: needed(of, "name", NAME_MAX)?,
        phone: phone.as_str().to_owned(),
        organization: optional(of, "organization", NAME_MAX)?,
        email: optional(of, "email", NAME_MAX)?,
    }))
}

fn distinct<'a>(mut words: impl Iterator<Item = &'a str>, what: &str) -> Result<(), String> {
    let mut seen = HashSet::new();
    let twice = words.find(|word| !seen.insert(*word));
    twice.map_or(Ok(()), |word| Err(format!("the {what} {word:?} stands twice")))
}

fn needed(of: &Map<String, Value>, name: &str, most: usize) -> Result<String, String> {
    optional(of, name, most)?.ok_or_else(|| format!("its {name} is missing"))
}

fn optional(of: &Map<String, Value>, name: &str, most: usize) -> Result<Option<String>, String> {
    let Some(value) = present(of, name) else { return Ok(None) };
    let fits = |text: &&str| text.chars().count() <= most && !text.contains('\0');
    let text = value.as_str().filter(fits).ok_or_else(|| format!("its {name} is a text of 1 to {most} characters"))?;
    Ok(Some(text.to_owned()))
}
