//! Whose request it is: the Bearer key of contract 1.

use super::Incoming;
use crate::{
    accounts::{Caller, KeyProblem},
    gateway::Gateway,
};

/// The caller behind `Authorization: Bearer …`.
///
/// # Errors
/// No header, two of them, another scheme, an `x-api-key` beside it, or a key that is none: see [`KeyProblem`].
pub fn bearer(gateway: &Gateway, incoming: &Incoming) -> Result<Caller, KeyProblem> {
    gateway.accounts.ring().find(key_text(incoming)?, incoming.client_address(gateway), gateway.clock.now())
}

/// The text of the key that a request shows, in the one place where it may stand.
///
/// # Errors
/// There is none there.
pub fn key_text(incoming: &Incoming) -> Result<&str, KeyProblem> {
    if incoming.headers.contains_key("x-api-key") {
        return Err(KeyProblem::Invalid);
    }
    let header = incoming.header("authorization").ok_or(KeyProblem::Invalid)?;
    let (scheme, key) = header.split_once(' ').ok_or(KeyProblem::Invalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(KeyProblem::Invalid);
    }
    Ok(key.trim())
}
