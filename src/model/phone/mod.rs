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
//! 5. A spreadsheet's number (`966500000120.0`, `9.665E+11`) is none: its digits are not the phone's.
//! 6. Valid is what has 7 to 15 digits, an assigned calling code, and a length that numbers of its country can have or a
//!    form that WhatsApp itself uses there (`families.rs`). What is possible and rare only warns ([`Phone::unusual`]);
//!    an admin can let impossible lengths do so, too, because numbering plans change more often than this program.
//!
//! Numbers that come from a provider or from the database are taken as they are ([`Phone::known`]).
//!
//! Logs never show a whole number: they print [`Phone::masked`], and `{:?}` does so by itself.
//! This folder must not know accounts, contacts or suppression.

mod codes;
mod error;
mod families;
mod lengths;
mod listed;
mod region;
mod spelling;
#[cfg(test)]
mod tests;

use crate::model::ids::ContactId;
use codes::CallingCode;
pub use error::{PhoneError, Unusual};
pub use families::Kinship;
pub use lengths::Lengths;
pub use listed::Listed;
pub use region::Region;
use std::fmt;

/// A telephone number in E.164: `+`, then 7 to 15 digits that begin with an assigned country calling code.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(String);

/// Fewest digits of a number, its country code included.
const MIN_DIGITS: usize = 7;
/// Most digits of a number, its country code included (E.164).
const MAX_DIGITS: usize = 15;
/// Longest number without its leading 0 that is taken for one: at home nobody dials more.
const HOME_MAX: usize = 11;

/// How a written number is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PhoneReading {
    /// The account's default region; without it only international spellings are understood.
    pub region: Option<Region>,
    /// What is done with a length that no number of its country has.
    pub impossible: Impossible,
}

impl From<Option<Region>> for PhoneReading {
    fn from(region: Option<Region>) -> Self {
        Self { region, impossible: Impossible::Refuse }
    }
}

/// What is done with a number whose length no number of its country has (`guard.impossible_phone`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Impossible {
    /// It is refused.
    #[default]
    Refuse,
    /// It is taken, and said to be unusual.
    Warn,
}

impl Phone {
    /// Reads a number as people write it. Allocates nothing but the result.
    ///
    /// # Errors
    /// A text that is no number, with what is wrong about it and what would be right.
    pub fn parse(text: &str, how: impl Into<PhoneReading>) -> Result<Self, PhoneError> {
        let how = how.into();
        let phone = read(text, how.region)?;
        match phone.impossible() {
            Some((code, digits, possible)) if how.impossible == Impossible::Refuse => {
                let home = Self::without_zero(text, how.region).and(how.region);
                Err(PhoneError::Impossible { code, digits, possible, home })
            }
            _ => Ok(phone),
        }
    }

