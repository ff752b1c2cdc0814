//! The pages of who runs the appliance: accounts and their people, reviews, the guard's figures, the machine.
//!
//! `app::routes::ROUTES` keeps everybody else out. The pages hold no rule: what is right and wrong is said by the slices.

pub mod account;
pub mod accounts;
pub mod audit;
pub mod egress;
pub mod policy;
pub mod requests;
pub mod reviews;
pub mod system;
pub mod threecx;
pub mod users;

use super::{PageContext, PageError, pages};
use crate::{
    model::clock::Time,
    store::{StoreError, WriteTx},
};

/// The end of the day that a form names, if it names one that is still to come.
///
/// # Errors
/// What was typed is no day, or is over: a text for the form.
fn end_of_day(v: &PageContext, name: &str) -> Result<Option<Time>, String> {
    match v.form.some(name) {
        None => Ok(None),
        Some(day) => match pages::messages::day_start(v, day, 1).filter(|end| *end > v.now) {
            Some(end) => Ok(Some(end)),
            None => Err(v.t("admin.day_bad").to_owned()),
        },
    }
}

/// The last day before `end`, as a form's field of days shows it.
fn day_before(v: &PageContext, end: Option<Time>) -> String {
    let last = end.map(|end| end.minus(std::time::Duration::from_millis(1)));
    last.map(|at| at.timestamp().to_zoned(v.time_zone.clone()).date().to_string()).unwrap_or_default()
}

/// A number that a form names; none where nothing was typed.
///
/// # Errors
/// What was typed is no whole number: a text for the form.
fn number(v: &PageContext, name: &str) -> Result<Option<u64>, String> {
    let typed = v.form.some(name).map(|text| text.replace([',', ' '], ""));
    typed.map(|text| text.parse().map_err(|_| v.t("admin.number_bad").to_owned())).transpose()
}

/// A segment of the path as a number.
///
/// # Errors
/// It is none, so nothing is there.
fn id<T: std::str::FromStr>(v: &PageContext, at: usize) -> Result<T, PageError> {
    v.segments.get(at).and_then(|text| text.parse().ok()).ok_or(PageError::NotFound)
}

/// One line of the audit about the appliance: what was done to what, and what it was before and is now.
pub(super) fn note(
    tx: &WriteTx<'_>,
    actor: &str,
    (action, target): (&str, &str),
    (before, after): (Option<&str>, &str),
    now: Time,
) -> Result<(), StoreError> {
    crate::accounts::audit::record(
        tx,
        now,
        &crate::accounts::audit::AuditEntry { actor, account: None, action, target, before, after: Some(after) },
    )
}
