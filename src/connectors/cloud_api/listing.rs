//! The business account's templates: read from Meta page by page, and kept for as long as they are news.
//!
//! [`read`] is pure; [`Templates`] is what was read last. It knows nothing of whether a template may be sent.

use crate::{
    connectors::templates::{
        Category, PlaceholderSlot, Slot, SlotKind, Template, TemplateButton, TemplateFrame, TemplateName,
    },
    model::clock::Time,
};
use serde_json::Value;
use std::time::Duration;

/// How long a list counts as new.
const FRESH: Duration = Duration::from_secs(3600);
/// How soon a name that is not on the list may have it read anew.
const AGAIN: Duration = Duration::from_secs(60);
/// Pages of 200: far more templates than an account can have.
pub(super) const PAGES_MAX: usize = 50;

/// The parts of a template that Meta wants products, cards, an end or an order for (its pages on the kinds of templates,
/// and the words of its code 100 about `sub_type`).
const NEED_MORE: &[&str] = &[
    "catalog",
    "mpm",
    "spm",
    "product",
    "carousel",
    "limited_time_offer",
    "order_details",
    "order_status",
    "booking_confirmation",
    "reminder",
];

/// The list as it was read last.
#[derive(Default)]
pub(super) struct Templates {
    all: Vec<Template>,
    read_at: Option<Time>,
    tried_at: Option<Time>,
}

impl Templates {
    pub(super) fn find(&self, name: &str, language: &str) -> Option<&Template> {
        self.all.iter().find(|t| t.name.name == name && t.name.language == language)
    }

    /// Whether the list should be read: it is old, or `wanted` is not on it, and it was not tried just now.
    pub(super) fn is_due(&self, wanted: Option<(&str, &str)>, now: Time) -> bool {
        let is_old = self.read_at.is_none_or(|at| !now.is_within(FRESH, at));
        let is_missing = wanted.is_some_and(|(name, language)| self.find(name, language).is_none());
        let tried = self.tried_at.is_some_and(|at| now.is_within(AGAIN, at));
        (is_old || is_missing) && !tried
    }

    /// What was read is not the list any more.
    pub(super) fn make_old(&mut self) {
        (self.read_at, self.tried_at) = (None, None);
    }

    pub(super) fn tried(&mut self, now: Time) {
        self.tried_at = Some(now);
    }

    /// A template has another category from now on; nothing for one that is not on the list.
    pub(super) fn recategorise(&mut self, name: &TemplateName, category: Category) {
        if let Some(one) = self.all.iter_mut().find(|t| t.name == *name) {
            one.category = category;
        }
    }

    pub(super) fn replace(&mut self, all: Vec<Template>, now: Time) {
        self.all = all;
        self.read_at = Some(now);
    }
}

/// The templates of one page, and the cursor of the next.
pub(super) fn read(page: &Value) -> (Vec<Template>, Option<String>) {
    let items = page["data"].as_array().map_or(&[][..], Vec::as_slice);
    let paging = &page["paging"];
    let after = paging["cursors"]["after"].as_str().filter(|_| paging["next"].is_string()).map(str::to_owned);
    (items.iter().filter_map(read_one).collect(), after)
}

fn read_one(item: &Value) -> Option<Template> {
    let name = TemplateName::parse(item["name"].as_str()?, item["language"].as_str()?)?;
    let category = item["category"].as_str().unwrap_or_default().to_ascii_lowercase();
    let components = item["components"].as_array().map_or(&[][..], Vec::as_slice);
    let named = item["parameter_format"].as_str().is_some_and(|f| f.eq_ignore_ascii_case("named"));
    let of = |kind: &str| components.iter().find(|c| c["type"].as_str().is_some_and(|t| t.eq_ignore_ascii_case(kind)));
    let body = of("body").and_then(|c| c["text"].as_str()).unwrap_or_default();
    let header = of("header").and_then(|c| c["text"].as_str()).unwrap_or_default();
    let mut slots = slots(header, PlaceholderSlot::Header, named);
    let format = of("header").and_then(|c| c["format"].as_str()).unwrap_or_default().to_ascii_lowercase();
    if let Some(kind) = SlotKind::parse(&format) {
        slots.push(Slot { place: PlaceholderSlot::Header, name: None, media: Some(kind) });
    }
    slots.extend(self::slots(body, PlaceholderSlot::Body, named));
    let buttons = of("buttons").and_then(|c| c["buttons"].as_array()).map_or(&[][..], Vec::as_slice);
    for (index, button) in buttons.iter().enumerate() {
        let place = PlaceholderSlot::Button(u8::try_from(index).ok()?);
        let address = button["url"].as_str().unwrap_or_default();
        let in_address = self::slots(address, place, false);
        // A button that copies a one-time code takes the code, whether the list tells its address or not.
        let takes_code =
            in_address.is_empty() && button["type"].as_str().is_some_and(|t| t.eq_ignore_ascii_case("otp"));
        slots.extend(in_address);
        slots.extend(takes_code.then_some(Slot { place, name: None, media: None }));
        if button["type"].as_str().is_some_and(|t| t.eq_ignore_ascii_case("copy_code")) {
            slots.push(Slot { place, name: None, media: Some(SlotKind::CouponCode) });
        }
    }
    Some(Template {
        name,
        category: Category::parse(&category).unwrap_or(Category::Other),
        status: item["status"].as_str().unwrap_or("unknown").to_ascii_lowercase(),
        body: body.to_owned(),
        slots,
        frame: frame(components, buttons),
    })
}

