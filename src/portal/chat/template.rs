//! What can be sent while WhatsApp takes no free text: the templates that the provider approved, with their blanks.

use crate::{
    connectors::{
        location::Location,
        templates::{PlaceholderSlot, Slot, SlotKind, TemplateName},
    },
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
    /// Which of them takes a place.
    place_at: Option<usize>,
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
    let place_at = slots.iter().position(|slot| slot.media == Some(SlotKind::Location));
    Offer { id, name, language, body: known.body.unwrap_or_default(), blanks, place_at }
}

/// A blank as it stands in the text: by its name, or its number among those of its place. Where a file goes, its address;
/// where a place goes, how one is written.
fn blank(before: &[Slot], slot: &Slot) -> String {
    let number = before.iter().filter(|other| other.place == slot.place).count() + 1;
    let own = slot.name.clone().unwrap_or_else(|| number.to_string());
    match slot.place {
        _ if slot.media == Some(SlotKind::Location) => "↑ 24.7136, 46.6753; …; …".to_owned(),
        PlaceholderSlot::Header if slot.media.is_some() => "↑ https://".to_owned(),
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
    if offer.place_at.is_some_and(|at| Location::read(&variables[at]).is_none()) {
        return Ok(Err(v.t("chat.template_place").to_owned()));
    }
    Ok(Ok(Draft::Template { name: offer.name, language: offer.language, variables, file_name: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_called_as_they_stand_in_the_text() {
        let slot = |place, name: Option<&str>| Slot { place, name: name.map(str::to_owned), media: None };
        let all = [
            slot(PlaceholderSlot::Header, None),
            slot(PlaceholderSlot::Body, None),
            slot(PlaceholderSlot::Body, None),
            slot(PlaceholderSlot::Body, Some("order")),
            slot(PlaceholderSlot::Button(1), None),
            Slot { place: PlaceholderSlot::Header, name: None, media: Some(SlotKind::Image) },
            Slot { place: PlaceholderSlot::Header, name: None, media: Some(SlotKind::Location) },
            Slot { place: PlaceholderSlot::Button(0), name: None, media: Some(SlotKind::CouponCode) },
        ];
        let called: Vec<String> = (0..all.len()).map(|at| blank(&all[..at], &all[at])).collect();
        assert_eq!(
            called,
            [
                "↑ {{1}}",
                "{{1}}",
                "{{2}}",
                "{{order}}",
                "▭ 2 {{1}}",
                "↑ https://",
                "↑ 24.7136, 46.6753; …; …",
                "▭ 1 {{1}}"
            ]
        );
    }
}
