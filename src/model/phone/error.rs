//! What is wrong with a written number, and what is unusual about one that was taken: in words that say what would be right.

use super::{Lengths, Region};
use crate::model::why::Why;

/// What is unusual about a number that was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unusual {
    /// No number of its country has this length.
    #[error("no number of this country has so many digits")]
    Impossible,
    /// Possible, but no mobile or fixed-line number is so short.
    #[error("shorter than mobile and fixed-line numbers of its country")]
    Short,
    /// Possible, but no mobile or fixed-line number is so long.
    #[error("longer than mobile and fixed-line numbers of its country")]
    Long,
    /// Its country has given this form up; WhatsApp may still use it.
    #[error("an older form of the number, which WhatsApp may still use")]
    OldForm,
    /// Bare digits, read with a country code at their beginning, which the account's own country writes as a number of its
    /// own, too.
    #[error(
        "read with its country code in front; without one it would be a number of the account's own country: write a +"
    )]
    PerhapsHome,
}

impl Unusual {
    /// Its stable name, by which the pages say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Impossible => "impossible",
            Self::Short => "short",
            Self::Long => "long",
            Self::OldForm => "old_form",
            Self::PerhapsHome => "perhaps_home",
        }
    }
}

/// Why a text is no recipient. The texts never repeat the number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PhoneError {
    /// Nothing but spaces and separators.
    #[error("the phone number is empty: write it in international form, such as +966501234567")]
    Empty,
    /// A letter, or another character that phone numbers do not have.
    #[error(
        "a phone number has digits, with spaces, dashes, dots, slashes or brackets between them: {0:?} is none of these"
    )]
    Character(char),
    /// A `+` after the first digit, or a second one.
    #[error("a phone number has one '+' at most, and before its first digit, as in +966501234567")]
    Plus,
    /// It begins with 0, and the account has no default region.
    #[error(
        "the number begins with 0, a national form, and the account has no default region: write it with its country \
         code, such as +966501234567"
    )]
    NoRegion,
    /// It begins with 0, which numbers of the account's default region never do.
    #[error(
        "the number begins with 0, which numbers of {0} do not: write it with its country code, such as +966501234567"
    )]
    NoTrunk(Region),
    /// A number as a spreadsheet writes it when it takes a phone for an amount.
    #[error(
        "this is a spreadsheet's number, such as 966500000120.0 or 9.665E+11, and no phone number: make the column text \
         before the numbers are put in or exported"
    )]
    Spreadsheet,
    /// A length that no number of its country has.
    #[error(
        "a number with the country code +{code} has {possible} digits after it: this one has {digits}{}",
        at_home(*home)
    )]
    Impossible {
        /// The country calling code.
        code: u16,
        /// How many digits follow it.
        digits: usize,
        /// How many could.
        possible: Lengths,
        /// The account's region, where it would be a possible number with the 0 that it lacks.
        home: Option<Region>,
    },
    /// This many digits, and 7 are the least.
    #[error("a phone number has 7 to 15 digits, its country code included: this one has {0}")]
    TooShort(usize),
    /// More than 15 digits.
    #[error("a phone number has 7 to 15 digits, its country code included: this one has more")]
    TooLong,
    /// Its first digits are no calling code that the ITU has assigned.
    #[error("the number begins with no assigned country code: write it in international form, such as +966501234567")]
    UnknownCode,
    /// `contact:` without an id.
    #[error("'contact:' is followed by the contact's id, such as contact:42")]
    Contact,
    /// No region, see [`Region::parse`].
    #[error("a region is the two letters of a country, such as SA, GB or DE")]
    UnknownRegion,
}

fn at_home(region: Option<Region>) -> String {
    let zero = |r: Region| if r.row().drops_zero() { "with its leading 0 or " } else { "" };
    let hint = |r: Region| format!("; a number of {r} is written {}with +{}", zero(r), r.calling_code());
    region.map(hint).unwrap_or_default()
}

impl PhoneError {
    /// The same for the pages.
    pub fn why(self) -> Why {
        let (name, figures) = match self {
            Self::Empty => ("phone_empty", Vec::new()),
            Self::Character(sign) => ("phone_sign", vec![("sign", sign.to_string())]),
            Self::Plus => ("phone_plus", Vec::new()),
            Self::NoRegion => ("phone_no_region", Vec::new()),
            Self::NoTrunk(region) => ("phone_no_trunk", vec![("region", region.to_string())]),
            Self::Spreadsheet => ("phone_spreadsheet", Vec::new()),
            Self::Impossible { code, digits, possible, home } => {
                let figures = [("code", code.to_string()), ("digits", digits.to_string())];
                let mut figures: Vec<_> = figures.into_iter().chain([("possible", possible.figures())]).collect();
                figures.extend(home.map(|region| ("region", region.to_string())));
                (if home.is_some() { "phone_no_zero" } else { "phone_impossible" }, figures)
            }
            Self::TooShort(digits) => ("phone_short", vec![("digits", digits.to_string())]),
            Self::TooLong => ("phone_long", Vec::new()),
            Self::UnknownCode => ("phone_code", Vec::new()),
            Self::Contact => ("phone_contact", Vec::new()),
            Self::UnknownRegion => ("region_unknown", Vec::new()),
        };
        Why::new(name, figures, self.to_string())
    }
}
