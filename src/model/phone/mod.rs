//! Telephone numbers: one person, one spelling.
//!
//! A [`Phone`] is E.164 with its `+`, and whatever a shop, an ERP or a person wrote becomes it here, once, so that a
//! suppressed number is the same number in every spelling. The rules (contract: "Phones"):
//!
//! 1. What stands between the digits and which digits there are is decided in [`spelling`].
//! 2. `+` or `00` in front: international. Anything else without a default region: also international, unless it
//!    begins with 0, which is then refused because nobody can tell the country.
//! 3. With a default region: a leading 0 is the national form, read with the region's trunk prefix. A trunk prefix
//!    that is no zero (8 in Russia and Kazakhstan) counts only when the number then has exactly the region's length.
//!    All other bare digits stay international.
//! 4. A zero right after the country code, as in `+44 (0)20…`, is dropped where 0 is the trunk prefix and kept where it
//!    is a part of the number (Italy).
//! 5. Valid is what has 8 to 15 digits and an assigned calling code. What is finer than that only warns
//!    ([`Phone::warning`]), because numbering plans change more often than this program is updated.
//!
//! Ids that come from a provider (`966501234567@…`) are international: read them without a region.
//!
//! Logs never show a whole number: they print [`Phone::masked`], and `{:?}` does so by itself.
//! This folder must not know accounts, contacts or suppression.

mod codes;
mod region;
mod spelling;
#[cfg(test)]
mod tests;

use crate::model::{ids::ContactId, why::Why};
use codes::CallingCode;
pub use region::Region;
use std::fmt;

/// A telephone number in E.164: `+`, then 8 to 15 digits that begin with an assigned country calling code.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(String);

/// Fewest digits of a number, its country code included.
const MIN_DIGITS: usize = 8;
/// Most digits of a number, its country code included (E.164).
const MAX_DIGITS: usize = 15;

impl Phone {
    /// Reads a number as people write it. The region is the account's default one; without it only international
    /// spellings are understood. Allocates nothing but the result.
    ///
    /// # Errors
    /// A text that is no number, with what is wrong about it and what would be right.
    pub fn parse(text: &str, default_region: Option<Region>) -> Result<Self, PhoneError> {
        let scanned = spelling::scan(text)?;
        let digits = scanned.digits();
        if scanned.plus {
            return international(digits);
        }
        if let Some(rest) = digits.strip_prefix(&[0, 0]) {
            return international(rest);
        }
        match default_region {
            Some(region) => national(digits, region)?.map_or_else(|| international(digits), Ok),
            None if digits.first() == Some(&0) => Err(PhoneError::NoRegion),
            None => international(digits),
        }
    }

    /// With `+`: `+966501234567`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without `+`, as most providers want it: `966501234567`.
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }

    /// For logs: the first five characters, `****`, the last three. Of a short number less of the beginning is shown,
    /// so that four digits are always hidden.
    pub fn masked(&self) -> String {
        let tail = self.0.len() - 3;
        format!("{}****{}", &self.0[..(tail - 4).min(5)], &self.0[tail..])
    }

    /// The region that most numbers with this calling code belong to; none for satellites and the like.
    pub fn main_region(&self) -> Option<Region> {
        self.row().and_then(CallingCode::main_region)
    }

    /// What is unusual about a valid number: worth showing to a person, no reason to refuse it.
    pub fn warning(&self) -> Option<&'static str> {
        let row = self.row()?;
        let rest = self.digits().len() - row.code_len();
        if rest < row.min {
            return Some("this number is shorter than mobile and fixed-line numbers of its country");
        }
        (rest > row.max).then_some("this number is longer than mobile and fixed-line numbers of its country")
    }

    fn row(&self) -> Option<&'static CallingCode> {
        let first: [u8; 3] = *self.digits().as_bytes().first_chunk()?;
        codes::by_digits(&first.map(|b| b - b'0'))
    }
}

/// Digits that begin with a country code.
fn international(digits: &[u8]) -> Result<Phone, PhoneError> {
    check_len(digits.len())?;
    let row = codes::by_digits(digits).ok_or(PhoneError::UnknownCode)?;
    let (code, mut rest) = digits.split_at(row.code_len());
    // "+44 (0)20…". Only while a number remains: what is finer than length and code does not refuse.
    while row.drops_zero() && code.len() + rest.len() > MIN_DIGITS && rest.first() == Some(&0) {
        rest = &rest[1..];
    }
    Ok(written(row, rest))
}

/// Digits as they are dialled inside `region`; `None` when they are no national form.
fn national(digits: &[u8], region: Region) -> Result<Option<Phone>, PhoneError> {
    let row = region.row();
    let Some(rest) = without_trunk(digits, row) else {
        let zero = digits.first() == Some(&0);
        return if zero { Err(PhoneError::NoTrunk(region)) } else { Ok(None) };
    };
    check_len(row.code_len() + rest.len())?;
    if region.as_str() == "AR"
        && let Some(mobile) = argentine_mobile(rest)
    {
        return Ok(Some(written(row, &mobile)));
    }
    Ok(Some(written(row, rest)))
}

