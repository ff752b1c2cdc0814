//! Templates that a provider holds, in the gateway's own words.

use super::location::Location;
use crate::model::{string_enum::string_enum, text};

/// What a template is called.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize)]
pub struct TemplateName {
    /// Its name: small letters, digits and underscores.
    pub name: String,
    /// Its language code, such as `he` or `en_US`: with an underscore, however it was spelt.
    pub language: String,
}

impl TemplateName {
    /// A name that can be one; `None` for any other. Meta lists and takes `en_US`, and examples of its webhooks say
    /// `en-US`: both are one language.
    pub fn parse(name: &str, language: &str) -> Option<Self> {
        let fits = |text: &str, max| (1..=max).contains(&text.len()) && !text.contains(|c: char| !is_part(c));
        (fits(name, 512) && fits(language, 16))
            .then(|| Self { name: name.to_owned(), language: language.replace('-', "_") })
    }
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

string_enum! {
    /// What the provider holds a template for.
    Category {
        /// About something that the recipient asked for or bought.
        Utility = "utility",
        Authentication = "authentication",
        /// Advertising: never sent from here.
        Marketing = "marketing",
        /// A category that this version does not know.
        Other = "other",
    }
}

/// A template, as the provider lists it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Template {
    /// Its name and language.
    #[serde(flatten)]
    pub name: TemplateName,
    /// What it is for.
    pub category: Category,
    /// The provider's word for how it stands, in small letters: approved, pending, rejected, paused, disabled, …
    pub status: String,
    /// Its text, with its placeholders as they stand; empty when the provider tells none.
    pub body: String,
    /// The placeholders that a request's variables fill, in order.
    pub slots: Vec<Slot>,
    /// What stands around its text.
    pub frame: TemplateFrame,
}

/// What stands around a template's text, for whoever is to see the whole of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct TemplateFrame {
    /// The line above, with its placeholder.
    pub header: Option<String>,
    /// The small line below.
    pub footer: Option<String>,
    /// In their order.
    pub buttons: Vec<TemplateButton>,
    /// The provider's word, in small letters, for a part of it that needs more than variables say, such as `carousel`.
    pub lacks: Option<String>,
}

/// A button of a template.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct TemplateButton {
    /// The provider's word, in small letters: `url`, `quick_reply`, `phone_number`, `copy_code`, `otp`, `flow`, …
    pub kind: String,
    /// What it says; empty where the provider writes it.
    pub text: String,
    /// Where it leads, with its placeholder.
    pub url: Option<String>,
}

/// The button of a template that opens a form within WhatsApp.
pub const FLOW: &str = "flow";

impl TemplateFrame {
    /// Why a template is not sent, whatever its variables say; none: it is.
    pub fn obstacle(&self) -> Option<String> {
        let part = self.lacks.as_ref()?;
        Some(format!(
            "it has a part ({part}) that needs more than variables, such as products: it cannot be sent from here"
        ))
    }
}

impl Slot {
    /// Whether the value is one that goes there.
    fn fits(&self, value: &str) -> Result<(), String> {
        match self.media {
            _ if text::is_blank(value) => Err("it is blank".to_owned()),
            None => Ok(()),
            Some(SlotKind::Location) if Location::read(value).is_some() => Ok(()),
            Some(SlotKind::Location) => Err(format!("it is the place at the template's head: {}", Location::FORM)),
            Some(SlotKind::CouponCode) if (1..=COUPON_MAX).contains(&value.chars().count()) => Ok(()),
            Some(SlotKind::CouponCode) => {
                Err(format!("it is the code that a button copies, of at most {COUPON_MAX} characters"))
            }
            Some(_) if value.starts_with("https://") || value.starts_with("http://") => Ok(()),
            Some(kind) => Err(format!("it is the address of the {kind} at the template's head, https://…")),
        }
    }
}

/// Longest code that a button of a template copies, in characters (Meta's reference of template components).
const COUPON_MAX: usize = 15;

/// Longest one-time code, in characters (Meta's reference of authentication templates).
const CODE_MAX: usize = 15;

