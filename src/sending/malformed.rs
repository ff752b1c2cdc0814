//! What is wrong with a request that cannot be read: which fields, and of a phone, why it is none.

use super::Refusal;
use crate::model::{
    code::{Code, Details},
    phone::PhoneError,
};
use std::fmt;

/// The fields that are missing or malformed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Malformed {
    /// Their names, in the documented order.
    pub fields: Vec<&'static str>,
    /// Why the phone is none, where one was given.
    pub phone: Option<PhoneError>,
    /// What is wrong with the others, where more can be said than that.
    pub because: Vec<String>,
}

impl Malformed {
    /// The refusal of the request.
    pub fn refusal(self) -> Refusal {
        let reason = self.to_string();
        let Self { fields, phone, because } = self;
        let why: Vec<String> = phone.map(|problem| format!("phone: {problem}")).into_iter().chain(because).collect();
        let details = match why.is_empty() {
            true => Details::Fields(fields),
            false => Details::FieldsBecause(fields, why.join("; ")),
        };
        Refusal { gate: "request", details, ..Refusal::new(Code::ValidationError, reason) }
    }
}

impl std::error::Error for Malformed {}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "missing or malformed: {}", self.fields.join(", "))?;
        if let Some(problem) = &self.phone {
            write!(f, " (phone: {problem})")?;
        }
        self.because.iter().try_for_each(|why| write!(f, " ({why})"))
    }
}