fn without_trunk<'a>(digits: &'a [u8], row: &CallingCode) -> Option<&'a [u8]> {
    if row.keeps_zero() {
        return (digits.first() == Some(&0)).then_some(digits);
    }
    row.trunks().find_map(|trunk| {
        let (head, rest) = digits.split_at_checked(trunk.len())?;
        let dialled = head.iter().zip(trunk.bytes()).all(|(d, t)| *d == t - b'0');
        // 8 also begins international numbers (Viet Nam, Japan): only the length tells.
        let certain = head.first() == Some(&0) || (row.min..=row.max).contains(&rest.len());
        (dialled && certain).then_some(rest)
    })
}

/// Argentine mobiles are dialled "area 15 subscriber" at home and "9 area subscriber" from abroad. An area code has
/// two digits (11), three or four, and the three parts have twelve together.
fn argentine_mobile(rest: &[u8]) -> Option<[u8; 11]> {
    let rest: &[u8; 12] = rest.try_into().ok()?;
    let area = (2..=4).find(|at| rest[*at..].starts_with(&[1, 5]) && (*at == 2) == rest.starts_with(&[1, 1]))?;
    let mut mobile = [9; 11];
    mobile[1..=area].copy_from_slice(&rest[..area]);
    mobile[area + 1..].copy_from_slice(&rest[area + 2..]);
    Some(mobile)
}

fn check_len(len: usize) -> Result<(), PhoneError> {
    match len {
        0..MIN_DIGITS => Err(PhoneError::TooShort(len)),
        MIN_DIGITS..=MAX_DIGITS => Ok(()),
        _ => Err(PhoneError::TooLong),
    }
}

fn written(row: &CallingCode, rest: &[u8]) -> Phone {
    let mut text = String::with_capacity(1 + row.code_len() + rest.len());
    text.push('+');
    for place in [100, 10, 1].into_iter().filter(|place| row.code >= *place) {
        text.push(digit((row.code / place % 10) as u8));
    }
    text.extend(rest.iter().map(|d| digit(*d)));
    Phone(text)
}

fn digit(value: u8) -> char {
    char::from(b'0' + value)
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl serde::Serialize for Phone {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

/// To whom a caller wants to send.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Recipient {
    /// A telephone number.
    Phone(Phone),
    /// `contact:ID`: somebody the gateway knows and whose number may be hidden.
    Contact(ContactId),
    /// A group or channel by its id. No caller's `phone` becomes one: groups have doors of their own.
    Group(String),
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(phone) => phone.fmt(f),
            Self::Contact(id) => write!(f, "contact:{id}"),
            Self::Group(id) => f.write_str(id),
        }
    }
}

impl Recipient {
    /// Reads what [`Recipient`] wrote: a number, a contact, or a group.
    ///
    /// # Errors
    /// None of these.
    pub fn stored(text: &str) -> Result<Self, PhoneError> {
        if text.contains('@') { Ok(Self::Group(text.to_owned())) } else { Self::parse(text, None) }
    }

    /// Reads a number, or `contact:` and the contact's number.
    ///
    /// # Errors
    /// As [`Phone::parse`]; or a `contact:` that is not followed by a positive integer.
    pub fn parse(text: &str, default_region: Option<Region>) -> Result<Self, PhoneError> {
        let Some(id) = text.trim().strip_prefix("contact:") else {
            return Phone::parse(text, default_region).map(Self::Phone);
        };
        // `i64::from_str` would take "+7" too; one contact has one spelling.
        let plain = id.bytes().next().is_some_and(|b| b != b'0') && id.bytes().all(|b| b.is_ascii_digit());
        let id = plain.then(|| id.parse().ok()).flatten().ok_or(PhoneError::Contact)?;
        Ok(Self::Contact(ContactId(id)))
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
    /// This many digits, and 8 are the least.
    #[error("a phone number has 8 to 15 digits, its country code included: this one has {0}")]
    TooShort(usize),
    /// More than 15 digits.
    #[error("a phone number has 8 to 15 digits, its country code included: this one has more")]
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

impl PhoneError {
    /// The same for the pages.
    pub fn why(self) -> Why {
        let (name, figures) = match self {
            Self::Empty => ("phone_empty", Vec::new()),
            Self::Character(sign) => ("phone_sign", vec![("sign", sign.to_string())]),
            Self::Plus => ("phone_plus", Vec::new()),
            Self::NoRegion => ("phone_no_region", Vec::new()),
            Self::NoTrunk(region) => ("phone_no_trunk", vec![("region", region.to_string())]),
            Self::TooShort(digits) => ("phone_short", vec![("digits", digits.to_string())]),
            Self::TooLong => ("phone_long", Vec::new()),
            Self::UnknownCode => ("phone_code", Vec::new()),
            Self::Contact => ("phone_contact", Vec::new()),
            Self::UnknownRegion => ("region_unknown", Vec::new()),
        };
        Why::new(name, figures, self.to_string())
    }
}
