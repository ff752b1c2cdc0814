//! Contract 1: the guarded API. One file a route; the rules are in `sending`.

pub mod account;
mod event_reader;
pub mod events;
pub mod lists;
pub mod message;
pub mod paging;
pub mod people;
pub mod send_message;
mod upload;

use crate::{
    accounts::KeyProblem,
    model::code::Code,
    web::{Incoming, body, form, problem},
};
use ::http::Method;
use warp::reply::Response;

/// The refusal of a request without a key that is in force. In the contract's order a body that is no JSON comes before
/// the key.
pub fn no_key(incoming: &Incoming, problem: KeyProblem) -> Response {
    let kind = incoming.header("content-type");
    // Who cancels sends nothing along.
    let reads_body = incoming.method == Method::POST && !incoming.path.ends_with("/cancel");
    if reads_body && !body::is_json(kind) && !form::is_multipart(kind) {
        return problem::code(Code::UnsupportedMediaType);
    }
    problem::code(match problem {
        KeyProblem::Invalid => Code::InvalidApiKey,
        KeyProblem::Revoked => Code::RevokedApiKey,
        KeyProblem::Elsewhere => Code::AddressNotAllowed,
    })
}
