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
}

impl Malformed {
    /// The refusal of the request.
    pub fn refusal(self) -> Refusal {
        let reason = self.to_string();
        let Self { fields, phone } = self;
        let details = match phone {
            Some(problem) => Details::FieldsBecause(fields, format!("phone: {problem}")),
            None => Details::Fields(fields),
        };
        Refusal { gate: "request", details, ..Refusal::new(Code::ValidationError, reason) }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "missing or malformed: {}", self.fields.join(", "))?;
        match &self.phone {
            Some(problem) => write!(f, " (phone: {problem})"),
            None => Ok(()),
        }
    }
}
