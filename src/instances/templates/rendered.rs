//! What a template said once its blanks were filled: for whoever reads the conversation.

use super::Slot;
use crate::{
    connectors::templates::PlaceholderSlot,
    store::{StoreError, Tx},
};
use rusqlite::params;

/// A template message that was sent, by its row in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
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
        "SELECT json_extract(m.content, '$.template.name'), json_extract(m.content, '$.template.language'),
                nullif(t.body, ''), t.slots, json_extract(m.content, '$.template.variables')
         FROM messages m LEFT JOIN templates t
             ON t.instance_id = m.instance_id AND t.name = json_extract(m.content, '$.template.name')
                AND t.language = json_extract(m.content, '$.template.language')
         WHERE m.id = ?1 AND m.kind = 'template' AND json_extract(m.content, '$.template.name') IS NOT NULL",
        params![row],
        |r| {
            let (body, slots): (Option<String>, Option<String>) = (r.get(2)?, r.get(3)?);
            let template = SentTemplate {
                name: r.get(0)?,
                language: r.get::<_, Option<String>>(1)?.unwrap_or_default(),
                said: None,
            };
            Ok((template, body.zip(slots), r.get::<_, Option<String>>(4)?))
        },
    )?;
    let Some((template, text, variables)) = found else { return Ok(None) };
    let Some((body, slots)) = text else { return Ok(Some(template)) };
    let slots: Vec<Slot> = serde_json::from_str(&slots).unwrap_or_default();
    let variables: Vec<String> = serde_json::from_str(&variables.unwrap_or_default()).unwrap_or_default();
    Ok(Some(SentTemplate { said: Some(filled(&body, &slots, &variables)), ..template }))
}

/// A text with its placeholders filled in: by their names, or by their numbers among those of the text. What a variable
/// itself says is left as it is.
fn filled(body: &str, slots: &[Slot], variables: &[String]) -> String {
    let in_body = slots.iter().zip(variables).filter(|(slot, _)| slot.place == PlaceholderSlot::Body);
    let named: Vec<(String, &String)> = in_body
        .enumerate()
        .map(|(at, (slot, text))| (slot.name.clone().unwrap_or_else(|| (at + 1).to_string()), text))
        .collect();
    let mut out = String::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let value = after.split_once("}}").and_then(|(name, behind)| {
            let (_, text) = named.iter().find(|(own, _)| own == name.trim())?;
            Some((*text, behind))
        });
        match value {
            Some((text, behind)) => {
                out.push_str(text);
                rest = behind;
            }
            None => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_filled_once_and_only_those_of_the_text() {
        let slot = |place, name: Option<&str>| Slot { place, name: name.map(str::to_owned), media: None };
        let slots =
            [slot(PlaceholderSlot::Header, None), slot(PlaceholderSlot::Body, None), slot(PlaceholderSlot::Body, None)];
        let variables = ["2041", "{{2}}", "the lamp"].map(str::to_owned);
        assert_eq!(filled("Hello {{1}}, {{ 2 }} is {{3}} {{", &slots, &variables), "Hello {{2}}, the lamp is {{3}} {{");
        let slots = [slot(PlaceholderSlot::Body, Some("who"))];
        assert_eq!(filled("{{who}}!", &slots, &["Amal".to_owned()]), "Amal!");
        assert_eq!(filled("{{who}}!", &slots, &[]), "{{who}}!");
    }
}