    /// A number as this program or a provider writes it: `+` and 7 to 15 digits, which are taken as they are.
    pub fn known(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let is_number = (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        (is_number && !digits.starts_with('0')).then(|| Self(text.to_owned()))
    }

    /// Bare digits as a number of `region` that has lost its leading 0, as spreadsheets drop it; none where they can
    /// be none. What [`Phone::parse`] reads in them is another number.
    pub fn without_zero(text: &str, region: Option<Region>) -> Option<Self> {
        let (scanned, row) = (spelling::scan(text).ok()?, region?.row());
        let digits = scanned.digits();
        let begins_with_code = codes::by_digits(digits).is_some_and(|of| of.code == row.code);
        let is_bare = !scanned.plus && digits.first() != Some(&0) && !begins_with_code;
        (is_bare && !row.keeps_zero() && digits.len() <= HOME_MAX && row.usual.has(digits.len()))
            .then(|| written(row, digits))
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

    /// What is unusual about the number: worth telling a person, no reason to refuse it.
    pub fn unusual(&self) -> Option<Unusual> {
        let row = self.row()?;
        let rest = self.digits().len() - row.code_len();
        if row.usual.has(rest) {
            return None;
        }
        if self.other_form().is_some() {
            return Some(Unusual::OldForm);
        }
        if !row.possible.has(rest) {
            return Some(Unusual::Impossible);
        }
        let is_longer = row.usual.each().all(|usual| usual < rest);
        Some(if is_longer { Unusual::Long } else { Unusual::Short })
    }

    /// The calling code, how many digits follow it, and how many could, of a number whose length no number of its
    /// country has and which is no form that WhatsApp uses there either.
    fn impossible(&self) -> Option<(u16, usize, Lengths)> {
        let row = self.row()?;
        let rest = self.digits().len() - row.code_len();
        (!row.possible.has(rest) && self.other_form().is_none()).then_some((row.code, rest, row.possible))
    }

    /// The country calling code, such as 966.
    pub fn calling_code(&self) -> Option<u16> {
        self.row().map(|row| row.code)
    }

    fn row(&self) -> Option<&'static CallingCode> {
        let first: [u8; 3] = *self.digits().as_bytes().first_chunk()?;
        codes::by_digits(&first.map(|b| b - b'0'))
    }
}

/// Reads a number of any length.
fn read(text: &str, region: Option<Region>) -> Result<Phone, PhoneError> {
    let scanned = spelling::scan(text)?;
    let digits = scanned.digits();
    if scanned.plus {
        return international(digits);
    }
    if let Some(rest) = digits.strip_prefix(&[0, 0]) {
        return international(rest);
    }
    match region {
        Some(region) => national(digits, region)?.map_or_else(|| international(digits), Ok),
        None if digits.first() == Some(&0) => Err(PhoneError::NoRegion),
        None => international(digits),
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
    // The 15 that is dialled at home does not belong behind a country code, and people write it there.
    if row.code == ARGENTINA
        && let Some(mobile) = argentine_mobile(rest.strip_prefix(&[9]).filter(|r| r.len() == 12).unwrap_or(rest))
    {
        return Ok(written(row, &mobile));
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
    if row.code == ARGENTINA
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
        let certain = head.first() == Some(&0) || row.usual.has(rest.len());
        (dialled && certain).then_some(rest)
    })
}

const ARGENTINA: u16 = 54;

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
    /// One spelling for whatever names the same account, to compare by: of a number that has two forms always the same.
    pub fn canonical(&self) -> String {
        match self {
            Self::Phone(phone) => phone.canonical().to_string(),
            other => other.to_string(),
        }
    }

    /// What is unusual about its number.
    pub fn unusual(&self) -> Option<Unusual> {
        match self {
            Self::Phone(phone) => phone.unusual(),
            Self::Contact(_) | Self::Group(_) => None,
        }
    }

    /// The same of a number that was read in `text`: also that it would be another one in the account's own country, whose
    /// people write it without a 0.
    pub fn unusual_as_written(&self, text: &str, how: PhoneReading) -> Option<Unusual> {
        let Self::Phone(phone) = self else { return None };
        let at_home = Phone::without_zero(text, how.region).filter(|home| home != phone);
        phone.unusual().or(at_home.map(|_| Unusual::PerhapsHome))
    }

    /// Reads what [`Recipient`] wrote: a number, a contact, or a group.
    ///
    /// # Errors
    /// None of these.
    pub fn stored(text: &str) -> Result<Self, PhoneError> {
        if text.contains('@') {
            return Ok(Self::Group(text.to_owned()));
        }
        Phone::known(text).map_or_else(|| Self::parse(text, None), |phone| Ok(Self::Phone(phone)))
    }

    /// Reads a number, or `contact:` and the contact's number.
    ///
    /// # Errors
    /// As [`Phone::parse`]; or a `contact:` that is not followed by a positive integer.
    pub fn parse(text: &str, how: impl Into<PhoneReading>) -> Result<Self, PhoneError> {
        let Some(id) = text.trim().strip_prefix("contact:") else {
            return Phone::parse(text, how).map(Self::Phone);
        };
        // `i64::from_str` would take "+7" too; one contact has one spelling.
        let plain = id.bytes().next().is_some_and(|b| b != b'0') && id.bytes().all(|b| b.is_ascii_digit());
        let id = plain.then(|| id.parse().ok()).flatten().ok_or(PhoneError::Contact)?;
        Ok(Self::Contact(ContactId(id)))
    }
}
