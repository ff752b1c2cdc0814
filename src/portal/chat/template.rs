//! What can be sent while WhatsApp takes no free text: the templates that the provider approved, with their blanks.

use crate::{
    connectors::templates::{PlaceholderSlot, Slot, TemplateName},
    gateway::Gateway,
    instances::{
        Instance,
        templates::{self, KnownTemplate},
    },
    portal::{PageContext, PageError},
    sending::request::Draft,
    store::{StoreError, Tx},
};

/// Longest text for a blank, in characters.
const BLANK_MAX: usize = 1024;

/// A template, as it is offered.
pub struct Offer {
    /// `name/language`.
    pub id: String,
    pub name: String,
    /// Its language code.
    pub language: String,
    /// Its text, with its placeholders.
    pub body: String,
    /// What its blanks are called, in order.
    pub blanks: Vec<String>,
}

/// The templates of an instance that can be sent now.
pub(super) async fn offered(gateway: &Gateway, instance: &Instance) -> Result<Vec<Offer>, StoreError> {
    Ok(offers(known(gateway, instance).await?))
}

/// Those of an instance's templates that can be sent now.
pub(super) fn offers(all: Vec<KnownTemplate>) -> Vec<Offer> {
    all.into_iter().filter(KnownTemplate::is_ready).map(offer).collect()
}

async fn known(gateway: &Gateway, instance: &Instance) -> Result<Vec<KnownTemplate>, StoreError> {
    let id = instance.id.clone();
    gateway.store.read(move |tx: &Tx<'_>| templates::list(tx, &id)).await
}

fn offer(known: KnownTemplate) -> Offer {
    let TemplateName { name, language } = known.template;
    let slots = known.slots.unwrap_or_default();
    let blanks = slots.iter().enumerate().map(|(at, slot)| blank(&slots[..at], slot)).collect();
    let id = format!("{name}/{language}");
    Offer { id, name, language, body: known.body.unwrap_or_default(), blanks }
}

/// A blank as it stands in the text: by its name, or its number among those of its place. Where a file goes, its address.
fn blank(before: &[Slot], slot: &Slot) -> String {
    let number = before.iter().filter(|other| other.place == slot.place).count() + 1;
    let own = slot.name.clone().unwrap_or_else(|| number.to_string());
    match slot.place {
        _ if slot.media.is_some() => "↑ https://".to_owned(),
        PlaceholderSlot::Body => format!("{{{{{own}}}}}"),
        PlaceholderSlot::Header => format!("↑ {{{{{own}}}}}"),
        PlaceholderSlot::Button(at) => format!("▭ {} {{{{{own}}}}}", at + 1),
    }
}

/// The message that a filled-in template makes, or what is wrong with it in plain words.
pub(super) async fn draft(
    gateway: &Gateway,
    v: &PageContext,
    instance: &Instance,
    chosen: &str,
) -> Result<Result<Draft, String>, PageError> {
    let offers = offered(gateway, instance).await?;
    let Some(offer) = offers.into_iter().find(|offer| offer.id == chosen) else {
        return Ok(Err(v.t("chat.no_template").to_owned()));
    };
    let variables: Vec<String> = v.form.all("variable").map(|text| text.trim().to_owned()).collect();
    let is_filled = |text: &String| !text.is_empty() && text.chars().count() <= BLANK_MAX && !text.contains('\0');
    if variables.len() != offer.blanks.len() || !variables.iter().all(is_filled) {
        return Ok(Err(v.t("chat.fill_template").to_owned()));
    }
    Ok(Ok(Draft::Template { name: offer.name, language: offer.language, variables, file_name: None }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::outgoing::MediaKind;

    #[test]
    fn blanks_are_called_as_they_stand_in_the_text() {
        let slot = |place, name: Option<&str>| Slot { place, name: name.map(str::to_owned), media: None };
        let all = [
            slot(PlaceholderSlot::Header, None),
            slot(PlaceholderSlot::Body, None),
            slot(PlaceholderSlot::Body, None),
            slot(PlaceholderSlot::Body, Some("order")),
            slot(PlaceholderSlot::Button(1), None),
            Slot { place: PlaceholderSlot::Header, name: None, media: Some(MediaKind::Image) },
        ];
        let called: Vec<String> = (0..all.len()).map(|at| blank(&all[..at], &all[at])).collect();
        assert_eq!(called, ["↑ {{1}}", "{{1}}", "{{2}}", "{{order}}", "▭ 2 {{1}}", "↑ https://"]);
    }
}