/// What is shown around the text, and what Meta wants for it beside variables.
fn frame(components: &[Value], buttons: &[Value]) -> TemplateFrame {
    let word = |one: &Value, member: &str| one[member].as_str().unwrap_or_default().to_ascii_lowercase();
    let line = |kind: &str| {
        let found = components.iter().find(|one| word(one, "type") == kind)?;
        found["text"].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let parts = components.iter().chain(buttons).map(|one| word(one, "type"));
    let formats = components.iter().map(|one| word(one, "format"));
    TemplateFrame {
        header: line("header"),
        footer: line("footer"),
        buttons: buttons.iter().map(|one| button(one, word(one, "type"))).collect(),
        lacks: parts.chain(formats).find(|part| NEED_MORE.contains(&part.as_str())),
    }
}

fn button(one: &Value, kind: String) -> TemplateButton {
    let text = |member: &str| one[member].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    TemplateButton { kind, text: text("text").unwrap_or_default(), url: text("url") }
}

/// The placeholders of a text, `{{1}}` or `{{name}}`, each once, in the order in which variables are given: numbers by
/// their size, names as they stand.
fn slots(text: &str, place: PlaceholderSlot, named: bool) -> Vec<Slot> {
    let mut names: Vec<&str> = Vec::new();
    for part in text.split("{{").skip(1) {
        let Some((name, _)) = part.split_once("}}") else { continue };
        let name = name.trim();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    if !named {
        names.sort_by_key(|name| name.parse::<u32>().unwrap_or(u32::MAX));
    }
    names.into_iter().map(|name| Slot { place, name: named.then(|| name.to_owned()), media: None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_is_read_with_its_placeholders() {
        let page = json!({
            "data": [
                {"name": "order_news", "language": "he", "category": "UTILITY", "status": "APPROVED", "id": "1",
                 "components": [
                    {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"},
                    {"type": "BODY", "text": "Hello {{2}}, {{1}} is ready, {{2}}"},
                    {"type": "FOOTER", "text": "{{no}}"},
                    {"type": "BUTTONS", "buttons": [
                        {"type": "QUICK_REPLY", "text": "Ok"},
                        {"type": "URL", "text": "See", "url": "https://shop.example/{{1}}"}]}]},
                {"name": "named", "language": "en_US", "category": "AUTHENTICATION", "parameter_format": "NAMED",
                 "components": [{"type": "BODY", "text": "{{code}} for {{ who }}"}]},
                {"name": "sale", "language": "en", "category": "MARKETING", "status": "PAUSED"},
                {"name": "new", "language": "en", "category": "SOMETHING"},
                {"name": "", "language": "en"}, 5],
            "paging": {"cursors": {"before": "a", "after": "b"}, "next": "https://x"},
        });
        let (all, after) = read(&page);
        assert_eq!(after.as_deref(), Some("b"));
        let slot = |place, name: Option<&str>| Slot { place, name: name.map(str::to_owned), media: None };
        let body = || slot(PlaceholderSlot::Body, None);
        assert_eq!(
            all[0].slots,
            [slot(PlaceholderSlot::Header, None), body(), body(), slot(PlaceholderSlot::Button(1), None)]
        );
        assert_eq!(all[1].slots, [slot(PlaceholderSlot::Body, Some("code")), slot(PlaceholderSlot::Body, Some("who"))]);
        let categories: Vec<Category> = all.iter().map(|t| t.category).collect();
        assert_eq!(
            categories,
            [Category::Utility, Category::Authentication, Category::Marketing, Category::Other],
            "what is no template is left out"
        );
        assert_eq!(
            (all[0].status.as_str(), all[2].status.as_str(), all[3].status.as_str()),
            ("approved", "paused", "unknown")
        );
        let last = json!({"data": [], "paging": {"cursors": {"after": "c"}}});
        assert_eq!(read(&last).1, None, "the last page has a cursor and no next");
        assert!(read(&json!({"ok": true})).0.is_empty());
    }

    /// What stands around the text is kept as it is shown, and a part that no variable fills is named.
    #[test]
    fn what_is_shown_around_the_text_is_kept() {
        let of = |components: Value| {
            let item = json!({"name": "a", "language": "en", "category": "UTILITY", "components": components});
            read_one(&item).expect("a template").frame
        };
        let whole = of(json!([
            {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"}, {"type": "BODY", "text": "Ready"},
            {"type": "FOOTER", "text": "The shop"},
            {"type": "BUTTONS", "buttons": [
                {"type": "URL", "text": "See", "url": "https://shop.example/{{1}}"},
                {"type": "FLOW", "text": "Book", "flow_id": "1"}, {"type": "OTP", "otp_type": "ONE_TAP"}]}]));
        let button = |kind: &str, text: &str, url: Option<&str>| TemplateButton {
            kind: kind.to_owned(),
            text: text.to_owned(),
            url: url.map(str::to_owned),
        };
        let buttons = vec![
            button("url", "See", Some("https://shop.example/{{1}}")),
            button("flow", "Book", None),
            button("otp", "", None),
        ];
        let (header, footer) = (Some("Order {{1}}".to_owned()), Some("The shop".to_owned()));
        assert_eq!(whole, TemplateFrame { header, footer, buttons, lacks: None });
        assert_eq!(whole.obstacle(), None);
        for (components, part) in [
            (
                json!([{"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY"}, {"type": "MPM", "text": "View"}]}]),
                "mpm",
            ),
            (json!([{"type": "BUTTONS", "buttons": [{"type": "CATALOG"}]}]), "catalog"),
            (json!([{"type": "BUTTONS", "buttons": [{"type": "ORDER_DETAILS"}]}]), "order_details"),
            (json!([{"type": "HEADER", "format": "PRODUCT"}]), "product"),
            (json!([{"type": "BODY", "text": "a"}, {"type": "CAROUSEL", "cards": []}]), "carousel"),
            (json!([{"type": "LIMITED_TIME_OFFER"}]), "limited_time_offer"),
        ] {
            let found = of(components);
            assert!(found.obstacle().is_some_and(|why| why.contains(&format!("({part})"))), "{part}: {found:?}");
        }
    }

    #[test]
    fn a_button_that_copies_a_code_takes_it() {
        let of = |button: Value| {
            let item = json!({"name": "a", "language": "en", "category": "AUTHENTICATION", "components": [
                {"type": "BODY", "text": "{{1}}"}, {"type": "BUTTONS", "buttons": [button]}]});
            read_one(&item).expect("a template").slots.into_iter().map(|s| s.place).collect::<Vec<_>>()
        };
        let both = [PlaceholderSlot::Body, PlaceholderSlot::Button(0)];
        assert_eq!(of(json!({"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"})), both);
        assert_eq!(of(json!({"type": "URL", "url": "https://www.whatsapp.com/otp/code/?code=otp{{1}}"})), both);
        assert_eq!(of(json!({"type": "QUICK_REPLY", "text": "Ok"})), both[..1]);
        assert_eq!(of(json!({"type": "COPY_CODE", "text": "Copy", "example": ["SAVE20"]})), both);
    }

    #[test]
    fn a_head_that_is_a_file_or_a_place_takes_the_first_variable() {
        for (format, media) in [
            ("IMAGE", Some(SlotKind::Image)),
            ("VIDEO", Some(SlotKind::Video)),
            ("DOCUMENT", Some(SlotKind::Document)),
            ("LOCATION", Some(SlotKind::Location)),
            ("TEXT", None),
        ] {
            let item = json!({"name": "a", "language": "en", "category": "UTILITY", "components": [
                {"type": "HEADER", "format": format, "text": "plain"}, {"type": "BODY", "text": "{{1}}"}]});
            let slots = read_one(&item).expect("a template").slots;
            let found: Vec<_> = slots.iter().map(|s| (s.place, s.media)).collect();
            let mut wanted: Vec<_> = media.map(|kind| (PlaceholderSlot::Header, Some(kind))).into_iter().collect();
            wanted.push((PlaceholderSlot::Body, None));
            assert_eq!(found, wanted, "{format}");
        }
    }

    #[test]
    fn the_list_is_read_when_it_is_old_or_lacks_a_name_but_not_all_the_time() {
        let at = |s: u64| Time::parse("2026-06-01T08:00:00Z").expect("a time").plus(Duration::from_secs(s));
        let mut list = Templates::default();
        assert!(list.is_due(None, at(0)));
        list.tried(at(0));
        assert!(!list.is_due(None, at(59)), "it failed just now");
        assert!(list.is_due(None, at(60)));
        list.tried(at(60));
        let (all, _) = read(&json!({"data": [{"name": "a", "language": "en", "category": "UTILITY"}]}));
        list.replace(all, at(60));
        assert!(!list.is_due(Some(("a", "en")), at(3000)));
        assert!(list.is_due(Some(("b", "en")), at(120)));
        assert!(!list.is_due(Some(("b", "en")), at(100)));
        assert!(list.is_due(None, at(3660)));
    }
}