/// Why these variables do not fill a template's placeholders; none: they do. A one-time code may be given once, although
/// it stands in the text and in the button that copies it.
pub fn misfit(category: Option<Category>, slots: &[Slot], variables: &[String]) -> Option<String> {
    let is_code = category == Some(Category::Authentication) && slots.len() == 2 && variables.len() == 1;
    if slots.len() != variables.len() && !is_code {
        let (wanted, given) = (slots.len(), variables.len());
        return Some(format!("the template has {wanted} placeholders, and {given} variables were given"));
    }
    if category == Some(Category::Authentication) && variables.iter().any(|code| code.chars().count() > CODE_MAX) {
        return Some(format!("a one-time code has at most {CODE_MAX} characters"));
    }
    let wrong =
        slots.iter().zip(variables).enumerate().find_map(|(at, (slot, value))| Some((at, slot.fits(value).err()?)));
    wrong.map(|(at, why)| format!("template.variables[{at}]: {why}"))
}

/// What changed of one template. What is none stays as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateChange {
    /// Its name and language.
    pub template: TemplateName,
    /// Its category now.
    pub category: Option<Category>,
    /// The provider's word for its status now, in small letters.
    pub status: Option<String>,
    /// The provider's word for its quality now, in small letters.
    pub quality: Option<String>,
    /// Why, in the provider's words.
    pub reason: Option<String>,
}

/// A placeholder.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Slot {
    /// Where it stands.
    pub place: PlaceholderSlot,
    /// Its name, where the template's placeholders have names instead of numbers.
    pub name: Option<String>,
    /// What goes there instead of a text; none: a text does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<SlotKind>,
}

string_enum! {
    /// What a placeholder takes that is no text.
    SlotKind {
        /// A file, here and in the next two: the variable is the address that the provider fetches it from.
        Image = "image",
        Video = "video",
        Document = "document",
        /// A [`Location`].
        Location = "location",
        /// The code that a button copies.
        CouponCode = "coupon_code",
    }
}

impl<'de> serde::Deserialize<'de> for SlotKind {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let word = <String as serde::Deserialize>::deserialize(d)?;
        Self::parse(&word).ok_or_else(|| serde::de::Error::custom(format!("{word:?} is nothing that a template takes")))
    }
}

/// Where a placeholder stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceholderSlot {
    /// In the line above the text.
    Header,
    /// In the text.
    Body,
    /// At the end of a button's address; the button's number from 0 on.
    Button(u8),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_fill_their_placeholders_or_it_is_said_which_does_not() {
        let slot = |media| Slot { place: PlaceholderSlot::Body, name: None, media };
        let (text, file) = (slot(None), slot(Some(SlotKind::Document)));
        let told = |category, slots: &[Slot], variables: &[&str]| {
            misfit(category, slots, &variables.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>())
        };
        let two = [text.clone(), text.clone()];
        assert_eq!(told(None, &two, &["a", "b"]), None);
        assert_eq!(told(None, &[], &[]), None);
        for wrong in [&["a"][..], &["a", "b", "c"], &[]] {
            let why = told(Some(Category::Utility), &two, wrong).expect("a reason");
            assert!(why.contains("2 placeholders") && why.contains(&format!("{} variables", wrong.len())), "{why}");
        }
        assert_eq!(told(Some(Category::Authentication), &two, &["123456"]), None, "a code is given once");
        assert!(told(Some(Category::Authentication), &two, &["1234567890123456"]).expect("a reason").contains("15"));
        assert!(told(Some(Category::Authentication), std::slice::from_ref(&text), &["1", "2"]).is_some());
        assert!(told(None, &two, &["a", " \n"]).expect("a reason").starts_with("template.variables[1]: "));
        assert_eq!(told(None, std::slice::from_ref(&file), &["https://shop.example/a.pdf"]), None);
        assert!(told(None, &[file], &["a.pdf"]).expect("a reason").contains("template.variables[0]"));
        let (place, coupon) = (slot(Some(SlotKind::Location)), slot(Some(SlotKind::CouponCode)));
        assert_eq!(told(None, &[place.clone(), coupon.clone()], &["24.7136, 46.6753; Shop", "SAVE20"]), None);
        let why = told(None, &[place], &["King Fahd Road 1"]).expect("a reason");
        assert!(why.contains("template.variables[0]") && why.contains("latitude, longitude"), "{why}");
        assert!(told(None, &[coupon], &["ABCDEFGHIJKLMNOP"]).expect("a reason").contains("at most 15"));
    }
}
