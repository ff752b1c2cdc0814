//! Forms that come back with a problem: what was typed, chosen and ticked stands in them again.

use super::PageContext;
use crate::model::text::digit;
use std::{borrow::Borrow, fmt::Display};

impl PageContext {
    /// What stands in a field of a form: what was typed, where the form comes back with a problem; else what is stored.
    pub fn kept(&self, problem: &str, name: &str, stored: impl Display) -> String {
        if problem.is_empty() { stored.to_string() } else { self.form.raw(name).to_owned() }
    }

    /// The same of a box or an option: whether it is chosen.
    pub fn is_chosen_again(
        &self,
        problem: &str,
        name: &str,
        value: impl AsRef<str>,
        stored: impl Borrow<bool>,
    ) -> bool {
        if problem.is_empty() { *stored.borrow() } else { self.form.all(name).any(|chosen| chosen == value.as_ref()) }
    }
}

/// The digits of what somebody looks for, in whatever script they are written, as 0 to 9.
pub(super) fn digits(typed: &str) -> String {
    typed.chars().filter_map(digit).map(|value| char::from(b'0' + value)).collect()
}
