//! Messages with more than words: buttons, a list, a link, a place, a contact card. The bounds are Meta's (its reference of
//! interactive messages), and no other connector takes more.

use super::location::Location;
use serde::Serialize;
use std::borrow::Cow;

/// Most reply buttons of a message.
pub const BUTTONS_MAX: usize = 3;
/// Most rows of a list, over all its sections.
pub const ROWS_MAX: usize = 10;
/// Longest title of a button, in characters.
pub const BUTTON_TITLE_MAX: usize = 20;
/// Longest title of a row or a section, in characters.
pub const ROW_TITLE_MAX: usize = 24;
/// Longest description of a row, in characters.
pub const ROW_DESCRIPTION_MAX: usize = 72;
/// Longest text beside buttons or a link, in characters.
pub const BUTTON_TEXT_MAX: usize = 1024;
/// Longest line below, in characters.
pub const FOOTER_MAX: usize = 60;

/// A message with more than words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Structured {
    /// A text with buttons, one of which is the answer.
    Buttons {
        text: String,
        /// 1 to [`BUTTONS_MAX`].
        buttons: Vec<ReplyButton>,
        /// A small line below.
        footer: Option<String>,
    },
    /// A text with a list, one row of which is the answer.
    List {
        text: String,
        /// What opens the list.
        button: String,
        /// With 1 to [`ROWS_MAX`] rows together.
        sections: Vec<ListSection>,
        footer: Option<String>,
    },
    /// A text with a button that opens an address.
    Link { text: String, title: String, url: String, footer: Option<String> },
    /// A place.
    Location(Location),
    /// Somebody's card.
    Contact(ContactCard),
    /// A text with a button that shares the reader's own number.
    ContactRequest { text: String },
}

/// A button that is an answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ReplyButton {
    /// Comes back with the answer.
    pub id: String,
    pub title: String,
}

/// A part of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ListSection {
    /// None: the list has one section.
    pub title: Option<String>,
    pub rows: Vec<ListRow>,
}

/// A row of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ListRow {
    /// Comes back with the answer.
    pub id: String,
    pub title: String,
    pub description: Option<String>,
}

/// Whom a card is of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ContactCard {
    pub name: String,
    /// E.164 with the plus sign.
    pub phone: String,
    pub organization: Option<String>,
    pub email: Option<String>,
}

/// An angle, in ten-millionths of a degree: finer than any map.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Degrees(i64);

impl Degrees {
    /// An angle of at most `most` degrees to either side.
    pub fn new(degrees: f64, most: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "at most 1.8e9, and whole")]
        let parts = (degrees * 1e7).round() as i64;
        (degrees.is_finite() && degrees.abs() <= most).then_some(Self(parts))
    }

    /// In degrees.
    pub fn degrees(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "at most 1.8e9")]
        let parts = self.0 as f64;
        parts / 1e7
    }
}

impl Structured {
    /// The word for the log's `kind`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Buttons { .. } => "buttons",
            Self::List { .. } => "list",
            Self::Link { .. } => "link",
            Self::Location(_) => "location",
            Self::Contact(_) => "contacts",
            Self::ContactRequest { .. } => "contact_request",
        }
    }

    /// The field of the guarded API that asks for it.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Buttons { .. } => "buttons",
            Self::List { .. } => "list",
            Self::Link { .. } => "link_button",
            Self::Location(_) => "location",
            Self::Contact(_) => "contact",
            Self::ContactRequest { .. } => "contact_request",
        }
    }

    /// All words that people will read, a line each: for the log and the content policy.
    pub fn words(&self) -> Cow<'_, str> {
        let mut lines: Vec<Cow<'_, str>> = Vec::new();
        let mut footer_of = None;
        match self {
            Self::Buttons { text, buttons, footer } => {
                lines.push(text.into());
                lines.extend(buttons.iter().map(|button| Cow::from(&button.title)));
                footer_of = footer.as_ref();
            }
            Self::List { text, button, sections, footer } => {
                lines.extend([text.into(), button.into()]);
                for section in sections {
                    lines.extend(section.title.as_ref().map(Cow::from));
                    let rows = section.rows.iter().flat_map(|row| [Some(&row.title), row.description.as_ref()]);
                    lines.extend(rows.flatten().map(Cow::from));
                }
                footer_of = footer.as_ref();
            }
            Self::Link { text, title, url, footer } => {
                lines.extend([text.into(), title.into(), url.into()]);
                footer_of = footer.as_ref();
            }
            Self::Location(Location { latitude, longitude, name, address }) => {
                lines.extend([name, address].into_iter().flatten().map(Cow::from));
                lines.push(format!("{}, {}", latitude.degrees(), longitude.degrees()).into());
            }
            Self::Contact(ContactCard { name, phone, organization, email }) => {
                lines.extend([name.into(), phone.into()]);
                lines.extend([organization, email].into_iter().flatten().map(Cow::from));
            }
            Self::ContactRequest { text } => lines.push(text.into()),
        }
        lines.extend(footer_of.map(Cow::from));
        lines.join("\n").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_is_read_is_among_the_words() {
        let text = |text: &str| text.to_owned();
        let rows = vec![ListRow { id: text("1"), title: text("Morning"), description: Some(text("8 to 12")) }];
        let sections = vec![ListSection { title: Some(text("Monday")), rows }];
        let (button, footer) = (text("Choose"), Some(text("Shop")));
        let list = Structured::List { text: text("When?"), button, sections, footer: footer.clone() };
        assert_eq!(list.words(), "When?\nChoose\nMonday\nMorning\n8 to 12\nShop");
        let link = Structured::Link { text: text("Pay"), title: text("Open"), url: text("https://a.example"), footer };
        assert_eq!(link.words(), "Pay\nOpen\nhttps://a.example\nShop");
        let at = |degrees| Degrees::new(degrees, 90.0).expect("an angle");
        let (latitude, longitude) = (at(24.7136), at(-46.6753));
        let place = Structured::Location(Location { latitude, longitude, name: Some(text("Shop")), address: None });
        assert_eq!(place.words(), "Shop\n24.7136, -46.6753");
        for none in [90.1, -91.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Degrees::new(none, 90.0), None, "{none}");
        }
    }
}
