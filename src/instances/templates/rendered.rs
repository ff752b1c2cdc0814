//! What a template said once its blanks were filled: for whoever reads the conversation.

use super::{KnownTemplate, Slot, find};
use crate::{
    connectors::templates::{PlaceholderSlot, TemplateName},
    model::ids::InstanceId,
    store::{StoreError, Tx},
};
use rusqlite::params;
use serde::Serialize;
use serde_json::Value;

/// A template message that was sent, or will be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SentTemplate {
    pub name: String,
    pub language: String,
    /// What it says with its variables; none: nothing is known of the template's text.
    pub said: Option<String>,
}

impl SentTemplate {
    /// What stands for it in a line: its text, or its name with what was filled in.
    pub fn shown(&self, variables: &str) -> String {
        match (&self.said, variables) {
            (Some(said), _) => said.clone(),
            (None, "") => self.name.clone(),
            (None, variables) => format!("{}: {variables}", self.name),
        }
    }
}

/// The template of a message; none: it is none, or its content is not kept any more.
pub fn sent(tx: &Tx<'_>, row: i64) -> Result<Option<SentTemplate>, StoreError> {
    let found = tx.find(
        "SELECT instance_id, content FROM messages WHERE id = ?1 AND kind = 'template' AND content IS NOT NULL",
        params![row],
        |r| Ok((r.get::<_, InstanceId>(0)?, r.get::<_, String>(1)?)),
    )?;
    let Some((instance, content)) = found else { return Ok(None) };
    match serde_json::from_str::<Value>(&content) {
        Ok(content) => of_content(tx, &instance, &content),
        Err(_) => Ok(None),
    }
}

/// The template that a JSON object names as the guarded API does; none: it names none. What it said when it was sent is
/// kept beside it (`said`); else it says what it says today.
pub fn of_content(tx: &Tx<'_>, instance: &InstanceId, content: &Value) -> Result<Option<SentTemplate>, StoreError> {
    let template = &content["template"];
    let Some(name) = template["name"].as_str() else { return Ok(None) };
    let name = TemplateName {
        name: name.to_owned(),
        language: template["language"].as_str().unwrap_or_default().replace('-', "_"),
    };
    let said = match template["said"].as_str() {
        Some(said) => Some(said.to_owned()),
        None => {
            let variables: Vec<String> = serde_json::from_value(template["variables"].clone()).unwrap_or_default();
            find(tx, instance, &name)?.and_then(|known| known.said(&variables))
        }
    };
    Ok(Some(SentTemplate { name: name.name, language: name.language, said }))
}

impl KnownTemplate {
    /// What its text says with these variables; none: nothing is known of its text.
    pub fn said(&self, variables: &[String]) -> Option<String> {
        let body = self.body.as_deref().filter(|body| !body.is_empty())?;
        let slots = self.slots.as_ref()?;
        let pieces = pieces(body, PlaceholderSlot::Body, slots);
        let said = |piece| match piece {
            TemplatePiece::Said(text) => text,
            TemplatePiece::Blank { slot, written } => variables.get(slot).map_or(written, String::as_str),
        };
        Some(pieces.into_iter().map(said).collect())
    }
}

/// A part of a template's text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TemplatePiece<'a> {
    /// As it stands.
    Said(&'a str),
    /// A placeholder: which of the template's variables fills it, from 0 on, and how it is written.
    Blank { slot: usize, written: &'a str },
}

/// A text of a template in its parts; `place` is where it stands. Placeholders are known by their names, or by their
/// numbers among those of the place; what is none stays text.
pub fn pieces<'a>(text: &'a str, place: PlaceholderSlot, slots: &[Slot]) -> Vec<TemplatePiece<'a>> {
    let here = slots.iter().enumerate().filter(|(_, slot)| slot.place == place && slot.media.is_none());
    let named: Vec<(usize, String)> = here
        .enumerate()
        .map(|(number, (at, slot))| (at, slot.name.clone().unwrap_or_else(|| (number + 1).to_string())))
        .collect();
    let (mut found, mut begun, mut from) = (Vec::new(), 0, 0);
    while let Some(open) = text[from..].find("{{").map(|at| from + at) {
        let close = text[open..].find("}}").map(|at| open + at);
        let name = close.map(|close| text[open + 2..close].trim());
        match (close, named.iter().find(|(_, own)| Some(own.as_str()) == name)) {
            (Some(close), Some((slot, _))) => {
                found.push(TemplatePiece::Said(&text[begun..open]));
                found.push(TemplatePiece::Blank { slot: *slot, written: &text[open..close + 2] });
                (begun, from) = (close + 2, close + 2);
            }
            _ => from = open + 2,
        }
    }
    found.push(TemplatePiece::Said(&text[begun..]));
    found.retain(|piece| *piece != TemplatePiece::Said(""));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(body: &str, slots: &[Slot], variables: &[&str]) -> String {
        let known = KnownTemplate {
            template: TemplateName { name: "a".to_owned(), language: "en".to_owned() },
            category: None,
            status: None,
            quality: None,
            reason: None,
            body: Some(body.to_owned()),
            slots: Some(slots.to_vec()),
            frame: None,
            updated_at: crate::model::clock::Time::from_millis(0),
        };
        let variables: Vec<String> = variables.iter().map(|text| (*text).to_owned()).collect();
        known.said(&variables).expect("a text")
    }

    #[test]
    fn blanks_are_filled_once_and_only_those_of_the_text() {
        let slot = |place, name: Option<&str>| Slot { place, name: name.map(str::to_owned), media: None };
        let slots =
            [slot(PlaceholderSlot::Header, None), slot(PlaceholderSlot::Body, None), slot(PlaceholderSlot::Body, None)];
        let variables = ["2041", "{{2}}", "the lamp"];
        assert_eq!(filled("Hello {{1}}, {{ 2 }} is {{3}} {{", &slots, &variables), "Hello {{2}}, the lamp is {{3}} {{");
        assert_eq!(filled("{{{{1}}}} {{x {{2}}", &slots, &variables), "{{{{2}}}} {{x the lamp");
        let slots = [slot(PlaceholderSlot::Body, Some("who"))];
        assert_eq!(filled("{{who}}!", &slots, &["Amal"]), "Amal!");
        assert_eq!(filled("{{who}}!", &slots, &[]), "{{who}}!");
        let slots = [slot(PlaceholderSlot::Button(1), None), slot(PlaceholderSlot::Button(0), None)];
        let of = |place| pieces("https://shop.example/{{1}}", place, &slots);
        assert_eq!(of(PlaceholderSlot::Button(0))[1], TemplatePiece::Blank { slot: 1, written: "{{1}}" });
        assert_eq!(of(PlaceholderSlot::Body), [TemplatePiece::Said("https://shop.example/{{1}}")]);
    }
}
